#!/usr/bin/env bash
# metar-decoder 1.0.2 (PyPI): the day's maximum is the temperature of now, and its minimum is the dew point.
#
# Expected: T00281006 in the remarks of an American report is the temperature and the dew point of the hour, to a
# tenth of a degree: 2.8 and -0.6. The extremes of 24 hours are in 401280044: 12.8 and 4.4.
# Seen: of the first, a maximum of 2.8 and a minimum of -0.6 in 24 hours; of the second, none. A station that sends
# both, as it does at midnight, has had frost in a night of four degrees.
# Source: METAR_REGEX["extreme_temps"] and MetarDecoder.parse; FMH-1, section 12.7.2, additive data: the hourly
# temperature and dew point begin with T, the 24-hour maximum and minimum with 4.
# Output seen on 2026-11-30, Python 3.11:
#   T00281006: max 2.8 min -0.6
#   401280044: max None min None
#   T00281006 401280044: max 2.8 min -0.6
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install metar-decoder==1.0.2
env/bin/python - <<'PY'
from metar_decoder.decoder import MetarDecoder

seen = []
for remarks in ("T00281006", "401280044", "T00281006 401280044"):
    report = MetarDecoder(f"KXYZ 290451Z 04005KT 10SM FEW250 03/M01 A2992 RMK AO2 {remarks}").to_flat_dict()
    seen.append((report["temp_max_24h_c"], report["temp_min_24h_c"]))
    print(f"{remarks}: max {seen[-1][0]} min {seen[-1][1]}")
assert seen == [(2.8, -0.6), (None, None), (2.8, -0.6)]
PY
