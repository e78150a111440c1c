#!/usr/bin/env bash
# Python's stubs into the folder $1, by grpcio-tools, which COORD_PROTOC is the compiler of.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../proto"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$COORD_PROTOC" -I. --python_out="$made" --pyi_out="$made" coord/v1/*.proto
"$COORD_PROTOC" -I. --grpc_python_out="$made" coord/v1/coord.proto # the one that has services
cp "$made"/coord/v1/* "$1"
