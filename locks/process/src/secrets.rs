//! Passwords that must not leave the program.

use locks::Endpoint;

/// The passwords in the URLs of endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(endpoints: &[Endpoint]) -> Self {
        let accounts = endpoints.iter().filter_map(|place| account(&place.url));
        // An account whose password is its name is one that everybody knows.
        let secret = accounts.filter(|(user, password)| !password.is_empty() && user != password);
        Self(secret.map(|(_, password)| password).collect())
    }

    /// The same text with stars in the place of each.
    pub(crate) fn hide(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret, "***");
        self.0.iter().fold(text.to_owned(), hide)
    }
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
            place("http://127.0.0.1:1"),
        ]);
        assert_eq!(
            secrets.hide("cannot log in as guest, postgres or s3cret"),
            "cannot log in as guest, postgres or ***"
        );
    }
}
