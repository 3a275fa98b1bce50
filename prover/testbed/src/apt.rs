//! The Debian mirror that this machine itself uses, read from apt's sources in both of their
//! formats.

use std::fs;
use std::path::{Path, PathBuf};

/// Names the mirror where the machine's own sources do not (Ubuntu, other systems).
pub const MIRROR_VARIABLE: &str = "PROVER_DEBIAN_MIRROR";

/// Releases that Debian's main archive carries; a vendor's archive has suites of other names, or
/// lacks the component `main`.
const DEBIAN_SUITES: &[&str] = &[
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// One archive, one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    uri: String,
    suite: String,
    components: Vec<String>,
    signed_by: String,
}

/// The mirror to bootstrap Debian from: [`MIRROR_VARIABLE`] if set, else what apt uses here.
#[must_use]
pub fn debian_mirror() -> Option<String> {
    std::env::var(MIRROR_VARIABLE)
        .ok()
        .filter(|mirror| !mirror.is_empty())
        .or_else(|| mirror_in(Path::new("/etc/apt")))
}

fn mirror_in(apt: &Path) -> Option<String> {
    let sources: Vec<Source> = source_files(apt)
        .iter()
        .filter_map(|file| Some(parse(file, &fs::read_to_string(file).ok()?)))
        .flatten()
        .collect();
    choose(&sources).map(str::to_owned)
}

fn source_files(apt: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = fs::read_dir(apt.join("sources.list.d"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    parts.sort();
    parts.insert(0, apt.join("sources.list"));
    parts
}

fn parse(file: &Path, text: &str) -> Vec<Source> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("list") => parse_one_line(text),
        Some("sources") => parse_deb822(text),
        _ => Vec::new(),
    }
}

/// `deb [option=value …] uri suite component…`
fn parse_one_line(text: &str) -> Vec<Source> {
    text.lines()
        .filter_map(|line| parse_deb_line(line.split('#').next().unwrap_or_default()))
        .collect()
}

fn parse_deb_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let signed_by = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="));
    Some(Source {
        uri: words.next()?,
        suite: words.next()?,
        components: words.collect(),
        signed_by: signed_by.unwrap_or_default().to_owned(),
    })
}

/// Stanzas of `Field: value`, continued by lines that begin with a space, parted by empty lines.
fn parse_deb822(text: &str) -> Vec<Source> {
    let without_comments: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::trim_end)
        .collect();
    without_comments
        .split(|line| line.is_empty())
        .flat_map(parse_stanza)
        .collect()
}

fn parse_stanza(lines: &[&str]) -> Vec<Source> {
    let field = |name: &str| field_of(lines, name);
    let disabled = field("Enabled").eq_ignore_ascii_case("no");
    if disabled || !field("Types").split_whitespace().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let (uris, suites) = (field("URIs"), field("Suites"));
    let source = |uri: &str, suite: &str| Source {
        uri: uri.to_owned(),
        suite: suite.to_owned(),
        components: field("Components")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        signed_by: field("Signed-By"),
    };
    suites
        .split_whitespace()
        .flat_map(|suite| uris.split_whitespace().map(move |uri| (uri, suite)))
        .map(|(uri, suite)| source(uri, suite))
        .collect()
}

fn field_of(lines: &[&str], name: &str) -> String {
    let begins = |line: &&&str| {
        line.split_once(':')
            .is_some_and(|(field, _)| field.eq_ignore_ascii_case(name))
    };
    let Some(first) = lines.iter().position(|line| begins(&line)) else {
        return String::new();
    };
    let value = lines[first].split_once(':').map_or("", |(_, value)| value);
    let continued = lines[first + 1..]
        .iter()
        .take_while(|line| line.starts_with([' ', '\t']));
    let parts: Vec<&str> = std::iter::once(value)
        .chain(continued.copied())
        .map(str::trim)
        .collect();
    parts.join(" ").trim().to_owned()
}

