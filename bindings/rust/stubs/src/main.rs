//! coord-stubs PROTO OUT: the client stubs of PROTO/coord/v1 into the folder OUT, by the protoc that
//! PROTOC names. A program of its own, so that whoever builds coord-client needs no protoc.

use std::env;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [proto, out] = env::args()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: coord-stubs PROTO OUT")?;
    let file = proto.join("coord/v1/coord.proto");
    tonic_prost_build::configure()
        .build_server(false)
        .out_dir(out)
        .compile_protos(&[file], &[proto])?;
    Ok(())
}
