//! Which runs are listed.

use crate::standing::Standing;

/// What is asked of the runs of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Every word of this stands somewhere in what the list says of the run.
    pub text: String,
    /// It stands for this.
    pub standing: Option<Standing>,
}

impl Filter {
    /// Of the values of a query; what is not known asks for nothing.
    #[must_use]
    pub fn of_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut filter = Self::default();
        for (name, value) in pairs {
            match name {
                "text" => filter.text = value.trim().to_owned(),
                "verdict" => filter.standing = Standing::named(value),
                _ => {}
            }
        }
        filter
    }

    /// Whether something is listed that stands for this, and of which the list says this.
    pub(crate) fn takes(&self, standing: Standing, said: &str) -> bool {
        let said = said.to_lowercase();
        let is_asked_for = self.standing.is_none_or(|asked| asked == standing);
        is_asked_for
            && self
                .text
                .to_lowercase()
                .split_whitespace()
                .all(|word| said.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_the_verdict_must_be_there() {
        let filter =
            Filter::of_query([("text", " Cut mutex"), ("verdict", "violated"), ("x", "y")]);
        assert!(filter.takes(Standing::Violated, "no-lock mutex partition,CUT"));
        assert!(!filter.takes(Standing::Valid, "no-lock mutex partition,cut"));
        assert!(!filter.takes(Standing::Violated, "no-lock mutex partition"));
        assert_eq!(
            Filter::of_query([("verdict", "nonsense")]),
            Filter::default()
        );
    }
}
