#!/usr/bin/env bash
# aioax25 0.0.11.post0 (PyPI): a station less than a degree west of Greenwich is east of it.
#
# Expected: 00007.50W, in the west of London, is -0.125 degrees, and written again it is 00007.50W; 0013.50S, near
# Quito, is -0.225 degrees.
# Seen: 0.125 and 00007.50E, 0.225 and 0013.50N. The sign is kept with the degrees, and there is no minus zero. From
# one degree on all is right.
# Source: APRSSexagesimal in aioax25/aprs/position.py (degrees = sign * degrees, a whole number); APRS Protocol
# Reference 1.0.1, chapter 6, "Longitude Format": degrees, minutes, and E for east or W for west.
# Output seen on 2026-11-30, Python 3.11:
#   5130.00N/00107.50W-: 51.5 -1.125, again 5130.00N/00107.50W-
#   5130.00N/00007.50W-: 51.5 0.125, again 5130.00N/00007.50E-
#   0013.50S/07830.00W-: 0.225 -78.5, again 0013.50N/07830.00W-
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aioax25==0.0.11.post0
env/bin/python - <<'PY'
from aioax25.aprs.position import APRSUncompressedCoordinates

seen = []
for text in ("5130.00N/00107.50W-", "5130.00N/00007.50W-", "0013.50S/07830.00W-"):
    place = APRSUncompressedCoordinates.decode(text)
    seen.append((round(place.lat.decimaldegrees, 6), round(place.lng.decimaldegrees, 6), str(place)))
    print(f"{text}:", "{} {}, again {}".format(*seen[-1]))
assert seen == [
    (51.5, -1.125, "5130.00N/00107.50W-"),
    (51.5, 0.125, "5130.00N/00007.50E-"),
    (0.225, -78.5, "0013.50N/07830.00W-"),
], seen
PY
