#!/usr/bin/env bash
# nut2 2.1.1 (PyPI): of a value of two words the first is set, and nothing says so.
#
# Expected: set_var("bench", "ups.id", "rack four") sets "rack four", or raises an error.
# Seen: "rack" is set. The value is sent without quotes, upsd reads the second word as one argument more and
# answers OK, so set_var returns as if all had been set. With quotes inside the value it is right.
# Source: nut2.py, set_var; NUT developer guide, "Network protocol information": elements of several words are
# sent in quotes, SET VAR <upsname> <varname> "<value>". The server is upsd 2.8.0 of Debian 12, with dummy-ups.
# Output seen on 2026-11-29, Python 3.11:
#   rack four -> rack
#   "rack four" -> rack four
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq nut-server=2.8.0-7 libupsclient6=2.8.0-7 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install nut2==2.1.1
mkdir conf state
printf '[bench]\n driver = dummy-ups\n port = %s/conf/bench.dev\n' "$work" > conf/ups.conf
printf 'ups.status: OL\nups.id: one\n' > conf/bench.dev
printf '[admin]\n password = example\n actions = SET\n' > conf/upsd.users
cat > run.py <<'PY'
import os, socket, subprocess, sys, time, warnings
warnings.simplefilter("ignore")  # nut2 uses telnetlib, which Python 3.11 calls old
from nut2 import PyNUTClient, PyNUTError

def until(what):
    for _ in range(100):
        try:
            if result := what():
                return result
        except (PyNUTError, OSError):
            pass
        time.sleep(0.1)
    raise SystemExit("no answer in ten seconds")

work = os.getcwd()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with open("conf/upsd.conf", "w") as conf:
    conf.write(f"LISTEN 127.0.0.1 {port}\n")
env = {**os.environ, "NUT_CONFPATH": f"{work}/conf", "NUT_STATEPATH": f"{work}/state",
       "NUT_ALTPIDPATH": f"{work}/state", "LD_LIBRARY_PATH": sys.argv[1]}
user, quiet, running, seen = sys.argv[2], subprocess.DEVNULL, [], []
try:
    for command in (["dummy-ups", "-a", "bench", "-u", user, "-D"], ["upsd", "-u", user, "-D", "-F"]):
        command[0] = f"root/lib/nut/{command[0]}"
        running.append(subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet))
        until(lambda: os.path.exists("state/dummy-ups-bench"))
    client = until(lambda: PyNUTClient(port=port, login="admin", password="example"))
    last = until(lambda: client.get_var("bench", "ups.id"))
    for value in ("rack four", '"rack four"'):
        client.set_var("bench", "ups.id", value)
        last = until(lambda: (now := client.get_var("bench", "ups.id")) != last and now)
        print(value, "->", last)
        seen.append(last)
finally:
    for process in running:
        process.terminate()
        process.wait(10)
assert seen == ["rack", "rack four"]
PY
env/bin/python run.py "$(dirname "$(find "$work/root" -name libupsclient.so.6)")" "$(id -un)"
