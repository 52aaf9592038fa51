#!/usr/bin/env bash
# rfc5424-logging-handler 1.4.3 (PyPI): behind an element with an owner, structured data belongs to that owner.
#
# Expected: with the handler's enterprise number 32473, the element "request" is request@32473, whatever other
# elements the message has; trace@32473.7, which names its own, stays as it is.
# Seen: behind trace@32473.7 it is request@32473.7. The order decides: in front of it, it is right. A receiver that
# looks for request@32473 finds it in some messages and not in others, and may find another company's element in
# place of this one's.
# Source: build_msg in rfc5424logging/handler.py (the number of one element replaces the handler's for the rest
# of the loop); RFC 5424, section 6.3.2: what follows the @ is the private enterprise number of who defined the
# name.
# Output seen on 2026-11-30, Python 3.11:
#   [request@32473 id="1"]
#   [request@32473 id="1"][trace@32473.7 id="9"]
#   [trace@32473.7 id="9"][request@32473.7 id="1"]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install rfc5424-logging-handler==1.4.3
env/bin/python - <<'PY'
import io
import logging

from rfc5424logging import Rfc5424SysLogHandler

wire, log = io.BytesIO(), logging.getLogger("app")
log.addHandler(Rfc5424SysLogHandler(address=None, stream=wire, enterprise_id=32473, msg_as_utf8=False))
log.setLevel(logging.INFO)
request, trace = ("request", {"id": "1"}), ("trace@32473.7", {"id": "9"})
for elements in ([request], [request, trace], [trace, request]):
    log.info("alpha", extra={"structured_data": dict(elements)})
seen = [line[line.index("[") : line.rindex("]") + 1] for line in wire.getvalue().decode().splitlines()]
print(*seen, sep="\n")
assert seen == [
    '[request@32473 id="1"]',
    '[request@32473 id="1"][trace@32473.7 id="9"]',
    '[trace@32473.7 id="9"][request@32473.7 id="1"]',
]
PY
