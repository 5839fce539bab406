//! What happens at the places in a build for the crash sweep. What is to happen comes from a file, which is read again
//! whenever it has changed, so that one process serves many cases.
//!
//! The actions are those of crate `fail`; `return(...)` carries the sweep's own words: `kill`, `panic`, `stop`,
//! `lost`, `delay MILLISECONDS` and, for clocks, an offset in milliseconds.

use super::Place;
use crate::domain::account::{Failure, FailureClass, Proof, Sent};
use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// Names the file of actions, one `PLACE.before=ACTION` or `PLACE.after=ACTION` a line.
const FILE: &str = "READMIT_FAILPOINTS_FILE";

/// What a caller gets whose reply was lost.
pub trait Lose {
    /// The value that stands for a lost reply.
    fn lose() -> Self;
}

impl<T> Lose for Result<T, kube::Error> {
    fn lose() -> Self {
        let error = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the sweep took the reply away");
        Err(kube::Error::Service(Box::new(error)))
    }
}

impl Lose for Sent {
    fn lose() -> Self {
        Sent::Unknown(Failure::new(FailureClass::Unknown, "the sweep took the reply away"))
    }
}

impl Lose for Proof {
    fn lose() -> Self {
        Proof::NotProven
    }
}

/// Makes a call with what is to happen before and after it.
pub async fn around<T: Lose>(place: Place, call: impl Future<Output = T>) -> T {
    if strike(place, "before").await {
        return T::lose();
    }
    let answer = call.await;
    if strike(place, "after").await {
        return T::lose();
    }
    answer
}

/// Whether the caller is to be told that the reply was lost.
async fn strike(place: Place, side: &str) -> bool {
    let name = format!("{}.{side}", place.name());
    let Some(action) = action(&name) else { return false };
    // The process may end with the next line: what stands in its log is all that the sweep learns.
    let line = format!("failpoint {name} {action}\n");
    // In one write, so that lines of several threads do not mix.
    eprint!("{line}");
    let (word, number) = action.split_once(' ').unwrap_or((&action, ""));
    match word {
        "kill" => signal(rustix::process::Signal::KILL),
        "panic" => std::panic::panic_any("the sweep had it panic here"),
        "stop" => signal(rustix::process::Signal::STOP),
        "delay" => tokio::time::sleep(Duration::from_millis(number.parse().unwrap_or(0))).await,
        "lost" => return true,
        other => eprintln!("failpoint {name}: {other} is no action"),
    }
    false
}

fn signal(signal: rustix::process::Signal) {
    if let Err(error) = rustix::process::kill_process(rustix::process::getpid(), signal) {
        eprintln!("failpoint: the signal was not sent: {error}");
    }
    // It may take a moment to arrive; nothing is done by then.
    std::thread::sleep(Duration::from_millis(100));
}

/// How far the clock of this name (`clock-boot`, `clock-wall`) is to be off, in milliseconds.
pub fn offset(clock: &str) -> i64 {
    action(clock).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn action(name: &str) -> Option<String> {
    reload();
    fail::fail_point!(name, |argument: Option<String>| argument);
    None
}

/// Takes in the file where it has changed. What it named before and does not name any more is off.
fn reload() {
    static FILE_NAME: OnceLock<Option<PathBuf>> = OnceLock::new();
    static KNOWN: Mutex<String> = Mutex::new(String::new());
    let Some(file) = FILE_NAME.get_or_init(|| std::env::var_os(FILE).map(PathBuf::from)) else {
        return;
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if *known == text {
        return;
    }
    for name in known
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
    {
        fail::remove(name);
    }
    for (name, actions) in text.lines().filter_map(|line| line.split_once('=')) {
        if let Err(error) = fail::cfg(name, actions) {
            eprintln!("failpoint {name}: {error}");
        }
    }
    *known = text;
}
