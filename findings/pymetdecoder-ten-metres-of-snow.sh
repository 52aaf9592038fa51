#!/usr/bin/env bash
# pymetdecoder 0.2.2 (PyPI): patches of snow are ten metres deep.
#
# Expected: in the group 4E'sss of a SYNOP report sss is the depth of snow in centimetres, but 997 is less than
# half a centimetre, 998 a cover that is not continuous, and 999 a depth that could not be measured.
# Seen: 997, 998 and 999 cm, each of a continuous cover. The table has the three codes, and compares the
# report's text with numbers, which never match.
# Source: CodeTable3889 in pymetdecoder/code_tables.py; WMO No. 306, volume I.1, code table 3889.
# Output seen on 2026-11-29, Python 3.11:
#   012: depth 12 cm, continuous True, impossible False
#   997: depth 997 cm, continuous True, impossible False
#   998: depth 998 cm, continuous True, impossible False
#   999: depth 999 cm, continuous True, impossible False
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pymetdecoder==0.2.2
env/bin/python -W ignore - <<'PY'
from pymetdecoder import synop

seen = []
for code in ("012", "997", "998", "999"):
    report = f"AAXX 29064 06782 01682 11203 11012 333 41{code}"
    snow = synop.SYNOP().decode(report)["ground_state_snow"]["depth"]
    seen.append((snow["depth"], snow["continuous"], snow["impossible"]))
    print("{}: depth {} cm, continuous {}, impossible {}".format(code, *seen[-1]))
assert seen == [(depth, True, False) for depth in (12, 997, 998, 999)], seen
PY
