#!/usr/bin/env bash
# logger of util-linux 2.38.1 (Debian 12), --tcp: of a tag of two words the second is the process's number.
#
# Expected: APP-NAME has no space in it, so that --tag "nightly backup" is refused, as --msgid "full run" is ("cannot
# contain space"), or the space is replaced.
# Seen: both words are written into the header as they are. A receiver that reads RFC 5424 has the application
# "nightly", the process "backup" and no structured data: the time quality, which belongs there, is the beginning of
# the text.
# Source: syslog_rfc5424_header in misc-utils/logger.c looks at the tag's length alone; RFC 5424, section 6: APP-NAME
# = NILVALUE / 1*48PRINTUSASCII, and PRINTUSASCII = %d33-126.
# Output seen on 2026-11-30, syslog-rfc5424-parser 0.3.2 (PyPI) as the receiver:
#   backup: application backup, process None, data ['timeQuality'], text done …
#   nightly backup: application nightly, process backup, data [], text [timeQuality …
#   logger: --msgid cannot contain space
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get download -qq bsdutils=1:2.38.1-5+deb12u3 2>/dev/null
dpkg -x bsdutils*.deb root
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install syslog-rfc5424-parser==0.3.2
env/bin/python - <<'PY'
import socket, subprocess
from syslog_rfc5424_parser import SyslogMessage

server = socket.create_server(("127.0.0.1", 0))
server.settimeout(20)
logger = ["root/usr/bin/logger", "--tcp", "--server", "127.0.0.1", "--port", str(server.getsockname()[1])]
seen = []
for tag in ("backup", "nightly backup"):
    subprocess.run([*logger, "--tag", tag, "done"], check=True)
    peer, _ = server.accept()
    with peer:
        message = SyslogMessage.parse(peer.makefile().readline().rstrip("\n"))
    fields = message.appname, message.procid, list(message.sd), message.msg.split(" ")[0]
    print(f"{tag}: application {fields[0]}, process {fields[1]}, data {fields[2]}, text {fields[3]} …")
    seen.append(fields)
refused = subprocess.run([*logger, "--msgid", "full run", "done"], capture_output=True, text=True)
print(refused.stderr.strip())
assert seen == [("backup", None, ["timeQuality"], "done"), ("nightly", "backup", [], "[timeQuality")], seen
assert refused.returncode == 1 and "--msgid cannot contain space" in refused.stderr, refused
PY
