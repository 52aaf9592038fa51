#!/usr/bin/env bash
# scpi-protocol 0.2.0 (PyPI): a text with a question mark is a query, and one with a semicolon is two commands.
#
# Expected: DISP:TEXT "ready? go;stop" is one command, which writes its text on the instrument's display.
# Seen: on the client's side a query, for whose answer a program waits in vain, and a command. On the instrument's
# side two requests: a query DISP:TEXT, with a quotation mark and "ready go" without the question mark, and a
# command that is called stop and a quotation mark.
# Source: sanitize_msgs and split_line in scpi/__init__.py split at each semicolon and look for a question mark
# anywhere; IEEE 488.2, section 7.7.5, string program data: any character between two quotation marks.
# Output seen on 2026-11-30, Python 3.11:
#   sent: DISP:TEXT "ready? go;stop"
#   queries: ['DISP:TEXT "ready? go']
#   Request(name='DISP:TEXT', args='"ready go', query=True)
#   Request(name='stop"', args='', query=False)
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install scpi-protocol==0.2.0 numpy==2.3.5
env/bin/python - <<'PY'
import scpi

line = 'DISP:TEXT "ready? go;stop"'
_, queries, _ = scpi.sanitize_msgs(line)
requests = scpi.split_line(line)
print("sent:", line)
print("queries:", queries)
for request in requests:
    print(request)
assert queries == ['DISP:TEXT "ready? go']
assert [tuple(request) for request in requests] == [("DISP:TEXT", '"ready go', True), ('stop"', "", False)]
PY
