#!/usr/bin/env bash
# ntripstreams 0.3.5 (PyPI): of the frames that arrive together the first is returned, the others wait.
#
# Expected: three RTCM frames in one packet are returned by three calls of getRtcmFrame, at once, each with the
# time of its arrival.
# Seen: the second call waits until more data comes, though its frame is complete in the buffer, and gives that
# moment as the frame's time. A caster sends a second's corrections together, so with three frames a second each
# is later than the one before it, until two kilobytes have piled up; only then are frames taken from the buffer
# first.
# Source: getRtcmFrame in ntripstreams/ntripstreams.py (reads from the socket before it looks for a frame).
# Output seen on 2026-11-29, Python 3.11:
#   three frames in a packet: 1 at once
#   after one more packet of three: 2
#   complete in the buffer by then: 4
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install ntripstreams==0.3.5 bitstring==4.4.0
env/bin/python - <<'PY'
import asyncio

from bitstring import BitStream
from ntripstreams import NtripStream
from ntripstreams.crc import crc24q

def frame(number):
    content = bytes([0xD3, 0, 4]) + (1005 << 4).to_bytes(2, "big") + bytes([0, number])
    return content + crc24q(BitStream(content)).to_bytes(3, "big")

async def frames(stream):
    count = 0
    try:
        while True:
            await asyncio.wait_for(stream.getRtcmFrame(), 2)
            count += 1
    except asyncio.TimeoutError:
        return count

async def main():
    callers = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: callers.put(streams), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stream = NtripStream()
    request = asyncio.create_task(stream.requestNtripStream(f"http://127.0.0.1:{port}", "TEST"))
    reader, writer = await callers.get()
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: gnss/data\r\n\r\n")
    await request
    seen = []
    for start in (0, 3):
        writer.write(b"".join(frame(start + number) for number in range(3)))
        seen.append(await frames(stream))
    writer.close()
    return seen, stream.rtcmFrameBuffer.length // 8 // len(frame(0))

(first, second), rest = asyncio.run(asyncio.wait_for(main(), 60))
print("three frames in a packet:", first, "at once")
print("after one more packet of three:", first + second)
print("complete in the buffer by then:", rest)
assert (first, second, rest) == (1, 1, 4), (first, second, rest)
PY
