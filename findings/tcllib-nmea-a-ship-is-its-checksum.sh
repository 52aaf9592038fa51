#!/usr/bin/env bash
# nmea of Tcllib 1.21 (Debian 12): an AIS message from a serial port is a sentence named after its checksum.
#
# Expected: !AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24 from a receiver is the sentence AIVDM with its six
# fields, as $GPGLL from the same port is GPGLL with its fields.
# Seen: a sentence named 24 without fields. The line is cut at each $ and *, and the part behind the first cut is the
# sentence; in front of ! there is no $. A handler that is set for AIVDM is never called, and one for all others gets
# a new name with nearly each message.
# Source: parse_nmea in modules/nmea/nmea.tcl (split $line \$*); NMEA 0183 (IEC 61162-1): ! begins a sentence with
# encapsulated data, as $ begins any other.
# Output seen on 2026-11-30, Tcl 8.6:
#   $GPGLL -> GPGLL: 6 fields
#   !AIVDM -> 24: 0 fields
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get download -qq tcllib=1.21+dfsg-1 tcl8.6=8.6.13+dfsg-2 libtcl8.6=8.6.13+dfsg-2 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
cat > run.tcl <<'TCL'
lappend auto_path root/usr/share/tcltk/tcllib1.21
package require nmea
proc show {sentence data} {
    puts "$sentence: [llength $data] fields"
    flush stdout
}
nmea::event DEFAULT show
nmea::open_port [lindex $argv 0]
puts ready
flush stdout
vwait forever
TCL
python3 - "$(echo "$work"/root/usr/lib/*-linux-gnu)" <<'PY'
import os, pty, subprocess, sys, tty

def sentence(text):
    checksum = 0
    for byte in text[1:].encode():
        checksum ^= byte
    return f"{text}*{checksum:02X}"

master, slave = pty.openpty()
tty.setraw(slave)
environment = {**os.environ, "LD_LIBRARY_PATH": sys.argv[1],
               "TCL_LIBRARY": os.path.abspath("root/usr/share/tcltk/tcl8.6")}
reader = subprocess.Popen(["root/usr/bin/tclsh8.6", "run.tcl", os.ttyname(slave)], stdout=subprocess.PIPE, text=True,
                          env=environment)
try:
    assert reader.stdout.readline() == "ready\n"
    seen = []
    for line in (sentence("$GPGLL,5128.674,N,00000.100,W,120000,A"),
                 sentence("!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0")):
        os.write(master, line.encode() + b"\r\n")
        seen.append(reader.stdout.readline().strip())
        print(f"{line.split(',')[0]} -> {seen[-1]}")
finally:
    reader.terminate()
    reader.wait()
assert seen == ["GPGLL: 6 fields", "24: 0 fields"], seen
PY
