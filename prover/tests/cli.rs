//! The command line as people see it: `tests/cmd/*.trycmd`, each with the files of `*.in/`.

#[test]
fn what_is_said_and_how_it_exits() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
