#!/usr/bin/env bash
# respy3 0.5.0 (PyPI): two pushes of a Redis server are equal, whatever is in them.
#
# Expected: a push is equal to another one "if they have the same push_type and data", as its description says, so
# a message of the channel alpha is not equal to the confirmation of a subscription to beta.
# Seen: it is, and != is never true. A program that waits for its confirmation by comparing takes the first message
# for it, a test of a client passes with any message, and a list "contains" each push.
# Source: RespPush.__eq__ in respy3/protocol.py returns a tuple of three, since the commas are without brackets, and
# a tuple that is not empty is true.
# Output seen on 2026-11-30, Python 3.11:
#   RespPush(push_type=b'message', data=[b'alpha', b'21.5'])
#   RespPush(push_type=b'subscribe', data=[b'beta', 1])
#   equal: yes, different: no
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps respy3==0.5.0
env/bin/python - <<'PY'
from respy3.protocol import Resp3Reader

reader = Resp3Reader()
reader.feed(b">3\r\n$7\r\nmessage\r\n$5\r\nalpha\r\n$4\r\n21.5\r\n")
reader.feed(b">3\r\n$9\r\nsubscribe\r\n$4\r\nbeta\r\n:1\r\n")
message, confirmation = reader.get_object(), reader.get_object()
print(message)
print(confirmation)
equal, different = bool(message == confirmation), bool(message != confirmation)
print(f"equal: {'yes' if equal else 'no'}, different: {'yes' if different else 'no'}")
assert (message.data, confirmation.data) == ([b"alpha", b"21.5"], [b"beta", 1])
assert (equal, different) == (True, False)
PY
