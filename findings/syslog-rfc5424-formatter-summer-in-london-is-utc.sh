#!/usr/bin/env bash
# syslog-rfc5424-formatter 1.2.3 (PyPI): in summer London's time of day is sent as UTC, an hour ahead.
#
# Expected: noon UTC on the first of July is 13:00:00+01:00 in London and in Lisbon, or 12:00:00Z.
# Seen: 13:00:00Z, an hour that has not come yet: each message from March to October is dated an hour late, and
# a receiver that refuses messages from the future refuses them all. In winter it is right. Z is written
# wherever the zone's standard time is that of Greenwich. Elsewhere the offset is that of the day of formatting,
# so a record of July that is formatted in November is an hour off in Paris, too.
# Source: RFC5424Formatter.format (asks for time.timezone, which says nothing about summer time, and for
# strftime("%z") of now); RFC 5424, section 6.2.3, TIMESTAMP, by way of RFC 3339: Z is UTC.
# Output seen on 2026-11-30, Python 3.11:
#   Europe/London: July 2026-07-01T13:00:00Z, November 2026-11-30T12:00:00Z
#   Europe/Lisbon: July 2026-07-01T13:00:00Z, November 2026-11-30T12:00:00Z
#   Asia/Kolkata: July 2026-07-01T17:30:00+05:30, November 2026-11-30T17:30:00+05:30
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install syslog-rfc5424-formatter==1.2.3
env/bin/python - <<'PY'
import logging
import os
import time

from syslog_rfc5424_formatter import RFC5424Formatter

JULY, NOVEMBER = 1782907200, 1796040000  # 12:00:00 UTC on 2026-07-01 and 2026-11-30


def stamp(created):
    record = logging.LogRecord("app", logging.INFO, "app.py", 1, "alpha", (), None)
    record.created = created
    return RFC5424Formatter().format(record).split()[1]


seen = []
for zone in ("Europe/London", "Europe/Lisbon", "Asia/Kolkata"):
    os.environ["TZ"] = zone
    time.tzset()
    seen.append((stamp(JULY), stamp(NOVEMBER)))
    print(f"{zone}: July {seen[-1][0]}, November {seen[-1][1]}")
assert seen[:2] == [("2026-07-01T13:00:00Z", "2026-11-30T12:00:00Z")] * 2
assert seen[2] == ("2026-07-01T17:30:00+05:30", "2026-11-30T17:30:00+05:30")
PY
