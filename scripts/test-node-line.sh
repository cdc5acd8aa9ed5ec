#!/usr/bin/env bash
#
# Runs the tests that depend on Node.js with another line of it, which is fetched
# unless it is there:
#
#   scripts/test-node-line.sh LINE [ARGUMENT OF vitest...]
#
# vitest itself runs with it, and so does all that the tests start. The project has to be
# built. scripts/node-line.mjs says which lines there are, and the version of each.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# == 0)); then
  echo 'usage: scripts/test-node-line.sh LINE [ARGUMENT OF vitest...]' >&2
  exit 2
fi
line=$1
shift
node=$(node scripts/node-line.mjs "$line")
printf 'Node.js %s: %s\n' "$line" "$("$node" --version)"

# What is found by its name is that program, too. A test looks at it.
export PATH="${node%/*}:$PATH" TEST_NODE_LINE=$line TEST_BUILT=1
exec "$node" node_modules/vitest/vitest.mjs run --config vitest.runtime.config.ts "$@"
