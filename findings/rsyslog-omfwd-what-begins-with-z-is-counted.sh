#!/usr/bin/env bash
# rsyslog 8.2302.0 (Debian 12), omfwd: a line that begins with z is sent with an octet count and without its end.
#
# Expected: with a template that begins with the host's name, over TCP and with the default
# TCP_Framing="traditional", each message is a line, that of the host zeus as well as that of yoda.
# Seen: that of zeus is counted, "14 zeus app: beta", and has no line feed, so that the next message stands in the
# same line. A record that begins with the letter z is taken for a compressed one, though compression is off. The
# templates that rsyslog brings begin with <, and a template of JSON with {.
# Source: TCPSendBldFrame in tcpclt.c (bIsCompressed = *msg == 'z'); rsyslog's documentation of omfwd, TCP_Framing:
# "traditional" or "octet-counted", and ZipLevel: 0, the default, is no compression.
# Output seen on 2026-11-30:
#   yoda app: alpha
#   14 zeus app: betayoda app: gamma
#   yoda app: delta
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq rsyslog=8.2302.0-1+deb12u2 libestr0=0.1.11-1 libfastjson4=1.2304.0-1 \
    liblognorm5=2.0.6-4 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(echo "$work"/root/usr/lib/*-linux-gnu)
python3 - "$libraries" <<'PY'
import os, socket, subprocess, sys, time

libraries = sys.argv[1]
collector = socket.create_server(("127.0.0.1", 0))
collector.settimeout(20)
free = socket.create_server(("127.0.0.1", 0))
port = free.getsockname()[1]
free.close()
with open("rsyslog.conf", "w") as config:
    config.write(f'''global(workDirectory="{os.getcwd()}")
module(load="{libraries}/rsyslog/imtcp.so")
template(name="host" type="string" string="%HOSTNAME% %syslogtag%%msg%")
ruleset(name="all") {{ action(type="omfwd" target="127.0.0.1" port="{collector.getsockname()[1]}" protocol="tcp"
    template="host") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
''')
daemon = subprocess.Popen(["root/usr/sbin/rsyslogd", "-n", "-f", os.path.abspath("rsyslog.conf"), "-i",
                           os.path.abspath("pid"), "-M", f"{libraries}/rsyslog"],
                          env={**os.environ, "LD_LIBRARY_PATH": libraries}, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.05)
    for host, text in (("yoda", "alpha"), ("zeus", "beta"), ("yoda", "gamma"), ("yoda", "delta")):
        client.sendall(f"<13>Nov 30 12:00:00 {host} app: {text}\n".encode())
    peer, _ = collector.accept()
    peer.settimeout(20)
    data = b""
    while not data.endswith(b"delta\n"):
        data += peer.recv(4096) or sys.exit(f"ended after {data}")
finally:
    daemon.terminate()
    daemon.wait()
lines = data.decode().splitlines()
print("\n".join(lines))
assert lines == ["yoda app: alpha", "14 zeus app: betayoda app: gamma", "yoda app: delta"], lines
PY
