#!/usr/bin/env bash
# aiosmpp 1.0.3 (PyPI): a euro sign on the boundary of two parts becomes the letter e.
#
# Expected: a text in the GSM alphabet that is longer than one message is cut between letters. €, [, ] and a few
# more are two septets, an escape and a letter, and stay together, or the first part ends one septet earlier.
# Seen: the escape is the last septet of part one and "e" the first of part two; a phone decodes each part by
# itself, so a price of 5 € is one of 5 and an e. A text of 155 letters, ten of them €, is 165 septets, and is
# not cut at all: a message has 160.
# Source: split_sequence (counts bytes) and make_parts (counts letters) in aiosmpp/gsm.py; 3GPP TS 23.038, the
# extension table: 0x1B and the code that follows are one character; TS 23.040, section 9.2.3.24.1: 153 septets a
# part, and such a pair stays together.
# Output seen on 2026-11-29, Python 3.11:
#   part 1 ends with 1b, part 2 begins with 65
#   155 letters: 1 part of 165 septets
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install --no-deps aiosmpp==1.0.3 six==1.16.0
env/bin/python - <<'PY'
from aiosmpp import gsm

first, second = gsm.make_parts("a" * 152 + "€" + "b" * 20)[0]
boundary = first[-1:].hex(), second[6:7].hex()  # six bytes at the head of a part say which part it is
print("part 1 ends with {}, part 2 begins with {}".format(*boundary))
parts = gsm.make_parts("a" * 145 + "€" * 10)[0]
print("155 letters:", len(parts), "part of", len(parts[0]), "septets")
assert boundary == ("1b", "65") and [len(part) for part in parts] == [165], (boundary, parts)
PY
