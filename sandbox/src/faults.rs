//! Scripted faults: what goes wrong, for which calls, how often.
//!
//! A fault is chosen by method, path pattern and the ordinal of the matching call. Rendering of an error answer in a
//! provider's own shape stays with the provider.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum FaultKind {
    /// Wait before the call takes effect.
    Latency { ms: u64 },
    /// Wait after the call took effect, before it is answered.
    LatencyAfterCommit { ms: u64 },
    /// 429 with rate-limit headers; not applied.
    RateLimited { limit: u32, reset_seconds: u64 },
    /// 429 of the concurrency limit (limit and remaining 0); not applied.
    ConcurrencyLimited,
    /// 503; not applied.
    Unavailable,
    /// 500 for a call that was not applied.
    ErrorNotApplied,
    /// 500 for a call that was applied.
    ErrorApplied,
    /// A bare answer with this status and body; not applied.
    Status { status: u16, body: Option<String> },
    /// The connection closes without an answer; not applied.
    ReplyLostBeforeCommit,
    /// The connection closes without an answer; applied.
    ReplyLostAfterCommit,
    /// The connection closes without an answer; applied this much later.
    LateCommit { ms: u64 },
    /// Applied, answered with JSON that breaks off.
    MalformedJson,
    /// Applied, answered with a body of at least this many bytes, streamed.
    HugeBody { bytes: u64 },
    /// Applied, answered one byte at a time with this pause between bytes.
    SlowBody { ms_per_byte: u64 },
    /// Applied, answered as another media type.
    WrongContentType { content_type: String },
    /// Redirected elsewhere; not applied.
    Redirect { location: String },
    /// Applied, answered with a `next` link that leads to this host.
    ForeignNextLink { host: String },
}

impl FaultKind {
    /// The name it has in scripts and in the truth log.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).expect("a fault kind is plain data");
        value["kind"].as_str().unwrap_or("fault").to_owned()
    }
}

/// A fault and the calls that it strikes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Method to match; absent matches any.
    #[serde(default)]
    pub method: Option<String>,
    /// Pattern for the whole path, where `*` stands for any run of characters.
    pub path: String,
    /// Ordinal, from 1, of the first matching call that is struck.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls are struck; absent means every one from then on.
    #[serde(default)]
    pub count: Option<u64>,
    pub fault: FaultKind,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// A fault that strikes the next matching call and no other.
    pub fn once(method: &str, path: &str, fault: FaultKind) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            nth: 1,
            count: Some(1),
            fault,
        }
    }

    /// A fault that strikes every matching call.
    pub fn always(method: &str, path: &str, fault: FaultKind) -> Self {
        Self {
            count: None,
            ..Self::once(method, path, fault)
        }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && glob(&self.path, path)
    }

    fn strikes(&self, ordinal: u64) -> bool {
        ordinal >= self.nth && self.count.is_none_or(|count| ordinal < self.nth.saturating_add(count))
    }
}

/// The script: faults in the order in which they were added, each with the number of calls it has matched.
#[derive(Debug, Default)]
pub struct Faults {
    script: Mutex<Vec<(Fault, u64)>>,
}

impl Faults {
    fn with<T>(&self, action: impl FnOnce(&mut Vec<(Fault, u64)>) -> T) -> T {
        action(&mut self.script.lock().expect("the fault script's lock is never poisoned"))
    }

    /// Adds a fault to the script.
    pub fn add(&self, fault: Fault) {
        self.with(|script| script.push((fault, 0)));
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// The script with the number of calls that each fault has matched so far.
    pub fn list(&self) -> Vec<(Fault, u64)> {
        self.with(|script| script.clone())
    }

    /// Counts a call and returns the faults that strike it.
    pub fn strike(&self, method: &str, path: &str) -> Vec<FaultKind> {
        self.with(|script| {
            let mut struck = Vec::new();
            for (fault, seen) in script.iter_mut().filter(|(fault, _)| fault.matches(method, path)) {
                *seen += 1;
                if fault.strikes(*seen) {
                    struck.push(fault.fault.clone());
                }
            }
            struck
        })
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(tail) = text.strip_prefix(head) else {
        return false;
    };
    (0..=tail.len())
        .filter(|cut| tail.is_char_boundary(*cut))
        .any(|cut| glob(rest, &tail[cut..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_run() {
        let cases = [
            ("/api/v1/users/*", "/api/v1/users/1", true),
            (
                "/api/v1/users/*/lifecycle/unlock",
                "/api/v1/users/00u/lifecycle/unlock",
                true,
            ),
            (
                "/api/v1/users/*/lifecycle/unlock",
                "/api/v1/users/00u/lifecycle/suspend",
                false,
            ),
            ("*", "/anything", true),
            ("/exact", "/exact/not", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn ordinal_and_count_bound_what_is_struck() {
        let faults = Faults::default();
        faults.add(Fault {
            nth: 2,
            count: Some(2),
            ..Fault::always("POST", "*", FaultKind::Unavailable)
        });
        let struck: Vec<bool> = (0..5).map(|_| !faults.strike("POST", "/x").is_empty()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike("GET", "/x").is_empty());
    }
}
