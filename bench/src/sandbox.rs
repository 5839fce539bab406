//! The sandbox that plays Okta: it answers at once and without rate limits, so that the controllers are what is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::process::Child;
use testkit::{http, ports, wait};

/// An API token that the sandbox knows.
pub(crate) const TOKEN: &str = "bench-token";

/// Calls a minute that nobody makes.
const UNLIMITED: u32 = 1_000_000_000;

/// How long its end may take: it has nothing to finish.
const STOP: Duration = Duration::from_secs(10);

/// A running sandbox.
pub(crate) struct Sandbox {
    /// Where its API is, in the clear on loopback: TLS would be measured along for both.
    pub(crate) url: String,
    control: String,
    program: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Sandbox {
    pub(crate) fn start(program: &Path, dir: &Path) -> Result<Self> {
        let [url, control] = [ports::free(), ports::free()].map(|port| format!("http://127.0.0.1:{port}"));
        let log = dir.join("sandbox.log");
        let child = spawn(program, &url, &control, &log)?;
        let sandbox = Sandbox {
            url,
            control,
            program: program.to_owned(),
            log,
            child,
        };
        sandbox.lift_limits()?;
        Ok(sandbox)
    }

    /// Starts it anew at the same addresses, without accounts: one that kept those of all rounds had 1.2 GB after 40
    /// bursts, and listing them took the load generator longer each time.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child.terminate(STOP)?;
        self.child = spawn(&self.program, &self.url, &self.control, &self.log)?;
        self.lift_limits()
    }

    /// Limits that are not enforced still stand in the answers' headers, and the operator honours them.
    fn lift_limits(&self) -> Result<()> {
        const PATH: &str = "/_sandbox/settings";
        let mut settings = http::json("GET", &self.control, PATH, None)?;
        let limits = settings["rateLimits"]["limits"].as_object_mut();
        let limits = limits.context("the sandbox has limits")?;
        limits.values_mut().for_each(|limit| *limit = json!(UNLIMITED));
        let lifted = json!({"rateLimits": {"defaultLimit": UNLIMITED, "limits": limits, "tokenShare": 100}});
        http::json("PATCH", &self.control, PATH, Some(&lifted)).map(drop)
    }

    /// Adds accounts with these logins, locked by wrong passwords or active.
    pub(crate) fn seed(&self, logins: &[String], locked: bool) -> Result<()> {
        let status = if locked { "LOCKED_OUT" } else { "ACTIVE" };
        // In parts: a request's body is bounded.
        for part in logins.chunks(2_000) {
            let users: Vec<Value> = part
                .iter()
                .map(|login| json!({"login": login, "status": status, "password": "Old-Password-1"}))
                .collect();
            http::json("POST", &self.control, "/_sandbox/users", Some(&json!(users)))?;
        }
        Ok(())
    }

    /// Fails unless none of the accounts whose login begins so is locked.
    pub(crate) fn check_unlocked(&self, prefix: &str, count: usize) -> Result<()> {
        let accounts = http::json("GET", &self.control, "/_sandbox/accounts", None)?;
        let accounts = accounts.as_array().context("the accounts are a list")?;
        let login = |account: &&Value| {
            let login = account["login"].as_str().or(account["profile"]["login"].as_str());
            login.is_some_and(|login| login.starts_with(prefix))
        };
        let ours: Vec<&Value> = accounts.iter().filter(login).collect();
        let locked = ours.iter().filter(|account| account["status"] == "LOCKED_OUT").count();
        ensure!(
            ours.len() == count && locked == 0,
            "of {count} accounts {prefix}... the sandbox has {}, of which {locked} are still locked",
            ours.len()
        );
        Ok(())
    }
}

/// Runs the program, and waits until it answers at these addresses.
fn spawn(program: &Path, url: &str, control: &str, log: &Path) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(["--token", TOKEN, "--no-rate-limits"]);
    for (option, url) in [("--http", url), ("--control", control)] {
        command.args([option, url.trim_start_matches("http://")]);
    }
    let mut child = Child::spawn("the sandbox", &mut command, log)?;
    wait::until_ok("the sandbox to answer", Duration::from_secs(30), || {
        child.check_running()?;
        http::json("GET", control, "/_sandbox/health", None)
    })?;
    Ok(child)
}
