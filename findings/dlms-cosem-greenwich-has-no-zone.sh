#!/usr/bin/env bash
# dlms-cosem 25.1.0 (PyPI): a meter whose clock runs on UTC has no time zone.
#
# Expected: a deviation of 0 minutes is UTC, -60 is an hour east of it, and 8000 (hexadecimal) is "not specified":
# the first two are times with a zone, the third is one without.
# Seen: 0 is one without, like 8000. timestamp() takes it for a time of the reader's own zone, five hours off in
# New York, and subtracting two meters' times from each other is a TypeError when one of them is on UTC. A time
# in UTC that the package writes itself comes back without its zone.
# Source: utc_offset_minutes in dlms_cosem/time.py (asks whether the number is true); DLMS UA 1000-1 (Blue Book),
# section 4.1.6.1: deviation -720 to 720 minutes, 8000h is not specified.
# Output seen on 2026-11-30, Python 3.11:
#   deviation -60: 2026-11-29 13:00:00+01:00 is 1795953600
#   deviation 0: 2026-11-29 12:00:00 is 1795971600
#   deviation 8000h: 2026-11-29 12:00:00 is 1795971600
#   written 2026-11-29 12:00:00+00:00, read 2026-11-29 12:00:00
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install dlms-cosem==25.1.0
TZ=America/New_York env/bin/python - <<'PY'
from datetime import datetime, timezone

from dlms_cosem.time import datetime_from_bytes, datetime_to_bytes

seen = []
for name, hour, deviation in (("-60", 13, -60), ("0", 12, 0), ("8000h", 12, -32768)):
    date = bytes([2026 >> 8, 2026 & 255, 11, 29, 0xFF, hour, 0, 0, 0])
    time, _ = datetime_from_bytes(date + deviation.to_bytes(2, "big", signed=True) + b"\0")
    seen.append((time.tzinfo is None, int(time.timestamp())))
    print(f"deviation {name}: {time} is {seen[-1][1]}")
noon = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
again, _ = datetime_from_bytes(datetime_to_bytes(noon))
print(f"written {noon}, read {again}")
right = int(noon.timestamp())
assert seen == [(False, right), (True, right + 5 * 3600), (True, right + 5 * 3600)], seen
assert again == noon.replace(tzinfo=None)
PY
