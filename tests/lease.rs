//! The lease on a real API server, with several contenders that have no more rights than they need.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use readmit::config::{self, Command, Config};
use readmit::controller::lease::{self, Leadership};
use support::success;
use testkit::control_plane::{self, ControlPlane};
use testkit::{assets, skip};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DURATION: Duration = Duration::from_secs(2);
const NAMESPACE: &str = "readmit-system";
/// What the operator needs, and nothing more.
const RIGHTS: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: readmit-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lease, namespace: readmit-system}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lease, namespace: readmit-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lease}
subjects: [{kind: ServiceAccount, name: readmit, namespace: readmit-system}]
";

/// One test at a time: one of them freezes the API server, and all measure time.
struct Bench {
    plane: &'static ControlPlane,
    runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

fn bench() -> Option<Bench> {
    static TURN: Mutex<()> = Mutex::new(());
    skip::unless_missing(assets::ensure())?;
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = control_plane::shared();
    plane.apply("admin", RIGHTS).expect("RBAC");
    // Another test of this process may have done it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Some(Bench {
        plane,
        runtime: Runtime::new().expect("a runtime"),
        _turn: turn,
    })
}

struct Contender {
    leadership: Leadership,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn settings(name: &str, identity: &str) -> Config {
    let args = [
        "readmit",
        "--allow-short-timings",
        "--namespace",
        NAMESPACE,
        "--lease-duration=2s",
        "--lease-renew=300ms",
        "--lease-name",
        name,
        "--identity",
        identity,
    ];
    match config::parse(args) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{other:?}"),
    }
}

impl Bench {
    fn client(&self, person: &str) -> Client {
        let _inside = self.runtime.enter();
        let file = Kubeconfig::read_from(self.plane.kubeconfig(person)).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(file, &options);
        let mut config = self.runtime.block_on(config).expect("its contents");
        config.default_retry = false;
        Client::try_from(config).expect("a client")
    }

    fn contend(&self, name: &str, identity: &str) -> Contender {
        let (client, config) = (self.client("operator"), settings(name, identity));
        let (leadership, stop) = (Leadership::new(&config), CancellationToken::new());
        let (handle, token) = (leadership.clone(), stop.clone());
        let run = async move { lease::run(client, &config, handle, token).await };
        Contender {
            leadership,
            stop,
            task: self.runtime.spawn(run),
        }
    }

    fn lease(&self, name: &str) -> Lease {
        let api: Api<Lease> = Api::namespaced(self.client("admin"), NAMESPACE);
        self.runtime.block_on(api.get(name)).expect("the lease")
    }

    fn kubectl(&self, args: &[&str]) {
        success(&support::kubectl(self.plane, "admin", args));
    }
}

/// Looks every few milliseconds until `done`, and gives how long that took; never may two hold.
#[track_caller]
fn until(what: &str, all: &[&Contender], done: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !done() {
        let holders = all.iter().filter(|c| c.leadership.holds()).count();
        assert!(holders <= 1, "{holders} hold at once");
        assert!(start.elapsed() < 4 * DURATION, "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

#[track_caller]
fn keeps(contender: &Contender, others: &[&Contender], how_long: Duration) {
    let start = Instant::now();
    while start.elapsed() < how_long {
        assert!(contender.leadership.holds(), "lost after {:?}", start.elapsed());
        assert!(!others.iter().any(|other| other.leadership.holds()));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_holds_and_hands_over_at_once_when_it_stops() {
    let Some(bench) = bench() else { return };
    let first = bench.contend("hand-over", "first");
    let changed = first.leadership.changed();
    until("the first", &[&first], || first.leadership.holds());
    let second = bench.contend("hand-over", "second");
    keeps(&first, &[&second], 2 * DURATION);
    assert!(*changed.borrow());

    first.stop.cancel();
    let took = until("the second", &[&first, &second], || second.leadership.holds());
    assert!(took < DURATION / 2, "{took:?} is no hand-over");
    bench.runtime.block_on(first.task).expect("it ended");
    assert!(!*changed.borrow());
    let spec = bench.lease("hand-over").spec.expect("a spec");
    assert_eq!(spec.holder_identity.as_deref(), Some("second"));
    assert_eq!(
        (spec.lease_transitions, spec.lease_duration_seconds),
        (Some(1), Some(2))
    );
}

#[test]
fn a_holder_that_vanished_is_waited_for_once() {
    let Some(bench) = bench() else { return };
    let (first, second) = (bench.contend("vanish", "first"), bench.contend("vanish", "second"));
    until("one", &[&first, &second], || {
        first.leadership.holds() || second.leadership.holds()
    });
    let (gone, heir) = if first.leadership.holds() {
        (first, second)
    } else {
        (second, first)
    };
    gone.task.abort();
    // Its handle lives on and goes by the clock alone.
    let took = until("the heir", &[&heir, &gone], || heir.leadership.holds());
    assert!(!gone.leadership.holds());
    // The last renewal was up to 300 ms old, and looking again takes up to 150 ms.
    let (least, most) = (DURATION - Duration::from_millis(350), DURATION + Duration::from_secs(1));
    assert!(least < took && took < most, "{took:?}");
}

#[test]
fn without_an_answer_it_is_lost_in_time_and_found_again() {
    let Some(bench) = bench() else { return };
    let one = bench.contend("frozen", "one");
    until("the lease", &[&one], || one.leadership.holds());
    let changed = one.leadership.changed();
    bench.plane.signal_api_server("STOP").expect("frozen");
    let took = until("the loss", &[&one], || !one.leadership.holds());
    let told = until("the news", &[&one], || !*changed.borrow());
    bench.plane.signal_api_server("CONT").expect("thawed");
    assert!(took <= DURATION * 4 / 5 && took > DURATION / 2, "{took:?}");
    assert!(told < Duration::from_millis(200), "told {told:?} later");
    until("the lease again", &[&one], || one.leadership.holds());
}

#[test]
fn other_writes_lose_it_only_to_another_holder() {
    let Some(bench) = bench() else { return };
    let one = bench.contend("edited", "one");
    until("the lease", &[&one], || one.leadership.holds());
    bench.kubectl(&["annotate", "lease", "edited", "-n", NAMESPACE, "note=hello"]);
    keeps(&one, &[], DURATION);
    let lease = bench.lease("edited");
    assert_eq!(lease.metadata.annotations.expect("kept")["note"], "hello");

    let theft = r#"{"spec": {"holderIdentity": "thief"}}"#;
    bench.kubectl(&["patch", "lease", "edited", "-n", NAMESPACE, "--type=merge", "-p", theft]);
    let took = until("the loss", &[&one], || !one.leadership.holds());
    assert!(took < Duration::from_secs(1), "{took:?}");
    let took = until("its return", &[&one], || one.leadership.holds());
    assert!(took > DURATION - Duration::from_millis(500), "{took:?}");

    bench.kubectl(&["delete", "lease", "edited", "-n", NAMESPACE]);
    until("a new lease", &[&one], || {
        bench_has(&bench, "edited") && one.leadership.holds()
    });
    assert_eq!(bench.lease("edited").spec.expect("a spec").lease_transitions, Some(0));
}

fn bench_has(bench: &Bench, name: &str) -> bool {
    let get = ["get", "lease", name, "-n", NAMESPACE];
    support::kubectl(bench.plane, "admin", &get).status.success()
}

#[test]
fn without_a_lease_one_always_may() {
    let free = Leadership::without_lease();
    assert!(free.holds() && *free.changed().borrow());
    let waiting = Leadership::with_lease();
    assert!(!waiting.holds() && !*waiting.changed().borrow());
}
