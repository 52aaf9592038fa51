#!/usr/bin/env bash
# syslog-ng 3.38.1 (Debian 12): with octet counting, the count includes a line feed that it adds.
#
# Expected: RFC 6587 section 3.4.1: MSG-LEN counts the octets of SYSLOG-MSG, and RFC 5424 messages have no
# trailing line feed; rsyslog's omfwd and util-linux' logger count exactly the message.
# Seen: each frame's message ends with a line feed, and MSG-LEN counts it. A receiver that takes the count
# at its word has a stray line feed at the end of every message.
# Source: the destination driver syslog(… transport("tcp")) of the 3.38.1 package.
# Output seen on 2026-11-29:
#   counted exactly: True last byte counted: b'\n'
set -euo pipefail
work=$(mktemp -d); daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null; wait "$daemon" || true; fi; rm -rf "$work"' EXIT
cd "$work"; chmod 755 "$work"
apt-get download -qq syslog-ng-core=3.38.1-5+deb12u1 libivykis0=0.42.4-1 libnet1=1.1.6+dfsg-3.2 \
    libwrap0=7.6.q-32 libjson-c5=0.16-2 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(echo "$work"/root/usr/lib/*-linux-gnu)
mkfifo source
cat > run.py <<'PY'
import os, re, socket, subprocess, sys
work, libraries = sys.argv[1:]
server = socket.create_server(("127.0.0.1", 0))
server.settimeout(20)
with open("syslog-ng.conf", "w") as conf:
    conf.write(f'''@version: 3.38
source s {{ pipe("{work}/source" flags(no-parse)); }};
destination d {{ syslog("127.0.0.1" transport("tcp") port({server.getsockname()[1]})); }};
log {{ source(s); destination(d); }};
''')
daemon = subprocess.Popen(
    [f"{work}/root/usr/sbin/syslog-ng", "-F", "-f", "syslog-ng.conf", "--module-path", f"{work}/root/usr/lib/syslog-ng/3.38",
     "-R", "persist", "-p", f"{work}/pid", "-c", "ctl", "--no-caps"],
    env={**os.environ, "LD_LIBRARY_PATH": f"{libraries}:{work}/root/usr/lib/syslog-ng:{work}/root/usr/lib/syslog-ng/3.38:{work}/root/lib/" + os.path.basename(libraries)})
try:
    # Open for both, so that opening does not wait for the reader.
    with os.fdopen(os.open("source", os.O_RDWR), "wb", buffering=0) as pipe:
        pipe.write(b"alpha\n")
        client, _ = server.accept()
        client.settimeout(10)
        data = b""
        while b"alpha" not in data:
            data += client.recv(4096)
        client.settimeout(1)
        try:
            data += client.recv(4096)
        except TimeoutError:
            pass
finally:
    daemon.terminate()
    daemon.wait(10)
count, message = data.split(b" ", 1)
print("counted exactly:", int(count) == len(message), "last byte counted:", message[-1:])
assert int(count) == len(message) and message.endswith(b"alpha\n"), data
PY
python3 run.py "$work" "$libraries"
