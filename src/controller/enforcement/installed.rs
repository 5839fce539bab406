//! The policies and bindings as the API server has them. Dynamic objects: the mutating kinds are newer than the oldest
//! Kubernetes that is supported.

use super::Error;
use crate::domain::enforcement::{Expected, Installed, Seen};
use futures::{StreamExt, future::try_join_all, stream::select_all};
use kube::{
    Api, Client, ResourceExt,
    core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::Value;
use tokio::sync::Notify;
use tracing::debug;

const GROUP: &str = "admissionregistration.k8s.io";
const MUTATING: &str = "MutatingAdmissionPolicy";
const KINDS: [&str; 4] = [
    MUTATING,
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];
/// What all names of ours end with.
const SUFFIX: &str = ".readmit.dev";

fn resource(kind: &str) -> ApiResource {
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1", kind), &plural.to_lowercase())
}

/// Whether the API server can stamp: MutatingAdmissionPolicy is v1 since Kubernetes 1.36.
pub(super) async fn knows_mutating_policies(client: &Client) -> Result<bool, Error> {
    let version = format!("{GROUP}/v1");
    let list = client.list_api_group_resources(&version);
    let list = list.await.map_err(Error::api(format!("list the kinds of {version}")))?;
    Ok(list.resources.iter().any(|resource| resource.kind == MUTATING))
}

/// Reads each expected object, in the same order; `None` is missing.
pub(super) async fn read(client: &Client, expected: &[Expected]) -> Result<Vec<Option<Installed>>, Error> {
    try_join_all(expected.iter().map(|expected| async move {
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource(&expected.kind));
        let found = api.get_opt(&expected.name).await;
        let found = found.map_err(Error::api(format!("read {}", expected.id())))?;
        Ok(found.map(installed))
    }))
    .await
}

fn installed(mut object: DynamicObject) -> Installed {
    Installed {
        seen: Seen {
            uid: object.uid().unwrap_or_default(),
            generation: object.metadata.generation.unwrap_or_default(),
        },
        spec: object.data.get_mut("spec").map(Value::take).unwrap_or_default(),
    }
}

/// Wakes `changed` whenever one of ours changes or a watch begins anew. A kind that the API server does not know is
/// asked for again now and then, so that an upgrade of the cluster is noticed.
pub(super) async fn wake_on_change(client: Client, changed: &Notify) {
    let watch = |kind| {
        let api = Api::<PartialObjectMeta<DynamicObject>>::all_with(client.clone(), &resource(kind));
        watcher::watcher(api, watcher::Config::default())
            .default_backoff()
            .boxed()
    };
    let mut events = select_all(KINDS.map(watch));
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::Delete(object)) => {
                if object.name_any().ends_with(SUFFIX) {
                    changed.notify_one();
                }
            }
            Ok(watcher::Event::InitDone) => changed.notify_one(),
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => (),
            Err(error) => debug!(
                error = &error as &dyn std::error::Error,
                "a watch of admission policies ended"
            ),
        }
    }
}
