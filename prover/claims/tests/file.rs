//! Mistakes in claims files are found at their line and column, with what was meant.

use std::time::Duration;

use claims::{Expected, File, NothingSelected, Profile, Selection};

const GOOD: &str = r#"title = "Mine"

[run]
time-limit = "20s"
nemesis = "cut"

[[claim]]
id = "excludes"
says = "Two never hold it."
testbeds = ["sim", "docker"]
seeds = "3..9"
within = "2m"
needs = { runs = 3, landed = { cut = 2 } }
[claim.run]
lock = "exclusive-queue"
guarantee = ["confirmed-exclusion"]
[claim.quick]
testbeds = ["sim"]
seeds = "0..2"
run = { time-limit = "5s" }

[[claim]]
id = "believes"
says = "Two believe."
expected = "violated"
reason = "it stood still"
profiles = ["full"]
testbeds = ["sim"]
run = { nemesis = "freeze", guarantee = ["exclusion"] }
"#;

fn read(text: &str) -> Result<File, String> {
    File::read("c.toml", text, Profile::Full).map_err(|mistake| mistake.to_string())
}

/// What is said of the good file with one text in place of another.
fn said(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    read(&GOOD.replacen(old, new, 1)).expect_err("a mistake")
}

#[test]
fn a_claim_is_run_as_it_says_and_as_the_file_says_otherwise() {
    let file = read(GOOD).expect("no mistake");
    assert_eq!(file.source.title.as_deref(), Some("Mine"));
    let places: Vec<_> = file
        .cases
        .iter()
        .map(|case| (case.claim, case.testbed()))
        .collect();
    assert_eq!(places, [(0, "sim"), (0, "docker"), (1, "sim")]);
    let [first, second, third] = file.cases.as_slice() else {
        panic!("{:?}", file.cases);
    };
    assert_eq!(first.spec.time_limit, Duration::from_secs(20));
    assert_eq!(first.spec.nemesis, "cut");
    assert_eq!(
        first.seeds.as_ref().map(ToString::to_string).as_deref(),
        Some("3..9")
    );
    assert_eq!(first.within, Duration::from_secs(120));
    assert_eq!(first.needs.landed["cut"], 2);
    // The seeds are those of simulations.
    assert_eq!(second.seeds, None);
    assert_eq!(third.spec.nemesis, "freeze");
    assert_eq!(third.lock, "exclusive-queue");
    assert_eq!(file.claims[1].expected, Expected::Violated);
    assert_eq!((file.claims[0].line, file.claims[1].line), (8, 23));
}

#[test]
fn the_profile_quick_says_what_is_different() {
    let file = File::read("c.toml", GOOD, Profile::Quick).expect("no mistake");
    let [case] = file.cases.as_slice() else {
        panic!("{:?}", file.cases);
    };
    assert_eq!(case.spec.time_limit, Duration::from_secs(5));
    assert_eq!(
        case.seeds.as_ref().map(ToString::to_string).as_deref(),
        Some("0..2")
    );
    assert_eq!(case.within, Duration::from_secs(120));
    let left: Vec<_> = file
        .left_out
        .iter()
        .map(|left| (&*left.claim, &*left.why))
        .collect();
    assert_eq!(left, [("believes", "not in the profile quick")]);
}

#[test]
fn a_name_that_is_none_is_found_where_it_stands_with_what_was_meant() {
    assert_eq!(
        said("nemesis = \"cut\"", "nemsis = \"cut\""),
        "5:1: unknown field `nemsis`: did you mean nemesis?"
    );
    assert_eq!(
        said("says = \"Two never", "say = \"Two never"),
        "9:1: unknown field `say`: did you mean says?"
    );
    assert_eq!(
        said("\"violated\"", "\"violatd\""),
        "25:12: unknown variant `violatd`: did you mean violated?"
    );
    assert_eq!(
        said("nemesis = \"cut\"", "nemesis = \"cutt\""),
        "5:1: there is no fault \"cutt\": did you mean cut? `prover list faults` shows all"
    );
    assert_eq!(
        said("\"exclusive-queue\"", "\"exclusive-queu\""),
        "15:1: there is no lock \"exclusive-queu\": did you mean exclusive-queue? `prover list locks` shows all"
    );
    let guarantee = said("[\"exclusion\"]", "[\"exclusio\"]");
    assert!(guarantee.starts_with("29:"), "{guarantee}");
    let testbed = said("[\"sim\", \"docker\"]", "[\"sim\", \"dokcer\"]");
    assert!(
        testbed.starts_with("10:1: there is no testbed \"dokcer\": did you mean docker?"),
        "{testbed}"
    );
}

