#!/usr/bin/env bash
# aprs3 8.0.0.post1 (PyPI): the altitude in a compressed position is read as course and speed.
#
# Expected: the last three characters S]S of a compressed position say: from a GGA sentence (the third, 50 when
# 33 is taken off, has the bits 10 for it), so an altitude, of 1.002 to the power of 4610: 10004 feet.
# Seen: no altitude, but a course of 200 degrees and a speed of 100 knots. The 33 is not taken off, and "%"
# stands where "&" belongs; and course and speed are read in any case. 7P[, which is a course of 88 degrees at
# 36 knots from another sentence, is right.
# Source: aprs/position.py, decode_position_compressed (comp_type % 0b11000); APRS Protocol Reference 1.0.1,
# chapter 9, "Altitude" and "The Compression Type (T) Byte".
# Output seen on 2026-11-29, Python 3.11:
#   7P[ altitude None course 88 speed 36
#   S]S altitude None course 200 speed 100
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aprs3==8.0.0.post1
env/bin/python - <<'PY'
from aprs import APRSFrame

seen = []
for end in ("7P[", "S]S"):
    info = APRSFrame.from_str(f"N0CALL>APRS:=/5L!!<*e7O{end}").info
    seen.append((info.altitude_ft, info.data_ext.course, round(info.data_ext.speed)))
    print(end, "altitude {} course {} speed {}".format(*seen[-1]))
assert seen == [(None, 88, 36), (None, 200, 100)]
PY
