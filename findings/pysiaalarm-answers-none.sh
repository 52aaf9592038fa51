#!/usr/bin/env bash
# pysiaalarm 3.2.2 (PyPI): its ACK to a panel without a receiver number says "None".
#
# Expected: the receiver number (R and one to six hexadecimal digits) is optional in SIA DC-09, so a panel
# may send "SIA-DCS"0001L0#AAA…; the ACK repeats it as it came: "ACK"0001L0#AAA[].
# Seen: "ACK"0001NoneL0#AAA[], with a right length and checksum. A panel that compares the answer with what
# it sent has no acknowledgement and sends the event again. With a receiver number the answer is right.
# Source: pysiaalarm/utils/regexes.py (receiver is optional) and pysiaalarm/event.py (formats it all the same).
# Output seen on 2026-11-29, Python 3.11:
#   sent R1L0: "ACK"0001R1L0#AAA[]
#   sent L0: "ACK"0001NoneL0#AAA[]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pysiaalarm==3.2.2
env/bin/python - <<'PY'
import socket, time
from pysiaalarm import SIAAccount, SIAClient

def checksum(body):
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value

def answer(port, path):
    stamp = time.strftime("_%H:%M:%S,%m-%d-%Y", time.gmtime())
    body = f'"SIA-DCS"0001{path}#AAA[#AAA|Nri1/BA001]{stamp}'.encode()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(5)
        client.sendall(b"\n%04X%04X%s\r" % (checksum(body), len(body), body))
        text = client.recv(4096).strip().decode()[8:]
    print(f"sent {path}: {text}")
    return text

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = SIAClient("127.0.0.1", port, [SIAAccount("AAA")], function=lambda event: None)
server.start()
try:
    time.sleep(0.5)
    assert answer(port, "R1L0") == '"ACK"0001R1L0#AAA[]'
    assert answer(port, "L0") == '"ACK"0001NoneL0#AAA[]'
finally:
    server.stop()
PY
