//! What is recorded of a case, one JSON object a line: the only thing that the checker reads. Events stand in the order
//! in which the runner learned of them; times are Unix milliseconds of this machine's clock.

use crate::case::Case;
use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// The case and the seed that it ran with; always first.
    Case {
        case: Box<Case>,
        seed: u64,
        limit: usize,
        /// The seed of the sweep from which that of the case follows.
        #[serde(default)]
        sweep_seed: Option<u64>,
    },
    /// A request was created.
    Request {
        at: i64,
        uid: String,
        kind: String,
        name: String,
        /// Position of what it was made from in the case.
        ask: usize,
        /// The account that is acted on.
        account: String,
        /// The account that it names, where that is another one.
        #[serde(default)]
        named: Option<String>,
    },
    /// A request's status, as the API server showed it.
    Status { at: i64, uid: String, status: Box<Value> },
    /// A request is gone.
    Gone { at: i64, uid: String },
    /// Something happened to an operator process.
    Process { at: i64, process: String, what: What },
    /// The case's changes, as they are made.
    Changed { at: i64, what: String },
    /// A line of an operator's audit log.
    Audit { at: i64, process: String, line: Box<Value> },
    /// An account's ledger, as the API server showed it.
    Ledger {
        at: i64,
        account: String,
        ledger: Box<Value>,
    },
    /// Something that the directory really did to an account.
    Effect(Effect),
    /// The account after everything.
    Account {
        account: String,
        locked: bool,
        must_change: bool,
    },
    /// What a request delivered: whether it is in force at the end, and its fingerprint.
    Delivered { uid: String, value: String, in_force: bool },
    /// The runner gave up waiting.
    GaveUp { at: i64, what: String },
    /// What an operator's log said last, beside its audit lines; only where the runner gave up.
    Log {
        at: i64,
        process: String,
        lines: Vec<String>,
    },
    /// Nothing follows.
    End { at: i64, millis: u64 },
}

/// What happened to a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It was started.
    Started,
    /// It reached a failpoint that was armed.
    Struck(String),
    /// It was killed, by itself or by the runner.
    Killed,
    /// It was stopped.
    Stopped,
    /// It goes on.
    Continued,
    /// It ended by itself, with this code.
    Exited(i32),
}

/// Something that a directory did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// The immutable id of the account.
    pub account: String,
    /// What.
    pub step: Step,
    /// Who made it happen.
    pub by: Origin,
    /// Whether anything is different from before.
    pub changed: bool,
    /// Of a password: equal for equal passwords where the directory tells that.
    pub value: Option<String>,
    /// When, where the directory tells.
    pub at: Option<i64>,
}

/// A step as directories do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Unlock,
    SetPassword,
    SendLink,
    RequireChange,
    RevokeSessions,
    Lock,
}

/// Who made an effect happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A call with the operator's credential.
    Operator,
    /// Anybody else.
    Other,
}

/// The present time as histories have it.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The command that runs a case of this name again as it ran in a sweep with this seed.
pub fn command(case: &str, sweep_seed: u64) -> String {
    format!("cargo xtask sweep --case {case} --seed {sweep_seed}")
}

/// The file of a case in a folder.
pub fn file(folder: &Path, case: &str) -> PathBuf {
    folder.join(format!("{}.jsonl", case.replace('/', "~")))
}

/// Writes a history.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, events: &[Event]) -> Result<()> {
    let mut text = Vec::new();
    for event in events {
        serde_json::to_writer(&mut text, event).context("write an event as JSON")?;
        text.push(b'\n');
    }
    let mut file = fs::File::create(path).with_context(|| format!("create {}", path.display()))?;
    file.write_all(&text)
        .with_context(|| format!("write {}", path.display()))
}

/// Reads a history.
///
/// # Errors
/// When the file cannot be read, or a line is no event.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let events = text.lines().enumerate().map(|(at, line)| {
        serde_json::from_str(line).with_context(|| format!("{}:{}: no event", path.display(), at + 1))
    });
    events.collect()
}
