#!/usr/bin/env bash
# pyMeterBus 0.8.5 (PyPI): of a time with seconds, the seconds are read as minutes, the hour as the day.
#
# Expected: a time in six octets (type I: second, minute, hour, day, month) is 2026-11-29T12:34:56, as the
# time in four octets (type F) of the same telegram is 2026-11-29T12:34.
# Seen: 2040-13-12T02:56, of the thirteenth month. The six octets are read as if they were four; a function
# for six is there, and is never reached.
# Source: meterbus/telegram_variable_data_record.py, parsed_value (goes by the VIF, 6D, and not by the length);
# EN 13757-3: VIF 6Dh with data field 0110b is type I, with 0100b type F.
# Output seen on 2026-11-29, Python 3.11:
#   4 octets: 2026-11-29T12:34
#   6 octets: 2040-13-12T02:56
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pyMeterBus==0.8.5
env/bin/python - <<'PY'
import meterbus

header = bytes.fromhex("08 01 72 78563412 2423 01 07 55 00 0000")  # a water meter's answer to a request
minutes = bytes([0x04, 0x6D, 34, 12, 0x5D, 0x3B])
seconds = bytes([0x06, 0x6D, 56, 34, 12, 0x5D, 0x3B, 0x00])
body = header + minutes + seconds
frame = bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, 0x16])
seen = [record.value for record in meterbus.load(frame).records]
print("4 octets:", seen[0])
print("6 octets:", seen[1])
assert seen == ["2026-11-29T12:34", "2040-13-12T02:56"]
PY
