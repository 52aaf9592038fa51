#!/usr/bin/env bash
# netcat-traditional 1.10-47 (Debian 12), -C: only the last line feed of what it reads becomes CR LF.
#
# Expected: three lines on standard input are three lines that end with CR LF on the wire, as with
# netcat-openbsd's and ncat's -C and as its --help says ("Send CRLF as line-ending").
# Seen: the first two keep their bare line feed. A here-document with an SMTP or IRC dialogue goes out with
# one CR at its end; typed by hand, a line at a time, all have one.
# Source: the package's nc.traditional; -C is an addition to the original netcat 1.10, which has none.
# Output seen on 2026-11-29:
#   one write: b'a\nb\nc\r\n'
#   three writes: b'a\r\nb\r\nc\r\n'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq netcat-traditional=1.10-47 2>/dev/null
dpkg -x netcat-traditional*.deb root
cat > run.py <<'PY'
import socket, subprocess

def sent(writes):
    server = socket.create_server(("127.0.0.1", 0))
    netcat = subprocess.Popen(["root/bin/nc.traditional", "-C", "-q", "1", "127.0.0.1", str(server.getsockname()[1])],
                              stdin=subprocess.PIPE)
    client, _ = server.accept()
    client.settimeout(10)
    data = b""
    for write in writes:
        netcat.stdin.write(write)
        netcat.stdin.flush()
        end = data.count(b"\n") + write.count(b"\n")
        while data.count(b"\n") < end:
            data += client.recv(4096)
    netcat.stdin.close()
    while part := client.recv(4096):
        data += part
    netcat.wait(10)
    return data

together = sent([b"a\nb\nc\n"])
apart = sent([b"a\n", b"b\n", b"c\n"])
print("one write:", together)
print("three writes:", apart)
assert together == b"a\nb\nc\r\n" and apart == b"a\r\nb\r\nc\r\n"
PY
timeout 40 python3 run.py
