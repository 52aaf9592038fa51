#!/usr/bin/env bash
# basicami 0.1.0 (PyPI): of what a command of Asterisk prints, the last line is left.
#
# Expected: Asterisk answers the action Command with a header Output for each line that the command prints, so the
# answer to "core show channels concise" with three calls has three of them, and a program sees three.
# Seen: one, the last: the answer is a dictionary, in which each Output takes the place of the one before. A program
# that counts calls counts one. A header that an event has several times, such as ChanVariable, is lost in
# the same way.
# Source: _dispatch_packet in basicami/basic_ami.py; UPGRADE-14.txt of Asterisk, "AMI": the Command action sends
# a series of Output headers, one for each line.
# Output seen on 2026-11-30, Python 3.11:
#   {'Response': 'Success', 'Message': 'Command output follows', 'Output': 'PJSIP/gamma-00000003'}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install basicami==0.1.0
env/bin/python - <<'PY'
import asyncio

from basicami import BasicAMI

names = ["PJSIP/alpha-00000001", "PJSIP/beta-00000002", "PJSIP/gamma-00000003"]

async def asterisk(reader, writer):
    writer.write(b"Asterisk Call Manager/5.0.1\r\n")
    for _ in range(2):  # Login and Command
        action = await reader.readuntil(b"\r\n\r\n")
        number = action.split(b"ActionID: ")[1].split(b"\r\n")[0]
        lines = ["Response: Success", f"ActionID: {number.decode()}"]
        if action.startswith(b"Action: Command"):
            lines += ["Message: Command output follows"] + [f"Output: {name}" for name in names]
        writer.write("\r\n".join(lines + ["", ""]).encode())

async def main():
    server = await asyncio.start_server(asterisk, "127.0.0.1", 0)
    client = await BasicAMI.connect(*server.sockets[0].getsockname(), "admin", "secret")
    answer = await client.send_action({"Action": "Command", "Command": "core show channels concise"})
    await client.close()
    server.close()
    return answer

answer = asyncio.run(main())
del answer["ActionID"]
print(answer)
assert answer == {"Response": "Success", "Message": "Command output follows", "Output": names[-1]}
PY
