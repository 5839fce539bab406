//! The audit log: one JSON line for each decision and effect, on standard output, whatever the log level.
//!
//! It may name people, accounts and what policies said, which status and events may not. It never holds a secret: no
//! password, token or link is handed to it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::text::clean;
use crate::{api::Reason, domain::account::Step};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It was decided what becomes of a request.
    Decision,
    /// An account's ledger was claimed for a request.
    Claim,
    /// Something is about to be sent to a directory.
    Send,
    /// What a send came to, or how a request ended.
    Result,
    /// A request waits.
    Wait,
}

/// The request that it happened for.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RequestRef<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace.
    #[serde(serialize_with = "name")]
    pub namespace: &'a str,
    /// Its name.
    #[serde(serialize_with = "name")]
    pub name: &'a str,
    /// Its uid.
    #[serde(serialize_with = "name")]
    pub uid: &'a str,
}

/// One line. What is empty is left out. Text from outside is escaped and cut here; callers hand it over as it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry<'a> {
    /// What happened.
    pub event: Event,
    /// For which request.
    pub request: RequestRef<'a>,
    /// The Kubernetes username of who asked.
    #[serde(serialize_with = "name", skip_serializing_if = "str::is_empty")]
    pub requester: &'a str,
    /// The Directory that is acted in.
    #[serde(serialize_with = "name", skip_serializing_if = "str::is_empty")]
    pub directory: &'a str,
    /// The account's immutable id in that directory.
    #[serde(serialize_with = "name", skip_serializing_if = "str::is_empty")]
    pub account: &'a str,
    /// The AccountPolicy that it happens under.
    #[serde(serialize_with = "name", skip_serializing_if = "str::is_empty")]
    pub policy: &'a str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Which step of the plan.
    #[serde(serialize_with = "step", skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// What it came to: the word of `Sent` or `Outcome`.
    #[serde(serialize_with = "name", skip_serializing_if = "str::is_empty")]
    pub result: &'a str,
    /// What the requester is told.
    #[serde(serialize_with = "message", skip_serializing_if = "str::is_empty")]
    pub message: &'a str,
    /// What the requester is not told.
    #[serde(serialize_with = "message", skip_serializing_if = "str::is_empty")]
    pub detail: &'a str,
}

impl<'a> Entry<'a> {
    /// A line that says nothing more yet than that this happened.
    pub const fn new(event: Event, request: RequestRef<'a>) -> Self {
        Entry {
            event,
            request,
            requester: "",
            directory: "",
            account: "",
            policy: "",
            reason: None,
            step: None,
            result: "",
            message: "",
            detail: "",
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    log: &'static str,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

/// The audit log's writer.
pub struct Audit {
    out: Mutex<Box<dyn Write + Send>>,
    failing: AtomicBool,
}

impl Audit {
    /// The one on standard output.
    pub fn stdout() -> Self {
        Audit::to(Box::new(io::stdout()))
    }

    /// One that writes elsewhere.
    pub fn to(out: Box<dyn Write + Send>) -> Self {
        Audit {
            out: Mutex::new(out),
            failing: AtomicBool::new(false),
        }
    }

    /// Writes one line, and returns once it is written. A fault is logged as an error and shown by [`Self::failing`].
    pub fn record(&self, entry: Entry<'_>) {
        let written = self.write(&entry, Timestamp::now());
        if let Err(error) = &written {
            let (event, uid) = (entry.event, entry.request.uid);
            tracing::error!(%error, ?event, uid, "an audit line was lost; make standard output writable");
        }
        self.failing.store(written.is_err(), Ordering::Relaxed);
    }

    /// Whether the last line was lost: nothing should be sent to a directory until this is `false` again.
    pub fn failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    fn write(&self, entry: &Entry<'_>, now: Timestamp) -> io::Result<()> {
        let line = Line {
            time: format!("{now:.3}"),
            log: "audit",
            entry,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        // One write for the line, so that lines of several threads do not mix. A writer that panicked has left at
        // worst half a line behind.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&bytes)?;
        out.flush()
    }
}

/// The longest that Kubernetes and directories allow for names and ids, and room for DNs.
const LONGEST_NAME: usize = 512;
const LONGEST_MESSAGE: usize = 2048;

fn name<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&clean(text, LONGEST_NAME))
}

fn message<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&clean(text, LONGEST_MESSAGE))
}

fn step<S: Serializer>(step: &Option<Step>, serializer: S) -> Result<S::Ok, S::Error> {
    step.map(Step::as_str).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    /// What was written, shared with the writer; refuses while `broken`.
    #[derive(Clone, Default)]
    struct Sink {
        bytes: Arc<Mutex<Vec<u8>>>,
        broken: Arc<AtomicBool>,
    }

    impl Write for Sink {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.broken.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.bytes.lock().unwrap().write(buf)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        fn audit(&self) -> Audit {
            Audit::to(Box::new(self.clone()))
        }

        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    const REQUEST: RequestRef<'static> = RequestRef {
        kind: "AccountUnlockRequest",
        namespace: "default",
        name: "alice-1",
        uid: "u-1",
    };

    #[test]
    fn one_line_with_what_is_known() {
        let sink = Sink::default();
        sink.audit().record(Entry {
            requester: "oidc:alice@example.com",
            step: Some(Step::Unlock),
            reason: Some(Reason::Unlocked),
            result: "Done",
            ..Entry::new(Event::Send, REQUEST)
        });
        let lines = sink.lines();
        assert_eq!(lines.len(), 1);
        let mut line: Value = serde_json::from_str(&lines[0]).unwrap();
        let time = line["time"].take();
        let expected = json!({
            "time": null, "log": "audit", "event": "send",
            "request": {"kind": "AccountUnlockRequest", "namespace": "default", "name": "alice-1", "uid": "u-1"},
            "requester": "oidc:alice@example.com", "step": "Unlock", "reason": "Unlocked", "result": "Done",
        });
        assert_eq!(line, expected);
        let time = time.as_str().unwrap();
        assert_eq!(time.len(), "2026-01-02T03:04:05.678Z".len(), "{time}");
        time.parse::<Timestamp>().unwrap();
    }

    #[test]
    fn times_have_milliseconds_also_when_they_are_zero() {
        let sink = Sink::default();
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        sink.audit().write(&Entry::new(Event::Wait, REQUEST), now).unwrap();
        assert!(sink.lines()[0].starts_with(r#"{"time":"2026-01-02T03:04:05.000Z","log":"audit","event":"wait""#));
    }

    #[test]
    fn nobody_can_forge_hide_or_flood_lines() {
        let sink = Sink::default();
        let long = "x".repeat(100_000);
        sink.audit().record(Entry {
            requester: "eve\u{202e}\n{\"event\":\"result\"}",
            message: &long,
            detail: &long,
            ..Entry::new(Event::Decision, REQUEST)
        });
        let lines = sink.lines();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains('\u{202e}'));
        assert!(lines[0].len() < 6000, "{}", lines[0].len());
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["requester"], "eve\\u{202e}\\u{a}{\"event\":\"result\"}");
    }

    #[test]
    fn a_lost_line_is_noticed_until_one_is_written() {
        let sink = Sink::default();
        let audit = sink.audit();
        sink.broken.store(true, Ordering::Relaxed);
        audit.record(Entry::new(Event::Send, REQUEST));
        assert!(audit.failing());
        sink.broken.store(false, Ordering::Relaxed);
        audit.record(Entry::new(Event::Send, REQUEST));
        assert!(!audit.failing());
        assert_eq!(sink.lines().len(), 1);
    }
}
