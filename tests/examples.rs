//! `examples/` as they stand, in two orders, on the real API server. `https://example.okta.com` leads through the
//! sandbox's CONNECT proxy, as it would through a company's.

#[path = "examples/cxone.rs"]
mod cxone;
#[path = "examples/routing.rs"]
mod routing;
#[path = "examples/servicenow.rs"]
mod servicenow;
mod support;

use sandbox::{Options, Sandbox, Status, okta::auth::Role, options::token};
use serde_json::Value;
use std::{
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use support::{
    api, kubectl,
    org::{check, says},
    refused_with,
    stage::{Operator, prepare, ready, wait_trusted},
    success, watch,
};
use testkit::{
    assets,
    control_plane::{self, ControlPlane},
    dirsrv::{self, Dirsrv},
    keycloak::{self, Keycloak},
    process::Scratch,
    samba::{self, Samba},
    skip,
    slapd::{self, Slapd},
};
use tokio::runtime::Runtime;

/// The order in which the documents of an example are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsTheyStand,
    Reversed,
}

const ORDERS: [Order; 2] = [Order::AsTheyStand, Order::Reversed];

/// One run of one example: an operator behind a proxy to an Okta of its own. What was applied goes with it.
struct Run {
    plane: &'static ControlPlane,
    operator: Operator,
    sandbox: Sandbox,
    applied: Mutex<Vec<String>>,
    // Fields end in this order.
    _runtime: Runtime,
    _scratch: Scratch,
    _alone: MutexGuard<'static, ()>,
}

impl Run {
    /// `None` where this machine cannot have a control plane. `name` makes the organisation's ids.
    fn start(name: &str, order: Order) -> Option<Self> {
        // Examples share names, so one runs at a time.
        static ALONE: Mutex<()> = Mutex::new(());
        static PREPARED: std::sync::Once = std::sync::Once::new();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        skip::unless_missing(assets::ensure())?;
        let plane = control_plane::shared();
        PREPARED.call_once(|| {
            prepare(plane);
            // Rights are the examples' own matter here.
            let roles = ["delete", "clusterrolebinding", "desk", "asker"];
            success(&kubectl(plane, "admin", &roles));
            plane
                .apply("admin", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n")
                .expect("a namespace");
        });
        let runtime = Runtime::new().expect("a runtime");
        let options = Options {
            org: format!("{name}-{order:?}"),
            ..Options::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        sandbox
            .add_token(token("example", "00a...", Role::Admin))
            .expect("its owner is there");
        let scratch = Scratch::new("examples").expect("a folder");
        let ca = scratch.path().join("ca.pem");
        std::fs::write(&ca, sandbox.ca_pem()).expect("written");
        let more = [
            ("HTTPS_PROXY", sandbox.addresses().proxy.as_str()),
            ("SSL_CERT_FILE", ca.to_str().expect("a path in UTF-8")),
        ];
        let operator = Operator::start(plane, &more);
        operator.wait_ready();
        wait_trusted(plane);
        Some(Run {
            plane,
            operator,
            sandbox,
            applied: Mutex::default(),
            _runtime: runtime,
            _scratch: scratch,
            _alone: alone,
        })
    }

    /// Applies documents as somebody; the administrator deletes them at the end.
    fn apply(&self, person: &str, documents: &[String]) {
        let text = documents.join("\n---\n");
        self.applied
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.clone());
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.plane.apply(person, &text) {
                Ok(_) => return,
                // Admission learns of new kinds a moment after they are served.
                Err(error) if error.to_string().contains("There can be a delay") && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(error) => panic!("{error:#}"),
            }
        }
    }

    fn object(&self, kind: &str, namespace: &str, name: &str) -> Value {
        api::get(self.plane, kind, namespace, name)
    }

