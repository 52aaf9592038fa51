#!/usr/bin/env bash
# adif-parser 0.2.6 (PyPI): a field with a data type is left out, and a serial number loses its zeros.
#
# Expected: <QSO_DATE:8:D>20261129 is the date, with or without the D, and STX_STRING and SRX_STRING, the
# exchange as it was sent and received, are the texts 001 and 012.
# Seen: QSO_DATE is missing, without an error, and with it any field that names its type, as loggers that write
# user-defined fields do. 001 and 012 are the numbers 1 and 12, and ADIFWriter writes them as such, so the
# contest's checker finds another exchange than the one on the air.
# Source: TAG_PATTERN and parse_one_line of adif_parser; ADIF 3.1.5, Data-Specifiers: the name, the
# length and an optional data type indicator; QSO Fields: STX_STRING and SRX_STRING are of type String.
# Output seen on 2026-11-29, Python 3.11:
#   {'CALL': 'N0CALL', 'QSO_DATE': '20261129', 'STX_STRING': 1, 'SRX_STRING': 12}
#   {'CALL': 'N0CALL', 'STX_STRING': 1, 'SRX_STRING': 12}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install adif-parser==0.2.6
env/bin/python - <<'PY'
import io

from adif_parser import ParseADIF

seen = []
for date in ("<QSO_DATE:8>20261129", "<QSO_DATE:8:D>20261129"):
    record = f"log <ADIF_VER:5>3.1.5 <EOH>\n<CALL:6>N0CALL {date} <STX_STRING:3>001 <SRX_STRING:3>012 <EOR>\n"
    seen.append(ParseADIF(io.StringIO(record)).contacts[0])
    print(seen[-1])
rest = {"CALL": "N0CALL", "STX_STRING": 1, "SRX_STRING": 12}
assert seen == [rest | {"QSO_DATE": "20261129"}, rest], seen
PY
