#!/usr/bin/env bash
# aiosyslog 0.2.1 (PyPI): every RFC 3164 message has the time at which the module was imported.
#
# Expected: a message has the time of its sending, as those of SyslogClientRFC5424 of the same package have.
# Seen: the time of the import, in every message. A server that has run for a week logs last week's time.
# Source: aiosyslog/syslog_client.py, SyslogClientRFC3164.log (timestamp = datetime.now() as a default, which
# Python computes once); RFC 3164 section 4.1.2: the TIMESTAMP is the local time.
# Output seen on 2026-11-29, Python 3.11 (seconds after the import):
#   sent after 0: message says 0
#   sent after 3: message says 0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aiosyslog==0.2.1
env/bin/python - <<'PY'
import asyncio, socket, time
from datetime import datetime
from aiosyslog import SyslogClientRFC3164
imported = datetime.now()

async def send(server):
    client = SyslogClientRFC3164(*server.getsockname(), proto="tcp", clientname="host", reuse_connection=False)
    sent = datetime.now()
    await client.log("alpha")
    return sent

seen = []
for wait in (0, 3):
    server = socket.create_server(("127.0.0.1", 0))
    time.sleep(wait)
    sent = asyncio.run(send(server))
    peer, _ = server.accept()
    stamp = peer.recv(4096).decode()[len("<14>"):][:15]
    said = datetime.strptime(f"{imported.year} {stamp}", "%Y %b %d %H:%M:%S")
    after, says = (sent - imported).total_seconds(), (said - imported).total_seconds()
    print(f"sent after {after:.0f}: message says {abs(says):.0f}")
    seen.append((after, says))
assert seen[0][1] == seen[1][1] <= 0 and seen[1][0] >= 3
PY
