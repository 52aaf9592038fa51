#!/usr/bin/env bash
# hl7apy 1.3.5 (PyPI): its MLLP server answers one message and closes the connection.
#
# Expected: MLLP senders keep their connection, so a second message on it is answered like the first.
# Seen: the first is answered, then the server closes. The second, sent after the first one's answer or in
# the same packet with it, never reaches the handler.
# Source: hl7apy/mllp.py, MLLPRequestHandler.handle (reads one frame, answers, closes).
# Output seen on 2026-11-29, Python 3.11:
#   handled: ['1'] answers: 1 connection closed: True
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hl7apy==1.3.5
env/bin/python - <<'PY'
import socket, threading
from hl7apy.mllp import AbstractHandler, MLLPServer

handled = []

class Acknowledge(AbstractHandler):
    def reply(self):
        control_id = self.incoming_message.split("|")[9]
        handled.append(control_id)
        return f"\x0bMSH|^~\\&|A|B|C|D|20261128120000||ACK|9|P|2.5\rMSA|AA|{control_id}\r\x1c\r"

def message(control_id):
    return (f"\x0bMSH|^~\\&|C|D|A|B|20261128120000||ADT^A01^ADT_A01|{control_id}|P|2.5\r"
            f"PID|||1||ALPHA^BETA\r\x1c\r").encode()

server = MLLPServer("127.0.0.1", 0, {"ADT^A01^ADT_A01": (Acknowledge,)}, timeout=5)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = socket.create_connection(server.server_address)
client.settimeout(5)
client.sendall(message(1) + message(2))
answers, closed = b"", False
try:
    while part := client.recv(4096):
        answers += part
    closed = True
except ConnectionResetError:
    closed = True
except TimeoutError:
    pass
server.shutdown()
print("handled:", handled, "answers:", answers.count(b"MSA|"), "connection closed:", closed)
assert handled == ["1"] and answers.count(b"MSA|") == 1 and closed
PY
