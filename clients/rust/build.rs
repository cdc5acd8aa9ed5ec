//! Generates the messages and clients of `runlet.v1`; needs no protoc.

use std::path::Path;

const PROTOS: [&str; 11] = [
    "error", "event", "file", "http", "process", "sandbox", "server", "session", "signal", "stats",
    "tunnel",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new("../../proto");
    let files = PROTOS.map(|name| root.join(format!("runlet/v1/{name}.proto")));
    let descriptors = protox::compile(&files, [root])?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed={}", root.display());
    Ok(())
}
