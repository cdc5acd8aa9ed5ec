#!/usr/bin/env bash
#
# Generates and builds the clients in other languages: their examples, and the drivers
# that the interop tests tell what to do.
#
#   scripts/build-clients.sh [go|python|java|rust]...
#
# Without arguments: all of them. JOBS is how much is compiled at a time, 2 by default.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../clients"

jobs=${JOBS:-2}

build_go() {
  rm -rf build
  ../../node_modules/.bin/buf generate --output build/generated
  if ! diff -r build/generated/runlet/v1 runlet/v1; then
    echo "clients/go/runlet/v1 is not what the protos say: run \`go generate ./runlet\` there" >&2
    exit 1
  fi
  # What it compiles for that is what the test of an empty project needs, wherever modules are.
  go vet -trimpath ./...
  # What two goroutines do at a time without a lock ends the driver; that takes a C compiler.
  local race=()
  if [[ $(go env CGO_ENABLED) == 1 ]]; then race=(-race); fi
  go build "${race[@]}" -p "$jobs" -o bin/ ./cmd/...
  # What tests install the module from.
  go run ./internal/pack v0.1.0 build/proxy
}

build_python() {
  .venv/bin/python -c '' 2>/dev/null || python3 -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
  .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --wheel-dir build .
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --force-reinstall build/runlet-*.whl
  .venv/bin/python -m mypy --cache-dir .venv/mypy --no-error-summary
}

build_java() {
  mvn --batch-mode --quiet --no-transfer-progress compile
}

build_rust() {
  cargo build --quiet --locked --jobs "$jobs" --bins --examples
}

if (($# == 0)); then set -- go python java rust; fi

for language in "$@"; do
  case $language in
    go | python | java | rust) ;;
    *)
      echo "there is no client in $language" >&2
      exit 2
      ;;
  esac
  began=$SECONDS
  (cd "$language" && "build_$language")
  echo "$language: built in $((SECONDS - began)) s"
done
