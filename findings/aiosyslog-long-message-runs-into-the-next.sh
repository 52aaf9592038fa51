#!/usr/bin/env bash
# aiosyslog 0.2.1 (PyPI): a message that is cut to its greatest length loses its line feed.
#
# Expected: of an RFC 3164 message over TCP that is longer than 2048 octets the rest is left out, and it ends
# with the line feed that ends every message.
# Seen: it is cut with the line feed on it, so the next message begins in the same line, and a receiver has
# one message in place of two. (So with RFC 5424, at 4096 octets, when the connection is kept.)
# Source: aiosyslog/syslog_client.py, SyslogClient.send; RFC 6587 section 3.4.2: a trailer ends each frame.
# Output seen on 2026-11-29, Python 3.11 (lengths of the lines, and how many messages begin in each):
#   short: 65 1, 64 1
#   long: 2112 2
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aiosyslog==0.2.1
env/bin/python - <<'PY'
import asyncio, socket
from aiosyslog import SyslogClientRFC3164

def receive(*texts):
    server = socket.create_server(("127.0.0.1", 0))
    async def send():
        async with SyslogClientRFC3164(*server.getsockname(), proto="tcp", clientname="host") as client:
            for text in texts:
                await client.log(text)
    asyncio.run(send())
    peer, _ = server.accept()
    data = b""
    while part := peer.recv(65536):
        data += part
    return data.split(b"\n")[:-1]

def show(name, lines):
    print(f"{name}:", ", ".join(f"{len(line)} {line.count(b'<14>')}" for line in lines))
    return [(len(line), line.count(b"<14>")) for line in lines]

first, second = "a" * 26, "b" * 25
assert show("short", receive(first, second)) == [(65, 1), (64, 1)]
assert show("long", receive("a" * 3000, second)) == [(2048 + 64, 2)]
PY
