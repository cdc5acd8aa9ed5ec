#!/usr/bin/env bash
#
# Runs a command beside what makes a machine busy: four loops that never wait, and one that
# writes to the disk whenever nobody else does. Tests have to pass beside them.
#
#   scripts/beside-load.sh npm test
#
# Needs ionice of util-linux and GNU coreutils. The loops end with the command.
set -euo pipefail

if (($# == 0)); then
  sed -n '3,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

folder=$(mktemp -d)
loops=()
trap 'kill "${loops[@]}" 2>/dev/null || true; wait "${loops[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for _ in 1 2 3 4; do
  (while :; do :; done) &
  loops+=("$!")
done
(
  # The writer of the moment ends with the loop.
  trap 'kill "$writer" 2>/dev/null; exit' TERM
  while :; do
    ionice -c 3 dd if=/dev/zero of="$folder/load" bs=1M count=256 conv=fsync status=none &
    writer=$!
    wait "$writer"
  done
) &
loops+=("$!")

code=0
"$@" || code=$?
exit "$code"
