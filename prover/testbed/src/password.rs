//! Texts that may hold a password, as they are shown and stored.

/// The user of a broker as it comes, whose password everybody knows.
pub(crate) const GUEST: &str = "guest";

/// The same URL without its password, as it is shown and stored. That of the guest is no secret.
#[must_use]
pub fn without_password(url: &str) -> String {
    match credentials(url) {
        Some((place, user, Some(password))) if (user, password) != (GUEST, GUEST) => {
            let (begin, rest) = url.split_at(place + user.len());
            format!("{begin}{}", &rest[1 + password.len()..])
        }
        _ => url.to_owned(),
    }
}

/// A text that should have been a URL, without whatever may be a password in it.
pub(crate) fn without_userinfo(text: &str) -> String {
    let text = text.split('?').next().unwrap_or(text);
    match text.rfind('@') {
        Some(at) => format!("…{}", &text[at..]),
        None => text.to_owned(),
    }
}

/// Where the user stands in a URL, the user, and the password if there is one.
pub(crate) fn credentials(url: &str) -> Option<(usize, &str, Option<&str>)> {
    let place = url.find("://")? + "://".len();
    let authority = url[place..].split(['/', '?', '#']).next()?;
    let (userinfo, _) = authority.rsplit_once('@')?;
    Some(match userinfo.split_once(':') {
        Some((user, password)) => (place, user, Some(password)),
        None => (place, userinfo, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("amqp://ada:s%2Fecret@h:1/v", "amqp://ada@h:1/v"),
            ("amqp://ada:a:b@c@h:1", "amqp://ada@h:1"),
            ("amqp://ada@h:1/%2f", "amqp://ada@h:1/%2f"),
            ("amqp://guest:guest@h/%2f", "amqp://guest:guest@h/%2f"),
            ("amqp://guest:secret@h/", "amqp://guest@h/"),
            ("amqp://h:1/@:", "amqp://h:1/@:"),
            ("redis=redis://:secret@h:1/0", "redis=redis://@h:1/0"),
            ("docker", "docker"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
