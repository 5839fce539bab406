//! Leader election on a real API server: one holder, take-over after silence, release, and loss.

mod support;

use std::time::{Duration, Instant};

use readmit::controller::lease::{Leadership, LeaseLost, Settings, channel, identity, run};
use support::{
    operator::{NAMESPACE, client, client_with, role},
    watch,
};
use testkit::api_proxy::{ApiProxy, Fault, Matcher, Rule};
use testkit::control_plane::{ControlPlane, Options};
use testkit::{assets, skip, wait};
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const RULES: &str = "{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}";
const DURATION: Duration = Duration::from_secs(4);
const RENEW: Duration = Duration::from_millis(500);
/// A duration of which little is to be waited out.
const SHORT: Duration = Duration::from_secs(3);

struct Replica {
    leadership: Leadership,
    stop: CancellationToken,
    task: JoinHandle<Result<(), LeaseLost>>,
    identity: String,
}

impl Replica {
    async fn start(plane: &ControlPlane, lease: &str) -> Self {
        Self::start_with(client(plane).await, lease, (DURATION, RENEW))
    }

    fn start_with(client: kube::Client, lease: &str, (duration, renew): (Duration, Duration)) -> Self {
        let settings = Settings {
            namespace: NAMESPACE.into(),
            name: lease.into(),
            identity: identity("host"),
            duration,
            renew,
        };
        let identity = settings.identity.clone();
        let (publisher, leadership) = channel();
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(client, settings, publisher, stop.clone()));
        Replica {
            leadership,
            stop,
            task,
            identity,
        }
    }

    async fn leads(&mut self, within: Duration) {
        let acquired = tokio::time::timeout(within, self.leadership.acquired()).await;
        assert_eq!(acquired, Ok(true), "leads within {within:?}");
        assert!(self.leadership.is_held());
    }

    async fn lost(self) -> String {
        let result = tokio::time::timeout(Duration::from_secs(10), self.task).await;
        assert!(!self.leadership.is_held());
        result.expect("in time").expect("no panic").unwrap_err().to_string()
    }
}

fn field(plane: &ControlPlane, lease: &str, path: &str) -> String {
    let path = format!("-o=jsonpath={{{path}}}");
    plane
        .kubectl_as("admin", &["get", "lease", lease, "-n", NAMESPACE, &path])
        .expect("the lease")
}

fn plane() -> Option<ControlPlane> {
    skip::unless_missing(assets::ensure())?;
    let plane = ControlPlane::start(Options::default()).expect("a control plane");
    role(&plane, RULES);
    Some(plane)
}

#[test]
fn one_replica_leads_and_hands_over() {
    let Some(plane) = plane() else { return };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut first = Replica::start(&plane, "handover").await;
        first.leads(Duration::from_secs(5)).await;
        let mut second = Replica::start(&plane, "handover").await;
        let begun = Instant::now();
        while begun.elapsed() < 2 * DURATION {
            assert!(first.leadership.is_held() && !second.leadership.is_held());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(field(&plane, "handover", ".spec.holderIdentity"), first.identity);

        // Released on stop: the other one need not wait for the duration.
        first.stop.cancel();
        assert_eq!(first.task.await.expect("no panic"), Ok(()));
        assert!(!first.leadership.is_held());
        second.leads(DURATION - Duration::from_secs(1)).await;

        // Killed: the other one waits for the duration, by its own clock.
        let mut third = Replica::start(&plane, "handover").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        second.task.abort();
        let killed = Instant::now();
        third.leads(DURATION + Duration::from_secs(3)).await;
        assert!(
            killed.elapsed() > DURATION - Duration::from_secs(1),
            "{:?}",
            killed.elapsed()
        );
        assert_eq!(field(&plane, "handover", ".spec.leaseTransitions"), "2");
        third.stop.cancel();
        assert_eq!(third.task.await.expect("no panic"), Ok(()));
        assert_eq!(field(&plane, "handover", ".spec.holderIdentity"), "");
    });
}

