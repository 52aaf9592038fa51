#!/usr/bin/env bash
# syslog-rfc5424-parser 0.3.2 (PyPI): of a parameter that is given twice only the last value is kept.
#
# Expected: both addresses of RFC 5424's own example, [origin ip="192.0.2.1" ip="192.0.2.129"], in whatever
# form; and values without the backslashes that escape ", \ and ] on the wire.
# Seen: one address, the last, and no error: structured data is a dictionary of dictionaries. The
# backslashes stay in the values, so "say \"hi\"" is written back with more of them each time.
# Source: syslog_rfc5424_parser/message.py; RFC 5424 sections 6.3.3, 7.2.1 and 7.2.5.
# Output seen on 2026-11-29, Python 3.11:
#   {'ip': '192.0.2.129'}
#   {'text': 'say \\"hi\\"'}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install syslog-rfc5424-parser==0.3.2
env/bin/python - <<'PY'
from syslog_rfc5424_parser import SyslogMessage

def read(name, data):
    parsed = SyslogMessage.parse(f"<14>1 2026-11-28T22:14:23Z host app - - [{name} {data}] alpha")
    print(parsed.sd[name])
    return parsed.sd[name]

assert read("origin", 'ip="192.0.2.1" ip="192.0.2.129"') == {"ip": "192.0.2.129"}
assert read("app@32473", r'text="say \"hi\""') == {"text": r'say \"hi\"'}
PY
