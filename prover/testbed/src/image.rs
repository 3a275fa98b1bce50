//! Where an image comes from: present, pulled, or built, in the order that costs least.

use crate::error::{Attempt, TestbedError};
use crate::image_store::ImageStore;
use crate::progress::Progress;
use crate::recipe::{ALL, Recipe};

/// The RabbitMQ that a run uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RabbitImage {
    /// As it was asked for: `4.0`, `3.10`, or an image's reference.
    pub asked: String,
    /// The image to look for and to pull.
    pub reference: String,
    /// How to make one of our own where that cannot be had.
    pub recipe: Option<Recipe>,
}

impl RabbitImage {
    /// Reads `--rabbitmq`: a version means its official image with the management plugin, anything
    /// else is an image as it stands.
    #[must_use]
    pub fn named(asked: &str) -> Self {
        let is_version = asked.starts_with(|c: char| c.is_ascii_digit())
            && asked.chars().all(|c| c.is_ascii_digit() || c == '.');
        Self {
            asked: asked.to_owned(),
            reference: if is_version {
                format!("rabbitmq:{asked}-management")
            } else {
                asked.to_owned()
            },
            recipe: ALL.iter().copied().find(|recipe| recipe.release == asked),
        }
    }
}

impl Default for RabbitImage {
    fn default() -> Self {
        Self::named(ALL[0].release)
    }
}

/// How long a build takes on a machine of two cores with a near mirror.
const BUILD_TAKES: &str = "2 to 3 minutes";

/// Gets an image and returns the reference under which it is present: official present, own
/// present, official pulled, own built.
pub(crate) async fn obtain(
    wanted: &RabbitImage,
    store: &dyn ImageStore,
    progress: &dyn Progress,
) -> Result<String, TestbedError> {
    if store.present(&wanted.reference).await? {
        return Ok(wanted.reference.clone());
    }
    let own = wanted.recipe.map(|recipe| (recipe, recipe.tag()));
    if let Some((_, tag)) = &own
        && store.present(tag).await?
    {
        return Ok(tag.clone());
    }
    let mut attempts = Vec::new();
    let step = format!("pull {}", wanted.reference);
    progress.step(&step);
    if note(&mut attempts, step, store.pull(&wanted.reference).await)? {
        return Ok(wanted.reference.clone());
    }
    if let Some((recipe, tag)) = own {
        let step = format!("build {tag}");
        progress.step(&format!(
            "{step} from Debian packages, once on this machine: {BUILD_TAKES}"
        ));
        if note(&mut attempts, step, store.build(&recipe).await)? {
            return Ok(tag);
        }
    }
    Err(TestbedError::ImageUnobtainable {
        image: wanted.asked.clone(),
        attempts,
        remedy: remedy(wanted),
    })
}

/// Keeps why a step failed; passes on what makes every other step pointless.
fn note(
    attempts: &mut Vec<Attempt>,
    step: String,
    result: Result<(), TestbedError>,
) -> Result<bool, TestbedError> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.ends_the_search() => Err(error),
        Err(error) => {
            let reason = error.reason();
            attempts.push(Attempt { step, reason });
            Ok(false)
        }
    }
}

