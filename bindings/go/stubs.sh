#!/usr/bin/env bash
# Go's stubs into the folder $1, by protoc-gen-go and protoc-gen-go-grpc at the versions here, which are
# built once for each version of Go.
set -euo pipefail

messages=v1.36.11 # that of google.golang.org/protobuf in go.mod
services=v1.6.2

bin=$COORD_CACHE/protoc-gen-go-$messages-$services-$(go env GOVERSION)
export GOBIN=$bin GOFLAGS=-mod=mod
[ -x "$bin/protoc-gen-go" ] || go install "google.golang.org/protobuf/cmd/protoc-gen-go@$messages"
[ -x "$bin/protoc-gen-go-grpc" ] ||
    go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$services"

cd "$(dirname "${BASH_SOURCE[0]}")/../../proto"
module=coord/bindings/go/coord/v1
PATH=$bin:$PATH "$COORD_PROTOC" -I. \
    --go_out="$1" --go_opt=module=$module --go-grpc_out="$1" --go-grpc_opt=module=$module \
    coord/v1/*.proto
