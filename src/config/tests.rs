//! The command line and environment, as people get them right and wrong.

use super::*;
use clap::CommandFactory;

fn read(args: &[&str]) -> Result<Config, String> {
    let args = std::iter::once("readmit").chain(args.iter().copied());
    match parse(args) {
        Ok(Command::Run(config)) => Ok(*config),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The tests' own environment must not set what they leave open.
fn clean() -> bool {
    !std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("READMIT_"))
}

#[test]
fn flags_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn defaults_are_sound() {
    assert!(clean(), "unset the READMIT_ variables");
    let config = read(&[]).expect("sound");
    assert_eq!(config.timing, Timing::default());
    assert_eq!(config.service_account, "readmit");
    assert_eq!(config.workers, 64);
    assert_eq!(config.log_format, LogFormat::Json);
    let lease = config.lease.as_ref().expect("on by default");
    assert_eq!((lease.duration.as_secs(), lease.renew.as_secs()), (15, 4));
    let again = read(&["run"]).expect("sound");
    assert_ne!(config.identity, again.identity, "each process has its own");
    assert_eq!(
        Config {
            identity: config.identity.clone(),
            ..again
        },
        config
    );
}

#[test]
fn flags_work_with_and_without_the_subcommand() {
    for args in [
        &["--lease", "false", "--quarantine", "1m", "--identity", "pod-1"][..],
        &["run", "--lease=false", "--quarantine=1m", "--identity=pod-1"],
    ] {
        let config = read(args).expect("sound");
        assert_eq!(config.lease, None);
        assert_eq!(config.timing.quarantine, Duration::from_secs(60));
        assert_eq!(config.identity, "pod-1");
    }
}

#[test]
fn every_fault_is_named_with_what_to_set() {
    let table: &[(&[&str], &str)] = &[
        (
            &["--quarantine", "18s", "--allow-short-timings"],
            "--quarantine (READMIT_QUARANTINE) 18s must be longer than --effect-deadline and --upstream-timeout \
             together; set more than 18s",
        ),
        (
            &["--wait-notice", "500ms"],
            "--wait-notice (READMIT_WAIT_NOTICE) 500ms is too short; set 1s or more",
        ),
        (&["--read-back", "11m"], "is too long; set 10m or less"),
        (&["--reading-age", "30s"], "set 10s or less"),
        (&["--lease-renew", "6s"], "at most a third of --lease-duration 15s"),
        (&["--lease-duration", "15500ms"], "must be whole seconds"),
        (
            &["--lease-name", "Lease"],
            "--lease-name (READMIT_LEASE_NAME) \"Lease\" is no Kubernetes name",
        ),
        (&["--namespace", "a.b"], "at most 63"),
        (&["--service-account", ""], "is no Kubernetes name"),
        (&["--identity", "two words"], "--identity (READMIT_IDENTITY) must be"),
        (&["--workers", "0"], "between 1 and 1024"),
        (&["--log", "readmit=loud"], "set for example info or info,readmit=debug"),
        (&["--read-back", "30"], "write for example 24h"),
        (&["--listen", "8080"], "--listen"),
        (&["--log-format", "xml"], "[possible values: json, text]"),
        (&["crds", "--workers", "1"], "unexpected argument"),
        (&["unlock"], "unrecognized subcommand"),
    ];
    for (args, expected) in table {
        let error = read(args).expect_err("a fault");
        assert!(error.contains(expected), "{args:?} gave: {error}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let error = read(&["--workers", "0", "--wait-notice", "1ms", "--namespace", "-"]).expect_err("faults");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn tests_may_be_faster_than_production() {
    let short = [
        "--effect-deadline=300ms",
        "--upstream-timeout=200ms",
        "--quarantine=600ms",
        "--lease-duration=1s",
        "--lease-renew=200ms",
        "--enforcement-margin=1ms",
    ];
    let error = read(&short).expect_err("too short for production");
    assert_eq!(error.lines().count(), 6, "{error}");
    let lifted: Vec<&str> = short.into_iter().chain(["--allow-short-timings"]).collect();
    assert_eq!(
        read(&lifted).expect("lifted").timing.quarantine,
        Duration::from_millis(600)
    );
}

#[test]
fn manifests_are_printed_for_a_sound_service_account() {
    let words = ["readmit", "admission", "--namespace", "identity", "--without-stamp"];
    let Ok(Command::Print(printed)) = parse(words) else {
        panic!("a text");
    };
    let expected = Printed::Admission {
        namespace: "identity".into(),
        service_account: "readmit".into(),
        without_stamp: true,
    };
    assert_eq!(printed, expected);
    let error = parse(["readmit", "admission", "--namespace", "a\"b"]).expect_err("no name");
    assert!(error.to_string().contains("no Kubernetes name"), "{error}");
}

#[test]
fn the_mounted_namespace_comes_before_the_default() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "identity\n").expect("written");
    assert_eq!(namespace(file.path()), "identity");
    assert_eq!(namespace(Path::new("/nonexistent/namespace")), DEFAULT_NAMESPACE);
}
