#!/usr/bin/env bash
# Makes the Debian package: poold_*.deb in target/debian, or CARGO_TARGET_DIR. Wants cargo-deb
# (cargo install cargo-deb --version 3.8.0 --locked). With --pages it makes only what is made from
# the binary: manual pages, completions and the changelog.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked --quiet
poold=${CARGO_TARGET_DIR:-target}/release/poold
# In the manifest, which knows no other target folder.
pages=target/package-pages
rm -rf "$pages"
mkdir -p "$pages/man"
"$poold" man >"$pages/man/poold.1"
# The commands that its page names.
sed -n 's/^poold\\-\([a-z]*\)(1)$/\1/p' "$pages/man/poold.1" | while read -r command; do
    "$poold" man "$command" >"$pages/man/poold-$command.1"
done
"$poold" completions bash >"$pages/poold.bash"
"$poold" completions zsh >"$pages/_poold"
"$poold" completions fish >"$pages/poold.fish"
version=$("$poold" --version | cut -d ' ' -f 2)
maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
{
    echo "poold ($version-1) unstable; urgency=medium"
    echo
    echo "  * Version $version."
    echo
    echo " -- $maintainer  $(date -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")"
} >"$pages/changelog"
[ "${1:-}" = --pages ] || cargo deb --no-build --strip
