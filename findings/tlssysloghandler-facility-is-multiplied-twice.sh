#!/usr/bin/env bash
# tlssysloghandler 2.1.0 (PyPI): the default facility is uucp, not user.
#
# Expected: the priority of the standard library's SysLogHandler, whose place it takes: <14>, user.info.
# Seen: <70>, which is facility 8 (uucp), severity 6: the default is syslog.LOG_USER (8), already shifted
# by three, and the handler it is passed to shifts it again. Filters for user.* lose every message.
# Source: tlssysloghandler/handler.py (facility: int = syslog.LOG_USER); RFC 5424 section 6.2.1 (PRIVAL).
# Output seen on 2026-11-29, Python 3.11:
#   [b'<14>alpha\x00', b'<70>alpha\x00']
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install tlssysloghandler==2.1.0
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
from logging.handlers import SysLogHandler
from tlssysloghandler import TLSSysLogHandler
readers = threading.Thread(target=serve, args=(2,))
readers.start()
for kind, options in ((SysLogHandler, {}), (TLSSysLogHandler, {"secure": False})):
    log = logging.getLogger(kind.__name__)
    log.setLevel(logging.INFO)
    handler = kind(address=("127.0.0.1", port), socktype=socket.SOCK_STREAM, **options)
    log.addHandler(handler)
    log.info("alpha")
    log.removeHandler(handler)
    handler.close()
readers.join(10)
print(sorted(received))
assert sorted(received) == [b"<14>alpha\0", b"<70>alpha\0"], received
PY
