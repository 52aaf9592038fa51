#!/usr/bin/env bash
# py8583 1.3 (PyPI): the zeros at the head of an institution's code are lost, and its length changes.
#
# Expected: a message that is parsed and built again without a change is the same message. Field 32, the
# acquirer's identification code, is 00123456: digits of variable length, not a quantity.
# Seen: 123456, with the length 06 in the built message for 08 in the parsed one, so a host that forwards
# a request names another institution. Fields 2 (the account's number), 33, 99 and 100 are of the same kind.
# Those of fixed length get their zeros back.
# Source: ParseField in py8583/py8583.py turns each numeric field into an int; ISO 8583:1987, field 32: n..11,
# LLVAR.
# Output seen on 2026-11-29, Python 3.11:
#   parsed: 0100 3020000100000000 000000 000000001000 000123 08 00123456
#   field 32: 123456
#   built:  0100 3020000100000000 000000 000000001000 000123 06 123456
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps py8583==1.3
env/bin/python - <<'PY'
from py8583.py8583 import Iso8583
from py8583.py8583spec import IsoSpec1987ASCII

def parts(message):
    text = message.decode()
    ends = (0, 4, 20, 26, 38, 44, 46, len(text))
    return " ".join(text[start:end] for start, end in zip(ends, ends[1:]))

# an authorization request: processing code, amount, trace number, acquirer
parsed = b"0100" b"3020000100000000" b"000000" b"000000001000" b"000123" b"0800123456"
message = Iso8583(parsed, IsoSpec1987ASCII())
built = message.BuildIso()
print("parsed:", parts(parsed))
print("field 32:", message.FieldData(32))
print("built: ", parts(built))
assert message.FieldData(32) == 123456
assert built == parsed[:-10] + b"06123456", built
PY
