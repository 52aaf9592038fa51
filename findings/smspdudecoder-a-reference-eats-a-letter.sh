#!/usr/bin/env bash
# smspdudecoder 2.2.0 (PyPI): of one long message in 128 each part lacks its first letter.
#
# Expected: a part of a long message begins with a header of seven octets, of which two are a number that
# the parts have in common, and its text begins behind them, whatever the number is.
# Seen: with the numbers B001, B009, B011 and so on, 512 of 65536, "hello" is "ello" in every part. The header is
# decoded as text together with what follows, and cut off as eight letters; where seven of its bits are
# 1B, the escape of the GSM alphabet, two of the eight are one letter.
# Source: UserData.decode in smspdudecoder/fields.py (the header's septets are counted in decoded letters); 3GPP
# TS 23.040, section 9.2.3.24: the header is octets, fill bits and then the text.
# Output seen on 2026-11-30, Python 3.11:
#   number B000: hello
#   number B001: ello
#   from B000 to BFFF with a wrong text: 512
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install smspdudecoder==2.2.0 bitstring==4.2.3
env/bin/python - <<'PY'
from io import StringIO

from smspdudecoder.fields import UserData

CONTEXT = {"header": {"udhi": True}, "dcs": {"encoding": "gsm"}}
TEXT = "hello"  # ASCII letters have the same codes in the GSM alphabet


def read(number):
    # UDHL, then element 08 of four octets: number, of two parts the first; 56 bits, so no fill bits
    header = bytes((6, 8, 4, number >> 8, number & 255, 2, 1))
    bits = sum(ord(letter) << 7 * place for place, letter in enumerate(TEXT))
    part = bytes((8 + len(TEXT),)) + header + bits.to_bytes(5, "little")
    data = UserData.decode(StringIO(part.hex()), CONTEXT)
    assert data["header"]["elements"][0]["data"]["reference"] == number
    return data["data"]


print("number B000:", read(0xB000))
print("number B001:", read(0xB001))
wrong = [number for number in range(0xB000, 0xC000) if read(number) != TEXT]
print("from B000 to BFFF with a wrong text:", len(wrong))
assert wrong[:3] == [0xB001, 0xB009, 0xB011] and len(wrong) == 512 and {read(number) for number in wrong} == {"ello"}
PY
