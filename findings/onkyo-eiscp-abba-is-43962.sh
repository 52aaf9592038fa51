#!/usr/bin/env bash
# onkyo-eiscp 1.2.7 (PyPI): a song by ABBA is by 43962.
#
# Expected: NAT, the artist's name, and NTI, the title, are followed by text: ABBA and 1984. MVL is followed by the
# volume in hexadecimal, 20 for 32.
# Seen: 43962 and 6532. What looks like a hexadecimal number is made one, for whatever command, so a program that
# shows or compares titles gets a number, of another type, for some of them: BAD, Face, 1999.
# Source: iscp_to_command in eiscp/core.py; its table of the protocol, eiscp/commands.py: NAT and NTI carry up
# to 64 letters, MVL a volume in hexadecimal.
# Output seen on 2026-11-30, Python 3.11:
#   NATBee Gees: net-usb-artist-name-info 'Bee Gees'
#   NATABBA: net-usb-artist-name-info 43962
#   NTI1984: net-usb-title-name 6532
#   MVL20: master-volume 32
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install onkyo-eiscp==1.2.7
env/bin/python -W ignore - <<'PY'
from eiscp.core import iscp_to_command

seen = []
for message in ("NATBee Gees", "NATABBA", "NTI1984", "MVL20"):
    name, value = iscp_to_command(message)
    name = name[0] if isinstance(name, tuple) else name
    seen.append(value)
    print(f"{message}: {name} {value!r}")
assert seen == ["Bee Gees", 43962, 6532, 32], seen
PY
