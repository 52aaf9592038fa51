#!/usr/bin/env bash
# pynmea2 1.19.0 (PyPI): the minutes of a negative time zone count against its hours.
#
# Expected: a ZDA sentence with the zone -03,30 (Newfoundland) is three and a half hours behind UTC; the
# minutes field is 00 to 59 and has no sign of its own, so it takes the sign of the hours.
# Seen: two and a half hours behind: minus three hours plus thirty minutes. East of Greenwich it is right.
# Source: pynmea2/types/talker.py, class ZDA, tzinfo; Trimble's page "NMEA-0183 message: ZDA" (hours -5 and
# minutes +15 mean five hours and fifteen minutes earlier than GMT).
# Output seen on 2026-11-29, Python 3.11:
#   -03,30 2002-07-04T17:45:30-02:30
#   05,30 2002-07-05T01:45:30+05:30
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pynmea2==1.19.0
env/bin/python - <<'PY'
from functools import reduce
import pynmea2

def local_time(zone):
    body = f"GPZDA,201530.00,04,07,2002,{zone}"
    checksum = reduce(lambda sum, byte: sum ^ byte, body.encode(), 0)
    return pynmea2.parse(f"${body}*{checksum:02X}", check=True).localdatetime.isoformat()

seen = {zone: local_time(zone) for zone in ("-03,30", "05,30")}
for zone, time in seen.items():
    print(zone, time)
assert seen == {"-03,30": "2002-07-04T17:45:30-02:30", "05,30": "2002-07-05T01:45:30+05:30"}
PY
