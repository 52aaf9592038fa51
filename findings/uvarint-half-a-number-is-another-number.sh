#!/usr/bin/env bash
# uvarint 1.2.0 (PyPI): of 300, when its second byte has not come yet, the first is 22060.
#
# Expected: a buffer that ends within a number is the error that expect() has for a buffer with fewer numbers than
# were asked for, ValueError, so that a server can wait for the rest.
# Seen: no error. The byte that says "more follows" is taken twice, without and with that bit, and the sum is a number.
# A server that reads lengths from TCP takes the wrong one, or the right one, as the packets come.
# Source: decode in uvarint/__init__.py (the last byte is added whether it ends the number or not); the description of
# expect(); multiformats, unsigned-varint: the first bit of a byte is set if another one follows.
# Output seen on 2026-12-01, Python 3.11:
#   ac02: 300
#   ac: 22060
#   64ac02: 100 300
#   64ac: 100 22060
#   64: ValueError
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install uvarint==1.2.0
env/bin/python - <<'PY'
import uvarint

seen = []
for count, text in ((1, "ac02"), (1, "ac"), (2, "64ac02"), (2, "64ac"), (2, "64")):
    try:
        numbers = uvarint.expect(count, bytes.fromhex(text)).integers
    except ValueError:
        numbers = ["ValueError"]
    print(f"{text}:", *numbers)
    seen.append(numbers)
assert seen == [[300], [22060], [100, 300], [100, 22060], ["ValueError"]]
PY
