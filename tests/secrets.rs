//! Where secrets may not be: an operator that logs all it can acts on an Okta organisation, on a slapd, on a ServiceNow
//! instance and on a CXone tenant, succeeds and fails, and then every place that keeps or tells something is searched for each secret, in every form that it could
//! have there. What is planted or known to be in a place must be found by the same search.

mod support;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use sandbox::{
    Fault, FaultKind, cxone,
    okta::auth::Role,
    options::token,
    servicenow::{OPERATOR, OPERATOR_PASSWORD, SignIn},
};
use serde_json::{Value, json};
use std::path::Path;
use support::{
    lab::{self, Lab, RESET, UNLOCK, audit, check, policy},
    ldap::{self, Recipient},
    stage::{Operator, ready},
};
use testkit::slapd::Slapd;

const TOKEN: &str = "00canary-of-the-right-token_Zk3";
const WRONG_TOKEN: &str = "00canary-of-a-wrong-token_Qx7";
/// The secret of the client by which the password grant is used.
const CLIENT_SECRET: &str = "login-app-secret";
const WRONG_BIND: &str = "canary+of+a wrong/bind=password";
/// Stands in an annotation of a request.
const PLANTED: &str = "planted-where-anybody-may-read-it";
/// The first line of what is sealed.
const SEALED: &str = "BEGIN AGE ENCRYPTED FILE";

/// Something that is searched for, under a name that can be shown.
struct Secret {
    name: String,
    bytes: Vec<u8>,
}

impl Secret {
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, bytes) = (name.to_owned(), bytes.into());
        assert!(bytes.len() >= 12, "{name} is so short that it may be found by chance");
        Secret { name, bytes }
    }

    /// How it may be written: as it is, in JSON, in a URL, as a list of numbers, in hex, in base64 alone or within
    /// something longer.
    fn forms(&self) -> Vec<Vec<u8>> {
        let bytes = &self.bytes;
        let mut forms = vec![bytes.clone(), HEXLOWER.encode(bytes).into_bytes()];
        let numbers = format!("{bytes:?}");
        forms.push(numbers.trim_matches(['[', ']']).as_bytes().to_vec());
        forms.push(bytes.escape_ascii().to_string().into_bytes());
        let encoded: String = url::form_urlencoded::byte_serialize(bytes).collect();
        forms.push(encoded.replace('+', "%20").into_bytes());
        forms.push(encoded.into_bytes());
        for before in 0..3 {
            let longer = [vec![0; before], bytes.clone()].concat();
            // The characters at both ends hold bits of the neighbours too.
            let (start, end) = ((before * 8).div_ceil(6), longer.len() * 8 / 6);
            for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
                forms.push(encoding.encode(&longer).as_bytes()[start..end].to_vec());
            }
        }
        forms
    }

    fn is_in(&self, place: &[u8]) -> bool {
        self.forms().iter().any(|form| contains(place, form))
    }
}

