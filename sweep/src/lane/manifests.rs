//! What is applied to a lane's API server, as data. Names are few and fixed: a lane runs one case at a time.

use crate::case::{Ask, Upstream, Work};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::slapd::{self, OPERATOR_DN, Slapd};

/// The namespace of the operators.
pub const NAMESPACE: &str = "readmit-system";
/// At most so many resets of one account in a day, under every policy of a lane.
pub const LIMIT: usize = 3;
/// The operator's rights, as the chart grants them.
pub const OPERATOR: &str = include_str!("../../../tests/support/operator-rights.yaml");
/// What people may do.
pub const PEOPLE: &str = include_str!("../../../tests/support/rights.yaml");

/// The Secret of a Directory.
pub fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data})
}

/// A Directory for the sandbox.
pub fn okta(name: &str, url: &str) -> Value {
    directory(name, &json!({"okta": {"url": url, "tokenSecretRef": {"name": "okta"}}}))
}

/// A Directory for slapd.
pub fn openldap(server: &Slapd) -> Value {
    directory(
        "openldap",
        &json!({"openldap": {
            "url": server.url(), "bindDN": OPERATOR_DN, "bindSecretRef": {"name": "openldap"},
            "baseDN": slapd::SUFFIX, "defaultPolicyDN": slapd::policy_dn("default"),
        }}),
    )
}

/// A Directory for the sandbox whose accounts have their credentials in slapd.
pub fn routed(url: &str) -> Value {
    let mut directory = okta("routed", url);
    directory["spec"]["sources"] = json!([{
        "when": "account.source.type == 'LDAP'", "directory": "openldap",
        "account": {"login": "account.profile.ldapUid"}, "confirm": {"id": "account.profile.ldapId"},
    }]);
    directory
}

fn directory(name: &str, provider: &Value) -> Value {
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
        "spec": {"provider": provider, "rateLimit": {"requestsPerMinute": 60000, "concurrency": 64}},
    })
}

/// The policy that permits everything but what [`Work::Denied`] asks for.
pub fn policy(upstream: Upstream, recipient: &str) -> Value {
    let name = upstream.to_string();
    let directories = match upstream {
        Upstream::Okta | Upstream::OpenLdap => vec![name.clone()],
        Upstream::Routed => vec![name.clone(), Upstream::OpenLdap.to_string()],
    };
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "AccountPolicy", "metadata": {"name": name},
        "spec": {
            "actions": ["Unlock", "ResetPassword"], "directories": directories,
            "requester": [{"expression": "!has(request.reason) || request.reason != 'denied'", "message": "not for this reason"}],
            "limits": [{"actions": ["ResetPassword"], "max": LIMIT, "per": "24h"}],
            "password": {"methods": ["Link", "TemporaryPassword", "ChangeAtNextSignIn"], "recipients": [recipient]},
        },
    })
}

/// A request, as a person of the desk creates it.
pub fn request(name: &str, ask: &Ask, login: &str) -> Value {
    let mut spec = json!({"directory": ask.upstream.to_string(), "account": {"login": login}});
    match ask.work {
        Work::Unlock | Work::ClaimedUnlock => {}
        Work::Temporary => spec["method"] = json!("TemporaryPassword"),
        Work::Link => spec["method"] = json!("Link"),
        Work::Change => spec["method"] = json!("ChangeAtNextSignIn"),
        Work::Denied => {
            spec["method"] = json!("ChangeAtNextSignIn");
            spec["reason"] = json!("denied");
        }
    }
    if let Some(seconds) = ask.seconds {
        let end = Timestamp::now() + SignedDuration::from_secs(seconds);
        spec["notAfter"] = json!(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    if ask.suspended {
        spec["suspend"] = json!(true);
    }
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": ask.work.kind(),
        "metadata": {"name": name, "namespace": "default"}, "spec": spec,
    })
}

/// Manifests as one text for kubectl.
pub fn text(manifests: &[Value]) -> String {
    manifests.iter().map(|manifest| format!("---\n{manifest}\n")).collect()
}
