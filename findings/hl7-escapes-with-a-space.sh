#!/usr/bin/env bash
# hl7 0.4.5 (PyPI): escape() writes a line feed as \X a\, and does not read its own € back.
#
# Expected: \X0A\, and unescape(escape(text)) == text.
# Seen: a space stands where the zero belongs, in every character below 16 except CR. Of what does not fit in
# a byte, two bytes of the code point are written, and read back as two characters: "5 €" comes back
# as "5 ", a space and "¬". é works, as \Xe9\, which a receiver takes for a byte of a character set.
# Source: hl7/util.py, escape (%2x where %02x is meant) and unescape; HL7 version 2, chapter 2, on hexadecimal
# escapes (X, then pairs of hexadecimal digits).
# Output seen on 2026-11-29, Python 3.11:
#   'one\ntwo' one\X a\two 'one\ntwo'
#   '5 €' 5 \X20ac\ '5  ¬'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hl7==0.4.5
env/bin/python - <<'PY'
import hl7

message = hl7.parse("MSH|^~\\&|A|B|C|D|20261128120000||ORU^R01|1|P|2.5\rPID|||1\r")
seen = []
for text in ("one\ntwo", "5 €"):
    escaped = message.escape(text)
    seen.append((escaped, message.unescape(escaped)))
    print(repr(text), escaped, repr(seen[-1][1]))
assert seen == [("one\\X a\\two", "one\ntwo"), ("5 \\X20ac\\", "5  ¬")]
PY