fn contains(place: &[u8], part: &[u8]) -> bool {
    let (first, rest) = part.split_first().expect("not empty");
    let mut left = place;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// A place after everything happened.
struct Place {
    name: &'static str,
    bytes: Vec<u8>,
}

impl Place {
    /// `known` is in it for sure: an empty place or a blind search would not pass.
    #[track_caller]
    fn new(name: &'static str, bytes: impl Into<Vec<u8>>, known: &[&str]) -> Self {
        let bytes = bytes.into();
        for known in known {
            let found = Secret::new("what is known", *known).is_in(&bytes);
            assert!(found, "{name} does not hold {known:?}");
        }
        Place { name, bytes }
    }

    /// Names the secrets that are in it.
    fn leaks(&self, secrets: &[&Secret]) -> Vec<String> {
        let found = secrets.iter().filter(|secret| secret.is_in(&self.bytes));
        found
            .map(|secret| format!("{} is in {}", secret.name, self.name))
            .collect()
    }
}

#[test]
fn the_search_finds_every_form() {
    let secret = Secret::new("a password", "Wort+mit \"Zeichen\"/=\\");
    let text = std::str::from_utf8(&secret.bytes).expect("text");
    let mut written = vec![
        text.to_owned(),
        format!("{text:?}"),
        format!("{:?}", secret.bytes),
        json!({ "password": text }).to_string(),
        HEXLOWER.encode(&secret.bytes),
        "Wort%2Bmit+%22Zeichen%22%2F%3D%5C".to_owned(),
        "Wort%2Bmit%20%22Zeichen%22%2F%3D%5C".to_owned(),
    ];
    for before in ["", "u", "us", "user:"] {
        written.push(BASE64.encode(format!("{before}{text}").as_bytes()));
        written.push(BASE64URL_NOPAD.encode(format!("{before}{text}@example").as_bytes()));
    }
    for written in written {
        assert!(secret.is_in(format!("before {written} after").as_bytes()), "{written}");
    }
    assert!(!secret.is_in(text.replace("mit", "mir").as_bytes()));
}

/// Manifests of Secrets, Directories and policies; what is wrong comes later, when the rest is known to work.
fn manifests(lab: &Lab, slapd: &Slapd, recipient: &Recipient) -> String {
    let password = json!({"methods": ["TemporaryPassword"], "recipients": [recipient.public()]});
    let actions = ["Unlock", "ResetPassword"];
    let okta = lab::directory("okta", &lab.okta, "").replace(sandbox::ADMIN_TOKEN, TOKEN);
    let ldap = ldap::text(&[
        ldap::secret("ldap", slapd, slapd.secret()),
        ldap::directory("ldap", slapd, &json!({})),
        ldap::policy("ldap", "ldap", &actions, &json!({ "password": password })),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sn", "namespace": "readmit-system"},
            "stringData": {"password": OPERATOR_PASSWORD, "client-secret": CLIENT_SECRET},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "sn"},
            "spec": {"provider": {"serviceNow": {
                "url": lab.okta.addresses().servicenow, "username": OPERATOR, "passwordSecretRef": {"name": "sn"},
                "clientID": "login-app", "clientSecretRef": {"name": "sn"},
            }}},
        }),
        ldap::policy("sn", "sn", &actions, &json!({ "password": password })),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cx", "namespace": "readmit-system"},
            "stringData": {"access-key-secret": cxone::ACCESS_KEY_SECRET, "client-secret": cxone::CLIENT_SECRET},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "cx"},
            "spec": {"provider": {"cxone": {
                "url": lab.okta.addresses().cxone, "username": cxone::OPERATOR,
                "accessKeyID": cxone::ACCESS_KEY_ID, "accessKeySecretRef": {"name": "cx"},
                "clientID": cxone::CLIENT_ID, "clientSecretRef": {"name": "cx"},
            }}},
        }),
        ldap::policy("cx", "cx", &actions, &json!({ "password": password })),
        ldap::policy("wrong-okta", "wrong-okta", &actions, &json!({})),
        ldap::policy("wrong-ldap", "wrong-ldap", &actions, &json!({})),
    ]);
    let desk = policy("desk", "Unlock, ResetPassword", &format!("password: {password}"));
    format!("{okta}{desk}{ldap}")
}

