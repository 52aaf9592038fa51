#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12), send-proxy-v2: a client of a unix socket is announced like a health check.
#
# Expected: command PROXY (0x21) with the family AF_UNIX (0x31) and two paths, or family UNSPEC: the protocol
# has both, and keeps LOCAL for connections that the proxy opens itself, without a client.
# Seen: LOCAL (0x20), family UNSPEC, no addresses: sixteen bytes, then the client's data. A health check of
# the same server (option tcp-check, check-send-proxy) begins with the very same bytes, so a receiver that
# ignores LOCAL connections as checks ignores these clients. Version 1 says PROXY UNKNOWN for them.
# Source: HAProxy's "The PROXY protocol", section 2.2 (what LOCAL is for); the 2.6.12 package.
# Output seen on 2026-11-29:
#   client: 0d0a0d0a000d0a515549540a20000000 then b'alpha\n'
#   check:  0d0a0d0a000d0a515549540a20000000 then b''
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing1=1.6.0-4 \
    libopentracing-c-wrapper0=1.1.3-3+b1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > run.py <<'PY'
import os, socket, subprocess, sys, time
work, libraries = sys.argv[1:]

def receive(check):
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)
    with open("conf", "w") as conf:
        conf.write(f"""defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen app
  bind {work}/sock
  server one 127.0.0.1:{server.getsockname()[1]} send-proxy-v2 {check}
""")
    haproxy = subprocess.Popen([f"{work}/root/usr/sbin/haproxy", "-db", "-f", "conf"],
                               env={**os.environ, "LD_LIBRARY_PATH": libraries}, stderr=subprocess.DEVNULL)
    try:
        client = None
        if not check:
            client = socket.socket(socket.AF_UNIX)
            for _ in range(100):
                try:
                    client.connect(f"{work}/sock")
                    break
                except OSError:
                    time.sleep(0.05)
            client.sendall(b"alpha\n")
        peer, _ = server.accept()
        peer.settimeout(2)
        data = b""
        try:
            while len(data) < 22 and (part := peer.recv(4096)):
                data += part
        except (TimeoutError, ConnectionResetError):
            pass
    finally:
        haproxy.terminate()
        haproxy.wait(10)
    return data

client, check = receive(""), receive("check")
print("client:", client[:16].hex(), "then", client[16:])
print("check: ", check[:16].hex(), "then", check[16:])
assert client[:16] == check[:16] and client[12:16] == b"\x20\0\0\0"
assert client[16:] == b"alpha\n" and check[16:] == b""
PY
timeout 60 python3 run.py "$work" "$(echo "$work"/root/usr/lib/*-linux-gnu)"
