#!/usr/bin/env bash
# aprs3 8.0.0.post1 (PyPI): of the altitudes in comments only those below sea level are read.
#
# Expected: /A=001234 in the comment of a position is an altitude of 1234 feet.
# Seen: there is no altitude (None): the pattern demands a minus sign. /A=-00012 is -12. What the package
# itself writes for a position with an altitude, it does not read back.
# Source: aprs/position.py, ALTITUDE_REX; APRS Protocol Reference 1.0.1, chapter 6, "Altitude".
# Output seen on 2026-11-29, Python 3.11:
#   /A=001234 None
#   /A=-00012 -12
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aprs3==8.0.0.post1
env/bin/python - <<'PY'
from aprs import APRSFrame

seen = []
for comment in ("/A=001234", "/A=-00012"):
    frame = APRSFrame.from_str(f"N0CALL>APRS:!4903.50N/07201.75W-{comment}")
    seen.append(frame.info.altitude_ft)
    print(comment, seen[-1])
assert seen == [None, -12]
PY
