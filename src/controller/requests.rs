//! Watches the unfinished requests of one kind and passes over each of them. A finished request leaves the watch, since
//! it asks for requests without an outcome only; that is no cancellation.

use super::{
    context::{Context, Named},
    follow,
    kinds::RequestKind,
    pass::{self, PassError},
};
use crate::domain::request::Kind;
use futures::{Stream, StreamExt, stream};
use kube::{
    Api,
    runtime::{
        Controller, WatchStreamExt,
        controller::{Action, Config, Error},
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::{mpsc::UnboundedReceiver, watch};

/// Between two looks for work whose request is gone.
const PRUNE: Duration = Duration::from_secs(60);

/// Passes over the requests of one kind until the operator stops; passes that run by then are brought to an end.
pub async fn run<K: RequestKind>(context: Arc<Context>, kind: Kind) {
    context.caches.wait().await;
    let api = Api::<K>::all(context.watching.clone());
    let (reader, writer) = reflector::store();
    let objects = watcher(api, follow::config().fields("status.outcome="))
        .default_backoff()
        .modify(|object| {
            // Neither is needed, and they are most of a small object.
            object.meta_mut().managed_fields = None;
            object.meta_mut().annotations = None;
        })
        .reflect(writer)
        .applied_objects();
    let workers = u16::try_from(context.config.workers).unwrap_or(u16::MAX);
    let pruning = prune(context.clone(), reader.clone(), kind);
    let passing = Controller::for_stream(objects, reader)
        .with_config(Config::default().concurrency(workers))
        .reconcile_all_on(changes(context.woken.subscribe()))
        .reconcile_on(calls(context.bells.listen(kind)))
        .graceful_shutdown_on(context.stop.clone().cancelled_owned())
        .run(pass::run::<K>, retry, context.clone())
        .for_each(|result| async {
            if let Err(error) = result {
                if let Error::ObjectNotFound(gone) = &error {
                    context.directories.dismiss(kind, gone);
                }
                tracing::debug!(%error, "a pass was broken off");
            }
        });
    tokio::select! {
        () = passing => {}
        () = pruning => {}
    }
}

/// When a pass that was broken off is made again.
fn retry<K: RequestKind>(object: Arc<K>, error: &PassError, _: Arc<Context>) -> Action {
    match error {
        PassError::Changed => Action::requeue(Duration::from_millis(100)),
        PassError::Api(_) | PassError::Key(_) => {
            let (namespace, name) = (object.meta().namespace.as_deref(), object.meta().name.as_deref());
            tracing::warn!(kind = %K::kind(&()), namespace, name, %error, "a pass was broken off; it is made again");
            Action::requeue(Duration::from_secs(2))
        }
        PassError::Endless => {
            let (namespace, name) = (object.meta().namespace.as_deref(), object.meta().name.as_deref());
            tracing::error!(kind = %K::kind(&()), namespace, name, %error, "a pass was given up");
            Action::requeue(Duration::from_secs(60))
        }
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

/// The requests whose turn it is.
fn calls<K: RequestKind>(receiver: UnboundedReceiver<Named>) -> impl Stream<Item = ObjectRef<K>> {
    stream::unfold(receiver, |mut receiver| async {
        let called = receiver.recv().await?;
        Some((ObjectRef::new(&called.name).within(&called.namespace), receiver))
    })
}

/// Forgets the work on requests that are gone: a relist tells nobody.
async fn prune<K: RequestKind>(context: Arc<Context>, reader: Store<K>, kind: Kind) {
    loop {
        tokio::time::sleep(PRUNE).await;
        let live: HashSet<String> = reader
            .state()
            .iter()
            .filter_map(|object| object.meta().uid.clone())
            .collect();
        context.works.retain(kind, &live);
        context.metrics.requests_waiting(context.works.count());
        context.metrics.claims_open(context.claims.all().len());
    }
}
