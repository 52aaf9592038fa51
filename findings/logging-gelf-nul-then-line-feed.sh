#!/usr/bin/env bash
# logging-gelf 0.0.32 (PyPI): null_character=True sends NUL *and* a line feed, in that order.
#
# Expected: the option replaces the line feed by the NUL byte that GELF over TCP asks for.
# Seen: JSON, NUL, line feed. A receiver that cuts at NUL gets a line feed in front of every message
# from the second on, and a last message that is a lone line feed.
# Source: logging_gelf/formatters.py (adds the NUL byte), logging_gelf/handlers.py (adds the line feed).
# Output seen on 2026-11-29, Python 3.11:
#   pieces between NUL bytes begin with: [b'{', b'\n', b'\n']
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install logging-gelf==0.0.32
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
from logging_gelf.formatters import GELFFormatter
from logging_gelf.handlers import GELFTCPSocketHandler
log = logging.getLogger("app")
log.setLevel(logging.INFO)
handler = GELFTCPSocketHandler(host="127.0.0.1", port=port)
handler.setFormatter(GELFFormatter(null_character=True))
log.addHandler(handler)
log.info("alpha")
log.info("beta")
handler.close()
reader.join(10)
[data] = received
pieces = data.split(b"\0")
print("pieces between NUL bytes begin with:", [piece[:1] for piece in pieces])
assert [piece[:1] for piece in pieces] == [b"{", b"\n", b"\n"] and pieces[2] == b"\n", data
PY
