#!/bin/sh
# Builds README.md and docs/ as a site in site/build/, with packages that nothing else needs.
set -eu
cd "$(dirname "$0")/../site"
if ! cmp -s package-lock.json node_modules/.runlet-lock.json; then
  npm ci --ignore-scripts --prefer-offline --no-audit --no-fund
  cp package-lock.json node_modules/.runlet-lock.json
fi
rm -rf build
npm run -s build
