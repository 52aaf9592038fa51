#!/usr/bin/env bash
# hart-protocol 2023.6.0 (PyPI): a transmitter without a fault has one: the checksum is a byte of its data.
#
# Expected: the answer to command 48, "Read Additional Transmitter Status", with six bytes of zero is data of six
# bytes, all zero: no fault. The byte count of an answer, 8, covers the two bytes of status and the data.
# Seen: seven bytes; the last is the checksum behind them, and its bits are set. It is so for every command; one that
# the package knows has its fields right beside it, for any other data is all there is.
# Source: parse in hart_protocol/_parsing.py takes byte count bytes from behind the status; HART Token-Passing Data
# Link Layer, HCF_SPEC-081, "Byte Count": the number of bytes between it and the check byte.
# Output seen on 2026-11-30, Python 3.11:
#   sent: 00 00 00 00 00 00 and the checksum 8d
#   read: 48 00 00 00 00 00 00 8d
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hart-protocol==2023.6.0
env/bin/python - <<'PY'
import io

from hart_protocol import Unpacker, tools


class Line(io.BytesIO):
    @property
    def in_waiting(self):
        return len(self.getbuffer()) - self.tell()


address = bytes.fromhex("a606bc614e")
body = b"\x86" + address + bytes([48, 8, 0, 0]) + bytes(6)
check = tools.calculate_checksum(body)
message = next(Unpacker(Line(b"\xff" * 5 + body + check)))
print("sent:", bytes(6).hex(" "), "and the checksum", check.hex())
print("read:", message.command, message.data.hex(" "))
assert (message.command, message.data) == (48, bytes(6) + check), message
PY
