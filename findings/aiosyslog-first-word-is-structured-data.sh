#!/usr/bin/env bash
# aiosyslog 0.2.1 (PyPI): RFC 5424 messages have no structured data, so their first word is taken for it.
#
# Expected: "-" between the message's ID and its text: structured data is not optional, "-" stands for none.
# Seen: the text follows at once. A receiver that reads RFC 5424 refuses "disk full"; of "[retry] disk full" it
# takes [retry] for structured data and "disk full" for the text.
# Source: aiosyslog/syslog_client.py, SyslogClientRFC5424.log; RFC 5424 section 6: SYSLOG-MSG = HEADER SP
# STRUCTURED-DATA [SP MSG].
# Output seen on 2026-11-29, Python 3.11, syslog-rfc5424-parser 0.3.2 (PyPI) as the receiver:
#   host app - - disk full -> refused
#   host app - - [retry] disk full -> data {'retry': {}} text 'disk full'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install aiosyslog==0.2.1 syslog-rfc5424-parser==0.3.2
env/bin/python - <<'PY'
import asyncio, socket
from aiosyslog import SyslogClientRFC5424
from syslog_rfc5424_parser import ParseError, SyslogMessage

def receive(text):
    server = socket.create_server(("127.0.0.1", 0))
    async def send():
        client = SyslogClientRFC5424(*server.getsockname(), proto="tcp", clientname="host")
        await client.log(text, program="app")
    asyncio.run(send())
    peer, _ = server.accept()
    return peer.recv(4096).decode().rstrip("\n")

def read(text):
    line = receive(text)
    try:
        message = SyslogMessage.parse(line)
        result = f"data {message.sd} text {message.msg!r}"
    except ParseError:
        result = "refused"
    print(line.split(" ", 2)[2], "->", result)
    return result

assert read("disk full") == "refused"
assert read("[retry] disk full") == "data {'retry': {}} text 'disk full'"
PY
