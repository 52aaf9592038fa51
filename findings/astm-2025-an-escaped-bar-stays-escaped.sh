#!/usr/bin/env bash
# astm-2025 1.0.0 (PyPI): an analyzer's comment on pH 7|8 is about pH 7&F&8.
#
# Expected: C|1|I|pH 7&F&8, A &E& B|G is a comment record with the text "pH 7|8, A & B". Between two escape
# delimiters F is the field delimiter, S and R those of components and repetitions, E the escape delimiter.
# Seen: "pH 7&F&8, A &E& B", which goes into the patient's report. In the other direction a text, given as bytes,
# is written with its bars, carets and backslashes, so that a comment on pH 7|8 has a field more when it is read.
# Source: decode_record and encode_record in astm/codec.py know the delimiters, and not the one that the header
# tells as the last of the four; ASTM E1394 (LIS2-A2), "Delimiters", escape sequences &F&, &S&, &R& and &E&.
# Output seen on 2026-11-30, Python 3.11:
#   read: ['C', '1', 'I', 'pH 7&F&8, A &E& B', 'G']
#   written: C|1|I|pH 7|8|G
#   read again: ['C', '1', 'I', 'pH 7', '8', 'G']
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps astm-2025==1.0.0
env/bin/python - <<'PY'
from astm.codec import decode, encode_record

header = rb"1H|\^&|||analyzer" + b"\r"
read = decode(header + b"C|1|I|pH 7&F&8, A &E& B|G\r", "ascii")[1]
written = encode_record([b"C", b"1", b"I", b"pH 7|8", b"G"], "ascii")
again = decode(header + written + b"\r", "ascii")[1]
print("read:", read)
print("written:", written.decode())
print("read again:", again)
assert read == ["C", "1", "I", "pH 7&F&8, A &E& B", "G"]
assert again == ["C", "1", "I", "pH 7", "8", "G"]
PY
