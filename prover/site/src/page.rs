//! What all pages have in common: the look, and that they need nothing but themselves.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use report::template::render;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::SiteError;

const SHELL: &str = include_str!("page.html.j2");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Where pages stand.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// How the results are called in commands.
    pub results: &'a str,
    /// Whether a server answers, which compares runs and packs archives; else they are files.
    pub is_served: bool,
}

#[derive(Serialize)]
struct Shell<'a> {
    title: &'a str,
    style: &'a str,
    script: &'a str,
    /// The digest of the script: no other runs.
    script_digest: String,
    body: String,
}

/// A whole page around a template.
pub(crate) fn page(
    title: &str,
    template: &str,
    view: &impl Serialize,
) -> Result<String, SiteError> {
    let shell = Shell {
        title,
        style: STYLE,
        script: SCRIPT,
        script_digest: BASE64_STANDARD.encode(Sha256::digest(SCRIPT)),
        body: render(template, view)?,
    };
    Ok(render(SHELL, &shell)?)
}

#[derive(Serialize)]
struct Notice<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page that says one thing, such as that there is none.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn notice(title: &str, text: &str) -> Result<String, SiteError> {
    let template =
        "<h1>{{ title }}</h1>\n<p>{{ text }}</p>\n<p><a href=\"/index.html\">All runs</a></p>\n";
    page(title, template, &Notice { title, text })
}
