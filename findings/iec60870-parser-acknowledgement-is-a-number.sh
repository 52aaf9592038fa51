#!/usr/bin/env bash
# iec60870-parser 0.1.1 (PyPI): of a station's frames the first is valid, all others are "corrupted".
#
# Expected: a station that sends three measured values in a row, and got none itself, numbers its frames N(S)
# 0, 1 and 2, and acknowledges with N(R) 0 in each. T104Session finds all three valid.
# Seen: the second and third are CORRUPTED, "receive sequence mismatch". The session counts N(R), by which a
# station acknowledges what the *other* side sent, as if it were the number of the frame; N(S) is never looked
# at, so a lost or repeated frame is valid when its N(R) happens to have grown.
# Source: T104Session.parse in iec60870/parser.py; IEC 60870-5-104, section 5.1: N(S) is the frame's number,
# N(R) the number of the next frame that is expected from the other side.
# Output seen on 2026-11-29, Python 3.11:
#   N(S) 0 1 2, N(R) 0 0 0: VALID CORRUPTED CORRUPTED
#   N(S) 7 7 7, N(R) 0 1 2: VALID VALID VALID
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install iec60870-parser==0.1.1
env/bin/python - <<'PY'
from iec60870 import T104Session

def frame(sent, received):
    asdu = bytes([1, 1, 3, 0, 1, 0, 7, 0, 0, 1])  # one single-point value, spontaneous, address 7, on
    numbers = (sent << 1).to_bytes(2, "little") + (received << 1).to_bytes(2, "little")
    return bytes([0x68, 4 + len(asdu)]) + numbers + asdu

seen = []
for sent, received in (((0, 1, 2), (0, 0, 0)), ((7, 7, 7), (0, 1, 2))):
    session = T104Session()
    results = [session.parse(frame(*numbers)) for numbers in zip(sent, received)]
    seen.append(" ".join(result.status.value for result in results))
    print("N(S)", *sent, end=", ")
    print("N(R)", *received, end=": ")
    print(seen[-1])
assert seen == ["VALID CORRUPTED CORRUPTED", "VALID VALID VALID"], seen
PY
