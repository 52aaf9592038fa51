#!/usr/bin/env bash
# pymetaf 1.1.1 (PyPI): a visibility of a quarter of a mile is four miles.
#
# Expected: M1/4SM in fog is less than a quarter of a statute mile, 402 m; 1/2SM is 805 m, and 1 1/2SM is 2414 m.
# Seen: 6437 m, 3218 m and 3218 m. The figure that is looked for is the one before SM, with a boundary of a word
# in front, and a stroke is one, so the numerator is left out: the denser the fog, the better the visibility.
# Also A2992, 29.92 inches, is 101320 hPa, though Q1013 is 1013.
# Source: FIELD_PATTERNS["vis"] in pymetaf/parser.py; FMH-1, section 12.6.6, the visibility group: statute miles
# and fractions of them, with M for "less than" at automated stations.
# Output seen on 2026-11-30, Python 3.11:
#   M1/4SM: 6437 m
#   1/2SM: 3218 m
#   1 1/2SM: 3218 m
#   2SM: 3218 m
#   A2992: 101320 hPa
#   Q1013: 1013 hPa
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pymetaf==1.1.1
env/bin/python - <<'PY'
from pymetaf import parse_text

seen = []
for visibility in ("M1/4SM", "1/2SM", "1 1/2SM", "2SM"):
    report = parse_text(f"METAR KXYZ 291251Z 04005KT {visibility} FG OVC002 03/03 A2992 NOSIG=", 2026, 11)
    seen.append(report["visibility"])
    print(f"{visibility}: {report['visibility']} {report['visibility_units']}")
for pressure, value in (("A2992", 101320), ("Q1013", 1013)):
    report = parse_text(f"METAR KXYZ 291251Z 04005KT 2SM FG OVC002 03/03 {pressure} NOSIG=", 2026, 11)
    print(f"{pressure}: {report['qnh']} {report['qnh_units']}")
    assert (report["qnh"], report["qnh_units"]) == (value, "hPa")
assert seen == [6437, 3218, 3218, 3218]
PY
