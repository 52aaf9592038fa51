#!/usr/bin/env bash
# fluentbit-server-py 1.0.7 (PyPI): half a second is more than eight minutes.
#
# Expected: an EventTime of 1796000000 seconds and 500000000 nanoseconds, as fluent-bit sends it, is the time
# 1796000000.5.
# Seen: 1796000500.0. The nanoseconds are divided by a million, so an event is up to sixteen minutes too late,
# and of two events a tenth of a second apart the second can seem a quarter of an hour older than the first.
# Source: parse_entry of FluentbitTransport; Forward Protocol Specification v1, "EventTime Ext Format": four
# bytes of seconds and four of nanoseconds.
# Output seen on 2026-11-29, Python 3.11:
#   1796000000 s and 000000000 ns: 1796000000.0
#   1796000000 s and 900000000 ns: 1796000900.0
#   1796000001 s and 000000000 ns: 1796000001.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install fluentbit-server-py==1.0.7 msgpack==1.1.0
env/bin/python - <<'PY'
import struct

import msgpack
from fluentbit_server.fluentbit_transport import FluentbitTransport

seen = []
transport = FluentbitTransport(lambda event: seen.append(event.timestamp))
times = [(1796000000, 0), (1796000000, 900_000_000), (1796000001, 0)]
entries = [[msgpack.ExtType(0, struct.pack("!II", *time)), {"log": "alpha"}] for time in times]
message = msgpack.packb(["app.log", entries])  # forward mode: a tag and a list of entries
for received in transport.unpack_stream(message):
    transport.process(received)
for (seconds, nanoseconds), time in zip(times, seen):
    print(f"{seconds} s and {nanoseconds:09} ns: {time}")
assert seen == [1796000000.0, 1796000900.0, 1796000001.0], seen
PY
