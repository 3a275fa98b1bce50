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
    let shown = html.split("<script").next().unwrap_or(html);
    for part in shown
        .split('<')
        .skip(1)
        .filter(|part| !part.starts_with("style"))
    {
        let (_, rest) = part.split_once('>').unwrap_or((part, ""));
        text.push_str(rest);
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of(sample: &Sample) -> String {
    text(&sample.html())
        .replace("&lt;", "<")
        .replace("&#x2f;", "/")
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
        text.contains("valid Tested: exclusive-queue keeps confirmed-exclusion under mutex, while partition strikes, on docker: RabbitMQ 4.0.5"),
        "{text}"
    );
    assert!(text.contains(
        "The recorded history contains no violation of what exclusive-queue promises: confirmed-exclusion. It was put to the test: contention 5 of 5 workers"
    ));
    assert!(text.contains("of runs that did not happen it says nothing"));
    assert!(text.contains("sha256:4f4f"));
    assert!(
        text.contains("partition 6 6 of 6 0 of 6"),
        "windows, revoked, delayed, not in force, due: {text}"
    );
    let effect = "revoked, others wanted it";
    assert_eq!(text.matches(effect).count(), 6, "of each window: {text}");
    assert!(text.contains("--seed 7"));
    assert!(text.contains("118 bursts"));
    assert!(!text.contains("Exposure by") && !text.contains("is simulated"));
    assert!(text.contains("prover certify results/latest"));
    assert!(text.contains("confirmed-exclusion never more clients than the lock has slots hold it, counted from the grant"));
}

#[test]
fn a_double_hold_shows_both_holders_and_how_long() {
    let sample = samples::violated();
    let text = text_of(&sample);
    assert!(
        text.contains("violated Tested: persistent-mutex keeps exclusion under mutex"),
        "{text}"
    );
    for sentence in [
        "double hold of lock-0 for 4.93 s, from 11.000 s on",
        "Worker 2 was granted lock-0 at 5.004 s and believed in it until it gave up at 15.930 s: nobody knows how its verify ended (heartbeat-missed).",
        "At 5.150 s partition began for worker 2; it lasted 11.85 s.",
        "Worker 4 was granted lock-0 too at 11.000 s and believed in it until it asked to give it back, at 16.200 s.",
        "For 4.93 s both believed that they held it.",
    ] {
        assert_eq!(text.matches(sentence).count(), 1, "{sentence} in {text}");
    }
    assert!(text.contains("4.93 s 11.000000 lock-0 worker 2 (process 2), worker 4 (process 4)"));
    assert!(!text.contains("null"), "no value is no word: {text}");
    for row in [
        "5.150000 +146.00 ms begins partition begins for worker 2",
        "11.000000 +3.00 ms granted from here worker 4 is granted lock-0",
        "15.930000 +4.93 s no answer to here worker 2 gets no answer to its verify",
    ] {
        assert!(text.contains(row), "{row} in {text}");
    }
    let names: Vec<_> = sample.plots().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "plots/timeline.svg",
            "plots/latency.svg",
            "plots/rate.svg",
            "plots/spans.svg",
            "plots/lags.svg",
            "plots/exposures.svg"
        ]
    );
}

