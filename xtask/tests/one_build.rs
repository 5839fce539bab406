//! Every development build of the workspace uses the same libraries: no crate of another author is compiled a second time
//! with other features. `workspace-hack` is what sees to it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use testkit::workspace;

/// How the workspace is built besides the test programs themselves, as the commands and tests that do so call cargo.
const BUILDS: &[(&str, &[&str])] = &[
    ("cargo xtask", &["build", "--package", "xtask"]),
    (
        "the demo",
        &[
            "build",
            "--package",
            "readmit",
            "--package",
            "sandbox",
            "--package",
            "workspace-hack",
            "--bins",
        ],
    ),
    (
        "the benchmark, as its test builds it",
        &[
            "build",
            "--package",
            "readmit",
            "--package",
            "sandbox",
            "--package",
            "bench",
            "--package",
            "workspace-hack",
            "--bins",
        ],
    ),
    (
        "the crash sweep",
        &["build", "--package", "sweep", "--features", "failpoints", "--bins"],
    ),
    (
        "the static binary",
        &["build", "--package", "sweep", "--bin", "readmit-static"],
    ),
    ("one suite", &["test", "--no-run", "--test", "crds"]),
    (
        "the suites of one package",
        &["test", "--no-run", "--package", "testkit"],
    ),
];

#[test]
fn no_library_is_compiled_twice() {
    let tests = libraries(&["test", "--workspace", "--no-run"]);
    assert!(tests.len() > 200, "only {} libraries were found", tests.len());
    for (what, args) in BUILDS {
        let twice: Vec<String> = libraries(args).difference(&tests).cloned().collect();
        assert!(
            twice.is_empty(),
            "{what} compiles {} libraries with other features than the tests do; give workspace-hack those that are \
             missing:\n{}",
            twice.len(),
            twice.join("\n")
        );
    }
}

/// The files of all libraries of others that this call of cargo uses. Their names hold a hash of the features.
fn libraries(args: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .args(["--locked", "--quiet", "--message-format=json-render-diagnostics"])
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", workspace::target_dir())
        .output()
        .expect("run cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_others = |message: &Value| {
        let id = message["package_id"].as_str().unwrap_or_default();
        message["reason"] == "compiler-artifact" && id.starts_with("registry+")
    };
    let files = messages.filter(of_others).flat_map(|message| {
        let names = message["filenames"].as_array().cloned().unwrap_or_default();
        names.into_iter().filter_map(|name| name.as_str().map(str::to_owned))
    });
    files.collect()
}
