//! The API server as tests ask it: a client in this process, where a kubectl for each look would cost a core's twentieth
//! of a second. It says what kubectl would: it signs in by the same files, and is as strict about unknown fields. What
//! waits for something belongs into [`super::watch`]; tests about kubectl's own texts stay with kubectl.
//!
//! Everything here blocks and may be called from any thread, also from one of another runtime.

use http::Request;
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Error,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use readmit::api::{Account, AccountPolicy, AccountUnlockRequest, Directory, PasswordResetRequest};
use serde_json::Value;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{LazyLock, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};
use testkit::control_plane::ControlPlane;
use tokio::runtime::{Builder, Runtime};

/// One for all clients and watches of this test program. A thread is enough: it only waits.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).thread_name("api").enable_all().build();
    runtime.expect("a runtime")
});

/// Does this on the runtime, and waits for it.
fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        // Whoever asked has panicked if they are gone.
        drop(sender.send(work.await));
    });
    receiver.recv().expect("no panic in the client")
}

/// What tests call a kind, and where it is found.
struct Kind {
    words: &'static [&'static str],
    resource: fn() -> ApiResource,
    namespaced: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        words: &["aur", "accountunlockrequest", "accountunlockrequests"],
        resource: || ApiResource::erase::<AccountUnlockRequest>(&()),
        namespaced: true,
    },
    Kind {
        words: &["pwr", "passwordresetrequest", "passwordresetrequests"],
        resource: || ApiResource::erase::<PasswordResetRequest>(&()),
        namespaced: true,
    },
    Kind {
        words: &["directory", "directories"],
        resource: || ApiResource::erase::<Directory>(&()),
        namespaced: false,
    },
    Kind {
        words: &["accountpolicy", "accountpolicies"],
        resource: || ApiResource::erase::<AccountPolicy>(&()),
        namespaced: false,
    },
    Kind {
        words: &["acct", "account", "accounts"],
        resource: || ApiResource::erase::<Account>(&()),
        namespaced: false,
    },
    Kind {
        words: &["configmap", "configmaps"],
        resource: || ApiResource::erase::<ConfigMap>(&()),
        namespaced: true,
    },
    Kind {
        words: &["secret", "secrets"],
        resource: || ApiResource::erase::<Secret>(&()),
        namespaced: true,
    },
    Kind {
        words: &["lease", "leases"],
        resource: || ApiResource::erase::<Lease>(&()),
        namespaced: true,
    },
];

fn kind(word: &str) -> &'static Kind {
    let found = KINDS.iter().find(|kind| kind.words.contains(&word));
    found.unwrap_or_else(|| panic!("{word} is no kind that tests ask for; add it to KINDS"))
}

/// Signs in as one of the control plane's people, and as whoever they impersonate.
fn client(plane: &ControlPlane, person: &str, impersonate: Option<&str>) -> Client {
    type Key = (PathBuf, Option<String>);
    static CLIENTS: Mutex<Option<HashMap<Key, Client>>> = Mutex::new(None);
    let key = (plane.kubeconfig(person), impersonate.map(str::to_owned));
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let clients = clients.get_or_insert_default();
    if let Some(client) = clients.get(&key) {
        return client.clone();
    }
    let file = Kubeconfig::read_from(&key.0).expect("a kubeconfig");
    let as_whom = key.1.clone();
    // A server that has too much to do is asked again, as kubectl does it.
    let client = run(async move {
        let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
        let mut config = config.expect("a configuration");
        config.auth_info.impersonate = as_whom;
        // It listens on loopback, whatever the machine's proxy may be.
        config.proxy_url = None;
        Client::try_from(config).expect("a client")
    });
    clients.insert(key, client.clone());
    client
}

/// The objects of a kind as the administrator sees them: in one namespace, or wherever they are.
pub fn objects(plane: &ControlPlane, word: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    of(client(plane, "admin", None), kind(word), namespace)
}

fn of(client: Client, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace.filter(|_| kind.namespaced) {
        Some(namespace) => Api::namespaced_with(client, namespace, &(kind.resource)()),
        None => Api::all_with(client, &(kind.resource)()),
    }
}

/// An object as kubectl shows it: who owns which field is left out.
pub fn value(mut object: DynamicObject) -> Value {
    object.metadata.managed_fields = None;
    serde_json::to_value(object).expect("JSON")
}

/// One object, which must be there.
#[track_caller]
pub fn get(plane: &ControlPlane, word: &str, namespace: &str, name: &str) -> Value {
    find(plane, word, namespace, name).unwrap_or_else(|| panic!("there is no {word} {name}"))
}

