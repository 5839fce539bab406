//! Requests that name an account of Okta whose credentials live in Active Directory: on the real API server, with a real
//! Samba domain controller behind a simulated Okta. What either was told is judged by its own log.

#[path = "../support/mod.rs"]
mod support;

mod refused;
mod resets;
mod restart;
mod unlocks;

use sandbox::{AccountState, SeedUser};
use serde_json::{Value, json};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use support::{
    domain,
    ldap::{Recipient, policy, text},
    org::Org,
    stage::{Stage, ready, stage},
};
use testkit::{
    samba::{OPERATOR, Samba, person_dn},
    skip,
};

/// People of the domain, each for one test.
const PEOPLE: &[&str] = &[
    "both",
    "only-there",
    "only-here",
    "other",
    "chief",
    "limited",
    "reset",
    "changed",
    "again",
    "late",
    "nowhere",
    "link",
    "crash",
];

/// How Okta's profile spells an objectGUID.
#[derive(Clone, Copy)]
pub enum Spelling {
    /// As text.
    Text,
    /// As Base64 of the octets on the wire, as Okta's own agent hands it on.
    Base64,
}

/// The domain as Directory `corp`, and an Okta whose Directory `cloud` leads to it.
pub struct Scene {
    pub stage: &'static Stage,
    pub samba: Samba,
    pub okta: Org,
    pub keeper: Recipient,
    /// Tests share the operator; the one that ends it takes its turn.
    turn: RwLock<()>,
}

/// A test's share of the scene.
pub struct Turn(#[allow(dead_code, reason = "held until the test ends")] RwLockReadGuard<'static, ()>);

/// The scene of this test program; `None` where this machine cannot have one.
pub fn scene() -> Option<(&'static Scene, Turn)> {
    let scene = shared()?;
    Some((scene, Turn(scene.turn.read().unwrap_or_else(PoisonError::into_inner))))
}

/// The same for one test alone.
pub fn alone() -> Option<(&'static Scene, RwLockWriteGuard<'static, ()>)> {
    let scene = shared()?;
    Some((scene, scene.turn.write().unwrap_or_else(PoisonError::into_inner)))
}

fn shared() -> Option<&'static Scene> {
    static SCENE: OnceLock<Option<Scene>> = OnceLock::new();
    let stage = stage()?;
    SCENE.get_or_init(|| Scene::set(stage)).as_ref()
}

/// The source that leads from an Okta to the domain.
pub fn source(change: &Value) -> Value {
    let mut source = json!({
        "when": "account.source.type == 'ACTIVE_DIRECTORY'",
        "directory": "corp",
        "account": {"login": "account.profile.samAccountName"},
        "confirm": {"objectGUID": "account.profile.objectGUID"},
    });
    for (name, value) in change.as_object().into_iter().flatten() {
        source[name] = value.clone();
    }
    source
}

impl Scene {
    fn set(stage: &'static Stage) -> Option<Self> {
        let samba = skip::unless_missing(Samba::start(PEOPLE))?;
        let okta = Org::sandbox(stage, "cloud");
        okta.set_token(sandbox::ADMIN_TOKEN);
        let scene = Scene {
            stage,
            samba,
            okta,
            keeper: Recipient::new(),
            turn: RwLock::default(),
        };
        let corp = domain::directory("corp", &scene.samba, OPERATOR);
        stage.admin(&text(&[
            domain::secret("corp", &scene.samba, scene.samba.secret()),
            corp,
            scene.directory("cloud", &json!({"sources": [source(&json!({}))]})),
        ]));
        scene.allow("desk", "cloud", &json!({}));
        scene.okta.directory_when(|status| ready(status)["status"] == "True");
        Some(scene)
    }

    /// A Directory for the Okta, with `more` in its spec.
    pub fn directory(&self, name: &str, more: &Value) -> Value {
        let url = &self.okta.sandbox.addresses().http;
        let mut spec = json!({"provider": {"okta": {"url": url, "tokenSecretRef": {"name": "cloud"}}}});
        for (name, value) in more.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        json!({"apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name}, "spec": spec})
    }

    /// A policy that allows everything in this Directory and in the domain, with `more` in its spec.
    pub fn allow(&self, name: &str, directory: &str, more: &Value) {
        let methods = ["Link", "TemporaryPassword", "ChangeAtNextSignIn"];
        let mut spec = json!({
            "directories": [directory, "corp"],
            "password": {"methods": methods, "recipients": [self.keeper.public()]},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        let desk = policy(name, directory, &["Unlock", "ResetPassword"], &spec);
        self.stage.admin(&text(&[desk]));
    }

    /// Somebody of the domain as Okta has them, in this status and with this id.
    pub fn import(&self, name: &str, status: &str, guid: &str) {
        let user: SeedUser = serde_json::from_value(json!({
            "login": login(name), "email": format!("{name}@mail.example"), "status": status,
            "provider": {"type": "ACTIVE_DIRECTORY", "name": "example.test"},
            "profile": {"samAccountName": name, "objectGUID": guid},
        }))
        .expect("a seed");
        self.okta.sandbox.seed([user]).expect("a new login");
    }

    /// The same, with the objectGUID that the domain knows them by.
    pub fn import_as(&self, name: &str, status: &str, spelling: Spelling) {
        let guid = self.guid(name);
        let guid = match spelling {
            Spelling::Text => guid,
            Spelling::Base64 => on_the_wire(&guid),
        };
        self.import(name, status, &guid);
    }

    /// The objectGUID of a person.
    pub fn guid(&self, name: &str) -> String {
        self.samba.id(&person_dn(name)).expect("everybody has one")
    }

    /// A person as Okta has them.
    #[track_caller]
    pub fn in_okta(&self, name: &str) -> AccountState {
        self.okta.account(&login(name))
    }

    /// Nothing was written about a person, neither here nor there.
    #[track_caller]
    pub fn untouched(&self, name: &str) {
        assert_eq!(domain::writes(&self.samba, name), [""; 0], "{name} in the domain");
        assert_eq!(self.okta.written(&login(name)), [""; 0], "{name} in Okta");
    }

    /// Asks, as bob.
    pub fn ask(&self, request: &Value) {
        self.stage.create("bob", &text(std::slice::from_ref(request)));
    }

    /// Asks, as bob, and waits for the end.
    pub fn ended(&self, kind: &str, request: &Value) -> Value {
        self.ask(request);
        self.stage
            .finished(kind, request["metadata"]["name"].as_str().expect("a name"))
    }
}

/// What a person signs in to Okta with.
pub fn login(name: &str) -> String {
    format!("{name}@cloud.example")
}

/// One condition of a status.
pub fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    found.unwrap_or(&Value::Null)
}

fn on_the_wire(guid: &str) -> String {
    let digits = guid.replace('-', "");
    let octets = data_encoding::HEXLOWER.decode(digits.as_bytes()).expect("a GUID");
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    data_encoding::BASE64.encode(&order.map(|place: usize| octets[place]))
}
