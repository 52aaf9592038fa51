#!/usr/bin/env bash
# gpspipe of gpsd 3.22 (Debian 12), -r: of the first five lines of NMEA three are JSON.
#
# Expected: gpspipe -r -n 5 prints five sentences: -r is "Cause NMEA sentences to be output", and the manual's
# example has -r -n 100 for "one hundred raw NMEA sentences".
# Seen: gpsd's answers to the client, VERSION, DEVICES and WATCH, come first, as JSON, and count. A program behind
# the pipe that takes each line for a sentence reads three that are none, and so does a chart plotter to which the
# output is forwarded, each time the pipe is opened.
# Source: gpspipe.c in gpsd's clients/ prints what it reads from gpsd; gpspipe(1), -r and EXAMPLES;
# github.com/SignalK/signalk-server/pull/2855 on the same lines of JSON.
# Output seen on 2026-11-30:
#   VERSION DEVICES WATCH $GPRMC $GPRMC
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq gpsd=3.22-4.1+deb12u1 gpsd-clients=3.22-4.1+deb12u1 libgps28=3.22-4.1+deb12u1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(echo "$work"/root/usr/lib/*-linux-gnu)
python3 - "$libraries" <<'PY'
import json, os, socket, subprocess, sys, threading, time

def sentence(text):
    checksum = 0
    for byte in text.encode():
        checksum ^= byte
    return f"${text}*{checksum:02X}\r\n".encode()

stop = threading.Event()
receiver = socket.create_server(("127.0.0.1", 0))
def feed():
    client, _ = receiver.accept()
    while not stop.wait(0.1):
        client.sendall(sentence("GPRMC,120000.00,A,5128.674,N,00000.100,W,0.0,0.0,301126,,,A"))
threading.Thread(target=feed, daemon=True).start()
free = socket.create_server(("127.0.0.1", 0))
port = free.getsockname()[1]
free.close()
environment = {**os.environ, "LD_LIBRARY_PATH": sys.argv[1]}
daemon = subprocess.Popen(["root/usr/sbin/gpsd", "-N", "-n", "-S", str(port),
                           f"tcp://127.0.0.1:{receiver.getsockname()[1]}"], env=environment,
                          stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    output = subprocess.run(["root/usr/bin/gpspipe", "-r", "-n", "5", f"127.0.0.1:{port}"], env=environment,
                            capture_output=True, text=True, check=True, timeout=30).stdout
finally:
    stop.set()
    daemon.terminate()
    daemon.wait()
seen = []
for line in output.splitlines():
    seen.append(json.loads(line)["class"] if line.startswith("{") else line.split(",")[0])
print(*seen)
assert seen == ["VERSION", "DEVICES", "WATCH", "$GPRMC", "$GPRMC"], seen
PY
