//! What the address of a page asks for.

use percent_encoding::percent_decode_str;

/// The names and values of a query, in its order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let text = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value))
    };
    pairs.map(pair).collect()
}

/// A path as it was before it was encoded. An encoded slash is no part of a name here, so it is
/// refused, and so is what is no text.
pub(super) fn path(encoded: &str) -> Option<String> {
    let part = |part: &str| {
        let text = percent_decode_str(part).decode_utf8().ok()?.into_owned();
        (!text.contains('/')).then_some(text)
    };
    let parts: Option<Vec<String>> = encoded.split('/').map(part).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_forms_write_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = pairs("text=a+b%2Bc&run=x%2Fy&run=%3Cz%3E&&alone");
        let wanted = [
            pair("text", "a b+c"),
            pair("run", "x/y"),
            pair("run", "<z>"),
            pair("alone", ""),
        ];
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_path_is_decoded_part_by_part() {
        assert_eq!(path("a%20b/c").as_deref(), Some("a b/c"));
        assert_eq!(path("a/%2e%2e/b").as_deref(), Some("a/../b"));
        assert_eq!(path("a%2Fb"), None);
        assert_eq!(path("%ff"), None);
    }
}
