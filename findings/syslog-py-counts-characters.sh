#!/usr/bin/env bash
# syslog-py 0.2.5 (PyPI): its octet count counts characters, before some of them are dropped.
#
# Expected: over TCP it frames with octet counts by default, so "café" counts five. (RFC 6587 section 3.4.1:
# MSG-LEN is the number of octets.)
# Seen: it counts four. RFC 5424 messages are sent in UTF-8, one octet more than counted for each é; from RFC
# 3164 messages é is dropped without a word after the counting, so they are one octet shorter. In both cases a
# receiver that counts is lost from there on: it takes what follows for the wrong message.
# Source: pysyslogclient/__init__.py of the package (adds the count to the text, then encodes the whole).
# Output seen on 2026-11-29, Python 3.11:
#   SyslogClientRFC5424 octets beyond the count: 1 text: caf\xc3\xa9
#   SyslogClientRFC3164 octets beyond the count: -1 text: caf
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install syslog-py==0.2.5
env/bin/python - <<'PY'
import socket
import pysyslogclient

def sent(kind):
    server = socket.create_server(("127.0.0.1", 0))
    sender = kind("127.0.0.1", server.getsockname()[1], proto="TCP")
    sender.log("café", facility=1, severity=6, program="app", pid=7)
    sender.close()
    client, _ = server.accept()
    client.settimeout(5)
    data = b""
    while part := client.recv(4096):
        data += part
    count, message = data.split(b" ", 1)
    beyond, text = len(message) - int(count), message[message.index(b"caf"):]
    print(f"{kind.__name__} octets beyond the count: {beyond} text: {repr(text)[2:-1]}")
    return beyond, text

assert sent(pysyslogclient.SyslogClientRFC5424) == (1, "café".encode())
assert sent(pysyslogclient.SyslogClientRFC3164) == (-1, b"caf")
PY
