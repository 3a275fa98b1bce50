//! Where an image comes from: present, pulled, or built, in the order that costs least.

use crate::error::{Attempt, TestbedError};
use crate::image_store::ImageStore;
use crate::progress::Progress;
use crate::recipe::Recipe;

/// The image that a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As it was asked for: `rabbitmq=4.0`, or an image's reference.
    pub asked: String,
    /// The image to look for and to pull; none where the usual registry has none.
    pub reference: Option<String>,
    /// How to make one of our own where that cannot be had.
    pub recipe: Option<Recipe>,
    /// What is known to be had, as the options name it.
    pub(crate) usual: &'static str,
}

/// The releases of a service that have images of its makers and of our own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Releases {
    /// How ours are built; the first is the usual one.
    pub(crate) recipes: &'static [Recipe],
    /// The image of the makers, where they have one: what stands before and behind the version.
    pub(crate) official: Option<(&'static str, &'static str)>,
    /// What is known to be had, as the options name it: `--service redis`.
    pub(crate) usual: &'static str,
}

impl Releases {
    /// The image of a version; the usual one where nothing is said; anything else is an image as it
    /// stands.
    pub(crate) fn image(&self, asked: Option<&str>) -> Image {
        let usual = self.recipes[0];
        let version = asked.unwrap_or(usual.release);
        let official = self.official.filter(|_| is_version(version));
        let recipe = self.recipes.iter().find(|one| one.release == version);
        let reference = match (official, recipe) {
            (Some((before, behind)), _) => Some(format!("{before}{version}{behind}")),
            (None, Some(_)) => None,
            (None, None) => Some(version.to_owned()),
        };
        Image {
            asked: match is_version(version) {
                true => format!("{} {version}", usual.service),
                false => version.to_owned(),
            },
            reference,
            recipe: recipe.copied(),
            usual: self.usual,
        }
    }
}

/// Whether an image is asked for by the version of what is in it.
fn is_version(asked: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    asked.starts_with(|c: char| c.is_ascii_digit()) && asked.chars().all(is_part)
}

/// How long a build takes on a machine of two cores with a near mirror.
const BUILD_TAKES: &str = "1 to 3 minutes";

/// Gets an image and returns the reference under which it is present: official present, own
/// present, official pulled, own built.
pub(crate) async fn obtain(
    wanted: &Image,
    store: &dyn ImageStore,
    progress: &dyn Progress,
) -> Result<String, TestbedError> {
    if let Some(reference) = &wanted.reference
        && store.present(reference).await?
    {
        return Ok(reference.clone());
    }
    let own = wanted.recipe.map(|recipe| (recipe, recipe.tag()));
    if let Some((_, tag)) = &own
        && store.present(tag).await?
    {
        return Ok(tag.clone());
    }
    let mut attempts = Vec::new();
    if let Some(reference) = &wanted.reference {
        let step = format!("pull {reference}");
        progress.step(&step);
        if note(&mut attempts, step, store.pull(reference).await)? {
            return Ok(reference.clone());
        }
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

fn remedy(wanted: &Image) -> String {
    match (&wanted.recipe, &wanted.reference) {
        (None, Some(reference)) => format!(
            "check the name, fetch it by hand (`docker pull {reference}`, `docker load`), or use {}, which can be built here",
            wanted.usual
        ),
        _ => "mend one of these steps, or name an image that is present: --service NAME=IMAGE"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::progress::Silent;
    use crate::services::RabbitMq;
    use crate::{Service, services};

    fn rabbitmq(asked: &str) -> Image {
        RabbitMq.image(Some(asked))
    }

    fn own() -> String {
        rabbitmq("4.0").recipe.expect("it can be built").tag()
    }

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

        async fn obtain(&self, wanted: &Image) -> (Result<String, TestbedError>, Vec<String>) {
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
            present: vec![OFFICIAL.to_owned(), own()],
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&rabbitmq("4.0")).await;
        assert_eq!(result.expect("present"), OFFICIAL);
        assert_eq!(asked, [format!("present {OFFICIAL}")]);
    }

    #[tokio::test]
    async fn own_present_comes_before_a_pull() {
        let fake = Fake {
            present: vec![own()],
            pulls: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&rabbitmq("4.0")).await;
        assert_eq!(result.expect("present"), own());
        assert_eq!(asked.len(), 2, "{asked:?}");
    }

    #[tokio::test]
    async fn a_pull_comes_before_a_build() {
        let fake = Fake {
            pulls: true,
            builds: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&rabbitmq("4.0")).await;
        assert_eq!(result.expect("pulled"), OFFICIAL);
        assert_eq!(asked[2..], [format!("pull {OFFICIAL}")]);
    }

    #[tokio::test]
    async fn a_failed_pull_leads_to_a_build() {
        let fake = Fake {
            builds: true,
            ..Fake::default()
        };
        let (result, asked) = fake.obtain(&rabbitmq("3.10")).await;
        assert!(
            result
                .expect("built")
                .starts_with("amqp-prover/rabbitmq:3.10-")
        );
        assert_eq!(
            asked[2..],
            ["pull rabbitmq:3.10-management", "build bookworm"]
        );
    }

    #[tokio::test]
    async fn when_nothing_works_every_reason_is_kept() {
        let (result, _) = Fake::default().obtain(&rabbitmq("4.0")).await;
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
        let (result, asked) = fake.obtain(&rabbitmq("acme/broker:1")).await;
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
        let (result, asked) = fake.obtain(&rabbitmq("4.0")).await;
        assert!(matches!(result, Err(TestbedError::DiskFull { .. })));
        assert!(!asked.iter().any(|step| step.starts_with("build")));
    }

    #[tokio::test]
    async fn what_its_makers_do_not_hand_out_is_built_at_once() {
        let fake = Fake {
            builds: true,
            ..Fake::default()
        };
        let etcd = services::find("etcd").expect("it is known").image(None);
        let (result, asked) = fake.obtain(&etcd).await;
        let tag = result.expect("built");
        assert!(tag.starts_with("amqp-prover/etcd:3.5-"), "{tag}");
        assert_eq!(asked, [format!("present {tag}"), "build trixie".to_owned()]);
    }

    #[test]
    fn versions_mean_official_images() {
        let reference = |asked: &str| rabbitmq(asked).reference.expect("its makers have it");
        assert_eq!(reference("4.1"), "rabbitmq:4.1-management");
        assert_eq!(reference("rabbitmq:4.1"), "rabbitmq:4.1");
        assert_eq!(reference("my-broker"), "my-broker");
        assert_eq!(rabbitmq("4.1").recipe, None);
        assert_eq!(rabbitmq("3.10").recipe.expect("ours").suite, "bookworm");
        let usual = |name| services::find(name).expect("it is known").image(None);
        assert_eq!(usual("redis").reference.as_deref(), Some("redis:8.0"));
        assert_eq!(usual("postgres").reference.as_deref(), Some("postgres:17"));
    }
}
