#!/usr/bin/env bash
# Installs the Debian packages of the groups named (see packages.txt), asking nothing when all are there.
# usage: tools/install.sh run|test|check ...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wanted=()
for group in "$@"; do
  while read -r of name; do
    if [ "$of" = "$group" ]; then wanted+=("$name"); fi
  done < <(grep -v '^#' "$here/packages.txt")
done
if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "This is no Debian system. Kinglet needs the counterparts of these packages: ${wanted[*]}"
  exit 0
fi
missing=()
for name in "${wanted[@]}"; do
  if ! dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed'; then missing+=("$name"); fi
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
echo "Installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
export DEBIAN_FRONTEND=noninteractive
# No service may start by itself: tests start what they need, on loopback.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod +x $policy
  made_policy=yes
fi
finish() { if [ $made_policy = yes ]; then "${as_root[@]}" rm -f $policy; fi; }
trap finish EXIT
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
