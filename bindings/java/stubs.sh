#!/usr/bin/env bash
# stubs.sh OUT: the Java stubs of proto/coord/v1 into OUT; ./dev stubs calls it. protoc and the plugin
# of gRPC are those of pom.xml, not COORD_PROTOC: their version has to fit protobuf-java's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec mvn -q -B -Dstubs="$1" io.github.ascopes:protobuf-maven-plugin:generate
