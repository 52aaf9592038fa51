#!/usr/bin/env bash
# iec62056 0.5.1 (PyPI): a time in summer and one in winter have the same zone, that of the day of parsing.
#
# Expected: 170609063239S, daylight saving time in the log of power failures, is 04:32:39 UTC in the
# Netherlands, and 180104231941W is 22:19:41 UTC. The letter tells which is which.
# Seen: both get the offset from UTC that holds now, so on a day in winter each time in summer is an hour off,
# and on a day in summer each time in winter. In the hour that comes twice in autumn the letter, which alone
# tells the two apart, is dropped.
# Source: timestamp in iec62056/objects.py (a comment there leaves the letter to the local zone, but the offset is
# that of now, not that of the time); DSMR 5.0.2 P1 companion standard, format TST: YYMMDDhhmmssX, X is
# S when daylight saving time is active, else W.
# Output seen on 2026-11-29, Python 3.11:
#   summer and winter have the same offset: True
#   02:30 before and after the change have the same instant: True
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install iec62056==0.5.1
TZ=Europe/Amsterdam env/bin/python - <<'PY'
from iec62056.parser import Parser

def times(summer, winter):
    telegram = (
        "/ISK5\\2M550T-1012\r\n\r\n"
        f"0-0:1.0.0({winter})\r\n"
        f"1-0:99.97.0(1)(0-0:96.7.19)({summer})(0000000267*s)\r\n"
        "!D82C\r\n"
    )
    now, log = Parser().parse(telegram).objects
    return log.entries[0][0].timestamp, now.value

summer, winter = times("170609063239S", "180104231941W")
same_offset = summer.utcoffset() == winter.utcoffset()
print("summer and winter have the same offset:", same_offset)
before, after = times("171029023000S", "171029023000W")
same_instant = before == after
print("02:30 before and after the change have the same instant:", same_instant)
assert summer.utcoffset() and same_offset and same_instant, (summer, winter, before, after)
PY
