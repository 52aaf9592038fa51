#!/usr/bin/env bash
# pyserial 3.5 (PyPI): on a socket:// port in_waiting is never more than one.
#
# Expected: in_waiting is the number of bytes in the input buffer, as on a serial port, so that
# port.read(port.in_waiting) and port.read_all() return all that has arrived.
# Seen: twelve bytes have arrived and in_waiting is 1; read_all() returns one byte. Code that runs at full
# speed on a device reads a device server byte by byte, and one that waits for a whole header never has it.
# Source: serial/urlhandler/protocol_socket.py (counts the sockets that select() returns); pyserial #759.
# Output seen on 2026-11-29, Python 3.11:
#   arrived: 12 in_waiting: 1 read_all: b'a'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pyserial==3.5
env/bin/python - <<'PY'
import socket, time
import serial

server = socket.create_server(("127.0.0.1", 0))
port = serial.serial_for_url(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout=2)
device, _ = server.accept()
device.sendall(b"alpha, beta\n")
time.sleep(0.5)
waiting, read = port.in_waiting, port.read_all()
rest = port.read(11)
print("arrived:", len(read + rest), "in_waiting:", waiting, "read_all:", read)
assert (waiting, read, rest) == (1, b"a", b"lpha, beta\n")
PY