/// Unlocks and resets at all providers; gives the passwords that were generated.
fn act(lab: &Lab, operator: &Operator, slapd: &Slapd, recipient: &Recipient) -> Vec<Secret> {
    lab.okta.lock("alice@example.com").expect("locked");
    slapd.lock("alice").expect("locked by wrong sign-ins");
    let bob = lab.okta.account("bob@example.com").expect("bob").id;
    let refusal = FaultKind::Status {
        status: 403,
        body: Some(r#"{"errorCode": "E0000006", "errorSummary": "no", "errorId": "oae1"}"#.into()),
    };
    let expire = format!("/api/v1/users/{bob}/lifecycle/expire_password");
    lab.okta.inject(Fault::once("POST", &expire, refusal));
    let resets = [
        ("okta", "alice@example.com", "Succeeded", "PasswordReset"),
        ("ldap", "alice", "Succeeded", "PasswordReset"),
        // Set, but then the change at the next sign-in is refused.
        ("okta", "bob@example.com", "Failed", "Refused"),
        ("sn", "ada.byte", "Succeeded", "PasswordReset"),
        ("cx", "bob.ross@example.com", "Succeeded", "PasswordReset"),
    ];
    for (directory, login) in [("okta", "alice@example.com"), ("ldap", "alice")] {
        let name = format!("unlock-{directory}");
        let mut request = ldap::unlock(&name, directory, login, &json!({}));
        request["metadata"]["annotations"] = json!({"example.com/note": PLANTED});
        lab.create("bob", &request.to_string());
        check(&lab.finished(operator, UNLOCK, &name), "Succeeded", "Unlocked", "");
    }
    let mut passwords = Vec::new();
    for (n, (directory, login, outcome, reason)) in resets.into_iter().enumerate() {
        let name = format!("reset-{n}-{directory}");
        let request = ldap::reset(&name, directory, login, &json!({"method": "TemporaryPassword"}));
        lab.create("bob", &request.to_string());
        let status = lab.finished(operator, RESET, &name);
        check(&status, outcome, reason, "");
        let password = recipient.open(&status).expect("sealed to the policy's recipient");
        passwords.push(Secret::new(&format!("the password of {name}"), password));
    }
    let signs_in = |n: usize| {
        let password = std::str::from_utf8(&passwords[n].bytes).expect("text");
        ldap::signs_in(slapd, "alice", password).0
    };
    assert!(signs_in(1) && !signs_in(0), "what was opened is not what was set");
    let password = std::str::from_utf8(&passwords[3].bytes).expect("text");
    let signed_in = lab.okta.servicenow().sign_in("ada.byte", password, None);
    assert_eq!(signed_in, SignIn::MustChange, "what was opened is not what was set");
    let password = std::str::from_utf8(&passwords[4].bytes).expect("text");
    let signed_in = lab.okta.cxone().sign_in("bob.ross@example.com", password, None);
    assert_eq!(
        signed_in,
        cxone::SignIn::MustChange,
        "what was opened is not what was set"
    );
    passwords
}

/// Directories whose servers refuse the operator.
fn fail(lab: &Lab, operator: &Operator, slapd: &Slapd) {
    let org = lab.other_org("wrong");
    let okta = lab::directory("wrong-okta", &org, "").replace(sandbox::ADMIN_TOKEN, WRONG_TOKEN);
    assert!(okta.contains(WRONG_TOKEN), "{okta}");
    lab.admin(&okta);
    lab.admin(&ldap::text(&[
        ldap::secret("wrong-ldap", slapd, WRONG_BIND),
        ldap::directory("wrong-ldap", slapd, &json!({})),
    ]));
    for directory in ["wrong-okta", "wrong-ldap"] {
        lab.until(&format!("{directory} to be refused"), operator, || {
            let status = lab.get("directories", directory)["status"].clone();
            (ready(&status)["reason"] == "CredentialRefused").then_some(())
        });
        let request = ldap::unlock(directory, directory, "carol@example.com", &json!({}));
        lab.create("bob", &request.to_string());
        lab.waits(operator, UNLOCK, directory, "DirectoryUnavailable");
    }
}

/// Every object that the API server lists, but for Secrets; and Secrets.
fn objects(lab: &Lab) -> (String, String) {
    let kinds = lab.kubectl(&["api-resources", "--verbs=list,get", "-o", "name"]);
    let kinds: Vec<&str> = kinds.lines().filter(|kind| *kind != "secrets").collect();
    for kind in "accounts.readmit.dev configmaps events leases.coordination.k8s.io".split(' ') {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let dump = |kinds: &str| {
        let args = ["get", kinds, "--all-namespaces", "-o", "json", "--show-managed-fields"];
        lab.kubectl(&args)
    };
    (dump(&kinds.join(",")), dump("secrets"))
}

/// The keys that passwords are derived from.
fn day_keys(lab: &Lab) -> Vec<Secret> {
    let name = |secret: &Value| secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let secrets = lab.list("secrets").into_iter();
    let keys = secrets.filter(|secret| name(secret).starts_with("readmit-day-key-"));
    let bytes = |secret: &Value| BASE64.decode(secret["data"]["key"].as_str()?.as_bytes()).ok();
    keys.map(|key| Secret::new(&name(&key), bytes(&key).expect("base64")))
        .collect()
}

/// The files of a folder one after the other, without the zeros that etcd reserves space with.
fn files(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        into.extend_from_slice(&bytes[..end]);
    }
}

#[test]
fn no_secret_is_anywhere_but_in_secrets() {
    let Some(lab) = Lab::open() else { return };
    let Some(slapd) = ldap::server(&[]) else { return };
    let recipient = Recipient::new();
    let canary = token("canary", TOKEN, Role::Admin);
    lab.okta.add_token(canary).expect("its owner is there");
    lab.admin(&manifests(&lab, &slapd, &recipient));
    let operator = lab.operator(&[("READMIT_LOG", "trace")]);
    let passwords = act(&lab, &operator, &slapd, &recipient);
    fail(&lab, &operator, &slapd);

    let private = Secret::new("the recipient's private key", recipient.private());
    let credentials = [
        Secret::new("the token", TOKEN),
        Secret::new("the wrong token", WRONG_TOKEN),
        Secret::new("the bind password", slapd.secret()),
        Secret::new("ServiceNow's password", OPERATOR_PASSWORD),
        Secret::new("ServiceNow's client secret", CLIENT_SECRET),
        Secret::new("the wrong bind password", WRONG_BIND),
        Secret::new("CXone's access key", cxone::ACCESS_KEY_SECRET),
        Secret::new("CXone's client secret", cxone::CLIENT_SECRET),
    ];
    let day_keys = day_keys(&lab);
    assert!(!day_keys.is_empty(), "nothing was derived");
    let (others, secrets) = objects(&lab);
    let metrics = operator.http("/metrics");
    operator.terminate();
    let audit = audit(&operator);
    for event in ["claim", "send"] {
        assert!(audit.iter().any(|line| line["event"] == event), "{audit:?}");
    }
    let mut etcd = Vec::new();
    files(&lab.plane.etcd_data_dir(), &mut etcd);

    // What nobody but its owner may have is in no place at all; what the operator was given or keeps is in Secrets.
    let never: Vec<&Secret> = passwords.iter().chain([&private]).collect();
    let kept: Vec<&Secret> = credentials.iter().chain(&day_keys).collect();
    let log = operator.log();
    let told = [
        Place::new("an object", others, &[PLANTED, SEALED, "CredentialRefused"]),
        Place::new("the metrics", metrics, &["readmit_leading 1"]),
        // The finest that libraries are let say, and the product's own words about what is refused.
        Place::new(
            "the log",
            log,
            &[
                "DEBUG HTTP{http.method=",
                "the operator's credential was refused",
                "LDAP result 49",
            ],
        ),
    ];
    let secrets = Place::new("a Secret", secrets, &["readmit-day-key-"]);
    let etcd = Place::new("etcd", etcd, &[PLANTED, SEALED]);
    let everywhere = told.iter().chain([&secrets, &etcd]);
    let mut leaks: Vec<String> = everywhere.flat_map(|place| place.leaks(&never)).collect();
    leaks.extend(told.iter().flat_map(|place| place.leaks(&kept)));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for place in [&secrets, &etcd] {
        let blind = format!("not all that is kept was found in {}", place.name);
        assert_eq!(place.leaks(&kept).len(), kept.len(), "{blind}");
    }
}
