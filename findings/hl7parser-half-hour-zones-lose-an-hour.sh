#!/usr/bin/env bash
# hl7parser 0.7.5 (PyPI): written again, a time of Newfoundland is an hour later.
#
# Expected: str() of a parsed message has its time stamps as they came, or the same instants.
# Seen: -0330 comes out as -0430, with the time of day unchanged: another instant. The parsed datetime is
# right, and so are whole hours and zones east of Greenwich. Newfoundland and the Marquesas are concerned.
# Source: HL7Datetime in hl7parser/hl7_data_types.py (floor division of a negative offset); HL7 2.5,
# section 2.A.77: +/-ZZZZ.
# Output seen on 2026-11-29, Python 3.11:
#   20261129120000-0330 is 2026-11-29 12:00:00-03:30, written 20261129120000-0430
#   20261129120000-0500 is 2026-11-29 12:00:00-05:00, written 20261129120000-0500
#   20261129120000+0530 is 2026-11-29 12:00:00+05:30, written 20261129120000+0530
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hl7parser==0.7.5
env/bin/python - <<'PY'
from hl7parser.hl7 import HL7Message

written = []
for zone in ("-0330", "-0500", "+0530"):
    stamp = "20261129120000" + zone
    message = HL7Message(f"MSH|^~\\&|A|B|C|D|{stamp}||ADT^A01|1|P|2.5\rPID|1||12345\r")
    field = message.msh.message_datetime[0]
    again = str(message).split("|")[6]
    print(stamp, "is", field.datetime, "written", again, sep=" ")
    written.append(again[-5:])
assert written == ["-0430", "-0500", "+0530"], written
PY
