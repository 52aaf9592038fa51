#!/usr/bin/env bash
# cef-logger 1.0.0 (PyPI): a line feed in a value is written as it is, so one event becomes two lines.
#
# Expected: \n, a backslash and the letter, as for = and the backslash, which are escaped.
# Seen: the line feed itself. A receiver that cuts at line feeds has an event that ends in the middle of its
# message, then a line that is no event, with the rest of the fields. From header fields it is dropped.
# Source: cef_logger/fields.py, _escape_extensions_fields; ArcSight "Implementing CEF", "Character Encoding":
# a value of several lines has \n or \r for the end of each.
# Output seen on 2026-11-29, Python 3.11:
#   CEF:0|a|b|1|7|n|5|msg=alpha
#   beta reason=c\=d
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install cef-logger==1.0.0
env/bin/python - <<'PY'
import io, logging
from cef_logger import Event

written = io.StringIO()

class Login(Event):
    EMITTERS = (logging.StreamHandler(written),)
    Version, DeviceVendor, DeviceProduct, DeviceVersion = 0, "a", "b", "1"
    DeviceEventClassID, Name, Severity = "7", "n", 5

Login()(msg="alpha\nbeta", reason="c=d")
print(written.getvalue(), end="")
assert written.getvalue() == "CEF:0|a|b|1|7|n|5|msg=alpha\nbeta reason=c\\=d\n"
PY
