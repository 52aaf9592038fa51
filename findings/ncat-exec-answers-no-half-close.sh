#!/usr/bin/env bash
# ncat 7.93 (Debian 12), --exec: a client that closes its sending side gets no answer.
#
# Expected: the program sees the end of its input, goes on, and what it writes still goes to the client, as
# under inetd or socat. `sort` and `wc` answer only after that end.
# Seen: the connection is closed without a byte. A client that keeps its sending side open gets answers.
# Source: ncat/ncat_posix.c of nmap 7.93 (netexec ends its relay when the socket's end is read).
# Output seen on 2026-11-29:
#   ncat: b''
#   socat: b'1\n'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq ncat=7.93+dfsg1-1 liblua5.3-0=5.3.6-2 libpcap0.8=1.10.3-1 \
    libdbus-1-3=1.14.10-1~deb12u1 socat=1.7.4.4-2 libwrap0=7.6.q-32 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > run.py <<'PY'
import os, socket, subprocess, sys, time
work, libraries = sys.argv[1:]

def answer(command):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [part.format(port=port) for part in command]
    server = subprocess.Popen([f"{work}/root/usr/bin/{command[0]}", *command[1:]],
                              env={**os.environ, "LD_LIBRARY_PATH": libraries})
    try:
        for _ in range(100):
            try:
                client = socket.create_connection(("127.0.0.1", port), timeout=10)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        client.sendall(b"alpha\n")
        client.shutdown(socket.SHUT_WR)
        data = b""
        while part := client.recv(4096):
            data += part
    finally:
        server.terminate()
        server.wait(10)
    print(f"{command[0]}: {data}")
    return data

ncat = answer(["ncat", "--listen", "--exec", "/usr/bin/wc -l", "127.0.0.1", "{port}"])
socat = answer(["socat", "-t5", "TCP-LISTEN:{port},bind=127.0.0.1", "EXEC:/usr/bin/wc -l"])
assert ncat == b"" and socat == b"1\n"
PY
timeout 40 python3 run.py "$work" "$(echo "$work"/root/usr/lib/*-linux-gnu)"
