//! Where CONTRIBUTING.md says that something is to be added, there is something like it already.

use std::path::Path;

/// The files and folders in backticks of the table "Where to add something", a row each.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let (_, section) = text
        .split_once("## Where to add something")
        .expect("the section is there");
    let (section, _) = section.split_once("\n## ").expect("it is not the last");
    let rows = section.lines().filter(|line| line.starts_with("| a"));
    rows.map(|row| {
        let quoted = row.split('`').skip(1).step_by(2);
        quoted.filter(|text| text.contains('/')).collect()
    })
    .collect()
}

#[test]
fn every_place_to_add_something_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("CONTRIBUTING.md")).expect("it is there");
    let rows = rows(&text);
    assert!(rows.len() > 8, "{rows:?}");
    for paths in &rows {
        assert!(!paths.is_empty(), "{rows:?}");
        for path in paths.iter().filter(|path| !path.starts_with("target")) {
            assert!(root.join(path).exists(), "{path}");
        }
    }
}
