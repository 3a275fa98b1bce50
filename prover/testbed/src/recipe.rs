//! How an image of a service is made where none can be had: which release of Debian has it, and
//! what the build takes. There is one Dockerfile for all of them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// What every build takes: name, mode, content.
const COMMON: &[Input] = &[
    (
        "Dockerfile",
        0o644,
        include_str!("../../../docker/Dockerfile"),
    ),
    (
        "entrypoint.sh",
        0o755,
        include_str!("../../../docker/entrypoint.sh"),
    ),
];

/// One file that a build takes: name, mode, content.
pub(crate) type Input = (&'static str, u32, &'static str);

/// How to build a service from Debian's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The service, its folder beside the Dockerfile, and the user that Debian runs it as.
    pub service: &'static str,
    /// The service's release: `4.0`.
    pub release: &'static str,
    /// The Debian release that has it: `trixie`.
    pub suite: &'static str,
    /// The packages, with a space between.
    pub packages: &'static str,
    /// The files in its folder.
    pub(crate) files: &'static [Input],
}

impl Recipe {
    /// The tag of the image it makes. It names the content of the inputs, so a changed Dockerfile
    /// is another image.
    #[must_use]
    pub fn tag(&self) -> String {
        let hash = self.content_hash();
        format!("amqp-prover/{}:{}-{hash}", self.service, self.release)
    }

    /// The tag of the Debian base it is built on.
    #[must_use]
    pub fn base_tag(&self) -> String {
        format!("amqp-prover/debian:{}", self.suite)
    }

    /// What the build takes: name, mode, content.
    pub(crate) fn context(&self) -> impl Iterator<Item = &'static Input> {
        COMMON.iter().chain(self.files)
    }

    /// The build's arguments.
    pub(crate) fn arguments(&self) -> [(&'static str, String); 3] {
        [
            ("BASE", self.base_tag()),
            ("SERVICE", self.service.to_owned()),
            ("PACKAGES", self.packages.to_owned()),
        ]
    }

    /// A name for the content of the build's inputs. Another compiler may give another name, which
    /// costs one rebuild.
    fn content_hash(&self) -> String {
        let mut hasher = DefaultHasher::new();
        let inputs: Vec<&Input> = self.context().collect();
        inputs.hash(&mut hasher);
        self.packages.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}