/// The first source of Debian's main archive; one that names Debian's own keyring before one that
/// does not say.
fn choose(sources: &[Source]) -> Option<&str> {
    let carries_debian = |source: &&Source| {
        DEBIAN_SUITES.contains(&source.suite.as_str())
            && source
                .components
                .iter()
                .any(|component| component == "main")
            && (source.uri.starts_with("http://") || source.uri.starts_with("https://"))
    };
    let by_keyring = |wanted: fn(&str) -> bool| {
        sources
            .iter()
            .filter(carries_debian)
            .find(|source| wanted(&source.signed_by))
    };
    by_keyring(|signed_by| signed_by.contains("debian-archive"))
        .or_else(|| by_keyring(str::is_empty))
        .map(|source| source.uri.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
# a comment before
Types: deb deb-src
# one inside
URIs: http://mirror.example/debian
  http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";

    const VENDOR: &str = "\
Types: deb
URIs: https://vendor.example/node
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
";

    fn mirror(files: &[(&str, &str)]) -> Option<String> {
        let sources: Vec<Source> = files
            .iter()
            .flat_map(|(name, text)| parse(Path::new(name), text))
            .collect();
        choose(&sources).map(str::to_owned)
    }

    #[test]
    fn deb822_gives_every_pair_of_uri_and_suite() {
        let sources = parse_deb822(DEB822);
        let pairs: Vec<(&str, &str)> = sources
            .iter()
            .map(|source| (source.uri.as_str(), source.suite.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("http://mirror.example/debian", "bookworm"),
                ("http://second.example/debian", "bookworm"),
                ("http://mirror.example/debian", "bookworm-updates"),
                ("http://second.example/debian", "bookworm-updates"),
                ("http://mirror.example/debian-security", "bookworm-security"),
            ]
        );
        assert_eq!(sources[0].components, ["main", "contrib"]);
    }

    #[test]
    fn one_line_sources_are_read_with_and_without_options() {
        let text = "\
# deb http://commented.example/debian trixie main
deb-src http://sources.example/debian trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] https://mirror.example/debian trixie main non-free # why
deb http://plain.example/debian trixie main
";
        let sources = parse_one_line(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].uri, "https://mirror.example/debian");
        assert_eq!(sources[0].components, ["main", "non-free"]);
        assert!(sources[0].signed_by.ends_with("debian-archive-keyring.gpg"));
        assert_eq!(sources[1].signed_by, "");
    }

    #[test]
    fn debian_is_chosen_before_vendors_and_security() {
        assert_eq!(
            mirror(&[("a.sources", VENDOR), ("b.sources", DEB822)]).as_deref(),
            Some("http://mirror.example/debian")
        );
        assert_eq!(
            mirror(&[(
                "sources.list",
                "deb http://mirror.example/debian bookworm main"
            )])
            .as_deref(),
            Some("http://mirror.example/debian")
        );
    }

    #[test]
    fn what_is_no_debian_archive_is_not_chosen() {
        let vendor_line = "deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example/apt bookworm main";
        for (name, text) in [
            ("a.sources", VENDOR),
            ("a.list", vendor_line),
            ("a.list", "deb http://mirror.example/ubuntu noble main"),
            ("a.list", "deb http://mirror.example/debian bookworm stable"),
            ("a.list", "deb cdrom:[Debian]/ bookworm main"),
            ("a.sources.disabled", DEB822),
        ] {
            assert_eq!(mirror(&[(name, text)]), None, "{name}: {text}");
        }
        let disabled = DEB822.replace("Types: deb", "Enabled: no\nTypes: deb");
        assert_eq!(mirror(&[("a.sources", &disabled)]), None);
    }

    #[test]
    fn files_are_found_in_apts_folder() {
        let apt = tempfile::tempdir().expect("a temporary folder");
        let parts = apt.path().join("sources.list.d");
        fs::create_dir(&parts).expect("a folder");
        fs::write(parts.join("debian.sources"), DEB822).expect("a file");
        assert_eq!(
            mirror_in(apt.path()).as_deref(),
            Some("http://mirror.example/debian")
        );
        let line = "deb http://first.example/debian trixie main";
        fs::write(apt.path().join("sources.list"), line).expect("a file");
        assert_eq!(
            mirror_in(apt.path()).as_deref(),
            Some("http://mirror.example/debian"),
            "the keyring's name outweighs the order"
        );
    }
}
