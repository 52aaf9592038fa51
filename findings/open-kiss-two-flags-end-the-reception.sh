#!/usr/bin/env bash
# open-kiss 0.1.0 (PyPI): after two flags in a row no frame is received any more.
#
# Expected: of C0 00 alpha C0, then C0 C0 00 beta C0, then C0 00 gamma C0, three packets of a TNC, three frames.
# A TNC may send as many flags as it likes between two frames.
# Seen: alpha, and from then on nothing. The two flags are a frame without a byte, and beta is what stands between
# frames; the flag behind it opens the next one, which gamma's first flag closes. So it goes on: what is
# between the frames is received, and the frames are thrown away. There is no error.
# Source: KISSLink.receive_frame in open_kiss/kiss.py takes flags in pairs; M. Chepponis and P. Karn, "The KISS
# TNC", on the frame's format: two FENDs in a row do not delimit an empty frame.
# Output seen on 2026-11-30, Python 3.11:
#   c000616c706861c0: b'alpha'
#   c0c00062657461c0: b''
#   c00067616d6d61c0: b''
#   c00064656c7461c0: b''
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps open-kiss==0.1.0
env/bin/python - <<'PY'
import socket

from open_kiss.kiss import KISSLink
from open_kiss.transport.tcp import TCPTransport

packets = [b"\xc0\x00alpha\xc0", b"\xc0\xc0\x00beta\xc0", b"\xc0\x00gamma\xc0", b"\xc0\x00delta\xc0"]
seen = []
with socket.create_server(("127.0.0.1", 0)) as listener:
    link = KISSLink(TCPTransport(*listener.getsockname()))
    link.connect("N0CALL", 0)
    tnc, _ = listener.accept()
    with tnc:
        for packet in packets:
            tnc.sendall(packet)
            seen.append(link.receive_frame())
            print(f"{packet.hex()}: {seen[-1]!r}")
    link.disconnect()
assert seen == [b"alpha", b"", b"", b""], seen
PY
