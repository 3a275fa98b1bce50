//! How an image of RabbitMQ is made where none can be had: which release of Debian has it, and what
//! the build takes.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The configuration that every broker gets, whatever its image.
pub(crate) const RABBITMQ_CONF: &str = include_str!("../../../docker/rabbitmq/rabbitmq.conf");
/// The plugins that every broker gets.
pub(crate) const ENABLED_PLUGINS: &str = include_str!("../../../docker/rabbitmq/enabled_plugins");

/// The build's inputs: name, mode, content.
pub(crate) const CONTEXT: &[(&str, u32, &str)] = &[
    (
        "Dockerfile",
        0o644,
        include_str!("../../../docker/rabbitmq/Dockerfile"),
    ),
    (
        "entrypoint.sh",
        0o755,
        include_str!("../../../docker/rabbitmq/entrypoint.sh"),
    ),
    ("rabbitmq.conf", 0o644, RABBITMQ_CONF),
    ("enabled_plugins", 0o644, ENABLED_PLUGINS),
];

/// How to build RabbitMQ from Debian's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// RabbitMQ's release: `4.0`.
    pub release: &'static str,
    /// The Debian release that has it: `trixie`.
    pub suite: &'static str,
}

/// The releases that can be built without a registry; the first is the default.
pub const ALL: &[Recipe] = &[
    Recipe {
        release: "4.0",
        suite: "trixie",
    },
    Recipe {
        release: "3.10",
        suite: "bookworm",
    },
];

impl Recipe {
    /// The tag of the image it makes. It names the content of the inputs, so a changed Dockerfile
    /// is another image.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("amqp-prover/rabbitmq:{}-{}", self.release, context_hash())
    }

    /// The tag of the Debian base it is built on.
    #[must_use]
    pub fn base_tag(&self) -> String {
        format!("amqp-prover/debian:{}", self.suite)
    }
}

/// A name for the content of the build's inputs. Another compiler may give another name, which
/// costs one rebuild.
fn context_hash() -> String {
    let mut hasher = DefaultHasher::new();
    CONTEXT.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
