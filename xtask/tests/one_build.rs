//! Every development build of the workspace uses the same libraries: no crate of another author is compiled a second time
//! with other features. `workspace-hack` is what sees to it.

use std::collections::BTreeSet;
use std::process::Command;

use testkit::workspace;

/// Also the packages that only tests need, as `cargo test` does.
const WITH_TESTS: &[&str] = &["--edges", "normal,build,dev"];
const WITHOUT: &[&str] = &["--edges", "normal,build"];

/// What is built besides all tests at once, as the commands and tests that do so call cargo.
const BUILDS: &[(&str, &[&str], &[&str])] = &[
    ("cargo xtask", &["xtask"], WITHOUT),
    ("the demo", &["readmit", "sandbox", "workspace-hack"], WITHOUT),
    (
        "the benchmark's test",
        &["readmit", "sandbox", "bench", "workspace-hack"],
        WITHOUT,
    ),
    ("the crash sweep, and the static binary", &["sweep"], WITHOUT),
    ("one suite of readmit", &["readmit"], WITH_TESTS),
    ("one of sandbox", &["sandbox"], WITH_TESTS),
    ("one of sweep", &["sweep"], WITH_TESTS),
    ("one of testkit", &["testkit"], WITH_TESTS),
    ("one of xtask", &["xtask"], WITH_TESTS),
];

#[test]
fn no_library_is_compiled_twice() {
    let tests = libraries(&["--workspace"], WITH_TESTS);
    assert!(tests.len() > 200, "only {} libraries were found", tests.len());
    for (what, packages, edges) in BUILDS {
        let chosen: Vec<&str> = packages.iter().flat_map(|package| ["--package", package]).collect();
        let twice: Vec<String> = libraries(&chosen, edges).difference(&tests).cloned().collect();
        assert!(
            twice.is_empty(),
            "{what} compiles {} libraries with other features than all tests do; give workspace-hack those that are \
             missing:\n{}",
            twice.len(),
            twice.join("\n")
        );
    }
}

/// All libraries of others that a build of these packages uses, each with its version and features.
fn libraries(chosen: &[&str], edges: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p} {f}"])
        .args(chosen)
        .args(edges)
        .current_dir(workspace::root())
        .output()
        .expect("run cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)").trim().to_owned());
    // A package of ours is followed by its folder.
    lines.filter(|line| !line.is_empty() && !line.contains("(/")).collect()
}
