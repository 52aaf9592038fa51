#!/usr/bin/env bash
# ncat 7.93 (Debian 12), --chat: what is not ASCII arrives as octal numbers.
#
# Expected: a line goes to the others as it was written, with <user4> in front. (The manual says that
# characters which do not print, like control characters, are escaped; é prints.)
# Seen: each byte of é is a backslash and three digits. A backslash itself is not escaped, so a receiver
# cannot tell the letter from the eight characters \303\251.
# Source: the manual's paragraph on --chat; ncat/ncat_listen.c of nmap 7.93, chat_filter.
# Output seen on 2026-11-29:
#   sent café received caf\303\251
#   sent caf\303\251 received caf\303\251
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq ncat=7.93+dfsg1-1 liblua5.3-0=5.3.6-2 libpcap0.8=1.10.3-1 \
    libdbus-1-3=1.14.10-1~deb12u1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > run.py <<'PY'
import os, socket, subprocess, sys, time
work = sys.argv[1]
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
chat = subprocess.Popen([f"{work}/root/usr/bin/ncat", "--listen", "--chat", "127.0.0.1", str(port)],
                        env={**os.environ, "LD_LIBRARY_PATH": sys.argv[2]})

def join():
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("ncat does not listen")

def read_until(client, end):
    data = b""
    while end not in data:
        data += client.recv(4096)
    return data

try:
    reader = join()
    writer = join()
    read_until(reader, b"is connected as")
    time.sleep(0.5)
    reader.setblocking(False)
    try:
        reader.recv(4096)
    except BlockingIOError:
        pass
    reader.settimeout(5)
    seen = []
    for text in ("café", r"caf\303\251"):
        writer.sendall(text.encode() + b"\n")
        seen.append(read_until(reader, b"\n").decode().rstrip().split("> ", 1)[1])
        print("sent", text, "received", seen[-1])
finally:
    chat.terminate()
    chat.wait(10)
assert seen == [r"caf\303\251"] * 2
PY
python3 run.py "$work" "$(echo "$work"/root/usr/lib/*-linux-gnu)"
