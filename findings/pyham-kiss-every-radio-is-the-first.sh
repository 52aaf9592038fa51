#!/usr/bin/env bash
# pyham-kiss 1.0.0 (PyPI): whichever radio a frame comes from, it comes from port 0.
#
# Expected: a TNC with three radios sends the type bytes 00, 10 and 20, and the callback gets the ports 0, 1 and
# 2: its first argument is the port, and the package says that it supports several.
# Seen: 0 for each. A program that answers on the port of the question answers on another frequency. Frames that
# are sent have the right port.
# Source: _frame_received in kiss/__init__.py: first_byte & 0xF0 >> 4 is first_byte & (0xF0 >> 4), the command, which
# is 0 for data; M. Chepponis and P. Karn, "The KISS TNC", "Control of the KISS TNC": the high nibble of the first
# byte is the port's number, the low one the command.
# Output seen on 2026-11-30, Python 3.11:
#   type 00: port 0, alpha
#   type 10: port 0, beta
#   type 20: port 0, gamma
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pyham-kiss==1.0.0
env/bin/python - <<'PY'
import queue
import socket

import kiss

frames = {0x00: b"alpha", 0x10: b"beta", 0x20: b"gamma"}
received = queue.Queue()
with socket.create_server(("127.0.0.1", 0)) as listener:
    client = kiss.Connection(lambda port, data: received.put((port, bytes(data))))
    client.connect_to_server(*listener.getsockname())
    tnc, _ = listener.accept()
    with tnc:
        for kind, text in frames.items():
            tnc.sendall(b"\xc0" + bytes([kind]) + text + b"\xc0")
            port, data = received.get(timeout=10)
            print(f"type {kind:02X}: port {port}, {data.decode()}")
            assert (port, data) == (0, text)
        client.send_data(b"delta", port=2)
        assert tnc.recv(100) == b"\xc0\x20delta\xc0"
    client.disconnect_from_server()
PY