    /// Waits until the status of a request is so; its name stands behind its namespace.
    #[track_caller]
    fn status_when(&self, what: &str, kind: &str, place: (&str, &str), so: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{kind} {}: {what}", place.1);
        let awaited = (what.as_str(), Duration::from_secs(40));
        let found = watch::one(self.plane, (kind, place.0, place.1), awaited, |object| {
            so(&object["status"]).then(|| object["status"].clone())
        });
        // The operator's last words come with the end of the run.
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn finished(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.status_when("its end", kind, (namespace, name), |status| {
            status["outcome"].is_string()
        })
    }

    #[track_caller]
    fn waits(&self, kind: &str, namespace: &str, name: &str, reason: &str) -> Value {
        self.status_when(&format!("to wait for {reason}"), kind, (namespace, name), |status| {
            ready(status)["reason"] == reason
        })
    }

    /// Everything that was sent to Okta went to the host that the manifest names.
    fn went_through_the_proxy(&self) {
        self.went_to("example.okta.com:443");
    }

    fn went_to(&self, wanted: &str) {
        let connects = self.sandbox.connects();
        assert!(!connects.is_empty(), "nothing went through the proxy");
        assert!(connects.iter().all(|host| host == wanted), "{connects:?}");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.operator.tail());
        }
        let applied = std::mem::take(&mut *self.applied.lock().unwrap_or_else(PoisonError::into_inner));
        for text in applied {
            let args = ["delete", "--ignore-not-found", "-f", "-"];
            support::with_input(self.plane, "admin", &args, &text);
        }
        if !std::thread::panicking() {
            self.operator.terminate();
        }
    }
}

/// The documents of these files of `examples/`, in this order.
fn documents(order: Order, files: &[&str]) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let read =
        |file: &&str| std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    in_order(order, &files.iter().map(read).collect::<Vec<_>>().join("\n---\n"))
}

fn in_order(order: Order, text: &str) -> Vec<String> {
    let mut documents: Vec<String> = text.split("\n---\n").map(str::to_owned).collect();
    if order == Order::Reversed {
        documents.reverse();
    }
    documents
}

