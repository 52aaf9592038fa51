#!/usr/bin/env bash
# pycayennelpp 2.4.0 (PyPI): a voltage of 4.35 is sent as 4.34.
#
# Expected: an analog input has a resolution of 0.01, so 4.35 is 435, the bytes 01 B3, and is read as 4.35 again.
# Seen: 434, 01 B2, and 4.34. The value is multiplied as a float, 434.99999999999994, and cut. Of all values that the
# format can hold, one in fourteen is written a hundredth nearer to zero, and a value that is read and written
# again, as by a gateway, is another one. 4.36 is right.
# Source: encode in cayennelpp/lpp_type.py (int(value * scale)); Cayenne LPP, "Data Types": Analog Input, 0.01 signed.
# Output seen on 2026-11-30, Python 3.11:
#   4.35: 010201b2, read as 4.34
#   4.36: 010201b4, read as 4.36
#   others than themselves: 4584 of 65536
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pycayennelpp==2.4.0
env/bin/python - <<'PY'
from cayennelpp import LppFrame

def write(value):
    frame = LppFrame()
    frame.add_analog_input(1, value)
    return bytes(frame)

def read(payload):
    return LppFrame().from_bytes(payload).data[0].value[0]

seen = []
for value in (4.35, 4.36):
    payload = write(value)
    seen.append((payload.hex(), read(payload)))
    print(f"{value}: {seen[-1][0]}, read as {seen[-1][1]}")
payloads = [bytes([1, 2]) + number.to_bytes(2, "big") for number in range(65536)]
changed = sum(write(read(payload)) != payload for payload in payloads)
print("others than themselves:", changed, "of", len(payloads))
assert seen == [("010201b2", 4.34), ("010201b4", 4.36)], seen
assert changed == 4584, changed
PY
