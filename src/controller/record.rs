//! The only place that writes a status.
//!
//! The result of an effect is a fact and not a decision: its write carries the request's uid and is tried again until
//! it lands or the object is gone.

use super::{context::Context, kinds::RequestKind};
use crate::{
    api::{
        AccountPolicy, Condition, Directory, RequestStatus, account_policy::AccountPolicyStatus, condition::types,
        directory::DirectoryStatus,
    },
    clock,
    domain::request::Request,
    failpoint::{self, Place},
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::events::{Event, EventType},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use std::{borrow::Cow, fmt::Debug, time::Duration};

/// What became of a status write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands.
    Landed,
    /// The object is gone, or is another one of the same name.
    Gone,
    /// It has ended already, by the word of another replica.
    Ended,
}

impl Written {
    /// Whether the writer's own word closes the claim: what another one has recorded, and not what we wanted to, is how
    /// it ended.
    pub fn closes(self) -> bool {
        self != Written::Ended
    }
}

/// Writes the status of a request that has ended, until it lands or the object is gone. `None` once it is not `firm` any
/// more: another replica may have taken the request's claim over, and act under it.
pub async fn finish<K: RequestKind>(
    context: &Context,
    request: &Request,
    status: &RequestStatus,
    firm: impl Fn() -> bool,
) -> Option<Written> {
    let mut wait = Duration::from_millis(50);
    while firm() {
        match put::<K>(context, request, status, Place::StatusEnd).await {
            Ok(written) => return Some(written),
            Err(error) => {
                tracing::warn!(kind = request.kind.as_str(), namespace = request.namespace, name = request.name,
                    %error, "a result could not be recorded yet; it is tried again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
        }
    }
    None
}

/// Writes the status of a request that waits, once.
///
/// # Errors
/// The API server did not answer, or had trouble of its own.
pub async fn write<K: RequestKind>(
    context: &Context,
    request: &Request,
    status: &RequestStatus,
) -> Result<Written, kube::Error> {
    put::<K>(context, request, status, Place::StatusWait).await
}

async fn put<K: RequestKind>(
    context: &Context,
    request: &Request,
    status: &RequestStatus,
    place: Place,
) -> Result<Written, kube::Error> {
    let _turn = context.turns.take().await;
    // A replacement costs the API server a third less than a patch. It is refused where the object was changed since we
    // saw it; what is to be said holds all the same.
    let refused = |refusal: &kube::core::Status| refusal.is_conflict();
    let written = match send::<K>(context, request, status, place, Way::Replace).await {
        Err(kube::Error::Api(refusal)) if refused(&refusal) => {
            send::<K>(context, request, status, place, Way::Patch).await
        }
        written => written,
    };
    match written {
        Ok(()) => Ok(Written::Landed),
        Err(kube::Error::Api(refusal)) if refusal.is_not_found() || refused(&refusal) => Ok(Written::Gone),
        // The rule that a finished request never changes: another replica was first.
        Err(kube::Error::Api(refusal)) if refusal.is_invalid() && refusal.message.contains("never changes") => {
            Ok(Written::Ended)
        }
        Err(error) => Err(error),
    }
}

/// How a request's status is written.
#[derive(Clone, Copy)]
enum Way {
    /// Bound to the resourceVersion that was seen.
    Replace,
    /// Bound to the uid only.
    Patch,
}

/// A request as it is sent to replace its status: the API server keeps everything else as it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    api_version: Cow<'static, str>,
    kind: Cow<'static, str>,
    metadata: Seen<'a>,
    status: &'a RequestStatus,
}

/// The object that the status is about, as it was seen.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    resource_version: &'a str,
}

async fn send<K: RequestKind>(
    context: &Context,
    request: &Request,
    status: &RequestStatus,
    place: Place,
    way: Way,
) -> Result<(), kube::Error> {
    let target = kube::core::Request::new(K::url_path(&(), Some(&request.namespace)));
    let (verb, call) = match way {
        Way::Replace => {
            let object = Replacement {
                api_version: K::api_version(&()),
                kind: K::kind(&()),
                metadata: Seen {
                    namespace: &request.namespace,
                    name: &request.name,
                    uid: &request.uid,
                    resource_version: &request.version,
                },
                status,
            };
            let body = serde_json::to_vec(&object).map_err(kube::Error::SerdeError)?;
            let call = target.replace_subresource("status", &request.name, &PostParams::default(), body);
            ("update", call.map(unchecked))
        }
        Way::Patch => {
            let patch = Patch::Merge(json!({"metadata": {"uid": request.uid}, "status": status}));
            let call = target.patch_subresource("status", &request.name, &PatchParams::default(), &patch);
            ("patch", call)
        }
    };
    let call = call.map_err(kube::Error::BuildRequest)?;
    context.metrics.api_write(request.kind.as_str(), verb);
    // As text: what stands there now is no news, and would be taken apart for nothing.
    failpoint::around(place, context.client.request_text(call))
        .await
        .map(drop)
}