#[test]
fn a_violation_that_is_not_promised_is_marked_and_does_not_decide() {
    let text = text_of(&samples::unpromised());
    assert!(
        text.contains("valid Tested: exclusive-queue keeps confirmed-exclusion under mutex"),
        "{text}"
    );
    assert!(
        text.contains("Violates exclusion, overlap&lt;=1s, which is not part of the verdict.")
            || text.contains("Violates exclusion, overlap<=1s, which is not part of the verdict."),
        "{text}"
    );
    assert_eq!(
        text.matches("double hold of lock-0").count(),
        1,
        "each once: {text}"
    );
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
    assert!(
        text.contains("unknown Tested: exclusive-queue keeps"),
        "{text}"
    );
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
        let scripts = if page.starts_with("<!doctype") { 2 } else { 0 };
        assert_eq!(page.matches("<script").count(), scripts, "{page}");
        assert_eq!(page.matches("</script").count(), scripts, "{page}");
        assert!(
            !page.contains("</text></script") && !page.contains('\0'),
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
            .replace("href=\"#event-", "")
            .replace("href=\"data:,\"", "");
        let (page, scripts) = html.split_once("<script").expect("there are scripts");
        for reach in ["src=", "href=", "@import", "url(", "http://", "https://"] {
            let text = page
                .split('<')
                .filter(|part| part.contains(reach))
                .collect::<Vec<_>>();
            assert!(text.is_empty(), "{}: {reach} in {text:?}", sample.name);
        }
        for reach in ["fetch(", "import", "XMLHttp", "innerHTML", "eval(", "http"] {
            let (_, script) = scripts.split_once("<script>").expect("the second");
            assert!(!script.contains(reach), "{reach}");
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
    let (short, long) = (samples::long(20_000).html(), samples::long(100_000).html());
    let shown = |html: &str| html.split("<script").next().map_or(0, str::len);
    assert!(
        shown(&long) < shown(&short) * 5 / 4,
        "{} and {}",
        shown(&short),
        shown(&long)
    );
    let embedded = long.len() - shown(&long);
    assert!(embedded < 400_000 * 24, "{embedded} for 400,000 events");
    let text = text(&long);
    assert!(text.contains("drawn together with a neighbour"), "{text}");
    assert!(text.contains("The list shows 50 of 99999"), "{text}");
    assert!(
        text.contains("from 10.009000 s on there may be more than the picture marks"),
        "{text}"
    );
}

#[test]
fn a_lost_update_is_told_with_its_numbers() {
    let text = text_of(&samples::lost_update());
    for sentence in [
        "Worker 0 read 4 from counter at 1.002 s.",
        "Worker 1 read 4 from counter at 1.502 s.",
        "Worker 0 wrote 5 to counter, which was acknowledged at 2.001 s.",
        "Worker 1 wrote 5 to counter, which was acknowledged at 2.501 s.",
        "Both wrote 5: the later one knew nothing of the earlier, so that one of the two updates is lost.",
    ] {
        assert_eq!(text.matches(sentence).count(), 1, "{sentence} in {text}");
    }
}

/// The page and the text of the terminal tell the same story.
fn assert_told(sample: &Sample, sentences: &[&str]) {
    let finding = &sample.judgement.guarantees[0].finding;
    let shown = report::violation_text(finding, &finding.violations[0], &sample.history);
    let page = text_of(sample);
    for sentence in sentences {
        assert_eq!(page.matches(sentence).count(), 1, "{sentence} in {page}");
        assert_eq!(shown.matches(sentence).count(), 1, "{sentence} in {shown}");
    }
}

#[test]
fn who_waits_in_vain_is_told_with_the_holder_that_died() {
    assert_told(
        &samples::starved(),
        &[
            "The last to hold lock-0 was worker 2: it was granted lock-0 at 5.004 s and believed in it until it gave up at 5.201 s: nobody knows how its verify ended (heartbeat-missed).",
            "At 5.150 s crash began for worker 2; it lasted 1.85 s. Worker 2 died of it, while it held the lock.",
            "Worker 1 waited: it asked for lock-0 at 12.000 s, when no fault was on, and was refused at 12.002 s (busy); since 8.000 s it asked 20 times.",
            "Nobody was granted lock-0 any more, to the end of the record at 17.502 s.",
        ],
    );
}

#[test]
fn who_waits_too_long_is_told_with_the_holder_that_stood_still() {
    assert_told(
        &samples::late(),
        &[
            "The last to hold lock-0 was worker 2: it was granted lock-0 at 1.004 s and believed in it until it asked to give it back, at 4.000 s.",
            "At 2.000 s pause began for worker 2; it lasted 1.00 s. Worker 2 stood still, while it held the lock.",
            "Worker 1 waited: it asked for lock-0 at 5.000 s, when no fault was on, and was granted it only at 14.000 s.",
            "Worker 1 was the next to be granted lock-0, at 14.000 s: 9.00 s after that.",
        ],
    );
}

#[test]
fn one_length_is_said_and_not_drawn() {
    let html = samples::starved().html();
    let said = "holder noticed: 51.00 ms (once); granted to another: never; both believed: never.";
    assert!(text(&html).contains(said), "{html}");
    assert!(
        !svgs(&html).iter().any(|svg| svg.contains("id=\"lags")),
        "{html}"
    );
    let html = samples::violated().html();
    assert!(text(&html).contains("1 overlap, 4.93 s long."));
    assert!(
        !svgs(&html)
            .iter()
            .any(|svg| svg.contains("Length of the overlaps"))
    );
}

#[test]
fn what_is_violated_beside_the_verdict_is_named_once() {
    let mut sample = samples::unpromised();
    let rows = sample.judgement.guarantees.clone();
    sample.judgement.guarantees.extend(rows);
    let text = text_of(&sample);
    assert_eq!(
        text.matches("part of the verdict: exclusion, overlap<=1s.")
            .count()
            + text
                .matches("part of the verdict: exclusion, overlap&lt;=1s.")
                .count(),
        1,
        "{text}"
    );
}

#[test]
fn a_program_without_a_service_is_said_to_have_none() {
    let mut sample = samples::starved();
    sample.subject.setting[0] = report::Fact::new("testbed", "none");
    let text = text_of(&sample);
    assert!(text.contains("crash strikes, without a service."), "{text}");
    assert!(!text.contains("on none"), "{text}");
}

#[test]
fn a_trace_has_a_slice_for_everything() {
    let sample = samples::violated();
    let mut bytes = Vec::new();
    report::trace(&sample.subject, &sample.history, &mut bytes).expect("a vector takes it");
    let trace: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let count = |category: &str| {
        events
            .iter()
            .filter(|event| event["cat"] == category)
            .count()
    };
    let operations = sample.history.operations().count();
    assert_eq!(
        (count("operation"), count("hold"), count("fault")),
        (operations, 36, 1)
    );
    let fault = events
        .iter()
        .find(|event| event["cat"] == "fault")
        .expect("one");
    assert_eq!(
        (&fault["name"], &fault["ts"], &fault["dur"]),
        (
            &"partition".into(),
            &5_150_000.0.into(),
            &11_850_000.0.into()
        )
    );
    // Slices of a thread never cross: viewers would tear them apart.
    let mut threads: std::collections::BTreeMap<String, Vec<(f64, f64)>> = Default::default();
    for slice in events.iter().filter(|event| event["ph"] == "X") {
        let (begin, length) = (
            slice["ts"].as_f64().expect("a time"),
            slice["dur"].as_f64().expect("a length"),
        );
        let thread = format!("{} {}", slice["pid"], slice["tid"]);
        threads
            .entry(thread)
            .or_default()
            .push((begin, begin + length));
    }
    for slices in threads.values_mut() {
        slices.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(
            slices.windows(2).all(|pair| pair[1].0 >= pair[0].1 - 1e-3),
            "{slices:?}"
        );
    }
    let names = events.iter().filter(|event| event["name"] == "thread_name");
    assert_eq!(
        names.count(),
        5 + 5 + 1,
        "operations and holds of each worker, the fault"
    );
}

#[test]
fn all_forms_say_the_same() {
    let sample = samples::violated();
    let plots = [("timeline", "plots/timeline.svg")];
    let markdown = report::markdown(&sample.subject, &sample.history, &sample.judgement, &plots);
    assert!(
        markdown.starts_with("## violated: persistent-mutex keeps exclusion under mutex"),
        "{markdown}"
    );
    assert!(
        markdown.contains("For 4.93 s both believed that they held it."),
        "{markdown}"
    );
    assert!(
        markdown.contains("![timeline](plots/timeline.svg)"),
        "{markdown}"
    );
    let summary = report::summary(&sample.subject, &sample.history, &sample.judgement);
    let summary = serde_json::to_value(&summary).expect("JSON");
    assert_eq!(summary["verdict"], "violated");
    assert_eq!(summary["violations"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        summary["violations"][0]["story"].as_array().map(Vec::len),
        Some(4)
    );
    let hostile = samples::hostile();
    let markdown = report::markdown(&hostile.subject, &hostile.history, &hostile.judgement, &[]);
    assert!(
        !markdown
            .split("```")
            .step_by(2)
            .any(|part| part.contains('<')),
        "{markdown}"
    );
    assert!(
        !markdown.contains('\u{202e}') && !markdown.contains('\0'),
        "{markdown}"
    );
}
