#!/usr/bin/env bash
# vedirect-m8 1.3.4 (PyPI): a block whose checksum does not fit is delivered with the next one.
#
# Expected: of a block that says H20 is 128 (the yield of the day, 1.28 kWh) and of which a byte was garbled on the
# way, so that it says 123, nothing is delivered: the checksum is there to find it. The block behind it is right and
# is delivered alone.
# Seen: the checksum is found wrong and the block is not delivered at once, but its values stay where they are and
# come out with the next block, the 123 among them.
# Source: input_read in vedirect_m8/vedirect.py (self.dict is kept); Victron, VE.Direct Protocol, text mode: the sum
# of all bytes of a block is 0 modulo 256, else the block is not to be used.
# Output seen on 2026-11-30, Python 3.11:
#   right:   {'H20': '128', 'H21': '310'} {'V': '12800', 'I': '-15'}
#   garbled: {'H20': '123', 'H21': '310', 'V': '12800', 'I': '-15'}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install vedirect-m8==1.3.4
env/bin/python - <<'PY'
from vedirect_m8.vedirect import Vedirect

def block(**fields):
    data = "".join(f"\r\n{name}\t{value}" for name, value in fields.items()).encode() + b"\r\nChecksum\t"
    return data + bytes([-sum(data) % 256])

def read(data):
    reader, blocks = Vedirect({"serial_port": "/dev/ttyUSB0"}, auto_start=False), []
    for byte in data:
        if (fields := reader.input_read(bytes([byte]))) is not None:
            blocks.append(dict(fields))
            reader.init_data_read()
    return blocks

history, main = block(H20=128, H21=310), block(V=12800, I=-15)
right, garbled = read(history + main), read(history.replace(b"128", b"123") + main)
print("right:  ", *right)
print("garbled:", *garbled)
assert right == [{"H20": "128", "H21": "310"}, {"V": "12800", "I": "-15"}], right
assert garbled == [{"H20": "123", "H21": "310", "V": "12800", "I": "-15"}], garbled
PY
