#!/usr/bin/env bash
# mudtelnet 0.8.0 (PyPI): a client's window has its width, and no lines.
#
# Expected: a MUD client of 120 columns and 40 lines sends IAC SB NAWS 0 120 0 40 IAC SE, and the connection tells
# the game a width of 120 and a height of 40.
# Seen: a height of 0, whatever the client sends, so a pager or a map that fits its text to the window has no
# line to write on. The width is right.
# Source: NAWSHandler.subnegotiate in mudtelnet/__init__.py: the height is data[2:2], no bytes; RFC 1073, section 2:
# WIDTH[1] WIDTH[0] HEIGHT[1] HEIGHT[0].
# Output seen on 2026-11-30, Python 3.11:
#   80 x 24: width 80, height 0
#   120 x 40: width 120, height 0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install mudtelnet==0.8.0
env/bin/python - <<'PY'
from mudtelnet import TelnetConnection, TelnetFrame

IAC, SB, SE, NAWS = 255, 250, 240, 31
connection = TelnetConnection()
for width, height in ((80, 24), (120, 40)):
    received = bytearray([IAC, SB, NAWS]) + width.to_bytes(2, "big") + height.to_bytes(2, "big") + bytes([IAC, SE])
    frame = TelnetFrame.parse_consume(received)
    assert not received
    naws = connection.process_frame(frame, bytearray(), [])["naws"]
    print(f"{width} x {height}: width {naws['width']}, height {naws['height']}")
    assert naws == {"width": width, "height": 0}, naws
PY
