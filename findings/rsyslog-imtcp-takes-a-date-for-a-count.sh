#!/usr/bin/env bash
# rsyslog 8.2302.0 (Debian 12), imtcp: digits at the head of a line are taken for an octet count.
#
# Expected: a line that begins with a date is a line: imtcp tells octet counting (RFC 6587: digits, a
# space, then a syslog message that begins with '<') from lines ended by a line feed.
# Seen: "2026-11-28 alpha" never arrives: the digits 2026 are taken for a count although no space follows,
# the following lines are collected until 2026 bytes are there, and what is collected when the connection
# ends is discarded. The log has a framing error. A line without digits in front arrives.
# Source: runtime/tcps_sess.c (processDataRcvd: a digit at the start of a frame switches to octet counting);
# the input's parameter SupportOctetCountedFraming is on by default.
# Output seen on 2026-11-29:
#   sent     alpha
#   received alpha
#   sent     2026-11-28 alpha
#   received
set -euo pipefail
work=$(mktemp -d); daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon"; wait "$daemon" || true; fi; rm -rf "$work"' EXIT
cd "$work"; chmod 755 "$work"
apt-get download -qq rsyslog=8.2302.0-1+deb12u2 libestr0=0.1.11-1 libfastjson4=1.2304.0-1 \
    liblognorm5=2.0.6-4 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(echo "$work"/root/usr/lib/*-linux-gnu)
receive() { # prints what arrives of one line
    rm -f out pid; port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat > rsyslog.conf <<CONF
global(workDirectory="$work")
module(load="$libraries/rsyslog/imtcp.so")
template(name="raw" type="string" string="%rawmsg%\n")
ruleset(name="all") { action(type="omfile" file="$work/out" template="raw") }
input(type="imtcp" address="127.0.0.1" port="$port" ruleset="all")
CONF
    LD_LIBRARY_PATH="$libraries" root/usr/sbin/rsyslogd -n -f "$work/rsyslog.conf" -i "$work/pid" \
        -M "$libraries/rsyslog" 2>errors & daemon=$!
    python3 - "$port" "$1" <<'PY'
import socket, sys, time
for _ in range(100):
    try:
        client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except OSError:
        time.sleep(0.05)
client.sendall(sys.argv[2].encode() + b"\n")
client.close()
PY
    sleep 1
    kill "$daemon"; wait "$daemon" || true; daemon=
    printf 'sent     %s\nreceived %s\n' "$1" "$(cat out 2>/dev/null || true)"
}
plain=$(receive 'alpha'); dated=$(receive '2026-11-28 alpha')
printf '%s\n%s\n' "$plain" "$dated"
[ "$plain" = $'sent     alpha\nreceived alpha' ]
[ "$dated" = $'sent     2026-11-28 alpha\nreceived ' ]
