#!/usr/bin/env bash
# asyncio-telnet 0.1.21 (PyPI): behind a Go Ahead a character is missing, and the end of the connection is an error.
#
# Expected: of an offer to echo, "login", Go Ahead and ": " the text is "login: ": Go Ahead is a command of two
# bytes. A byte 255 is sent as two of them, so that behind "a" and such a byte the text goes on with "bc". When the
# server says "bye" and closes the connection, read_until_eof, which is for that, returns "bye".
# Seen: "login ", without the colon, and "ac": each command is taken for one of three bytes, and the byte 255 is
# dropped with the letter behind it. At the end of the connection there is a NameError, of a variable that does not
# exist, and "bye" is lost.
# Source: filter_telnet_data and read_until_eof in asyncio_telnet/asyncio_telnet.py; RFC 854, TELNET COMMAND
# STRUCTURE: at least two bytes, three for those of option negotiation, and 255 as data is sent twice.
# Output seen on 2026-11-30, Python 3.11:
#   b'\xff\xfb\x01login\xff\xf9: ' -> b'login '
#   b'a\xff\xffbc' -> b'ac'
#   b'bye' and the end -> name 'mode' is not defined
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install asyncio-telnet==0.1.21
env/bin/python - <<'PY'
import asyncio
from asyncio_telnet.asyncio_telnet import AsyncTelnet

async def read(sent, end):
    async def serve(reader, writer):
        writer.write(sent)
        if end:
            writer.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = AsyncTelnet(timeout=10)
    await client.open("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        return await client.read_until_eof()
    except NameError as error:
        return str(error)
    finally:
        server.close()

seen = []
for sent, end in ((b"\xff\xfb\x01login\xff\xf9: ", False), (b"a\xff\xffbc", False), (b"bye", True)):
    text = asyncio.run(read(sent, end))
    print(sent, "and the end ->" if end else "->", text)
    seen.append(text)
assert seen == [b"login ", b"ac", "name 'mode' is not defined"], seen
PY