#[test]
fn numbers_and_times_that_are_none_are_found_where_they_stand() {
    assert!(said("\"2m\"", "\"2 moons\"").starts_with("12:10: "));
    assert!(said("\"3..9\"", "\"9..3\"").starts_with("11:9: write seeds as A..B"));
    assert!(said("runs = 3", "runs = -3").starts_with("13:"));
    let zero = GOOD.replace("time-limit = \"5s\"", "concurrency = 0");
    // Both profiles are looked at, whichever was asked for.
    let mistake = read(&zero).expect_err("out of bounds");
    assert_eq!(
        mistake,
        "20:9: --concurrency 0 is out of bounds: give 1 to 1000"
    );
}

#[test]
fn what_makes_no_claim_is_said() {
    assert!(
        said("id = \"believes\"", "id = \"excludes\"").contains("is taken by the claim in line 8")
    );
    assert!(said("id = \"believes\"", "id = \"../x\"").starts_with("23:1: \"../x\" is no id"));
    let dashed = said("id = \"believes\"", "id = \"-x\"");
    assert_eq!(
        dashed,
        "23:1: \"-x\" is no id: begin it with a letter, a digit or _"
    );
    assert!(said("reason = \"it stood still\"", "").contains("says why"));
    assert!(said("guarantee = [\"exclusion\"]", "").contains("names the one guarantee"));
    assert!(said("[\"sim\", \"docker\"]", "[\"auto\"]").contains("must not depend on the machine"));
    assert!(said("[\"sim\", \"docker\"]", "[]").contains("needs a testbed"));
    assert!(said("landed = { cut = 2 }", "landed = { crash = 2 }").contains("has no fault crash"));
    assert!(
        read("title = \"x\"")
            .expect_err("empty")
            .starts_with("1:1: the file claims nothing")
    );
    assert!(read("[[claim]\n").is_err());
}

#[test]
fn only_what_is_selected_is_left_and_the_rest_is_named() {
    let select = |only: &[&str], on: &[&str]| {
        let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let selection = Selection {
            only: texts(only),
            testbeds: texts(on),
        };
        read(GOOD).expect("no mistake").selected(&selection)
    };
    let names = |file: File| -> Vec<String> {
        file.cases
            .iter()
            .map(|case| format!("{} {}", file.claims[case.claim].id, case.testbed()))
            .collect()
    };
    assert_eq!(
        names(select(&["exc*"], &[]).expect("some")),
        ["excludes sim", "excludes docker"]
    );
    let file = select(&[], &["docker"]).expect("some");
    assert_eq!(file.left_out.len(), 2);
    assert_eq!(names(file), ["excludes docker"]);
    let error = select(&["exclude"], &[]).expect_err("no such claim");
    assert_eq!(
        error.to_string(),
        "there is no claim \"exclude\": did you mean excludes?"
    );
    assert!(matches!(
        select(&["believes"], &["docker"]),
        Err(NothingSelected::Nothing)
    ));
}

#[test]
fn another_rabbitmq_takes_the_place_of_that_of_the_file_where_one_is_started() {
    let text = GOOD.replace(
        "lock = \"exclusive-queue\"",
        "lock = \"mutex-by-message,queue=quorum\"\nrabbitmq = \"4.0\"",
    );
    let text = text.replace("[\"sim\", \"docker\"]", "[\"docker\"]");
    let text = text.replace("testbeds = [\"sim\"]\nseeds = \"0..2\"\n", "");
    let file = read(&text).expect("no mistake").on_rabbitmq("3.10");
    let file = file.expect("it starts one");
    let versions = file.cases.iter().map(|case| case.spec.rabbitmq.as_deref());
    assert_eq!(versions.collect::<Vec<_>>(), [Some("3.10"), None]);
}

