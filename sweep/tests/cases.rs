//! The whole sweep as one suite: builds the operator with failpoints, runs every case, has the checker judge the
//! histories, and counts each case as a test. It has no libtest harness, so that cases run on lanes side by side; its
//! last line is one that `cargo xtask test` reads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};
use sweep::runner;
use testkit::{assets, packages, skip, slapd, workspace};

fn main() -> ExitCode {
    // Listings of tests, as some tools ask for, are not answered by running everything.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let needed = assets::ensure().and_then(|_| packages::ensure(slapd::PACKAGES));
    if skip::unless_missing(needed).is_none() {
        println!("test result: ok. 1 passed; 0 failed; 0 ignored");
        return ExitCode::SUCCESS;
    }
    let program = program();
    let folder = runner::usual_folder(&workspace::target_dir());
    let ran = run(&program, &folder);
    let (judged, failed) = judge(&folder);
    let failed = failed + usize::from(!ran);
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let passed = judged.saturating_sub(failed);
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed > 0))
}

/// The operator with failpoints, under a name of its own: the ordinary one lies beside it untouched.
fn program() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "sweep",
            "--features",
            "failpoints",
        ])
        .args([
            "--bin",
            "readmit-failpoints",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", workspace::target_dir())
        .stderr(Stdio::inherit())
        .output()
        .expect("run cargo");
    assert!(output.status.success(), "the operator with failpoints does not compile");
    let messages = String::from_utf8_lossy(&output.stdout);
    let built = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    built.expect("cargo names the program")
}

/// The seconds of each case go to a file beside the histories' folder: before a failure, a thousand lines that all is well
/// would hide it.
fn run(program: &Path, folder: &Path) -> bool {
    let seconds = fs::File::create(folder.with_extension("seconds")).expect("create the list of seconds");
    let status = Command::new(env!("CARGO_BIN_EXE_sweep-run"))
        .arg("--program")
        .arg(program)
        .arg("--out")
        .arg(folder)
        .stdout(seconds)
        .status();
    status.expect("run sweep-run").success()
}

/// How many histories there are, and how many of them are not as they should be, by the checker's own last line.
fn judge(folder: &Path) -> (usize, usize) {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep-check")).arg(folder).output();
    let output = output.expect("run sweep-check");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut numbers = text
        .lines()
        .next_back()
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(1))
}
