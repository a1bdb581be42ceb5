#!/bin/sh
# Installs what mcpbox is compared with, as far as Debian has it: bubblewrap, runc, crun, firejail,
# podman.
# The benchmark skips, and says so, what is not there. docker needs a daemon and is never installed.
set -eu
for p in bwrap:bubblewrap runc:runc crun:crun firejail:firejail podman:podman; do
	command -v "${p%%:*}" >/dev/null || want="${want:-} ${p##*:}"
done
[ -n "${want:-}" ] || { echo "all peers are installed"; exit 0; }
command -v apt-get >/dev/null || { echo "not installed here, and this is no Debian:$want" >&2; exit 1; }
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $want
