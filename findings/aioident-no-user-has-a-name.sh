#!/usr/bin/env bash
# aioident 2.0.0 (PyPI): the answer of an ident server has no user name.
#
# Expected: of the answer "6193, 23 : USERID : UNIX : stjohns" the username is stjohns, and of an answer with
# ERROR it is None.
# Seen: None for both, whoever the user is. The fields that are next to it (status, type, data) are right.
# Source: Ident.username in aioident/parser.py: len(self.type) == "UNIX", a number that is compared with a text; the
# package's README, whose example has a name there; RFC 1413, sections 4 (these two answers) and 5 (USERID).
# Output seen on 2026-12-01, Python 3.11:
#   6193, 23 : USERID : UNIX : stjohns -> type UNIX, username None
#   6195, 23 : ERROR : NO-USER -> type NO-USER, username None
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aioident==2.0.0
env/bin/python - <<'PY'
import asyncio

import aioident

answers = {"6193, 23": "USERID : UNIX : stjohns", "6195, 23": "ERROR : NO-USER"}


async def answer(reader, writer):
    ports = (await reader.readline()).decode().strip()
    writer.write(f"{ports} : {answers[ports]}\r\n".encode())
    writer.close()


async def main():
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return [await aioident.connect("127.0.0.1", theirs, 23, port) for theirs in (6193, 6195)]


seen = asyncio.run(main())
for ident in seen:
    print(f"{ident.stringify} -> type {ident.type}, username {ident.username}")
assert [ident.ok for ident in seen] == [True, False]
assert seen[0].type == "UNIX" and seen[0].data_split[1] == "stjohns"
assert [ident.username for ident in seen] == [None, None]
PY
