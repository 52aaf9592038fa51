#!/usr/bin/env bash
# aprslib 0.7.2 (PyPI): a weather report without a position is refused when it freezes.
#
# Expected: t-07 (seven degrees below zero Fahrenheit) is read like t077, as in a report with a position.
# Seen: an error for the whole report, so a station falls silent below zero and comes back when it thaws. In
# a report with a position, t-07 is read, but the wind 220/004 is given as the station's course and speed.
# Source: aprslib/parsing/weather.py; APRS Protocol Reference 1.0.1, chapter 12 (below zero: -01 to -99).
# Output seen on 2026-11-29, Python 3.11:
#   without a position, t077: 25.0
#   without a position, t-07: ParseError('invalid positionless weather report format')
#   with a position, t-07: -21.7 course 220 wind_direction None
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aprslib==0.7.2
env/bin/python - <<'PY'
import aprslib

def parse(report):
    return aprslib.parse("N0CALL>APRS:" + report)

warm = parse("_10090556c220s004g005t077r000p000P000h50b09900wRSW")["weather"]["temperature"]
print("without a position, t077:", warm)
refusal = None
try:
    parse("_10090556c220s004g005t-07r000p000P000h50b09900wRSW")
except aprslib.ParseError as error:
    refusal = error
print("without a position, t-07:", repr(refusal))
placed = parse("!4903.50N/07201.75W_220/004g005t-07r000p000P000h50b09900wRSW")
cold, wind = round(placed["weather"]["temperature"], 1), placed["weather"].get("wind_direction")
print("with a position, t-07:", cold, "course", placed["course"], "wind_direction", wind)
assert warm == 25.0 and refusal and (cold, placed["course"], wind) == (-21.7, 220, None)
PY
