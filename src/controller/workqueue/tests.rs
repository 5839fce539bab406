//! Tables over the queue: who is handed out, when, and who is told to be gone.

use super::*;
use crate::api::AccountUnlockRequest;
use serde_json::{from_value, json};

/// A request of this name; whoever has the name now has this uid.
fn request(name: &str, uid: &str) -> Request {
    let object: AccountUnlockRequest = from_value(json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "AccountUnlockRequest",
        "metadata": {"namespace": "n", "name": name, "uid": uid},
        "spec": {"directory": "d", "account": {"login": "a"}, "requester": {"username": "alice", "groups": ["desk"]}},
    }))
    .unwrap();
    object.into()
}

/// A queue whose first list named these.
fn listed(names: &[&str]) -> WorkQueue {
    let mut queue = WorkQueue::default();
    queue.begin_list();
    for name in names {
        assert!(queue.apply(request(name, name)).is_none());
    }
    assert!(queue.end_list().is_empty());
    queue
}

fn name(request: Option<Arc<Request>>) -> Option<String> {
    request.map(|request| request.name.clone())
}

fn uid(gone: Option<Gone>) -> Option<String> {
    gone.map(|request| request.uid.clone())
}

/// All that are due, in their order.
fn taken(queue: &mut WorkQueue) -> Vec<Arc<Request>> {
    std::iter::from_fn(|| queue.take()).collect()
}

fn seconds(count: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(count))
}

/// The requests that become due, with the second in which they do.
async fn due_within(queue: &mut WorkQueue, limit: u64) -> Vec<(String, u64)> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    let end = begun + Duration::from_secs(limit);
    while tokio::time::timeout_at(end, queue.tick()).await.is_ok() {
        let names = taken(queue).into_iter().map(|request| request.name.clone());
        all.extend(names.map(|name| (name, begun.elapsed().as_secs())));
    }
    all
}

#[test]
fn nobody_is_handed_out_before_the_first_list_is_complete_and_then_in_order() {
    let mut queue = WorkQueue::default();
    queue.begin_list();
    for name in ["c", "a", "b"] {
        queue.apply(request(name, name));
    }
    assert_eq!(name(queue.take()), None);
    queue.end_list();
    let names: Vec<String> = taken(&mut queue).iter().map(|request| request.name.clone()).collect();
    assert_eq!(names, ["c", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_worked_on_is_not_handed_out_again_before_that_is_done() {
    let mut queue = listed(&["a"]);
    let first = queue.take().unwrap();
    assert!(queue.wake("n", "a"));
    queue.apply(request("a", "a"));
    assert_eq!(name(queue.take()), None, "it is worked on");
    assert_eq!(uid(queue.done(first, seconds(60))), None);
    let again = queue.take();
    assert_eq!(
        name(again.clone()),
        Some("a".into()),
        "it was woken meanwhile, once for all"
    );
    assert_eq!(uid(queue.done(again.unwrap(), None)), None);
    assert_eq!(name(queue.take()), None);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_due_at_its_time_or_when_it_is_woken() {
    let mut queue = listed(&["a", "b", "c", "d"]);
    for (request, at) in taken(&mut queue)
        .into_iter()
        .zip([seconds(5), seconds(2), None, seconds(9)])
    {
        queue.done(request, at);
    }
    assert!(queue.wake("n", "d"));
    let woken = queue.take().unwrap();
    assert_eq!(woken.name, "d");
    queue.done(woken, seconds(3));
    let due = due_within(&mut queue, 60).await;
    let expected = [("b", 2), ("d", 3), ("a", 5)].map(|(name, second)| (name.to_owned(), second));
    assert_eq!(due, expected, "what was planned before it was woken is forgotten");
    queue.wake_all();
    assert_eq!(name(queue.take()), Some("c".into()), "the others are still worked on");
}

#[test]
fn a_request_that_is_gone_is_told_once_nobody_works_on_it() {
    let mut queue = listed(&["a", "b"]);
    let first = queue.take().unwrap();
    assert_eq!(uid(queue.remove("n", "a")), None, "it is worked on");
    assert!(!queue.wake("n", "a"));
    assert_eq!(uid(queue.done(first, None)), Some("a".into()));
    assert_eq!(uid(queue.remove("n", "b")), Some("b".into()));
    assert_eq!(uid(queue.remove("n", "b")), None);
    assert!(!queue.wake("n", "b"));
    assert_eq!(name(queue.take()), None);
    assert!(queue.is_empty() && queue.requesters.is_empty());
}

#[test]
fn a_list_tells_who_is_gone_by_not_naming_them() {
    let mut queue = listed(&["a", "b", "c"]);
    let first = queue.take().unwrap();
    queue.begin_list();
    queue.apply(request("b", "b"));
    let gone: Vec<String> = queue.end_list().iter().map(|request| request.uid.clone()).collect();
    assert_eq!(gone, ["c"]);
    assert_eq!(uid(queue.done(first, None)), Some("a".into()));
    assert_eq!(queue.len(), 1);
}

/// Deleted and created again under its name, which a list does not tell apart.
#[test]
fn another_request_of_the_same_name_is_another_request() {
    let mut queue = listed(&["a"]);
    assert_eq!(uid(queue.apply(request("a", "second"))), Some("a".into()));
    let second = queue.take().unwrap();
    assert_eq!(second.uid, "second");
    assert_eq!(uid(queue.remove("n", "a")), None);
    assert_eq!(
        uid(queue.apply(request("a", "third"))),
        None,
        "the second is still worked on"
    );
    assert_eq!(uid(queue.done(second, None)), Some("second".into()));
    assert_eq!(queue.take().map(|request| request.uid.clone()), Some("third".into()));
}

#[test]
fn requests_by_the_same_person_share_who_asks() {
    let mut queue = listed(&["a", "b"]);
    let [a, b] = <[_; 2]>::try_from(taken(&mut queue)).unwrap();
    assert!(Arc::ptr_eq(&a.requester, &b.requester));
}

#[tokio::test(start_paused = true)]
async fn room_is_given_back_after_a_storm() {
    let names: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
    let mut queue = listed(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for request in taken(&mut queue) {
        queue.done(request, seconds(60));
    }
    for name in &names[1..] {
        assert!(queue.remove("n", name).is_some());
    }
    assert!(queue.entries.capacity() < 1024, "{}", queue.entries.capacity());
    // A timer that was kept through that still finds its request.
    assert_eq!(due_within(&mut queue, 120).await, [("0".to_owned(), 60)]);
}
