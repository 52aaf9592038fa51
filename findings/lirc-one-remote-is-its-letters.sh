#!/usr/bin/env bash
# lirc 3.1.0 (PyPI): where there is one remote control, the list of remote controls is a word.
#
# Expected: list_remotes() is a list of names, as its type and its description say: with one remote control in
# the house, ["tv"].
# Seen: the text "tv". A loop over it has the remotes t and v, and for a name that is a part of it "in" is true.
# list_remote_keys() has the same for a remote with one key. With two, or with none, they are lists.
# Source: _send_command in lirc/client.py (an answer of one line is that line, for each command); lircd(8), "SOCKET
# COMMAND INTERFACE", LIST: lircd replies with a list, of all remote controls or of all keys.
# Output seen on 2026-12-01, Python 3.11:
#   no remotes: [], in a loop nothing
#   1 remote: 'tv', in a loop t v
#   2 remotes: ['tv', 'radio'], in a loop tv radio
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install lirc==3.1.0
env/bin/python - <<'PY'
import socket
import threading

import lirc


def serve(listener, remotes):
    client, _ = listener.accept()
    with client:
        assert client.recv(100) == b"LIST\n"
        data = [] if not remotes else ["DATA", str(len(remotes)), *remotes]
        client.sendall("\n".join(["BEGIN", "LIST", "SUCCESS", *data, "END", ""]).encode())


def listed(remotes):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, remotes), daemon=True)
        server.start()
        connection = lirc.LircdConnection(listener.getsockname(), socket.socket())
        client = lirc.Client(connection)
        result = client.list_remotes()
        client.close()
        server.join(10)
    return result


seen = []
for count in range(3):
    result = listed(["tv", "radio"][:count])
    loop = " ".join(name for name in result) or "nothing"
    print(f"{count or 'no'} remote{'' if count == 1 else 's'}: {result!r}, in a loop {loop}")
    seen.append(result)
assert seen == [[], "tv", ["tv", "radio"]]
PY
