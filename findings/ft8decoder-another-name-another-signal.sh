#!/usr/bin/env bash
# ft8decoder 1.0.0 (PyPI): of a WSJT-X that has a name, each decode has the wrong strength, offset and text.
#
# Expected: a decode of -12 dB at 1500 Hz, "CQ N0CALL FN42", is the same from a WSJT-X that calls itself
# "WSJT-X" and from one that was started with --rig-name=shack and calls itself "WSJT-X - shack".
# Seen: from the second it is 1633905409 dB at 1070176665 Hz, with bytes of other fields in front of the text,
# and no error. The fields are read at fixed places, which are right for a name of six letters.
# Source: parse_packets in ft8decoder/parser.py; WSJT-X, Network/NetworkMessage.hpp: Id is a utf8 field, its
# length before it, "the unique key", which tells several instances apart.
# Output seen on 2026-11-29, Python 3.11:
#   WSJT-X: -12 dB at 1500 Hz, 'CQ N0CALL FN42'
#   WSJT-X - shack: 1633905409 dB at 1070176665 Hz, '\x00\x00\x01~\x00\x00\x00\x0eCQ N0CALL FN42'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install ft8decoder==1.0.0 folium==0.20.0 maidenhead==1.8.0
env/bin/python - <<'PY'
import struct

from ft8decoder import WsjtxParser

def text(value):
    return struct.pack(">I", len(value)) + value.encode()

def decode(name):
    head = struct.pack(">III", 0xADBCCBDA, 2, 2) + text(name)
    fields = struct.pack(">?IidI", True, 43200000, -12, 0.2, 1500)
    return head + fields + text("~") + text("CQ N0CALL FN42") + bytes([0, 0])

seen = []
for name in ("WSJT-X", "WSJT-X - shack"):
    parser = WsjtxParser(dial_frequency=14.074)
    parser.parse_packets(decode(name))
    packet = parser.packet_queue.get_nowait()
    seen.append((packet.snr, packet.frequency_offset, packet.message))
    print(f"{name}: {packet.snr} dB at {packet.frequency_offset} Hz, {packet.message!r}")
assert seen == [
    (-12, 1500, "CQ N0CALL FN42"),
    (1633905409, 1070176665, "\x00\x00\x01~\x00\x00\x00\x0eCQ N0CALL FN42"),
], seen
PY