/// One object, where it is there.
#[track_caller]
pub fn find(plane: &ControlPlane, word: &str, namespace: &str, name: &str) -> Option<Value> {
    let (api, named) = (objects(plane, word, Some(namespace)), name.to_owned());
    let found = run(async move { api.get_opt(&named).await });
    found
        .unwrap_or_else(|error| panic!("get {word} {name}: {error}"))
        .map(value)
}

/// All objects of a kind, in all namespaces.
#[track_caller]
pub fn list(plane: &ControlPlane, word: &str) -> Vec<Value> {
    let api = objects(plane, word, None);
    let found = run(async move { api.list(&ListParams::default()).await });
    let found = found.unwrap_or_else(|error| panic!("list {word}: {error}"));
    found.items.into_iter().map(value).collect()
}

/// Deletes all objects of a kind, in all namespaces, as somebody who may.
#[track_caller]
pub fn delete_all(plane: &ControlPlane, person: &str, word: &str) {
    let client = client(plane, person, None);
    let kind = kind(word);
    let deleted = run(async move {
        let all = of(client.clone(), kind, None).list(&ListParams::default()).await?;
        for object in all {
            let name = object.metadata.name.unwrap_or_default();
            let api = of(client.clone(), kind, object.metadata.namespace.as_deref());
            match api.delete(&name, &DeleteParams::default()).await {
                // Somebody else, or the operator's own sweep.
                Err(Error::Api(status)) if status.is_not_found() => {}
                result => drop(result?),
            }
        }
        Ok::<_, Error>(())
    });
    deleted.unwrap_or_else(|error| panic!("{person} deletes {word}: {error}"));
}

/// Deletes one object as somebody who may.
#[track_caller]
pub fn delete(plane: &ControlPlane, person: &str, (word, namespace, name): (&str, &str, &str)) {
    let (api, named) = (
        of(client(plane, person, None), kind(word), Some(namespace)),
        name.to_owned(),
    );
    let deleted = run(async move { api.delete(&named, &DeleteParams::default()).await });
    deleted.unwrap_or_else(|error| panic!("{person} deletes {word} {name}: {error}"));
}

/// Merges this into an object as somebody.
///
/// # Errors
/// As [`create`].
pub fn patch(
    plane: &ControlPlane,
    person: &str,
    (word, namespace, name): (&str, &str, &str),
    patch: &Value,
) -> Result<(), String> {
    let api = of(client(plane, person, None), kind(word), Some(namespace));
    let (name, patch) = (name.to_owned(), Patch::Merge(patch.clone()));
    run(async move {
        let patched = api.patch(&name, &PatchParams::default(), &patch).await;
        patched.map(drop).map_err(said)
    })
}

/// Creates these manifests (YAML, one document or several) as somebody.
///
/// # Errors
/// What the API server says of the first one that it refuses.
pub fn create(plane: &ControlPlane, person: &str, manifests: &str) -> Result<(), String> {
    let client = client(plane, person, None);
    let documents = documents(manifests)?;
    run(async move {
        for document in documents {
            post(&client, document, "").await?;
        }
        Ok(())
    })
}

/// Creates manifests as somebody who may, once admission has learnt of their kinds: a moment after they are served.
#[track_caller]
pub fn create_soon(plane: &ControlPlane, person: &str, manifests: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match create(plane, person, manifests) {
            Ok(()) => return,
            Err(error) if error.contains("There can be a delay") && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => panic!("{person} creates {manifests}: {error}"),
        }
    }
}

/// Has the API server judge and complete a manifest, and store nothing; `impersonate` names whom the person acts as.
///
/// # Errors
/// As [`create`].
pub fn dry_run(
    plane: &ControlPlane,
    (person, impersonate): (&str, Option<&str>),
    manifest: &str,
) -> Result<Value, String> {
    let client = client(plane, person, impersonate);
    let document = documents(manifest)?.pop().ok_or("no manifest")?;
    run(async move { post(&client, document, "&dryRun=All").await })
}

fn documents(manifests: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifests).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

async fn post(client: &Client, manifest: Value, more: &str) -> Result<Value, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = kind(&text(&manifest["kind"]).unwrap_or_default().to_lowercase());
    let namespace = text(&manifest["metadata"]["namespace"]).unwrap_or_else(|| "default".into());
    let api = of(client.clone(), kind, Some(&namespace));
    // By default the API server drops unknown fields: a slip of a test would not be noticed.
    let path = format!(
        "{}?fieldManager=kubectl-create&fieldValidation=Strict{more}",
        api.resource_url()
    );
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(manifest.to_string().into_bytes()).expect("a request");
    client.request(request).await.map_err(said)
}

/// The API server's own words, where it said any.
fn said(error: Error) -> String {
    match error {
        Error::Api(status) => status.message,
        other => other.to_string(),
    }
}
