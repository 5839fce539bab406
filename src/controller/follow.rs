//! Follows all objects of a kind into a map that the caller keeps, through relists and lost watches.

use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, Resource, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;
use std::{collections::HashSet, fmt::Debug, time::Duration};
use tokio_util::sync::CancellationToken;

/// What happened to an object.
pub enum Change<K> {
    /// It is there, perhaps changed.
    Here(K),
    /// The object of this name is gone.
    Gone(String),
    /// The map is complete as of now.
    Complete,
}

/// Idle watches are given up and renewed before load balancers cut them.
const WATCH: u32 = 170;

/// The configuration that every watch of the operator uses.
pub fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH).page_size(500)
}

/// Follows the objects until cancelled. Names are unique within `api`.
pub async fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    stop: CancellationToken,
    what: &'static str,
    mut on: impl FnMut(Change<K>),
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = watcher(api, config)
        .default_backoff()
        .map_err(|error| error.to_string())
        .boxed();
    let (mut known, mut listed) = (HashSet::<String>::new(), HashSet::<String>::new());
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Some(Ok(watcher::Event::Apply(object))) => {
                known.insert(object.name_any());
                on(Change::Here(object));
            }
            Some(Ok(watcher::Event::Delete(object))) => {
                known.remove(&object.name_any());
                on(Change::Gone(object.name_any()));
            }
            Some(Ok(watcher::Event::Init)) => listed.clear(),
            Some(Ok(watcher::Event::InitApply(object))) => {
                listed.insert(object.name_any());
                on(Change::Here(object));
            }
            Some(Ok(watcher::Event::InitDone)) => {
                // A relist gives no deletes: what it does not name is gone.
                for name in known.difference(&listed) {
                    on(Change::Gone(name.clone()));
                }
                known = std::mem::take(&mut listed);
                on(Change::Complete);
            }
            Some(Err(error)) => {
                tracing::warn!(what, error, "the watch was interrupted; it is renewed");
            }
            None => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return;
            }
        }
    }
}
