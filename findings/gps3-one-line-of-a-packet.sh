#!/usr/bin/env bash
# gps3 0.33.3 (PyPI): of the objects that arrive together the first is read, the others are lost.
#
# Expected: a position (TPV) and a view of the sky (SKY) that gpsd sends in one packet are returned one after
# the other, as from a packet each.
# Seen: the position comes, then None, and the view of the sky never. Each call of next() wraps the socket in
# a new file object, whose buffer takes all that has arrived, and drops it with the rest of the packet.
# gpsd 3.22 answers ?WATCH with two objects in one packet, so its WATCH is lost too.
# Source: gps3/gps3.py, GPSDSocket.next (agps3.py has the same); RFC 9293 section 2.2: TCP is a byte stream.
# Output seen on 2026-11-29, Python 3.11:
#   two packets: ['TPV', 'SKY', None]
#   one packet: ['TPV', None, None]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install gps3==0.33.3
env/bin/python - <<'PY'
import json, socket
from gps3 import gps3

position, sky = b'{"class":"TPV","mode":3,"lat":52.1}\r\n', b'{"class":"SKY","hdop":1.1}\r\n'

def read(packets):
    server = socket.create_server(("127.0.0.1", 0))
    client = gps3.GPSDSocket()
    client.connect(*server.getsockname())
    peer, _ = server.accept()
    seen = []
    for number in range(3):
        if number < len(packets):
            peer.sendall(packets[number])
        line = client.next(timeout=1)
        seen.append(line and json.loads(line)["class"])
    return seen

two, one = read([position, sky]), read([position + sky])
print("two packets:", two)
print("one packet:", one)
assert two == ["TPV", "SKY", None] and one == ["TPV", None, None]
PY
