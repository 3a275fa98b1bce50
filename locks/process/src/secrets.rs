//! Passwords that must not leave the program.

use locks::Endpoint;

/// What everybody knows, and what is too short to be told from other text.
const NO_SECRETS: &[&str] = &["", "guest"];

/// The passwords in the URLs of endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(endpoints: &[Endpoint]) -> Self {
        let passwords = endpoints.iter().filter_map(|place| password(&place.url));
        let passwords = passwords.filter(|it| !NO_SECRETS.contains(&it.as_str()));
        Self(passwords.collect())
    }

    /// The same line of bytes, likewise.
    pub(crate) fn hidden_in(&self, line: Vec<u8>) -> Vec<u8> {
        match (self.0.is_empty(), std::str::from_utf8(&line)) {
            (false, Ok(text)) => self.hide(text).into_bytes(),
            _ => line,
        }
    }

    /// The same text with stars in the place of each.
    pub(crate) fn hide(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret, "***");
        self.0.iter().fold(text.to_owned(), hide)
    }
}

fn password(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (userinfo, _) = authority.rsplit_once('@')?;
    let (_, password) = userinfo.split_once(':')?;
    Some(password.to_owned())
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
            place("http://127.0.0.1:1"),
        ]);
        assert_eq!(
            secrets.hide("cannot log in guest as s3cret"),
            "cannot log in guest as ***"
        );
    }
}
