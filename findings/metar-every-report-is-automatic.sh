#!/usr/bin/env bash
# metar 2.0.2 (PyPI): a report that an observer made is called automatic.
#
# Expected: mod is None, or another word than for a station's, for a report without the group AUTO; string()
# says "automatic report" for a report with it, and for no other.
# Seen: both say AUTO and "automatic report", and the text of the manual report gets "AUTO" at its end, so
# neither the field nor the text tells which reports were observed.
# Source: Metar.py sets mod to "AUTO" before it reads the groups; WMO No. 306, FM 15: AUTO stands in a
# report that no person had a part in.
# Output seen on 2026-11-29, Python 3.11:
#   observed: AUTO / type: routine report, cycle 6 (automatic report)
#   automatic: AUTO / type: routine report, cycle 6 (automatic report)
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install metar==2.0.2
env/bin/python - <<'PY'
from metar.Metar import Metar

seen = []
for kind, group in (("observed", ""), ("automatic", "AUTO ")):
    report = Metar(f"METAR EGLL 290620Z {group}24010KT 9999 NSC 05/03 Q1013", month=11, year=2026)
    line = next(line for line in report.string().splitlines() if line.startswith("type"))
    print(f"{kind}: {report.mod} / {line}")
    seen.append((report.mod, line))
assert seen[0] == seen[1] and seen[0][0] == "AUTO" and "automatic" in seen[0][1]
PY
