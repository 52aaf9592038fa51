#!/usr/bin/env bash
# smspdudecoder 2.2.0 (PyPI): a sender of seven letters has an @ behind it.
#
# Expected: a sender that is a name has its length in front of it: 0D, thirteen half octets that are in use,
# have room for seven letters of seven bits, and of the seventh octet seven bits are left over.
# Seen: the bits that are left over are an eighth letter; seven zero bits are @. Six letters or eight leave too
# few, so some names are right and others are not, and a list of known senders has no "Weather@". The text of
# the message, whose length is heeded, is right.
# Source: Address.decode in smspdudecoder/fields.py; 3GPP TS 23.040, section 9.1.2.5: the length of an address
# is the number of useful semi-octets, also of one that is alphanumeric.
# Output seen on 2026-11-30, Python 3.11:
#   Banker -> Banker
#   Weather -> Weather@
#   Airlines -> Airlines
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install smspdudecoder==2.2.0 bitstring==4.2.3
env/bin/python - <<'PY'
from io import StringIO

from smspdudecoder.fields import SMSDeliver


def pack(text):
    """In seven bits a letter; ASCII letters have the same codes in the GSM alphabet."""
    bits = sum(ord(letter) << 7 * place for place, letter in enumerate(text))
    return bits.to_bytes((7 * len(text) + 7) // 8, "little").hex().upper()


def deliver(sender, text):
    useful = (7 * len(sender) + 3) // 4
    return f"0004{useful:02X}D0{pack(sender)}000062119221000000{len(text):02X}{pack(text)}"


seen = []
for sender in ("Banker", "Weather", "Airlines"):
    message = SMSDeliver.decode(StringIO(deliver(sender, "storm tonight")))
    assert message["user_data"]["data"] == "storm tonight"
    seen.append(message["sender"]["number"])
    print(sender, "->", seen[-1])
assert seen == ["Banker", "Weather@", "Airlines"]
PY