#[test]
fn hello() {
    for order in ORDERS {
        let Some(run) = Run::start("hello", order) else { return };
        run.apply("admin", &documents(order, &["hello.yaml"]));
        let status = run.finished("aur", "default", "alice-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let alice = run.sandbox.account("alice@example.com").expect("alice");
        assert_eq!(alice.status, Status::Active, "{order:?}");
        run.went_through_the_proxy();
        let before = run.object("aur", "default", "alice-1")["metadata"]["resourceVersion"].clone();
        run.apply("admin", &documents(order, &["hello.yaml"]));
        let after = run.object("aur", "default", "alice-1")["metadata"]["resourceVersion"].clone();
        assert_eq!(before, after, "applying it again changes nothing");
    }
}

#[test]
fn okta_reset() {
    for order in ORDERS {
        let Some(run) = Run::start("okta-reset", order) else {
            return;
        };
        let files = [
            "okta-reset/directory.yaml",
            "okta-reset/policy.yaml",
            "okta-reset/requests.yaml",
        ];
        run.apply("admin", &documents(order, &files));
        let status = run.finished("pwr", "default", "bob-link");
        check(&status, "Succeeded", "LinkSent", "mailed a reset link");
        let status = run.finished("pwr", "default", "alice-temporary");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let sealed = status["delivery"]["sealed"].as_str().unwrap_or_default();
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{status:#}");
        let state = |login| run.sandbox.account(login).expect("an account").status;
        assert_eq!(state("bob@example.com"), Status::Recovery, "{order:?}");
        assert_eq!(state("alice@example.com"), Status::PasswordExpired, "{order:?}");
        assert_eq!(run.sandbox.mails().len(), 1, "{order:?}");
        run.went_through_the_proxy();
        // What the Directory's own list protects.
        let victor = "apiVersion: readmit.dev/v1alpha1\nkind: AccountUnlockRequest\n\
                      metadata: {name: victor-1, namespace: default}\n\
                      spec: {directory: okta, account: {login: victor@example.com}}\n";
        run.apply("admin", &[victor.to_owned()]);
        let status = run.finished("aur", "default", "victor-1");
        check(&status, "Denied", "Protected", "executives go to the identity team");
    }
}

#[test]
fn rbac() {
    for order in ORDERS {
        let Some(run) = Run::start("rbac", order) else { return };
        let mallory = "apiVersion: readmit.dev/v1alpha1\nkind: AccountUnlockRequest\n\
                       metadata: {name: by-mallory, namespace: default}\n\
                       spec: {directory: okta, account: {login: alice@example.com}}\n";
        let by_bob = mallory.replace("by-mallory", "by-bob");
        run.apply("admin", &documents(order, &["hello.yaml"]));
        let output = run.plane.try_create("bob", &by_bob).expect("kubectl runs");
        refused_with(&output, &["Forbidden", "accountunlockrequests"]);
        run.apply("admin", &documents(order, &["rbac/desk.yaml"]));
        run.finished("aur", "default", "alice-1");
        run.sandbox.lock("alice@example.com").expect("locked again");
        run.apply("bob", &[by_bob]);
        let status = run.finished("aur", "default", "by-bob");
        check(&status, "Succeeded", "Unlocked", "");
        let output = run.plane.try_create("mallory", mallory).expect("kubectl runs");
        refused_with(&output, &["Forbidden", "accountunlockrequests"]);
        // The group approvers is told why; the desk is not.
        let asks = ["auth", "can-i", "inspect", "directories.readmit.dev/okta"];
        assert_eq!(success(&kubectl(run.plane, "carol", &asks)).trim(), "yes");
        let asks = ["auth", "can-i", "use", "accountpolicies.readmit.dev/pipeline"];
        let output = kubectl(run.plane, "bob", &asks);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "no");
    }
}

/// What the script prints is what goes into the repository.
fn committed(name: &str, login: &str) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/gitops/new-request.sh");
    let output = Command::new(script)
        .args([name, login])
        .output()
        .expect("the script runs");
    success(&output)
}

#[test]
fn gitops() {
    for order in ORDERS {
        let Some(run) = Run::start("gitops", order) else { return };
        let mut setup = documents(order, &["hello.yaml", "gitops/policy.yaml"]);
        // The person's request of that example would race with those of the pipeline.
        setup.retain(|document| !document.contains("AccountUnlockRequest"));
        let requests = in_order(order, &committed("alice", "alice@example.com"));
        match order {
            Order::AsTheyStand => run.apply("admin", &setup),
            Order::Reversed => {
                // Rights are needed to apply at all; policy and Directory come later.
                let (rights, rest): (Vec<_>, Vec<_>) = setup.into_iter().partition(|text| text.contains("rbac."));
                run.apply("admin", &rights);
                run.apply("pipeline", &requests);
                run.apply("admin", &rest);
            }
        }
        run.apply("pipeline", &requests);
        let ends = || {
            ["aur", "pwr"].map(|kind| {
                let name = if kind == "aur" { "unlock-alice" } else { "reset-alice" };
                let status = run.finished(kind, "team-a", name);
                assert_eq!(status["outcome"], "Succeeded", "{status:#}");
                ready(&status)["reason"].as_str().unwrap_or_default().to_owned()
            })
        };
        let [_, reset] = ends();
        assert_eq!(reset, "LinkSent");
        assert_eq!(run.sandbox.mails().len(), 1);
        // A prune, and the same repository again.
        // Not what an account does by itself: that is in the log too, whenever it comes.
        let by_operator = |call: &sandbox::Entry| call.applied && call.origin == sandbox::Origin::Api;
        let calls = || run.sandbox.truth().into_iter().filter(by_operator);
        let writes = || calls().map(|call| call.method + " " + &call.path).collect::<Vec<_>>();
        let before = writes();
        for kind in ["aur", "pwr"] {
            success(&kubectl(run.plane, "admin", &["delete", kind, "-n", "team-a", "--all"]));
        }
        run.apply("pipeline", &requests);
        let [unlock, reset] = ends();
        assert!(["AlreadyExecuted", "NotLocked"].contains(&&*unlock), "{unlock}");
        assert_eq!(reset, "AlreadyExecuted");
        assert_eq!((writes(), run.sandbox.mails().len()), (before, 1), "{order:?}");
    }
}

