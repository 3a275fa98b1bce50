//! What a report says, and that it says nothing else.
//!
//! The reports of all samples are left in the folder `report` of cargo's `target/tmp`, to be looked
//! at.

mod samples;

use std::path::Path;

use roxmltree::Document;
use samples::Sample;

/// The text of a page without its markup, with blanks run together.
fn text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<').skip(1) {
        let (_, rest) = part.split_once('>').unwrap_or((part, ""));
        text.push_str(rest);
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of(sample: &Sample) -> String {
    text(&sample.html()).replace("&lt;", "<")
}

fn svgs(html: &str) -> Vec<&str> {
    let ends = html
        .split("</svg>")
        .filter_map(|part| part.find("<svg").map(|begin| &part[begin..]));
    ends.collect()
}

#[test]
fn samples_are_left_to_be_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    for sample in samples::all() {
        let folder = folder.join(sample.name);
        std::fs::create_dir_all(folder.join("plots")).expect("writable");
        std::fs::write(folder.join("report.html"), sample.html()).expect("writable");
        for (name, svg) in sample.plots() {
            std::fs::write(folder.join(name), svg).expect("writable");
        }
    }
}

#[test]
fn a_valid_run_says_of_what_it_speaks() {
    let text = text_of(&samples::valid());
    assert!(
        text.contains("valid exclusive-queue under mutex, faults: partition"),
        "{text}"
    );
    assert!(text.contains(
        "The recorded history contains no violation of what exclusive-queue promises: confirmed-exclusion. It was put to the test: contention 5 of 5 workers"
    ));
    assert!(text.contains("of runs that did not happen it says nothing"));
    assert!(text.contains("sha256:4f4f"));
    assert!(
        text.contains("partition 6 6 0"),
        "windows, revoked, delayed, not in force, due: {text}"
    );
    let effect = "revoked, others wanted it";
    assert_eq!(text.matches(effect).count(), 6, "of each window: {text}");
    assert!(text.contains("--seed 7"));
    assert!(text.contains("118 bursts"));
    assert!(!text.contains("Exposure") && !text.contains("simulated"));
}

#[test]
fn a_double_hold_shows_both_holders_and_how_long() {
    let sample = samples::violated();
    let text = text_of(&sample);
    assert!(
        text.contains("violated persistent-mutex under mutex"),
        "{text}"
    );
    assert!(text.contains("double hold of lock-0 for 4.93 s, from 11.000000 s: worker 2 (process 2) and worker 4 (process 4)"));
    assert!(text.contains("4.93 s 11.000000 lock-0 worker 2 (process 2), worker 4 (process 4)"));
    assert!(
        text.contains("10.997000 4 4 invoke acquire") || text.contains("11.000000 4 4 ok acquire"),
        "{text}"
    );
    let names: Vec<_> = sample.plots().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "plots/timeline.svg",
            "plots/latency.svg",
            "plots/exposures.svg"
        ]
    );
}

#[test]
fn a_violation_that_is_not_promised_is_marked_and_does_not_decide() {
    let text = text_of(&samples::unpromised());
    assert!(text.contains("valid exclusive-queue under mutex"), "{text}");
    assert!(
        text.contains("1 overlap, longest 4.93 s (not promised by exclusive-queue)"),
        "{text}"
    );
    assert!(
        text.contains("Violated, but not part of the verdict: exclusion, overlap<=1s"),
        "{text}"
    );
}

#[test]
fn an_unknown_verdict_says_why_and_a_simulated_one_of_what() {
    let text = text_of(&samples::unknown());
    assert!(
        text.contains("does not decide what exclusive-queue promises: coverage (partition never happened: give --time-limit more"),
        "{text}"
    );
    assert!(
        text.contains("partition never happened: give --time-limit more"),
        "{text}"
    );
    assert!(text.contains("The testbed is simulated."), "{text}");
    assert!(text.contains("No fault was recorded in this run"));
}

#[test]
fn nothing_recorded_is_no_error_and_no_proof() {
    let text = text_of(&samples::empty());
    assert!(text.contains("unknown exclusive-queue"), "{text}");
    assert!(
        text.contains(
            "The record is incomplete: the verdict speaks of what was recorded, up to nothing"
        ),
        "{text}"
    );
    assert!(text.contains("No operation came to an end"));
}

#[test]
fn names_cannot_become_markup() {
    let sample = samples::hostile();
    for page in sample
        .plots()
        .into_iter()
        .map(|(_, svg)| svg)
        .chain([sample.html()])
    {
        assert!(
            !page.contains("<script") && !page.contains("</text></script") && !page.contains('\0'),
            "{page}"
        );
        assert!(!page.contains('\u{202e}'), "{page}");
    }
    assert!(sample.html().contains("&lt;script&gt;"));
}

#[test]
fn pictures_are_sound_and_have_titles() {
    for sample in samples::all() {
        let html = sample.html();
        let inline = svgs(&html).into_iter().map(|svg| format!("{svg}</svg>"));
        for svg in sample.plots().into_iter().map(|(_, svg)| svg).chain(inline) {
            let document = Document::parse(&svg)
                .unwrap_or_else(|error| panic!("{}: {error}\n{svg}", sample.name));
            let root = document.root_element();
            let has = |name: &str| {
                root.children()
                    .any(|child| child.has_tag_name(name) && child.text().is_some())
            };
            let has = |name: &str| {
                let spaced = ("http://www.w3.org/2000/svg", name);
                has(name)
                    || root
                        .children()
                        .any(|child| child.has_tag_name(spaced) && child.text().is_some())
            };
            assert!(has("title") && has("desc"), "{}", sample.name);
            let numbers = document.descendants().flat_map(|node| node.attributes());
            for number in
                numbers.filter(|number| ["x", "y", "width", "height"].contains(&number.name()))
            {
                assert!(
                    !number.value().contains("NaN") && !number.value().contains("inf"),
                    "{number:?}"
                );
                assert!(
                    !number.value().starts_with('-') || number.name() == "y",
                    "{number:?}"
                );
            }
        }
    }
}

#[test]
fn ids_are_unique_in_a_page() {
    for sample in samples::all() {
        let html = sample.html();
        let mut ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{}", sample.name);
    }
}

#[test]
fn a_page_needs_nothing_but_itself() {
    for sample in samples::all() {
        let html = sample
            .html()
            .replace("xmlns=\"http://www.w3.org/2000/svg\"", "")
            .replace("url(#", "");
        for reach in [
            "src=", "href=", "@import", "url(", "<script", "http://", "https://",
        ] {
            let text = html
                .split('<')
                .filter(|part| part.contains(reach))
                .collect::<Vec<_>>();
            assert!(text.is_empty(), "{}: {reach} in {text:?}", sample.name);
        }
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    for make in [samples::valid, samples::violated, samples::hostile] {
        assert_eq!(make().html(), make().html());
        assert_eq!(make().plots(), make().plots());
    }
}

#[test]
fn the_size_is_bounded_and_what_is_left_out_is_said() {
    let (short, long) = (samples::long(20_000), samples::long(100_000));
    assert!(
        long.html().len() < short.html().len() * 5 / 4,
        "{} and {}",
        short.html().len(),
        long.html().len()
    );
    let text = text_of(&long);
    assert!(text.contains("Drawn together with a neighbour"), "{text}");
    assert!(text.contains("The list shows 50 of 99999"), "{text}");
    assert!(
        text.contains("from 10.009000 s on there may be more than the picture marks"),
        "{text}"
    );
}
