#!/usr/bin/env bash
# aiocarbon 0.17.0 (PyPI): a value of zero is not sent.
#
# Expected: Meter("queue", 3) and then Meter("queue", 0) are two lines for carbon, with the values 3 and 0.
# Seen: the second is never sent, so a queue that has run empty, or a temperature of zero, is missing: a graph
# has a gap or keeps its last value, and "no data" and "nothing to do" look the same.
# Source: Meter.send in aiocarbon/context.py (asks whether the value is true, though no value is None); Graphite,
# "Feeding In Your Data", the plaintext protocol: a path, a value, a time.
# Output seen on 2026-11-29, Python 3.11:
#   sent: 3 0 0.0 5
#   arrived: carbon.a 3, carbon.d 5
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aiocarbon==0.17.0
env/bin/python - <<'PY'
import asyncio

import aiocarbon

async def main():
    arrived = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        arrived.set_result((await reader.read()).decode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = aiocarbon.setup("127.0.0.1", port, client_class=aiocarbon.TCPClient)
    values = {"a": 3, "b": 0, "c": 0.0, "d": 5}
    for name, value in values.items():
        aiocarbon.Meter(name, value, timestamp=1700000000).send()
    await asyncio.wait_for(client.send(), 20)
    lines = (await asyncio.wait_for(arrived, 20)).splitlines()
    server.close()
    return values, sorted(line.rsplit(" ", 1)[0] for line in lines)

values, lines = asyncio.run(main())
print("sent:", *values.values())
print("arrived:", ", ".join(lines))
assert lines == ["carbon.a 3", "carbon.d 5"], lines
PY
