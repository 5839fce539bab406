//! A stage for whole requests: the test program's control plane with CRDs, admission policies and the operator's own
//! rights, and one operator process on it with short timings. Tests share it and keep apart by names.

use super::{api, install_crds, watch};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
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
    skip, wait,
};

/// The operator's rights, as the chart grants them (`tests/chart.rs` compares).
const OPERATOR: &str = include_str!("operator-rights.yaml");
/// What the people of the stage may do.
const PEOPLE: &str = include_str!("rights.yaml");
/// How long anything may take that should come soon.
const SOON: Duration = Duration::from_secs(30);

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
    #[track_caller]
    pub fn create(&self, person: &str, manifests: &str) {
        api::create_soon(self.plane, person, manifests);
    }

    /// One object.
    #[track_caller]
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        api::get(self.plane, kind, namespace, name)
    }

    /// Waits for the end of a request, and gives its status.
    #[track_caller]
    pub fn finished(&self, kind: &str, name: &str) -> Value {
        let what = format!("the end of {kind} {name}");
        self.until((kind, "default", name), &what, |object| {
            let status = &object["status"];
            status["outcome"].is_string().then(|| status.clone())
        })
    }

    /// Waits until a request waits for this reason, and gives its status.
    #[track_caller]
    pub fn waits(&self, kind: &str, name: &str, reason: &str) -> Value {
        let what = format!("{kind} {name} to wait for {reason}");
        self.until((kind, "default", name), &what, |object| {
            let status = &object["status"];
            (ready(status)["reason"] == reason).then(|| status.clone())
        })
    }

    /// Waits until the status of a request is so.
    #[track_caller]
    pub fn status_when(&self, kind: &str, name: &str, so: impl Fn(&Value) -> bool) -> Value {
        let what = format!("the status of {kind} {name} to be as this test wants it");
        self.until((kind, "default", name), &what, |object| {
            so(&object["status"]).then(|| object["status"].clone())
        })
    }

    /// Waits until an object (kind, namespace, name) is so; the end of the operator's log is in the message.
    #[track_caller]
    pub fn until<T>(&self, place: (&str, &str, &str), what: &str, probe: impl FnMut(&Value) -> Option<T>) -> T {
        let found = watch::one(self.plane, place, (what, SOON), probe);
        found.unwrap_or_else(|error| panic!("{error}\n{}", self.operator.tail()))
    }

    /// Waits until all objects of a kind are so, in the same way.
    #[track_caller]
    pub fn until_all<T>(&self, kind: &str, what: &str, probe: impl FnMut(&[&Value]) -> Option<T>) -> T {
        let found = watch::all(self.plane, kind, (what, SOON), probe);
        found.unwrap_or_else(|error| panic!("{error}\n{}", self.operator.tail()))
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
    let record = api::get(plane, "configmap", "readmit-system", "readmit-enforcement");
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
    #[track_caller]
    pub fn wait_ready(&self) {
        let acts = wait::until("the operator to be ready and to act", SOON, || {
            let (ready, metrics) = (self.http("/readyz"), self.http("/metrics"));
            (ready.starts_with("ready") && metrics.contains("readmit_leading 1")).then_some(())
        });
        let said = || format!("/readyz said last: {:?}\n{}", self.http("/readyz"), self.tail());
        acts.unwrap_or_else(|error| panic!("{error}; {}", said()));
    }

    /// Waits until it has looked again at the Secret of a Directory whose credential was refused, so many times: each
    /// time it could have tried the credential once more.
    #[track_caller]
    pub fn wait_looks(&self, directory: &str, times: usize) {
        let line = format!("it is not tried again before directory=\"{directory}\"");
        let count = || self.log().matches(&line).count();
        let before = count();
        let what = format!("{times} looks at the Secret of {directory}");
        let looked = wait::until(&what, SOON, || (count() >= before + times).then_some(()));
        let said = || format!("there were {}\n{}", count() - before, self.tail());
        looked.unwrap_or_else(|error| panic!("{error}; {}", said()));
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.lock().expect("no panic").pid()
    }

    /// The body of an answer, whatever its status; empty where there is none within 2 s.
    pub fn http(&self, path: &str) -> String {
        let address = self.url.trim_start_matches("http://");
        body(address, path, Duration::from_secs(2)).unwrap_or_default()
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

/// The body of an answer to HTTP/1.0, which comes in one piece and ends with the connection.
fn body(address: &str, path: &str, within: Duration) -> io::Result<String> {
    let end = Instant::now() + within;
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let (mut answer, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
}