#[test]
fn another_rabbitmq_is_refused_where_none_is_started() {
    let only_simulated = Selection {
        only: Vec::new(),
        testbeds: vec!["sim".to_owned()],
    };
    let file = read(GOOD).expect("no mistake").selected(&only_simulated);
    let said = file.expect("some").on_rabbitmq("3.10");
    let said = said.expect_err("nothing starts one").to_string();
    assert!(
        said.contains("which is what --rabbitmq speaks of"),
        "{said}"
    );
    let of_program = r#"
[[claim]]
id = "excludes"
says = "Two never hold it."
testbeds = ["docker"]
run = { lock = "process:./lock", service = ["rabbitmq"] }
"#;
    let file = read(of_program).expect("no mistake");
    assert!(file.on_rabbitmq("3.10").is_err(), "it names its services");
}

const COST: &str = r#"
[run]
nemesis-interval = "3s"
[[claim]]
id = "cheap"
says = "Verifying is one round trip."
testbeds = ["sim", "docker"]
cost = { operation = "verify", round-trips = 1 }
run = { lock = "exclusive-queue" }
"#;

#[test]
fn a_cost_is_measured_while_nothing_is_broken() {
    let file = read(COST).expect("no mistake");
    for case in &file.cases {
        assert_eq!(case.needs.runs, 20);
        assert!(case.seeds.is_none() && case.cost.is_some());
    }
    let said = |old: &str, new: &str| {
        assert!(COST.contains(old), "{old}");
        read(&COST.replacen(old, new, 1)).expect_err("a mistake")
    };
    let mistakes = [
        ("\"verify\"", "\"ask\"", "8:22: unknown variant `ask`"),
        ("\"verify\"", "\"verfy\"", "did you mean verify?"),
        ("round-trips = 1", "round-trips = 1, slots = 0", "slots = 1"),
        (
            "exclusive-queue\"",
            "exclusive-queue\", nemesis = \"cut\"",
            "leave nemesis out",
        ),
        ("id = ", "seeds = \"0..3\"\nid = ", "no seeds"),
        ("id = ", "needs = { holds = 3 }\nid = ", "rounds only"),
        ("exclusive-queue", "process:./mine", "is not counted"),
        (
            "round-trips = 1",
            "round-trips = 1, slots = 8",
            "needs a lock with slots",
        ),
        (
            "id = ",
            "needs = { runs = 4294967295 }\nid = ",
            "at most 10000",
        ),
        ("\"docker\"]", "\"auto\"]", "docker and sim"),
    ];
    for (old, new, part) in mistakes {
        let said = said(old, new);
        assert!(said.contains(part), "{new}: {said}");
    }
}

#[test]
fn what_beginners_write_is_told_as_they_wrote_it() {
    let said = read("[claim]\nid = \"x\"\nsays = \"y\"\n").expect_err("one bracket");
    assert!(said.contains("[[claim]]"), "{said}");
    let said = said_of_accepted("reason = \" \", until = \"2027-01-31\"");
    assert!(said.contains("says why"), "{said}");
}

fn said_of_accepted(accepted: &str) -> String {
    said(
        "profiles = [\"full\"]",
        &format!("accepted = {{ {accepted} }}"),
    )
}

#[test]
fn coverage_may_be_a_table_and_its_mistakes_stand_where_they_are() {
    let with = |coverage: &str| {
        let run = format!("lock = \"exclusive-queue\"\ncoverage = {coverage}");
        GOOD.replacen("lock = \"exclusive-queue\"", &run, 1)
    };
    let of = |coverage| {
        let file = read(&with(coverage)).expect("no mistake");
        file.cases[0].spec.coverage.clone()
    };
    let text = Some("cut=delayed".to_owned());
    assert_eq!(of("\"cut=delayed\""), text);
    assert_eq!(of("{ cut = \"delayed\" }"), text);
    let counts = of("{ cut.holder = 3, cut.waiter = 1 }");
    assert_eq!(counts.as_deref(), Some("cut.holder=3,cut.waiter=1"));
    for (coverage, expected) in [
        (
            "{ cut = \"hurt\" }",
            "16:20: \"hurt\" is no effect of a fault: write revoked, changed, delayed or none",
        ),
        (
            "{ cut.holder = 3, cut.owner = 1 }",
            "16:34: unknown variant `owner`",
        ),
        (
            "{ cut.holder = \"often\" }",
            "16:27: invalid type: string \"often\", expected u64",
        ),
        (
            "{ cut = \"delayed\", pause.holder = 3 }",
            "16:31: --coverage names the fault \"pause\", which is not selected",
        ),
    ] {
        let said = read(&with(coverage)).expect_err("a mistake");
        assert!(said.contains(expected), "{coverage}: {said}");
    }
}
