//! A locked-out crowd: an organisation of its own with Okta's rate limits in force, a Directory with a budget, and somebody
//! who asks for all of them at once.

use crate::support::{
    lab::{Lab, directory, policy},
    stage::{Operator, ready},
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::config::{KubeConfigOptions, Kubeconfig};
use sandbox::{Entry, Origin, SEED_PASSWORD, Sandbox, SeedUser, Status};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How many are locked out.
pub const CROWD: usize = 2_000;
/// What an unlock costs: the account, its administrator roles, the unlock, the account again.
pub const COST: usize = 4;
/// How many requests are on their way to the API server at once.
const AT_ONCE: usize = 12;

/// As they are outside of tests, but for when a wait is told: nobody takes over here, and a machine that is busy with the
/// crowd itself must not lose its lease.
const TIMINGS: &[(&str, &str)] = &[
    ("READMIT_LEASE_DURATION", "60s"),
    ("READMIT_LEASE_RENEW", "10s"),
    ("READMIT_EFFECT_DEADLINE", "10s"),
    ("READMIT_UPSTREAM_TIMEOUT", "8s"),
    ("READMIT_QUARANTINE", "30s"),
    ("READMIT_LOG", "info"),
];

/// The crowd, and what it is locked out of.
pub struct Crowd {
    pub lab: Lab,
    pub org: Sandbox,
    pub operator: Operator,
    per_minute: u32,
    runtime: Runtime,
}

/// A request that waits, and what it was told.
pub struct Told {
    pub name: String,
    /// When that was read.
    pub seen: Timestamp,
    /// When its turn was said to come.
    pub at: Timestamp,
}

impl Crowd {
    /// `None` where this machine cannot have a control plane. `window`: how long one of Okta's windows is, and
    /// how many calls of one kind our token may make in it.
    pub fn gather(per_minute: u32, (window, share): (Duration, u32)) -> Option<Self> {
        let lab = Lab::open()?;
        let org = lab.other_org("storm");
        org.configure(|settings| {
            settings.rate_limits.window_ms = u64::try_from(window.as_millis()).expect("a short window");
            // A token may use half.
            settings.rate_limits.default_limit = 2 * share;
            settings.rate_limits.limits.clear();
        });
        let people = (0..CROWD).map(|n| SeedUser::new(&login(n), Status::LockedOut, Some(SEED_PASSWORD)));
        org.seed(people).expect("new logins");
        let rate = format!("requestsPerMinute: {per_minute}, concurrency: 10");
        let storm = directory("storm", &org, "").replace("requestsPerMinute: 60000, concurrency: 64", &rate);
        assert!(storm.contains(&rate), "{storm}");
        lab.admin(&storm);
        let storm = policy("storm", "Unlock", "serviceAccounts: true").replace("[okta]", "[storm]");
        lab.admin(&storm);
        lab.admin(&policy("desk", "Unlock", ""));
        let operator = lab.operator(TIMINGS);
        Some(Crowd {
            lab,
            org,
            operator,
            per_minute,
            runtime: Runtime::new().expect("a runtime"),
        })
    }

    /// Has somebody ask for everybody, all at once: a pipeline, under claims, or a person without.
    pub fn asks(&self, who: &str) {
        let not_after = Timestamp::now() + SignedDuration::from_hours(12);
        let path = "/apis/readmit.dev/v1alpha1/namespaces/default/accountunlockrequests";
        self.runtime.block_on(async {
            let file = Kubeconfig::read_from(self.lab.plane.kubeconfig(who)).expect("a kubeconfig");
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(file, &options).await;
            let client = kube::Client::try_from(config.expect("a configuration")).expect("a client");
            let creations = (0..CROWD).map(|n| {
                let client = client.clone();
                let mut request = request(&format!("crowd-{n:04}"), "storm", &login(n));
                if who == "pipeline" {
                    request["spec"]["notAfter"] = json!(format!("{not_after:.0}"));
                }
                async move {
                    let post = http::Request::post(path).header("content-type", "application/json");
                    let post = post.body(request.to_string().into_bytes()).expect("a request");
                    client.request_text(post).await.map(drop)
                }
            });
            let made = stream::iter(creations)
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<()>>();
            made.await.expect("who asks may do so");
        });
    }

    /// The calls of the operator to the organisation that were received in this time, probes included.
    pub fn calls(&self, from: Timestamp, to: Timestamp) -> Vec<Entry> {
        let calls = self.org.truth().into_iter();
        let of_api = calls.filter(|call| call.origin == Origin::Api);
        of_api.filter(|call| (from..to).contains(&call.received)).collect()
    }

    /// How many calls the budget allows in this time.
    pub fn allowed(&self, time: Duration) -> f64 {
        f64::from(self.per_minute) / 60.0 * time.as_secs_f64()
    }

    /// No call of ours was one too many.
    #[track_caller]
    pub fn assert_none_refused(&self) {
        let refused = self.org.truth().into_iter().filter(|call| call.status == Some(429));
        let refused: Vec<String> = refused.map(|call| format!("{} {}", call.method, call.path)).collect();
        assert!(
            refused.is_empty(),
            "{} calls were refused: {:?}",
            refused.len(),
            &refused[..1]
        );
    }

    /// What those who wait were told of their turn; those who were told nothing yet are left out.
    pub fn told(&self) -> Vec<Told> {
        let seen = Timestamp::now();
        let all = self.lab.list("accountunlockrequests");
        let told = all.iter().filter(|request| request["status"]["outcome"].is_null());
        told.filter_map(|request| {
            let ready = ready(&request["status"]);
            let (_, at) = ready["message"].as_str()?.split_once("whose turn comes at about ")?;
            assert_eq!(ready["reason"], "RateLimited", "{request:#}");
            Some(Told {
                name: name(request),
                seen,
                at: at.parse().expect("a time"),
            })
        })
        .collect()
    }

    /// Somebody of the desk asks for one more; answers how long it took, from before the request was sent until its end
    /// is seen.
    pub fn lets_in(&self, name: &str, directory: &str, login: &str) -> Duration {
        let begun = Instant::now();
        self.lab.create("bob", &request(name, directory, login).to_string());
        let status = self.lab.finished(&self.operator, "aur", name);
        let took = begun.elapsed();
        assert_eq!(ready(&status)["reason"], "Unlocked", "{status:#}");
        took
    }

    /// What the operator holds in memory, in MB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.operator.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.expect("a number of kB") * 1024.0 / 1e6
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // The next operator would wait for the lease of one that was killed.
        self.operator.terminate();
    }
}

/// The name of an object.
pub fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("a name").to_owned()
}

fn login(n: usize) -> String {
    format!("crowd-{n:04}@example.com")
}

fn request(name: &str, directory: &str, login: &str) -> Value {
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "AccountUnlockRequest",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"directory": directory, "account": {"login": login}},
    })
}
