//! That every write and send has its failpoints and is swept, and that ordinary builds have none of them.

use readmit::failpoint::Place;
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use sweep::{
    case::{Blow, Trouble},
    cases,
};
use testkit::workspace;

#[test]
fn every_place_is_struck_on_both_sides_by_a_kill_and_a_lost_reply() {
    let mut struck = BTreeSet::new();
    for case in cases::all() {
        if let Trouble::At(strike) = &case.trouble {
            struck.insert((strike.point.clone(), strike.blow));
        }
        struck.extend(case.second.iter().map(|strike| (strike.point.clone(), strike.blow)));
    }
    for place in Place::ALL {
        for point in ["before", "after"].map(|side| format!("{}.{side}", place.name())) {
            for blow in [Blow::Kill, Blow::Lost] {
                assert!(
                    struck.contains(&(point.clone(), blow)),
                    "{point} is not swept with {blow}"
                );
            }
        }
    }
}

#[test]
fn cases_name_no_place_that_is_not_there() {
    let known: BTreeSet<String> = Place::ALL
        .iter()
        .flat_map(|place| ["before", "after"].map(|side| format!("{}.{side}", place.name())))
        .collect();
    for case in cases::all() {
        for point in case.points() {
            assert!(known.contains(point), "{}: {point}", case.name);
        }
    }
}

/// Calls of the Kubernetes client that write, as they stand in the source.
const WRITES: [&str; 8] = [
    ".create(&",
    ".replace(name",
    ".replace(NAME",
    ".replace(&",
    ".patch_status(",
    ".patch(",
    ".delete(&",
    ".publish(&event",
];

/// A write whose line, or one of the few before it, does not go through a failpoint is one that the sweep does not know.
#[test]
fn every_write_of_the_controller_goes_through_a_place() {
    let mut missing = Vec::new();
    for (path, text) in sources(&workspace::root().join("src/controller")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let writes = WRITES.iter().any(|write| line.contains(write)) && !line.trim_start().starts_with("//");
            let near = lines[at.saturating_sub(3)..=at].join("\n");
            // Reviews of rights ask, and calls of our own functions lead to places of their own.
            let asks = line.contains("self.reviews.")
                || line.contains("self.create(&name)")
                || line.contains("self.delete(secret)");
            if writes && !asks && !near.contains("around(") {
                missing.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else {
            all.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
        }
    }
    all
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(workspace::root())
        .output()
        .expect("run cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_ordinary_dependencies_have_no_failpoints() {
    let tree = |more: &[&str]| {
        let mut args = vec![
            "tree",
            "--locked",
            "--offline",
            "--package",
            "readmit",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ];
        args.extend(more);
        cargo(&args)
    };
    let has_fail = |tree: String| tree.lines().any(|line| line.starts_with("fail v"));
    assert!(
        has_fail(tree(&["--features", "failpoints"])),
        "the question would find it"
    );
    assert!(!has_fail(tree(&[])));
    let default = cargo(&["metadata", "--locked", "--offline", "--no-deps", "--format-version=1"]);
    let metadata: serde_json::Value = serde_json::from_str(&default).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let product = packages
        .iter()
        .find(|package| package["name"] == "readmit")
        .expect("readmit");
    assert!(product["features"]["default"].is_null(), "no feature is on by default");
}

/// What only a build with failpoints says.
const WORDS: [&str; 3] = ["READMIT_FAILPOINTS_FILE", "the sweep took the reply away", "clock-boot"];

#[test]
fn the_ordinary_program_does_not_hold_the_words() {
    // Beside workspace-hack, so that it is made of the libraries that are there.
    cargo(&[
        "build",
        "--quiet",
        "--locked",
        "--package",
        "readmit",
        "--package",
        "workspace-hack",
        "--bin",
        "readmit",
    ]);
    let bytes = fs::read(workspace::target_dir().join("debug/readmit")).expect("the program");
    let holds = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    // A word that is there shows that words can be found.
    assert!(holds("READMIT_QUARANTINE"));
    for word in WORDS {
        assert!(!holds(word), "{word}");
    }
}

/// Only the product itself is built so, from libraries that are there: it fails before anything else is done.
#[test]
fn a_build_without_debug_assertions_cannot_have_failpoints() {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--package",
            "sweep",
            "--lib",
            "--features",
            "failpoints",
        ])
        .args(["--config", "profile.dev.package.readmit.debug-assertions=false"])
        .current_dir(workspace::root())
        .output()
        .expect("run cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it was built");
    assert!(said.contains("the feature failpoints is for the crash sweep"), "{said}");
}
