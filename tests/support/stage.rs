//! A stage for whole requests: the test program's control plane with CRDs, admission policies and the operator's own
//! rights, and one operator process on it with short timings. Tests share it and keep apart by names.

use super::{install_crds, kubectl, success};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, ExitStatus},
    sync::OnceLock,
    time::{Duration, Instant},
};
use testkit::{
    assets,
    control_plane::{self, ControlPlane},
    ports,
    process::{Child, Scratch},
    skip,
};

/// The operator's rights, as the chart grants them (`tests/chart.rs` compares).
const OPERATOR: &str = include_str!("operator-rights.yaml");
/// What the people of the stage may do.
const PEOPLE: &str = include_str!("rights.yaml");

/// The stage of this test program; `None` where this machine cannot have one.
pub fn stage() -> Option<&'static Stage> {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    // Asked by each test, so that each skip is noted and not only the first.
    skip::unless_missing(assets::ensure())?;
    Some(STAGE.get_or_init(Stage::set))
}

/// A control plane and an operator on it.
pub struct Stage {
    /// The control plane.
    pub plane: &'static ControlPlane,
    /// The operator.
    pub operator: Operator,
}

impl Stage {
    fn set() -> Self {
        let plane = control_plane::shared();
        prepare(plane);
        // Nobody takes over here: on a loaded machine a short lease would only end the operator of a whole suite.
        let lease = [("READMIT_LEASE_DURATION", "60s"), ("READMIT_LEASE_RENEW", "10s")];
        let operator = Operator::start(plane, &lease);
        operator.wait_ready();
        wait_trusted(plane);
        Stage { plane, operator }
    }

    /// Applies manifests as the administrator.
    pub fn admin(&self, manifests: &str) {
        self.plane
            .apply("admin", manifests)
            .expect("the administrator may apply");
    }

    /// Creates manifests as somebody.
    pub fn create(&self, person: &str, manifests: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.plane.create(person, manifests) {
                Ok(_) => return,
                // Admission learns of new kinds a moment after they are served.
                Err(error) if error.to_string().contains("There can be a delay") && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(error) => panic!("{error:#}"),
            }
        }
    }

    /// One object.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let text = success(&kubectl(
            self.plane,
            "admin",
            &["get", kind, "-n", namespace, name, "-o", "json"],
        ));
        serde_json::from_str(&text).expect("JSON")
    }

    /// Waits for the end of a request, and gives its status.
    pub fn finished(&self, kind: &str, name: &str) -> Value {
        self.status_when(kind, name, |status| status["outcome"].is_string())
    }

    /// Waits until a request waits for this reason, and gives its status.
    pub fn waits(&self, kind: &str, name: &str, reason: &str) -> Value {
        self.status_when(kind, name, |status| ready(status)["reason"] == reason)
    }

    /// Waits until the status of a request is so.
    pub fn status_when(&self, kind: &str, name: &str, so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let object = self.get(kind, "default", name);
            if so(&object["status"]) {
                return object["status"].clone();
            }
            assert!(
                Instant::now() < end,
                "{kind} {name} stands at {:#}\n{}",
                object,
                self.operator.tail()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The Ready condition of a status.
pub fn ready(status: &Value) -> &Value {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")
        .unwrap_or(&Value::Null)
}

/// Installs CRDs, admission policies, the operator's rights and a desk that may use everything.
pub fn prepare(plane: &ControlPlane) {
    install_crds(plane);
    plane.apply("admin", OPERATOR).expect("the operator's rights");
    plane.apply("admin", PEOPLE).expect("the people's rights");
    super::install_policies(plane, true);
}

/// Waits until requests that are created now are trusted: times of creation are cut to whole seconds, so that one of
/// the second in which a ready operator found identity enforced is not. Nothing is waited for later.
pub fn wait_trusted(plane: &ControlPlane) {
    let (name, namespace) = ("readmit-enforcement", "readmit-system");
    let get = ["get", "configmap", name, "-n", namespace, "-o", "json"];
    let record: Value = serde_json::from_str(&success(&kubectl(plane, "admin", &get))).expect("JSON");
    let since = record["data"]["enforcedSince"]
        .as_str()
        .and_then(|since| since.parse::<Timestamp>().ok());
    let since = since.unwrap_or_else(|| panic!("enforcedSince in {record:#}"));
    let trusted = since + SignedDuration::from_millis(1_200);
    std::thread::sleep(trusted.duration_since(Timestamp::now()).try_into().unwrap_or_default());
}

/// An operator process; ended when dropped.
pub struct Operator {
    child: std::sync::Mutex<Child>,
    /// Where it serves health and metrics.
    pub url: String,
    scratch: Scratch,
}

/// Timings for tests: seconds instead of minutes.
const SHORT: &[(&str, &str)] = &[
    ("READMIT_ALLOW_SHORT_TIMINGS", "true"),
    ("READMIT_LEASE_DURATION", "3s"),
    ("READMIT_LEASE_RENEW", "500ms"),
    ("READMIT_EFFECT_DEADLINE", "2s"),
    ("READMIT_UPSTREAM_TIMEOUT", "3s"),
    ("READMIT_QUARANTINE", "6s"),
    ("READMIT_ENFORCEMENT_MARGIN", "100ms"),
    ("READMIT_WAIT_NOTICE", "1s"),
    ("READMIT_READ_BACK", "5s"),
    ("READMIT_LOG", "info,readmit=debug"),
    ("READMIT_LOG_FORMAT", "text"),
];

impl Operator {
    /// Starts an operator; `more` goes to its environment.
    pub fn start(plane: &ControlPlane, more: &[(&str, &str)]) -> Self {
        Self::start_with(&plane.kubeconfig("operator"), more)
    }

    /// Starts one with whatever rights this kubeconfig file gives.
    pub fn start_with(kubeconfig: &Path, more: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new("operator").expect("a folder");
        let address = format!("127.0.0.1:{}", ports::free());
        let mut command = Command::new(env!("CARGO_BIN_EXE_readmit"));
        command
            .env("KUBECONFIG", kubeconfig)
            .env("READMIT_LISTEN", &address)
            .env("READMIT_NAMESPACE", "readmit-system")
            .env("NO_PROXY", "127.0.0.1,localhost")
            .envs(SHORT.iter().copied())
            .envs(more.iter().copied());
        let log = scratch.path().join("operator.log");
        let child = Child::spawn("readmit", &mut command, &log).expect("the operator starts");
        Operator {
            child: child.into(),
            url: format!("http://{address}"),
            scratch,
        }
    }

    /// Waits until it is ready and acts.
    pub fn wait_ready(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        while !(self.http("/readyz").starts_with("ready") && self.http("/metrics").contains("readmit_leading 1")) {
            assert!(
                Instant::now() < end,
                "not ready: {}\n{}",
                self.http("/readyz"),
                self.tail()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.lock().expect("no panic").pid()
    }

    /// The body of an answer; empty where there is none.
    pub fn http(&self, path: &str) -> String {
        let output = Command::new("curl")
            .args(["-s", "--max-time", "2"])
            .arg(format!("{}{path}", self.url))
            .output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// Everything that it logged, standard output included.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("operator.log")).unwrap_or_default()
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Sends a signal: `TERM`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        self.child.lock().expect("no panic").signal(name).expect("signalled");
    }

    /// Ends it by SIGTERM and waits.
    pub fn terminate(&self) -> ExitStatus {
        let ended = self.child.lock().expect("no panic").terminate(Duration::from_secs(40));
        ended.expect("it ends")
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.child.lock().expect("no panic").kill();
    }
}
