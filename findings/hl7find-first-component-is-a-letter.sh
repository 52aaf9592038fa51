#!/usr/bin/env bash
# hl7find 1.0.2 (PyPI): the first component of a field with one component is its first letter.
#
# Expected: PID.5.1, the family name, is EVERYWOMAN whether a given name follows or not: a field without a
# component separator is its first component.
# Seen: EVERYWOMAN^EVE gives EVERYWOMAN, EVERYWOMAN alone gives E, and PID.5.2, which is not there, gives V.
# So a patient's identifier 12345 without its assigning authority is 1 at PID.3.1.
# Source: _find_with_int in hl7find/hl7find.py (takes a place in a list and in a text alike); HL7 2.5, chapter
# 2, on the construction of messages: components that are missing at the end of a field need no separators.
# Output seen on 2026-11-29, Python 3.11:
#   12345^^^A / EVERYWOMAN^EVE: PID.3.1 12345 PID.5.1 EVERYWOMAN PID.5.2 EVE
#   12345 / EVERYWOMAN: PID.3.1 1 PID.5.1 E PID.5.2 V
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hl7find==1.0.2
env/bin/python - <<'PY'
from hl7find import hl7find

seen = []
for number, name in (("12345^^^A", "EVERYWOMAN^EVE"), ("12345", "EVERYWOMAN")):
    text = f"MSH|^~\\&|A|B|C|D|20261129120000||ADT^A01|1|P|2.5\rPID|1||{number}||{name}\r"
    message = hl7find.HL7Message(text)
    found = [(place, message.find(place)) for place in ("PID.3.1", "PID.5.1", "PID.5.2")]
    seen.append([value for _, value in found])
    print(f"{number} / {name}:", *(word for pair in found for word in pair))
assert seen == [["12345", "EVERYWOMAN", "EVE"], ["1", "E", "V"]], seen
PY
