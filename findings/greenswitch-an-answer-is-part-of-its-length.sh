#!/usr/bin/env bash
# greenswitch 0.0.19 (PyPI): what a job of FreeSWITCH answers is in the header Content-Length.
#
# Expected: the event BACKGROUND_JOB has a body, the answer to bgapi: five bytes, "+OK 7". Its headers end with
# Content-Length: 5, and the answer is beside them, as event.data has it for api.
# Seen: a Content-Length of "5", an empty line and "+OK 7", and no event.data. An answer with a colon and a space in
# it, such as "Sessions: 2", is a header of that name.
# Source: ESLEvent.parse_data in greenswitch/esl.py takes head and body for headers, a line without a colon for
# the rest of the header before; FreeSWITCH documentation, "Events", event structure: headers, an empty line
# and a body.
# Output seen on 2026-11-30, Python 3.11:
#   +OK 7: {'Content-Length': '5\n\n+OK 7', 'Event-Name': 'BACKGROUND_JOB'}
#   Sessions: 2: {'Content-Length': '11', 'Event-Name': 'BACKGROUND_JOB', 'Sessions': '2'}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install greenswitch==0.0.19 gevent==25.9.1
env/bin/python - <<'PY'
import gevent.event
import gevent.server
import greenswitch

answers = ["+OK 7", "Sessions: 2"]

def freeswitch(connection, _):  # log in, then an event for each answer
    connection.sendall(b"Content-Type: auth/request\n\n")
    connection.recv(100)
    connection.sendall(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
    connection.recv(100)
    connection.sendall(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
    for answer in answers:
        event = f"Event-Name: BACKGROUND_JOB\nContent-Length: {len(answer)}\n\n{answer}"
        connection.sendall(f"Content-Length: {len(event)}\nContent-Type: text/event-plain\n\n{event}".encode())
    gevent.sleep(10)

server = gevent.server.StreamServer(("127.0.0.1", 0), freeswitch)
server.start()
seen, done = [], gevent.event.Event()

def handle(event):
    headers = {name: value for name, value in event.headers.items() if name != "Content-Type"}
    seen.append((headers, hasattr(event, "data")))
    if len(seen) == len(answers):
        done.set()

client = greenswitch.InboundESL("127.0.0.1", server.server_port, "secret")
client.connect()
client.register_handle("BACKGROUND_JOB", handle)
client.send("event plain BACKGROUND_JOB")
assert done.wait(10)
for answer, (headers, _) in zip(answers, seen):
    print(f"{answer}: {headers}")
job = {"Event-Name": "BACKGROUND_JOB"}
assert seen == [
    (job | {"Content-Length": "5\n\n+OK 7"}, False),
    (job | {"Content-Length": "11", "Sessions": "2"}, False),
], seen
PY
