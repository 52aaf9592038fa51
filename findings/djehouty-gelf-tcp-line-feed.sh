#!/usr/bin/env bash
# djehouty 0.1.6 (PyPI): its GELF TCP handler ends a message with a line feed.
#
# Expected: a NUL byte after each message. Graylog's GELF documentation ("GELF via TCP") names the
# NUL byte as the delimiter, and every other GELF TCP sender that was tried sends one.
# Seen: a line feed after each message and no NUL byte anywhere. A receiver that cuts at NUL gets
# both messages glued together, and only when the connection ends.
# Source: djehouty/libgelf/handlers.py, class GELFTCPSocketHandler.
# Output seen on 2026-11-29, Python 3.11:
#   line feeds: 2 NUL bytes: 0 last byte: b'\n'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install djehouty==0.1.6
env/bin/python - <<'PY'
import logging
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
from djehouty.libgelf.handlers import GELFTCPSocketHandler
log = logging.getLogger("app")
log.setLevel(logging.INFO)
handler = GELFTCPSocketHandler(host="127.0.0.1", port=port)
log.addHandler(handler)
log.info("alpha")
log.info("beta")
handler.close()
reader.join(10)
[data] = received
print("line feeds:", data.count(b"\n"), "NUL bytes:", data.count(b"\0"), "last byte:", data[-1:])
assert data.count(b"\n") == 2 and data.count(b"\0") == 0, data
PY
