//! The sweep as one suite: builds the operator with failpoints, runs every case, or those of a sample where the
//! environment says so, has the checker judge the histories, and counts each case as a test. It has no libtest harness, so
//! that cases run on lanes side by side; its last line is one that `cargo xtask test` reads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};
use sweep::{cases, caught, runner, sample};
use testkit::{assets, packages, skip, slapd, workspace};

/// Which of the eight samples is run, 0 to 7; all cases where it is not set. `cargo xtask test` sets both by the commit.
const SHARD: &str = "SWEEP_SHARD";

/// What is left to chance follows from it; 1 where it is not set.
const SEED: &str = "SWEEP_SEED";

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
    let part = Part::of_environment();
    println!("{}", part.told());
    let program = program();
    let folder = runner::usual_folder(&workspace::target_dir());
    let ran = run(&program, &folder, &part);
    let (judged, failed) = judge(&folder);
    println!("{}; whole again: {}", part.told(), part.command());
    // A history that is not there says nothing against its case.
    let complete = judged == part.count;
    if !complete {
        println!("{judged} histories of {} cases", part.count);
    }
    let failed = failed + usize::from(!ran) + usize::from(!complete);
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let passed = judged.saturating_sub(failed);
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed > 0))
}

/// What is run of the sweep.
struct Part {
    shard: Option<u64>,
    seed: u64,
    /// How many cases that are.
    count: usize,
}

impl Part {
    fn of_environment() -> Self {
        let (shard, seed) = (number(SHARD), number(SEED).unwrap_or(1));
        assert!(
            shard.is_none_or(|shard| shard < sample::SHARDS),
            "{SHARD} is {shard:?}; it must be 0 to 7"
        );
        let caught: Vec<Vec<String>> = caught::lists().expect("the lists").into_values().collect();
        let all = cases::all();
        let cases = match shard {
            Some(shard) => sample::sample(&all, &caught, shard, seed),
            None => all,
        };
        Part {
            shard,
            seed,
            count: cases.len(),
        }
    }

    fn arguments(&self) -> String {
        let shard = self.shard.map(|shard| format!("--shard {shard} ")).unwrap_or_default();
        format!("{shard}--seed {}", self.seed)
    }

    fn command(&self) -> String {
        format!("cargo xtask sweep {}", self.arguments())
    }

    fn told(&self) -> String {
        let which = self
            .shard
            .map_or("the whole sweep".to_owned(), |shard| format!("shard {shard}"));
        format!("{which}, seed {}, {} cases", self.seed, self.count)
    }
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let word = std::env::var_os(variable)?;
    let number = word.to_str().and_then(|word| word.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{variable} is no number: {}", word.display())))
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
fn run(program: &Path, folder: &Path, part: &Part) -> bool {
    let seconds = fs::File::create(folder.with_extension("seconds")).expect("create the list of seconds");
    let status = Command::new(env!("CARGO_BIN_EXE_sweep-run"))
        .arg("--program")
        .arg(program)
        .arg("--out")
        .arg(folder)
        .args(part.arguments().split(' '))
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
