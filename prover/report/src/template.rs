//! Templates, and the one place where text of a run becomes markup.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, escape_formatter,
};
use serde::Serialize;

/// Renders a template (minijinja). Everything in it is escaped but for what the template itself
/// marks as markup. An unknown name is an error, and `{{ count|counted("run") }}` writes a number
/// with its noun.
///
/// # Errors
/// What is wrong with the template.
pub fn render(source: &str, context: impl Serialize) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_formatter(legible_formatter);
    environment.add_filter("counted", |count: u64, noun: &str| {
        checker::counted(count, noun)
    });
    environment.render_str(source, Value::from(Serde(context)))
}

fn legible_formatter(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && text.contains(is_illegible) => escape_formatter(
            out,
            state,
            &Value::from(text.replace(is_illegible, "\u{fffd}")),
        ),
        _ => escape_formatter(out, state, value),
    }
}

/// Characters that may not stand in XML, and those that turn the direction of the text around them.
pub(crate) fn is_illegible(c: char) -> bool {
    let direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let legal =
        !matches!(c, '\u{fffe}' | '\u{ffff}') && (!c.is_control() || matches!(c, '\n' | '\t'));
    direction || !legal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let name = "<b>&\"'\u{0}\u{202e}";
        let text = render("<i>{{ name }}</i>", minijinja::context! { name }).expect("it renders");
        assert_eq!(text, "<i>&lt;b&gt;&amp;&quot;&#x27;\u{fffd}\u{fffd}</i>");
    }
}
