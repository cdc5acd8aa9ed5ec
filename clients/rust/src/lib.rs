//! Clients and messages of `runlet.v1`, as they are generated from its protos.

/// The package `runlet.v1`.
#[allow(clippy::large_enum_variant)]
pub mod v1 {
    tonic::include_proto!("runlet.v1");
}
