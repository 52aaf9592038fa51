#!/usr/bin/env bash
# cefevent 0.5.6 (PyPI): over TCP one message runs into the next.
#
# Expected: Syslog(protocol="TCP"), by which the package's sender sends its events, ends each message with a
# line feed, or writes the count of its octets in front of it.
# Seen: neither, so a receiver gets one message without an end, in which only the "<" of the next priority
# tells where an event ends. Over UDP a datagram is a message, and all is right.
# Source: cefevent/syslog.py, Syslog.send; RFC 6587 section 3.4: octet counting or a trailer after each frame.
# Output seen on 2026-11-29, Python 3.11:
#   b'<29>CEF:0|a|b|1|7|alpha|5|<29>CEF:0|a|b|1|7|beta|5|'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install cefevent==0.5.6
env/bin/python - <<'PY'
import socket
from cefevent import CEFEvent
from cefevent.syslog import Syslog

server = socket.create_server(("127.0.0.1", 0))
sender = Syslog(*server.getsockname(), protocol="TCP")
for name in ("alpha", "beta"):
    event = CEFEvent()
    event.load(["deviceVendor", "deviceProduct", "deviceVersion", "signatureId", "name"], ["a", "b", "1", "7", name])
    sender.send(event.build_cef())
sender.socket.close()
peer, _ = server.accept()
data = b""
while part := peer.recv(4096):
    data += part
print(data)
assert data == b"<29>CEF:0|a|b|1|7|alpha|5|<29>CEF:0|a|b|1|7|beta|5|"
PY
