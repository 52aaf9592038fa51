#!/usr/bin/env bash
# pyais 3.3.1 (PyPI): a message whose second part comes first is decoded as another type.
#
# Expected: decode() sorts the parts of a message by their number, so their order does not matter, or it
# raises an error. (Parts that reach a TCP feed over two receivers do change places.)
# Seen: it sorts the payload, but takes the type from whichever part was passed first. The ship's name and
# destination (type 5) come back without an error as a position report at 0, 0, whose msg_type is still 5.
# Source: pyais/messages.py, AISSentence.assemble_from_iterable (messages[0] keeps its own ais_id).
# Output seen on 2026-11-29, Python 3.11:
#   in order: MessageType5, msg_type 5, ALPHA bound for BETA
#   swapped:  MessageType1, msg_type 5, position 0.0 0.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pyais==3.3.1
env/bin/python - <<'PY'
from pyais import decode, encode_dict

first, second = encode_dict({"type": 5, "mmsi": 2112345, "shipname": "ALPHA", "destination": "BETA"})
first, second = first.encode(), second.encode()
right = decode(first, second)
wrong = decode(second, first)
print(f"in order: {type(right).__name__}, msg_type {right.msg_type}, {right.shipname} bound for {right.destination}")
print(f"swapped:  {type(wrong).__name__}, msg_type {wrong.msg_type}, position {wrong.lat} {wrong.lon}")
assert (type(right).__name__, right.msg_type, right.shipname) == ("MessageType5", 5, "ALPHA")
assert (type(wrong).__name__, wrong.msg_type, wrong.lat, wrong.lon) == ("MessageType1", 5, 0, 0)
PY
