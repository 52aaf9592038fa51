#!/usr/bin/env bash
# asyncgelf 1.2.0 (PyPI): the text of a message arrives as JSON inside JSON, as an alert.
#
# Expected: short_message "alpha", version "1.1" (a string in GELF 1.1), and a level like 6 (informational).
# Seen: short_message is the six characters of a quoted JSON string plus its quotes, version is the
# number 1.1, and the level is 1 (alert) unless the caller sets another.
# Source: asyncgelf/asyncgelf.py; GELF 1.1 payload specification ("version: string (UTF-8)").
# Output seen on 2026-11-29, Python 3.11:
#   {'version': 1.1, 'short_message': '"alpha"', 'level': 1}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install asyncgelf==1.2.0
env/bin/python - <<'PY'
import asyncio, json
import socket, threading

server = socket.create_server(("127.0.0.1", 0))
received = []

def serve(count):
    for _ in range(count):
        client, _ = server.accept()
        client.settimeout(2)
        data = b""
        try:
            while part := client.recv(65536):
                data += part
        except TimeoutError:
            pass
        received.append(data)

port = server.getsockname()[1]
reader = threading.Thread(target=serve, args=(1,))
reader.start()
import asyncgelf
asyncio.run(asyncgelf.GelfTcp(host="127.0.0.1", port=port).tcp_handler("alpha"))
reader.join(10)
[data] = received
message = json.loads(data.rstrip(b"\0"))
print({key: message[key] for key in ("version", "short_message", "level")})
assert message["short_message"] == '"alpha"' and message["version"] == 1.1 and message["level"] == 1
PY