fn remedy(wanted: &RabbitImage) -> String {
    match wanted.recipe {
        Some(_) => {
            "mend one of these steps, or name an image that is present with --rabbitmq IMAGE"
                .to_owned()
        }
        None => format!(
            "check the name, fetch it by hand (`docker pull {}`, `docker load`), or use --rabbitmq {}, which can be built here",
            wanted.reference,
            ALL.iter()
                .map(|recipe| recipe.release)
                .collect::<Vec<_>>()
                .join(" or ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::progress::Silent;

    /// A store where some images are present and some steps work; it writes down what was asked of
    /// it.
    #[derive(Default)]
    struct Fake {
        present: Vec<String>,
        pulls: bool,
        builds: bool,
        disk_full: bool,
        asked: Mutex<Vec<String>>,
    }

    impl Fake {
        fn note(&self, what: String) {
            self.asked.lock().expect("not poisoned").push(what);
        }

        fn answer(&self, works: bool, why: &str) -> Result<(), TestbedError> {
            if self.disk_full {
                return Err(TestbedError::build("pull", "no space left on device"));
            }
            works
                .then_some(())
                .ok_or_else(|| TestbedError::build("a step", why))
        }

        async fn obtain(
            &self,
            wanted: &RabbitImage,
        ) -> (Result<String, TestbedError>, Vec<String>) {
            let result = obtain(wanted, self, &Silent).await;
            let asked = self.asked.lock().expect("not poisoned").clone();
            (result, asked)
        }
    }

    #[async_trait]
    impl ImageStore for Fake {
        async fn present(&self, reference: &str) -> Result<bool, TestbedError> {
            self.note(format!("present {reference}"));
            Ok(self.present.iter().any(|there| there == reference))
        }

        async fn pull(&self, reference: &str) -> Result<(), TestbedError> {
            self.note(format!("pull {reference}"));
            self.answer(self.pulls, "connection refused")
        }

        async fn build(&self, recipe: &Recipe) -> Result<(), TestbedError> {
            self.note(format!("build {}", recipe.suite));
            self.answer(self.builds, "mmdebstrap is missing")
        }
    }

    const OFFICIAL: &str = "rabbitmq:4.0-management";

    #[tokio::test]
    async fn official_present_is_taken_without_another_question() {
        let fake = Fake {
            present: vec![OFFICIAL.to_owned(), ALL[0].tag()],
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::default()).await;
        assert_eq!(result.expect("present"), OFFICIAL);
        assert_eq!(asked, [format!("present {OFFICIAL}")]);
    }

    #[tokio::test]
    async fn own_present_comes_before_a_pull() {
        let fake = Fake {
            present: vec![ALL[0].tag()],
            pulls: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::default()).await;
        assert_eq!(result.expect("present"), ALL[0].tag());
        assert_eq!(asked.len(), 2, "{asked:?}");
    }

    #[tokio::test]
    async fn a_pull_comes_before_a_build() {
        let fake = Fake {
            pulls: true,
            builds: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::default()).await;
        assert_eq!(result.expect("pulled"), OFFICIAL);
        assert_eq!(asked[2..], [format!("pull {OFFICIAL}")]);
    }

    #[tokio::test]
    async fn a_failed_pull_leads_to_a_build() {
        let fake = Fake {
            builds: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::named("3.10")).await;
        assert_eq!(result.expect("built"), ALL[1].tag());
        assert_eq!(
            asked[2..],
            ["pull rabbitmq:3.10-management", "build bookworm"]
        );
    }

    #[tokio::test]
    async fn when_nothing_works_every_reason_is_kept() {
        let (result, _) = Fake::default().obtain(&RabbitImage::default()).await;
        let text = result.expect_err("nothing works").to_string();
        assert!(text.contains("connection refused"), "{text}");
        assert!(text.contains("mmdebstrap is missing"), "{text}");
    }

    #[tokio::test]
    async fn an_image_of_somebody_elses_is_never_built() {
        let fake = Fake {
            builds: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::named("acme/broker:1")).await;
        let text = result.expect_err("cannot be had").to_string();
        assert!(text.contains("docker pull acme/broker:1"), "{text}");
        assert_eq!(asked, ["present acme/broker:1", "pull acme/broker:1"]);
    }

    #[tokio::test]
    async fn a_full_disk_ends_the_search() {
        let fake = Fake {
            builds: true,
            disk_full: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&RabbitImage::default()).await;
        assert!(matches!(result, Err(TestbedError::DiskFull { .. })));
        assert!(!asked.iter().any(|step| step.starts_with("build")));
    }

    #[test]
    fn versions_mean_official_images() {
        let reference = |asked: &str| RabbitImage::named(asked).reference;
        assert_eq!(reference("4.1"), "rabbitmq:4.1-management");
        assert_eq!(reference("rabbitmq:4.1"), "rabbitmq:4.1");
        assert_eq!(reference("my-broker"), "my-broker");
        assert_eq!(RabbitImage::named("4.1").recipe, None);
        assert_eq!(RabbitImage::named("3.10").recipe, Some(ALL[1]));
    }
}
