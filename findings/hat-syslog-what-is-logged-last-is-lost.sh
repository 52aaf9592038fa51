#!/usr/bin/env bash
# hat-syslog 0.7.28 (PyPI): what a program logs right before its end is not sent.
#
# Expected: a program that logs a thousand lines and ends has sent a thousand lines: at exit Python's logging closes
# its handlers, so that they send what they have.
# Seen: fewer, and never the last. SyslogHandler keeps the lines in a queue for a thread of its own; close() tells
# the thread to stop, and it stops at once and leaves the queue as it is. Of a service that fails, the line that says
# why is the one that is missing.
# Source: close and _logging_handler_thread in hat/syslog/handler.py; Python, logging.shutdown: an orderly shutdown
# by flushing and closing all handlers, at exit.
# Output seen on 2026-11-30, Python 3.11:
#   arrived, of 1000: fewer - the last line: False
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hat-syslog==0.7.28
cat > program.py <<'PY'
import logging, sys
from hat.syslog.handler import SyslogHandler

logger = logging.getLogger("app")
logger.setLevel(logging.INFO)
logger.addHandler(SyslogHandler("127.0.0.1", int(sys.argv[1]), "TCP", queue_size=2000))
for number in range(1, 1001):
    logger.info("line %d.", number)
PY
env/bin/python - <<'PY'
import re, socket, subprocess, sys

server = socket.create_server(("127.0.0.1", 0))
subprocess.run([sys.executable, "program.py", str(server.getsockname()[1])], check=True)
server.settimeout(1)
data = b""
try:
    peer, _ = server.accept()
    peer.settimeout(20)
    while part := peer.recv(65536):
        data += part
except (TimeoutError, ConnectionResetError):
    pass
arrived = [int(number) for number in re.findall(rb"line (\d+)\.", data)]
print("arrived, of 1000:", "all" if len(arrived) == 1000 else "fewer", "- the last line:", 1000 in arrived)
assert len(arrived) < 1000 and 1000 not in arrived, arrived
PY
