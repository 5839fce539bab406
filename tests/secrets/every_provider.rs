//! Every provider that has a fixture in the suite `behaviours`: an unlock and a reset by a credential that is right, and
//! one that is refused. A new provider is in here as soon as it stands in `behaviours/providers.rs`.

use crate::{
    fixture::{Fixture, SignIn},
    places,
    providers::PROVIDERS,
    search::Secret,
    support::{
        lab::{Lab, RESET, UNLOCK},
        ldap::{self, Recipient},
        stage::{Operator, ready},
    },
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use testkit::skip;

/// The finest that libraries are let say.
const FINEST: &str = "DEBUG HTTP{http.method=";
const SEALED: &str = "BEGIN AGE ENCRYPTED FILE";

/// The fixtures that this machine can have; each other one is a skip. They start at the same time.
fn fixtures() -> Vec<Box<dyn Fixture>> {
    let started: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = PROVIDERS.iter().map(|(_, start)| scope.spawn(start)).collect();
        starting
            .into_iter()
            .map(|start| start.join().expect("no panic"))
            .collect()
    });
    started.into_iter().filter_map(skip::unless_missing).collect()
}

/// What stands in Secrets among these manifests, but for certificates and names.
fn credentials(manifests: &[Value]) -> Vec<Secret> {
    let secrets = manifests.iter().filter(|manifest| manifest["kind"] == "Secret");
    let entries = secrets.flat_map(|secret| {
        let name = secret["metadata"]["name"].as_str().expect("a name");
        let data = secret["stringData"].as_object().expect("text");
        data.iter()
            .map(move |(key, value)| (format!("{key} of Secret {name}"), value))
    });
    let hidden = entries.filter(|(name, _)| !name.starts_with("ca.crt ") && !name.starts_with("username "));
    hidden
        .map(|(name, value)| Secret::new(&name, value.as_str().expect("text")))
        .collect()
}

/// A Directory whose credential the server refuses: one that can be told from every other text.
fn wrong(fixture: &dyn Fixture) -> (String, Vec<Value>) {
    let name = format!("wrong-{}", fixture.provider());
    let mut manifests = fixture.wrong_credential(&name).manifests;
    for secret in manifests.iter_mut().filter(|manifest| manifest["kind"] == "Secret") {
        let data = secret["stringData"].as_object_mut().expect("text");
        for (key, value) in data
            .iter_mut()
            // A private key must be one to be refused, and no two are equal.
            .filter(|(key, _)| !["ca.crt", "username", "private-key"].contains(&key.as_str()))
        {
            *value = format!("canary+of a wrong/{key}={}", fixture.provider()).into();
        }
    }
    (name, manifests)
}

/// Unlocks and resets; gives the password that was generated, where the provider can set one.
fn act(lab: &Lab, operator: &Operator, fixture: &dyn Fixture, recipient: &Recipient) -> Option<Secret> {
    let provider = fixture.provider();
    let person = fixture.person("canary");
    fixture.lock(&person);
    let name = format!("unlock-{provider}");
    lab.create(
        "bob",
        &ldap::unlock(&name, provider, &person.login, &json!({})).to_string(),
    );
    if fixture.by_hand().is_some() {
        lab.waits(operator, UNLOCK, &name, "AwaitingManualAction");
        fixture.clear_by_hand(&json!({"login": person.login}));
    }
    let status = lab.finished(operator, UNLOCK, &name);
    assert_eq!(ready(&status)["reason"], "Unlocked", "{provider}: {status:#}");
    if fixture.unable(Step::SetPassword).is_some() {
        return None;
    }
    let name = format!("reset-{provider}");
    let more = json!({"method": "TemporaryPassword"});
    lab.create("bob", &ldap::reset(&name, provider, &person.login, &more).to_string());
    let status = lab.finished(operator, RESET, &name);
    assert_eq!(ready(&status)["reason"], "PasswordReset", "{provider}: {status:#}");
    let password = recipient.open(&status).expect("sealed to the policy's recipient");
    let in_force = fixture.sign_in(&person, &password);
    assert_eq!(
        in_force,
        SignIn::MustChange,
        "{provider}: what was opened is not what was set"
    );
    Some(Secret::new(&format!("the password of {name}"), password))
}

#[test]
fn no_providers_secret_is_anywhere_but_in_secrets() {
    let Some(lab) = Lab::open() else { return };
    let fixtures = fixtures();
    let recipient = Recipient::new();
    let password = json!({"methods": ["TemporaryPassword"], "recipients": [recipient.public()]});
    let actions = ["Unlock", "ResetPassword"];
    let mut kept = vec![Secret::new("the token of the lab's own Okta", sandbox::ADMIN_TOKEN)];
    for fixture in &fixtures {
        let name = fixture.provider();
        let mut manifests = fixture.directory(name, None);
        kept.extend(credentials(&manifests));
        manifests.push(ldap::policy(name, name, &actions, &json!({ "password": password })));
        lab.admin(&ldap::text(&manifests));
    }
    let operator = lab.operator(&[("READMIT_LOG", "trace")]);
    let mut never = vec![Secret::new("the recipient's private key", recipient.private())];
    for fixture in &fixtures {
        never.extend(act(&lab, &operator, &**fixture, &recipient));
        let (name, manifests) = wrong(&**fixture);
        lab.admin(&ldap::text(&manifests));
        lab.waits(&operator, "directory", &name, "CredentialRefused");
        kept.extend(credentials(&manifests));
    }
    assert!(never.len() > fixtures.len() / 2, "hardly any password was generated");
    let known = (&[SEALED, "CredentialRefused"][..], &[FINEST][..], &[SEALED][..]);
    places::assert_kept(&lab, &operator, &never, &kept, known);
}
