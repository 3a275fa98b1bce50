//! Passwords that must not leave the program.

use locks::Endpoint;
use percent_encoding::percent_decode_str;

/// The passwords in the URLs of endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(endpoints: &[Endpoint]) -> Self {
        let accounts = endpoints.iter().filter_map(|place| account(&place.url));
        // An account whose password is its name is one that everybody knows.
        let secret = accounts.filter(|(user, password)| !password.is_empty() && user != password);
        Self(secret.flat_map(|(_, password)| forms(&password)).collect())
    }

    /// The same text with stars in the place of each.
    pub(crate) fn hide(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret, "***");
        self.0.iter().fold(text.to_owned(), hide)
    }
}

/// A password as it stands in a URL, as libraries print it, and both as JSON says them; the longest
/// first, because another may be a part of it.
fn forms(password: &str) -> Vec<String> {
    let decoded = percent_decode_str(password).decode_utf8_lossy();
    let plain = [password, &*decoded];
    let quoted = plain.map(|text| serde_json::Value::from(text).to_string());
    let quoted = quoted.iter().map(|text| text.trim_matches('"').to_owned());
    let mut forms: Vec<String> = plain.map(str::to_owned).into_iter().chain(quoted).collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// The user and the password of a URL.
fn account(url: &str) -> Option<(String, String)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (userinfo, _) = authority.rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_hidden_in_texts() {
        let place = |url: &str| Endpoint {
            service: String::new(),
            name: String::new(),
            host: String::new(),
            port: 1,
            url: url.to_owned(),
        };
        let secrets = Secrets::of(&[
            place("redis://ada:s3cret@127.0.0.1:1"),
            place("amqp://guest:guest@127.0.0.1:1/%2f"),
            place("postgres://postgres:postgres@127.0.0.1:1/postgres"),
            place("redis://bob:a%22b%5Cc@127.0.0.1:1"),
            place("http://127.0.0.1:1"),
        ]);
        assert_eq!(
            secrets.hide("cannot log in as guest, postgres or s3cret"),
            "cannot log in as guest, postgres or ***"
        );
        for form in ["a%22b%5Cc", "a\"b\\c", "a\\\"b\\\\c"] {
            assert_eq!(secrets.hide(&format!("<{form}>")), "<***>");
        }
    }
}
