#!/usr/bin/env bash
# stubs.sh OUT: the Rust stubs of proto/coord/v1 into OUT; ./dev stubs calls it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PROTOC=$COORD_PROTOC
# Not that of the crate: a generator is built once for all clones.
CARGO_TARGET_DIR=$COORD_CACHE/rust-stubs-$(sha256sum Cargo.lock stubs/src/main.rs | sha256sum | cut -c1-16)
export CARGO_TARGET_DIR
exec cargo run --quiet --locked --package coord-stubs -- ../../proto "$1"
