#!/usr/bin/env bash
# ax253 0.1.5.post1 (PyPI): a repeater with a star is written as the last address, whatever follows.
#
# Expected: of N0CALL>APRS,N1DIG*,WIDE2-1 the third of four addresses, N1DIG, has the bit "has been repeated",
# and only the last, WIDE2-1, has the extension bit, which ends the address field.
# Seen: N1DIG has both bits. A receiver ends the addresses there and takes WIDE2-1 for the control field, the
# protocol and the text; so does the package itself. Without the star it is right.
# Source: ax253/address.py, from_str (a7_hldc=digi or a7_hldc); AX.25, "Address-Field Encoding": the extension
# bit is zero when another octet of the address field follows.
# Output seen on 2026-11-29, Python 3.11 (the last octet of each address, then what is read back):
#   N0CALL>APRS,N1DIG,WIDE2-1:>test 60 60 60 63 N0CALL>APRS,N1DIG,WIDE2-1:>test
#   N0CALL>APRS,N1DIG*,WIDE2-1:>test 60 60 e1 63 N0CALL>APRS,N1DIG*:\x88\x8ad@c\x03\xf0>test
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install ax253==0.1.5.post1
env/bin/python - <<'PY'
from ax253 import Frame

seen = []
for text in ("N0CALL>APRS,N1DIG,WIDE2-1:>test", "N0CALL>APRS,N1DIG*,WIDE2-1:>test"):
    octets = bytes(Frame.from_str(text))
    seen.append((octets[6:28:7].hex(" "), ascii(str(Frame.from_bytes(octets)))[1:-1]))
    print(text, *seen[-1])
assert seen == [("60 60 60 63", "N0CALL>APRS,N1DIG,WIDE2-1:>test"),
                ("60 60 e1 63", r"N0CALL>APRS,N1DIG*:\x88\x8ad@c\x03\xf0>test")]
PY
