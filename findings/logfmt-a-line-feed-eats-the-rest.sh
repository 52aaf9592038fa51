#!/usr/bin/env bash
# logfmt 0.4 (PyPI): behind a text with an escaped line feed the rest of the line is lost, and the text is "true".
#
# Expected: level=info msg="one\ntwo" user=ann has a msg of two lines and a user; in path="C:\\temp" is one backslash.
# Seen: msg is True, as a key without a value is, and there is no user. A backslash is taken to escape the next
# quote, however far away, so the text does not end at its own. Only \" is read as it is written, by any
# writer that escapes backslashes and line feeds.
# Source: parse_line in logfmt/parser.py sets escaped at a backslash and clears it at a quote alone; go-logfmt,
# which writes and reads such lines, in jsonstring.go: quoted values are JSON strings, with \\, \n, \r and \t.
# Output seen on 2026-11-30, Python 3.11:
#   level=info msg="say \"hi\"" user=ann {'level': 'info', 'msg': 'say "hi"', 'user': 'ann'}
#   level=info msg="one\ntwo" user=ann {'level': 'info', 'msg': True}
#   level=info path="C:\\temp" user=ann {'level': 'info', 'path': True}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install logfmt==0.4
env/bin/python - <<'PY'
import logfmt

seen = []
for field in (r'msg="say \"hi\""', r'msg="one\ntwo"', r'path="C:\\temp"'):
    line = f"level=info {field} user=ann"
    seen.append(next(logfmt.parse([line])))
    print(line, seen[-1])
assert seen[0] == {"level": "info", "msg": 'say "hi"', "user": "ann"}, seen[0]
assert seen[1:] == [{"level": "info", "msg": True}, {"level": "info", "path": True}], seen[1:]
PY
