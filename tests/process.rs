//! The binary as a process: what it prints, and with which exit code it ends.

use std::process::{Command, Output, Stdio};

/// Runs the operator's binary with these arguments and variables, and no others of the product.
fn readmit(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_readmit"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("run readmit")
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn bad_configuration_ends_with_2_and_says_what_to_set() {
    let variables = [("READMIT_WORKERS", "0"), ("READMIT_QUARANTINE", "12s")];
    let (code, stdout, stderr) = texts(&readmit(&[], &variables));
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let expected = "\
        readmit: bad configuration: --workers (READMIT_WORKERS) must be between 1 and 1024\n\
        readmit: bad configuration: --quarantine (READMIT_QUARANTINE) 12s is too short; set 20s or more\n\
        readmit: bad configuration: --quarantine (READMIT_QUARANTINE) 12s must be longer than --effect-deadline and \
        --upstream-timeout together; set more than 18s\n";
    assert_eq!(stderr, expected);
    let (code, _, stderr) = texts(&readmit(&[], &[("READMIT_READ_BACK", "soon")]));
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("--read-back") && stderr.contains("write for example 24h"),
        "{stderr}"
    );
}

#[test]
fn a_run_that_fails_ends_with_1_and_says_why() {
    let variables = [
        ("KUBECONFIG", "/nonexistent/kubeconfig"),
        ("READMIT_LISTEN", "127.0.0.1:0"),
    ];
    let (code, stdout, stderr) = texts(&readmit(&["run"], &variables));
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    let last = stderr.lines().last().expect("a line");
    assert!(last.starts_with("readmit: ") && last.len() > 15, "{stderr}");
}

#[test]
fn manifests_and_version_are_printed_whatever_the_variables_say() {
    let nonsense = [("READMIT_WORKERS", "many"), ("READMIT_NAMESPACE", "identity")];
    let (code, stdout, stderr) = texts(&readmit(&["crds"], &nonsense));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout.matches("\nkind: CustomResourceDefinition\n").count(), 5);
    let (code, stdout, _) = texts(&readmit(&["admission"], &nonsense));
    assert_eq!(code, Some(0));
    assert_eq!(stdout, readmit::manifests::admission_yaml("identity", "readmit"));
    let (code, stdout, _) = texts(&readmit(&["version"], &[]));
    assert_eq!(
        (code, stdout),
        (Some(0), format!("readmit {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn help_is_no_error() {
    let (code, stdout, stderr) = texts(&readmit(&["--help"], &[]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.contains("admission") && stdout.contains("what happens without a subcommand"),
        "{stdout}"
    );
    let (code, stdout, stderr) = texts(&readmit(&["run", "--help"], &[]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.contains("READMIT_LISTEN") && !stdout.contains("SHORT_TIMINGS"),
        "{stdout}"
    );
    let (code, stdout, _) = texts(&readmit(&["--version"], &[]));
    assert_eq!(
        (code, stdout),
        (Some(0), format!("readmit {}\n", env!("CARGO_PKG_VERSION")))
    );
}
