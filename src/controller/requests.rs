//! Watches the unfinished requests of one kind and passes over each of them. A finished request leaves the watch, since
//! it asks for requests without an outcome only; that is no cancellation.

use super::{
    context::Context,
    follow,
    kinds::RequestKind,
    pass::{self, Next, PassError},
    workqueue::{Gone, WorkQueue},
};
use crate::domain::request::{Kind, Request};
use futures::{Stream, StreamExt, stream};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::Instant,
};

/// A pass that has ended.
type Passed = (Arc<Request>, Result<Next, PassError>);

/// Passes over the requests of one kind until the operator stops; passes that run by then are brought to an end.
///
/// # Panics
/// With what a pass panicked with: what it left undone is in the ledgers, for the next process.
pub async fn run<K: RequestKind>(context: Arc<Context>, kind: Kind) {
    context.caches.wait().await;
    let api = Api::<K>::all(context.watching.clone());
    let mut events = pin!(watcher(api, follow::config().fields("status.outcome=")).default_backoff());
    let mut called = context.bells.listen(kind);
    let mut changes = pin!(changes(context.woken.subscribe()));
    let mut queue = WorkQueue::default();
    let mut passes = JoinSet::new();
    loop {
        while passes.len() < context.config.workers
            && let Some(request) = queue.take()
        {
            let context = context.clone();
            passes.spawn(async move { (request.clone(), pass::run::<K>(&request, context).await) });
        }
        tokio::select! {
            () = context.stop.cancelled() => break,
            Some(event) = events.next() => match event {
                Ok(event) => forget(&context, take_in::<K>(&mut queue, event)),
                Err(error) => tracing::warn!(kind = kind.as_str(), %error, "the watch was interrupted; it is renewed"),
            },
            Some(passed) = passes.join_next() => forget(&context, end(&mut queue, passed)),
            Some(request) = called.recv() => {
                if !queue.wake(&request.namespace, &request.name) {
                    context.directories.dismiss(&request);
                }
            }
            Some(()) = changes.next() => queue.wake_all(),
            () = queue.tick() => {}
        }
    }
    while let Some(passed) = passes.join_next().await {
        forget(&context, end(&mut queue, passed));
    }
}

/// Takes in what the watch tells; those that are gone.
fn take_in<K: RequestKind>(queue: &mut WorkQueue, event: Event<K>) -> Vec<Gone> {
    match event {
        Event::Apply(object) | Event::InitApply(object) => Vec::from_iter(queue.apply(object.request())),
        Event::Delete(object) => {
            let namespace = object.namespace().unwrap_or_default();
            Vec::from_iter(queue.remove(&namespace, &object.name_any()))
        }
        Event::Init => {
            queue.begin_list();
            Vec::new()
        }
        Event::InitDone => queue.end_list(),
    }
}

/// A pass has ended: when the next one is due.
fn end(queue: &mut WorkQueue, passed: Result<Passed, JoinError>) -> Vec<Gone> {
    let (request, result) = match passed {
        Ok(passed) => passed,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nobody aborts a pass but the end of the process.
            Err(_) => return Vec::new(),
        },
    };
    let at = match result {
        Ok(Next::Change) => None,
        Ok(Next::At(at)) => Some(Instant::from_std(at)),
        Err(error) => Some(Instant::now() + again_after(&request, &error)),
    };
    Vec::from_iter(queue.done(request, at))
}

/// When a pass that was broken off is made again.
fn again_after(request: &Request, error: &PassError) -> Duration {
    let (kind, namespace, name) = (request.kind.as_str(), &request.namespace, &request.name);
    match error {
        PassError::Changed => {
            tracing::debug!(kind, namespace, name, %error, "a pass was broken off");
            Duration::from_millis(100)
        }
        PassError::Api(_) | PassError::Key(_) => {
            tracing::warn!(kind, namespace, name, %error, "a pass was broken off; it is made again");
            Duration::from_secs(2)
        }
        PassError::Endless => {
            tracing::error!(kind, namespace, name, %error, "a pass was given up");
            Duration::from_secs(60)
        }
    }
}

/// Drops what was kept for requests that are gone.
fn forget(context: &Context, gone: Vec<Gone>) {
    for request in gone {
        context.works.forget(&request);
    }
}

/// One item a change.
fn changes(receiver: watch::Receiver<u64>) -> impl Stream<Item = ()> {
    stream::unfold(receiver, |mut receiver| async {
        // Several changes in a row are one: everything is looked at anew in any case.
        tokio::time::sleep(Duration::from_millis(50)).await;
        receiver.changed().await.ok()?;
        Some(((), receiver))
    })
}
