#!/usr/bin/env bash
# aiosyslogd 1.5.0 (PyPI): a message from a clock that is five seconds fast is dated a year ago.
#
# Expected: an RFC 3164 time has no year; the server takes the one that makes it nearest to now, so a time of five
# seconds from now is of this year, and in January one of December is of last year.
# Seen: what is later than the server's clock is of last year, be it by a second. Of a switch whose clock is a
# little fast each message has a DeviceReportedTime of a year ago, so that a search of the last hour by that
# time finds none of them. From a clock that is slow they are right.
# Source: convert_rfc3164_to_rfc5424 in aiosyslogd/rfc5424.py (dt_naive > now); RFC 3164, section 4.1.2: Mmm dd
# hh:mm:ss in the sender's local time.
# Output seen on 2026-11-30, Python 3.11:
#   -5 seconds: this year
#   5 seconds: last year
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps \
    aiosyslogd==1.5.0 loguru==0.7.3 toml==0.10.2 aiosqlite==0.21.0
env/bin/python - 2>/dev/null <<'PY'
from datetime import datetime, timedelta

from aiosyslogd.rfc5424 import normalize_to_rfc5424

seen = []
for seconds in (-5, 5):
    sent = datetime.now() + timedelta(seconds=seconds)
    message = f"<14>{sent:%b} {sent.day:2} {sent:%H:%M:%S} host app[1]: alpha"
    read = datetime.fromisoformat(normalize_to_rfc5424(message).split()[1].replace("Z", "+00:00")).astimezone()
    seen.append({0: "this year", 1: "last year"}[sent.year - read.year])
    print(f"{seconds} seconds: {seen[-1]}")
assert seen == ["this year", "last year"]
PY
