//! What Rust needs to talk to Coord: the stubs of proto/coord/v1, and a little around them.
//!
//! The stubs are the wire by hand; bindings/SPEC.md says how to use it.

mod environment;
mod service_instance;
mod session;
mod trouble;

pub use environment::Environment;
pub use service_instance::ServiceInstance;
pub use session::Session;
pub use trouble::Trouble;

/// The generated stubs.
pub mod v1 {
    include!("gen/coord.v1.rs");
}
