//! Counters and gauges for Prometheus. Labels are closed sets of words from this program: kinds, reasons, steps,
//! providers; never the name of an object or a person.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info};
use prometheus_client::registry::Registry;

use crate::api::{Outcome, Reason};
use crate::domain::account::{Sent, Step};

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a directory next door to one that is about to time out, in seconds.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Finished {
    kind: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SentLabels {
    provider: &'static str,
    step: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    provider: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Write {
    kind: &'static str,
    verb: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Directories {
    provider: &'static str,
    ready: &'static str,
}

type Durations = Family<Call, Histogram, fn() -> Histogram>;

/// Everything that is measured, behind shared references.
pub struct Metrics {
    registry: Registry,
    finished: Family<Finished, Counter>,
    sent: Family<SentLabels, Counter>,
    calls: Durations,
    writes: Family<Write, Counter>,
    directories: Family<Directories, Gauge>,
    claims_open: Gauge,
    requests_waiting: Gauge,
    identity_enforced: Gauge,
    leading: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("readmit"),
            finished: Family::default(),
            sent: Family::default(),
            calls: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            writes: Family::default(),
            directories: Family::default(),
            claims_open: Gauge::default(),
            requests_waiting: Gauge::default(),
            identity_enforced: Gauge::default(),
            leading: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program's version", build);
        let text = "Requests that ended";
        registry.register("requests_finished", text, self.finished.clone());
        let text = "Changes sent to directories, by what each came to";
        registry.register("effects_sent", text, self.sent.clone());
        let text = "How long calls to directories took, in seconds";
        registry.register("upstream_call_duration_seconds", text, self.calls.clone());
        let text = "Writes to the Kubernetes API";
        registry.register("api_writes", text, self.writes.clone());
        let text = "Directories, by whether they are ready";
        registry.register("directories", text, self.directories.clone());
        let text = "Claims on accounts that have no result yet";
        registry.register("claims_open", text, self.claims_open.clone());
        let text = "Requests that have not ended";
        registry.register("requests_waiting", text, self.requests_waiting.clone());
        let text = "Whether the admission policies that establish identity are in force (0 or 1)";
        registry.register("identity_enforced", text, self.identity_enforced.clone());
        let text = "Whether this replica holds the lease (0 or 1)";
        registry.register("leading", text, self.leading.clone());
    }

    /// A request of this kind ended.
    pub fn finished(&self, kind: &'static str, outcome: Outcome, reason: Reason) {
        let labels = Finished {
            kind,
            outcome: outcome.as_str(),
            reason: reason.as_str(),
        };
        self.finished.get_or_create(&labels).inc();
    }

    /// A step was sent to a directory of this provider.
    pub fn sent(&self, provider: &'static str, step: Step, sent: &Sent) {
        let labels = SentLabels {
            provider,
            step: step.as_str(),
            result: sent.as_str(),
        };
        self.sent.get_or_create(&labels).inc();
    }

    /// A call to a directory of this provider took so long.
    pub fn called(&self, provider: &'static str, operation: &'static str, took: Duration) {
        let labels = Call { provider, operation };
        self.calls.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// An object of this kind was written: `create`, `patch`, `update` or `delete`.
    pub fn api_write(&self, kind: &'static str, verb: &'static str) {
        self.writes.get_or_create(&Write { kind, verb }).inc();
    }

    /// How many Directories of this provider there are.
    pub fn directories(&self, provider: &'static str, ready: usize, not_ready: usize) {
        for (word, count) in [("true", ready), ("false", not_ready)] {
            let labels = Directories { provider, ready: word };
            self.directories.get_or_create(&labels).set(count_of(count));
        }
    }

    /// How many claims have no result yet.
    pub fn claims_open(&self, count: usize) {
        self.claims_open.set(count_of(count));
    }

    /// How many requests have not ended.
    pub fn requests_waiting(&self, count: usize) {
        self.requests_waiting.set(count_of(count));
    }

    /// Whether identity is enforced.
    pub fn identity_enforced(&self, enforced: bool) {
        self.identity_enforced.set(enforced.into());
    }

    /// Whether this replica holds the lease.
    pub fn leading(&self, leading: bool) {
        self.leading.set(leading.into());
    }

    /// Everything in OpenMetrics text format, see [`CONTENT_TYPE`].
    ///
    /// # Errors
    /// Never in practice: writing to a text does not fail.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn count_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Failure, FailureClass};

    #[track_caller]
    fn has(metrics: &Metrics, line: &str) {
        let text = metrics.encode().unwrap();
        assert!(text.lines().any(|l| l == line), "{line} is missing in:\n{text}");
    }

    #[test]
    fn what_is_told_is_shown() {
        let metrics = Metrics::new();
        metrics.finished("AccountUnlockRequest", Outcome::Succeeded, Reason::Unlocked);
        metrics.finished("AccountUnlockRequest", Outcome::Succeeded, Reason::Unlocked);
        metrics.sent("okta", Step::Unlock, &Sent::Done);
        let lost = Sent::Unknown(Failure::new(FailureClass::Unknown, "lost"));
        metrics.sent("okta", Step::Unlock, &lost);
        metrics.called("okta", "find", Duration::from_millis(30));
        metrics.api_write("Account", "create");
        metrics.directories("okta", 2, 1);
        metrics.directories("okta", 3, 0);
        metrics.claims_open(4);
        metrics.requests_waiting(5);
        metrics.identity_enforced(true);
        metrics.leading(true);
        for line in [
            r#"readmit_requests_finished_total{kind="AccountUnlockRequest",outcome="Succeeded",reason="Unlocked"} 2"#,
            r#"readmit_effects_sent_total{provider="okta",step="Unlock",result="Done"} 1"#,
            r#"readmit_effects_sent_total{provider="okta",step="Unlock",result="Unknown"} 1"#,
            r#"readmit_upstream_call_duration_seconds_bucket{le="0.025",provider="okta",operation="find"} 0"#,
            r#"readmit_upstream_call_duration_seconds_bucket{le="0.05",provider="okta",operation="find"} 1"#,
            r#"readmit_api_writes_total{kind="Account",verb="create"} 1"#,
            r#"readmit_directories{provider="okta",ready="true"} 3"#,
            r#"readmit_directories{provider="okta",ready="false"} 0"#,
            "readmit_claims_open 4",
            "readmit_requests_waiting 5",
            "readmit_identity_enforced 1",
            "readmit_leading 1",
            concat!("readmit_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            has(&metrics, line);
        }
        metrics.leading(false);
        has(&metrics, "readmit_leading 0");
        assert!(metrics.encode().unwrap().ends_with("# EOF\n"));
    }
}
