#!/usr/bin/env bash
# stubs.sh OUT: the TypeScript of proto/coord/v1, by ts-proto at the version of package-lock.json.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# npm writes the second one whenever it has installed what the first one says.
if [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
    npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$here" </dev/null
fi
cd "$here/../../proto"
"$COORD_PROTOC" -I . --plugin="$here/node_modules/.bin/protoc-gen-ts_proto" --ts_proto_out="$1" \
    --ts_proto_opt=env=node,esModuleInterop=true,importSuffix=.js,outputServices=grpc-js \
    --ts_proto_opt=forceLong=bigint,outputJsonMethods=false,useExactTypes=false \
    coord/v1/*.proto