/// A replica stops while a write of its lease is on its way, which the API server has by then or, where it is delayed,
/// gets afterwards: nobody holds the lease.
#[track_caller]
fn stops_amid(plane: &ControlPlane, runtime: &Runtime, lease: &str, method: &str, fault: Fault) {
    let late = matches!(fault, Fault::Delay(_));
    let proxy = ApiProxy::start(plane).expect("a proxy");
    let kubeconfig = proxy.kubeconfig(plane, "operator").expect("a kubeconfig");
    proxy.add(Rule::new(Matcher::writes().method(method).resource("leases"), fault));
    let await_write = |arrived: bool| {
        let struck = || {
            let seen = proxy.seen().into_iter().find(|seen| seen.fault.is_some());
            seen.filter(|seen| seen.status.is_some() || !arrived)
        };
        let what = format!("a {method} of {lease}, arrived: {arrived}");
        wait::until(&what, Duration::from_secs(10), struck).expect("a write");
    };
    let replica = {
        let _context = runtime.enter();
        Replica::start_with(runtime.block_on(client_with(kubeconfig)), lease, (DURATION, RENEW))
    };
    await_write(!late);
    replica.stop.cancel();
    assert_eq!(runtime.block_on(replica.task).expect("no panic"), Ok(()), "{lease}");
    await_write(true);
    assert_eq!(field(plane, lease, ".spec.holderIdentity"), "", "{lease}");
}

#[test]
fn a_stop_amid_a_write_releases_the_lease() {
    let Some(plane) = plane() else { return };
    let runtime = Runtime::new().expect("a runtime");
    let soon = Duration::from_millis(400);
    for (lease, method, fault) in [
        ("take-known", "POST", Fault::DelayReply(soon)),
        ("renewal-known", "PUT", Fault::DelayReply(soon)),
        ("renewal-late", "PUT", Fault::Delay(soon)),
    ] {
        stops_amid(&plane, &runtime, lease, method, fault);
    }
}

/// The API server answers a renewal when the time to act has run out already, and nobody else has taken over.
#[test]
fn a_renewal_that_is_answered_late_begins_another_term() {
    let Some(plane) = plane() else { return };
    let runtime = Runtime::new().expect("a runtime");
    let proxy = ApiProxy::start(&plane).expect("a proxy");
    let kubeconfig = proxy.kubeconfig(&plane, "operator").expect("a kubeconfig");
    let renewal = Matcher::writes().method("PUT").resource("leases");
    // Renewed after half of the duration, the time to act is over after two thirds, and the answer comes some 400 ms later.
    let late = Fault::DelayReply(SHORT.mul_f64(0.3));
    proxy.add(Rule::new(renewal, late));
    runtime.block_on(async {
        let timings = (SHORT, SHORT / 2);
        let mut replica = Replica::start_with(client_with(kubeconfig).await, "late", timings);
        replica.leads(Duration::from_secs(5)).await;
        let mut terms = vec![replica.leadership.term()];
        let begun = Instant::now();
        while begun.elapsed() < 2 * SHORT {
            let term = replica.leadership.term();
            if terms.last() != Some(&term) {
                terms.push(term);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(terms, [Some(1), None, Some(2)]);
        replica.stop.cancel();
        assert_eq!(replica.task.await.expect("no panic"), Ok(()));
    });
}

#[test]
fn a_lost_lease_ends_the_election() {
    let Some(plane) = plane() else { return };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        // Taken by somebody else.
        let mut robbed = Replica::start(&plane, "robbed").await;
        robbed.leads(Duration::from_secs(5)).await;
        let patch = r#"{"spec":{"holderIdentity":"thief"}}"#;
        let args = ["patch", "lease", "robbed", "-n", NAMESPACE, "--type=merge", "-p", patch];
        plane.kubectl_as("admin", &args).expect("patched");
        assert!(robbed.lost().await.contains("another replica holds it"));
        assert_eq!(field(&plane, "robbed", ".spec.holderIdentity"), "thief");

        // A deleted Lease is made again.
        let mut kept = Replica::start(&plane, "deleted").await;
        kept.leads(Duration::from_secs(5)).await;
        plane
            .kubectl_as("admin", &["delete", "lease", "deleted", "-n", NAMESPACE])
            .expect("deleted");
        let (place, awaited) = (("lease", NAMESPACE, "deleted"), ("it to be made again", DURATION));
        let made = watch::one(&plane, place, awaited, |lease| {
            (lease["spec"]["holderIdentity"] == kept.identity.as_str()).then_some(())
        });
        made.unwrap_or_else(|error| panic!("{error}"));
        assert!(kept.leadership.is_held());
        kept.stop.cancel();
        assert_eq!(kept.task.await.expect("no panic"), Ok(()));

        // The API server is silent: the holder stops before anybody else could take over.
        let mut cut_off = Replica::start(&plane, "silent").await;
        cut_off.leads(Duration::from_secs(5)).await;
        plane.signal_api_server("STOP").expect("paused");
        let silent = Instant::now();
        while cut_off.leadership.is_held() {
            assert!(silent.elapsed() < DURATION, "still leads after {:?}", silent.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(cut_off.lost().await.contains("could not be renewed in time"));
        plane.signal_api_server("CONT").expect("goes on");
    });
}
