//! Who signs in to the test API server: plain data, written to its token file.

use anyhow::Result;

use crate::tls;

/// Somebody with a token.
#[derive(Debug, Clone)]
pub struct Person {
    /// What tests call them: file names and helper methods use it.
    pub name: String,
    /// What Kubernetes calls them.
    pub username: String,
    pub uid: String,
    /// The API server adds `system:authenticated` itself.
    pub groups: Vec<String>,
}

/// Name, username, uid, groups. The service accounts sign in by token file, so that they need no object; see
/// [`super::ControlPlane::service_account_token`] for real tokens.
const PEOPLE: &[(&str, &str, &str, &[&str])] = &[
    ("admin", "admin", "uid-admin", &["system:masters"]),
    (
        "alice",
        "oidc:alice@example.com",
        "uid-alice",
        &["desk", "oidc:desk-berlin"],
    ),
    ("bob", "oidc:bob@example.com", "uid-bob", &["desk", "oidc:desk-lisbon"]),
    (
        "carol",
        "oidc:carol@example.com",
        "uid-carol",
        &["approvers", "oidc:staff"],
    ),
    ("mallory", "oidc:mallory@example.com", "uid-mallory", &["oidc:staff"]),
    (
        "viewer",
        "oidc:viewer@example.com",
        "uid-viewer",
        &["viewers", "oidc:staff"],
    ),
    (
        "operator",
        "system:serviceaccount:readmit-system:readmit",
        "uid-operator",
        &["system:serviceaccounts", "system:serviceaccounts:readmit-system"],
    ),
    (
        "pipeline",
        "system:serviceaccount:team-a:deployer",
        "uid-pipeline",
        &["system:serviceaccounts", "system:serviceaccounts:team-a"],
    ),
];

/// The usual people: `admin` (may do everything), `alice` and `bob` (service desk), `carol` (approver), `mallory`
/// (nobody in particular), `viewer`, and the service accounts `operator` and `pipeline`.
pub fn usual() -> Vec<Person> {
    let person = |&(name, username, uid, groups): &(&str, &str, &str, &[&str])| Person {
        name: name.into(),
        username: username.into(),
        uid: uid.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
    };
    PEOPLE.iter().map(person).collect()
}

/// The text of a token file, and each person's token by name.
pub(super) fn token_file(people: &[Person]) -> Result<(String, Vec<(String, String)>)> {
    let mut file = String::new();
    let mut tokens = Vec::new();
    for person in people {
        let token = tls::random_secret()?;
        file += &format!(
            "{token},{},{},\"{}\"\n",
            person.username,
            person.uid,
            person.groups.join(",")
        );
        tokens.push((person.name.clone(), token));
    }
    Ok((file, tokens))
}