#[test]
fn openldap() {
    for order in ORDERS {
        let Some(run) = Run::start("openldap", order) else {
            return;
        };
        let Some(slapd) = skip::unless_missing(Slapd::start(slapd::Options::default())) else {
            return;
        };
        slapd.lock("dana").expect("locked by wrong sign-ins");
        run.apply("admin", &documents(order, &["openldap/openldap.yaml"]));
        // There is no ldap.example.test: the requests wait for it.
        let status = run.waits("aur", "default", "dana-1", "DirectoryUnavailable");
        says(&status, "DirectoryUnavailable", "Directory ldap");
        let ca = std::fs::read_to_string(slapd.ca_file()).expect("a CA");
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ldap", "namespace": "readmit-system"},
            "stringData": {"password": slapd.secret(), "ca.crt": ca},
        });
        run.apply("admin", &[secret.to_string()]);
        let here = serde_json::json!({
            "spec": {"provider": {"openldap": {"url": slapd.tls_url(), "caSecretRef": {"name": "ldap"}}}},
        });
        let patch = here.to_string();
        let args = ["patch", "directory", "ldap", "--type=merge", "-p", &patch];
        success(&kubectl(run.plane, "admin", &args));
        let status = run.finished("aur", "default", "dana-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let status = run.finished("pwr", "default", "erik-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let bind = slapd
            .bind(&slapd::user_dn("dana"), &slapd::initial_password("dana"))
            .expect("a sign-in");
        assert_eq!(bind.code, 0, "{bind:?}");
        let must_change = slapd.attribute(&slapd::user_dn("erik"), "pwdReset").expect("a search");
        assert_eq!(must_change.as_deref(), Some("TRUE"), "{order:?}");
    }
}

#[test]
fn active_directory() {
    // Provisioned once: it takes a while, and both orders may find the same people.
    let Some(samba) = skip::unless_missing(Samba::start(&[])) else {
        return;
    };
    for order in ORDERS {
        let Some(run) = Run::start("active-directory", order) else {
            return;
        };
        samba.lock("dana").expect("locked by wrong sign-ins");
        run.apply("admin", &documents(order, &["active-directory/active-directory.yaml"]));
        // There is no dc1.example.test: the requests wait for it.
        let status = run.waits("aur", "default", "dana-1", "DirectoryUnavailable");
        says(&status, "DirectoryUnavailable", "Directory corp");
        let ca = std::fs::read_to_string(samba.ca_file()).expect("a CA");
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "corp", "namespace": "readmit-system"},
            "stringData": {"password": samba.secret(), "ca.crt": ca},
        });
        run.apply("admin", &[secret.to_string()]);
        let here = serde_json::json!({
            "spec": {"provider": {"activeDirectory": {"url": samba.url(), "caSecretRef": {"name": "corp"}}}},
        });
        let patch = here.to_string();
        let args = ["patch", "directory", "corp", "--type=merge", "-p", &patch];
        success(&kubectl(run.plane, "admin", &args));
        let status = run.finished("aur", "default", "dana-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let status = run.finished("pwr", "default", "alice-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let bind = samba
            .bind(&samba::person_dn("dana"), samba::INITIAL_PASSWORD)
            .expect("a sign-in");
        assert_eq!(bind.code, 0, "{bind:?}");
        let last_set = samba
            .attribute(&samba::person_dn("alice"), "pwdLastSet")
            .expect("a search");
        assert_eq!(last_set.as_deref(), Some("0"), "{order:?}");
    }
}