/// Spares the API server its search for unknown and doubled fields (`fieldValidation`, by default it warns): the body is
/// made from the type that the schema is made from, and nobody reads the warnings. The schema itself holds as ever.
fn unchecked(mut call: http::Request<Vec<u8>>) -> http::Request<Vec<u8>> {
    let separator = if call.uri().query().is_some_and(|query| !query.is_empty()) {
        "&"
    } else {
        ""
    };
    if let Ok(uri) = format!("{}{separator}fieldValidation=Ignore", call.uri()).parse() {
        *call.uri_mut() = uri;
    }
    call
}

/// One warning on a request, where somebody should look. Losing it loses nothing: the status says the same.
pub async fn warn<K: RequestKind>(context: &Context, request: &Request, reason: &str, message: &str) {
    let event = Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        note: Some(message.chars().take(1000).collect()),
        action: "Reconcile".into(),
        secondary: None,
    };
    let reference = ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        namespace: Some(request.namespace.clone()),
        name: Some(request.name.clone()),
        uid: Some(request.uid.clone()),
        resource_version: Some(request.version.clone()),
        field_path: None,
    };
    if let Err(error) = failpoint::around(Place::Event, context.events.publish(&event, &reference)).await {
        tracing::debug!(%error, "an event was not published");
    }
}

/// Whether an AccountPolicy is ready, where that is news.
pub async fn policy(context: &Context, object: &AccountPolicy, problem: Option<String>) {
    if !context.leadership.is_held() {
        return;
    }
    let before = object.status.clone().unwrap_or_default();
    let ready = match problem {
        None => ("True", "Ready", "it can be used".to_owned()),
        Some(problem) => ("False", "InvalidSpec", problem),
    };
    let generation = object.metadata.generation;
    let status = AccountPolicyStatus {
        observed_generation: generation,
        conditions: vec![condition(&before.conditions, types::READY, ready, generation)],
    };
    if status != before {
        patch(context, "AccountPolicy", object, &status).await;
    }
}

/// What was found out about a Directory, where that is news.
pub async fn directory(context: &Context, object: &Directory, status: &DirectoryStatus) {
    if context.leadership.is_held() && object.status.as_ref() != Some(status) {
        patch(context, "Directory", object, status).await;
    }
}

/// A condition of a Directory or AccountPolicy; the time of its last change is kept where nothing flipped.
pub fn condition(
    before: &[Condition],
    kind: &'static str,
    (status, reason, message): (&'static str, &'static str, String),
    generation: Option<i64>,
) -> Condition {
    let now = clock::now();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let last = before.iter().find(|condition| condition.r#type == kind);
    Condition {
        r#type: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.chars().take(2048).collect(),
        last_transition_time: last
            .filter(|last| last.status == status)
            .map_or(now, |last| last.last_transition_time),
        observed_generation: generation,
    }
}

/// Replaces the status of a cluster-wide object; a status that is not written now is written at the next look.
async fn patch<K, S>(context: &Context, kind: &'static str, object: &K, status: &S)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    S: Serialize,
{
    let api = Api::<K>::all(context.client.clone());
    let mut status = json!(status);
    // A merge patch keeps what it does not name: the refused Secret must go when it is no longer refused.
    if let Some(fields) = status.as_object_mut() {
        for field in ["refusedSecret", "rate", "upstream", "lockedAccounts", "lockLog"]
            .iter()
            .filter(|_| kind == "Directory")
        {
            fields.entry(*field).or_insert(serde_json::Value::Null);
        }
    }
    let patch = json!({"metadata": {"uid": object.uid()}, "status": status});
    context.metrics.api_write(kind, "patch");
    let (name, params, patch) = (object.name_any(), PatchParams::default(), Patch::Merge(&patch));
    match failpoint::around(Place::StatusOther, api.patch_status(&name, &params, &patch)).await {
        Ok(_) => {}
        Err(kube::Error::Api(refusal)) if refusal.is_not_found() || refusal.is_conflict() => {}
        Err(error) => tracing::warn!(kind, name = object.name_any(), %error, "a status was not written"),
    }
}
