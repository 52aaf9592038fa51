#!/usr/bin/env bash
# webstompy 0.1.5 (PyPI): each message that it sends has a line feed more.
#
# Expected: of a message "on" the broker gets a frame whose body is two bytes, from the empty line to the NUL,
# and a subscriber reads "on".
# Seen: "on" and a line feed. Whoever compares it with "on", or verifies a signature, finds another text; where
# the message is JSON nobody notices. The package's own reader leaves the line feed where it is, and a carriage
# return within a message is lost.
# Source: payload in webstompy/frame.py joins the body to b"\n\0"; STOMP 1.1, section "Augmented BNF": frame =
# command EOL *( header EOL ) EOL *OCTET NULL.
# Output seen on 2026-11-30, Python 3.11, stomp.py 8.2.0 (PyPI) as the reader:
#   sent 'on' read 'on\n', by webstompy 'on\n'
#   sent 'a\r\nb' read 'a\r\nb\n', by webstompy 'a\nb\n'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install webstompy==0.1.5 stomp.py==8.2.0
env/bin/python - 2>/dev/null <<'PY'
from stomp.utils import parse_frame
from webstompy import StompConnection, StompFrame, exception


class Wire:
    """Stands in for a WebSocket: keeps what is sent, and receives nothing."""

    def __init__(self, connector):
        self.sent = connector

    def send(self, payload):
        self.sent.append(payload)

    def receive(self):
        raise exception.ConnectionClosedException("end")


wire = []
connection, seen = StompConnection(connector=wire, transporter=Wire), []
for message in ("on", "a\r\nb"):
    connection.send("/queue/a", message)
    seen.append((parse_frame(wire[-1]).body.decode().removesuffix("\0"), StompFrame(payload=wire[-1]).message.decode()))
    print(f"sent {message!r} read {seen[-1][0]!r}, by webstompy {seen[-1][1]!r}")
assert seen == [("on\n", "on\n"), ("a\r\nb\n", "a\nb\n")]
PY