#[test]
fn directory389() {
    for order in ORDERS {
        let Some(run) = Run::start("directory389", order) else {
            return;
        };
        let Some(server) = skip::unless_missing(Dirsrv::start(&dirsrv::Options::default())) else {
            return;
        };
        server.lock("dana").expect("locked by wrong sign-ins");
        run.apply("admin", &documents(order, &["389-ds/389-ds.yaml"]));
        // There is no ds.example.test: the requests wait for it.
        let status = run.waits("aur", "default", "dana-389-1", "DirectoryUnavailable");
        says(&status, "DirectoryUnavailable", "Directory ds");
        let ca = std::fs::read_to_string(server.ca_file()).expect("a CA");
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ds", "namespace": "readmit-system"},
            "stringData": {"password": server.secret(), "ca.crt": ca},
        });
        run.apply("admin", &[secret.to_string()]);
        let here = serde_json::json!({
            "spec": {"provider": {"directory389": {"url": server.tls_url(), "caSecretRef": {"name": "ds"}}}},
        });
        let patch = here.to_string();
        let args = ["patch", "directory", "ds", "--type=merge", "-p", &patch];
        success(&kubectl(run.plane, "admin", &args));
        let status = run.finished("aur", "default", "dana-389-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let status = run.finished("pwr", "default", "erik-389-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        assert!(server.signs_in("dana").expect("a sign-in"));
        let must_change = server.attribute(&slapd::user_dn("erik"), "pwdReset").expect("a search");
        assert_eq!(must_change.as_deref(), Some("TRUE"), "{order:?}");
    }
}

#[test]
fn keycloak() {
    let Some(server) = skip::unless_missing(Keycloak::shared()) else {
        return;
    };
    for order in ORDERS {
        let Some(run) = Run::start("keycloak", order) else {
            return;
        };
        let users = ["dana", "erik", "lotte"].map(keycloak::user);
        let people = serde_json::json!({ "users": users });
        server.import(&keycloak::realm("staff", server.mail_port(), keycloak::RIGHTS, &people));
        server.lock("staff", "dana");
        run.apply("admin", &documents(order, &["keycloak/keycloak.yaml"]));
        // There is no sso.example.test: the requests wait for it.
        let status = run.waits("aur", "default", "dana-1", "DirectoryUnavailable");
        says(&status, "DirectoryUnavailable", "Directory staff");
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "staff", "namespace": "readmit-system"},
            "stringData": {"client-secret": keycloak::secret(keycloak::CLIENT), "ca.crt": server.ca_pem()},
        });
        run.apply("admin", &[secret.to_string()]);
        let here = serde_json::json!({
            "spec": {"provider": {"keycloak": {"url": server.tls_url(), "caSecretRef": {"name": "staff"}}}},
        });
        let patch = here.to_string();
        let args = ["patch", "directory", "staff", "--type=merge", "-p", &patch];
        success(&kubectl(run.plane, "admin", &args));
        let status = run.finished("aur", "default", "dana-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let status = run.finished("pwr", "default", "erik-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let status = run.finished("pwr", "default", "lotte-1");
        check(&status, "Succeeded", "LinkSent", "mailed a reset link");
        let answer = server.sign_in("staff", "dana", &keycloak::initial_password("dana"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let erik = server.admin("GET", &format!("staff/users/{}", server.id("staff", "erik")), None);
        assert_eq!(
            erik["requiredActions"],
            serde_json::json!(["UPDATE_PASSWORD"]),
            "{order:?}"
        );
        let mailed = ORDERS.iter().position(|o| *o == order).expect("one of them") + 1;
        assert_eq!(server.mails_to("staff", "lotte@example.com").len(), mailed, "{order:?}");
        server.admin("DELETE", "staff", None);
    }
}
