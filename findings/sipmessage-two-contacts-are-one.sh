#!/usr/bin/env bash
# sipmessage 0.7.1 (PyPI): of two contacts with quoted names one is left, with the place of the second.
#
# Expected: Contact: "Alice" <sip:alice@example.com>;q=0.7, "Bob" <sip:bob@example.com>;q=0.1 has two addresses.
# Seen: one, sip:bob@example.com, whose name is Alice" <sip:alice@example.com>;q=0.7, "Bob. The contact that is
# to be called first is gone. The same without quotation marks is two addresses. The example of the standard,
# with a mailto: as the second, is refused, since its address would have to be a SIP URI.
# Source: QUOTED_STRING in sipmessage/grammar.py: a backslash and a quotation mark in a Python string are a quotation
# mark, so a quoted string may have any, and is as long as it can be; RFC 3261, section 20.10 (the example) and
# 25.1 (quoted-string: a quotation mark within it has a backslash before it).
# Output seen on 2026-11-30, Python 3.11:
#   quoted: sip:bob@example.com 'Alice" <sip:alice@example.com>;q=0.7, "Bob'
#   plain: sip:alice@example.com 'Alice', sip:bob@example.com 'Bob'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install sipmessage==0.7.1
env/bin/python - <<'PY'
from sipmessage import Address

quoted = '"Alice" <sip:alice@example.com>;q=0.7, "Bob" <sip:bob@example.com>;q=0.1'
seen = []
for name, value in (("quoted", quoted), ("plain", quoted.replace('"', ""))):
    contacts = [(str(contact.uri), contact.name) for contact in Address.parse_many(value)]
    print(f"{name}: " + ", ".join(f"{uri} {display!r}" for uri, display in contacts))
    seen.append(contacts)
assert seen[0] == [("sip:bob@example.com", 'Alice" <sip:alice@example.com>;q=0.7, "Bob')], seen[0]
assert seen[1] == [("sip:alice@example.com", "Alice"), ("sip:bob@example.com", "Bob")], seen[1]
standard = '"Mr. Watson" <sip:watson@worcester.bell-telephone.com> ;q=0.7; expires=3600, ' \
    '"Mr. Watson" <mailto:watson@bell-telephone.com> ;q=0.1'
try:
    Address.parse_many(standard)
except ValueError:
    pass
else:
    raise AssertionError("the example of the standard is read")
PY
