//! What happens in the demo, step by step, each checked against what the directories themselves say.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::slapd::{self, Slapd};

use super::cluster::{Cluster, Who};
use super::key::Key;
use super::servers::Sandbox;
use super::{say, title};

/// The token in `examples/hello.yaml`.
pub(super) const TOKEN: &str = "00a...";
/// Who is in the sandbox's Okta.
pub(super) const PEOPLE: &[&str] = &["alice@example.com", "erin@example.com"];
/// Their password at the start.
pub(super) const PASSWORD: &str = "Correct-Horse-7";

const HELLO: &str = include_str!("../../../examples/hello.yaml");
const ALICE: &str = "alice@example.com";
const ERIN: &str = "erin@example.com";
/// Who is locked out of OpenLDAP.
const DANA: &str = "dana";

const UNLOCK_DANA: &str = "\
apiVersion: readmit.dev/v1alpha1
kind: AccountUnlockRequest
metadata: {name: dana-1, namespace: default}
spec: {directory: corp-ldap, account: {login: dana}, reason: back from leave}
";

/// Everything that plays a part.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) key: Key,
    okta: Sandbox,
    ldap: Option<Slapd>,
    reset: String,
}

impl Stage {
    pub(super) fn new(cluster: Cluster, okta: Sandbox, ldap: Option<Slapd>) -> Self {
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let reset = format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: PasswordResetRequest\nmetadata: {{name: erin-1, namespace: default}}\n\
             spec:\n  directory: okta\n  account: {{login: {ERIN}}}\n  method: TemporaryPassword\n  notAfter: \"{until:.0}\"\n"
        );
        Self {
            cluster,
            key: Key::generate(),
            okta,
            ldap,
            reset,
        }
    }

    /// People lock themselves out, as people do.
    pub(super) fn lock_out(&self) -> Result<()> {
        title("Alice types a wrong password until Okta locks her out; so does Dana at OpenLDAP");
        let mut tries = 0;
        while self.okta.sign_in(ALICE, "wrong", None)? != "lockedOut" {
            tries += 1;
            ensure!(tries < 50, "{tries} wrong passwords do not lock {ALICE} out");
        }
        let outcome = self.okta.sign_in(ALICE, PASSWORD, None)?;
        say(&format!(
            "okta: {ALICE} after {tries} wrong passwords, now with the right one: {outcome}"
        ));
        ensure!(outcome == "lockedOut", "{ALICE} is not locked out");
        let Some(ldap) = &self.ldap else { return Ok(()) };
        ldap.lock(DANA)?;
        let bind = ldap.bind(&slapd::user_dn(DANA), &slapd::initial_password(DANA))?;
        say(&format!(
            "openldap: {DANA} with the right password: error {}, {}",
            bind.code,
            bind.control.as_deref().unwrap_or("-")
        ));
        ensure!(bind.code == 49, "{DANA} is not locked out");
        Ok(())
    }

    /// All that is done about it.
    pub(super) fn play(&self) -> Result<()> {
        self.set_up()?;
        self.unlock_in_okta()?;
        self.unlock_in_openldap()?;
        self.reset()?;
        self.apply_again()?;
        self.create_again()?;
        title("What stands there in the end");
        self.show(
            Who::Admin,
            &["get", "aur,pwr,acct,directories,accountpolicies", "-A", "-o", "wide"],
        )
    }

    fn set_up(&self) -> Result<()> {
        title("The platform team applies directories and policies (examples/hello.yaml, and more of the kind)");
        let (platform, _) = hello()?;
        self.apply(Who::Admin, &platform)?;
        self.apply(Who::Admin, &self.passwords_policy())?;
        if let Some(ldap) = &self.ldap {
            self.apply(Who::Admin, &ldap_directory(ldap)?)?;
        }
        Ok(())
    }

    fn passwords_policy(&self) -> String {
        format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: desk-passwords}}\nspec:\n  \
             actions: [ResetPassword]\n  directories: [okta]\n  \
             password: {{methods: [TemporaryPassword], recipients: [{}]}}\n",
            self.key.recipient()
        )
    }

    fn unlock_in_okta(&self) -> Result<()> {
        title("Bob of the service desk asks for Alice's account to be unlocked (examples/hello.yaml)");
        self.apply(Who::Bob, &hello()?.1)?;
        self.wait("aur/alice-1", "Unlocked")?;
        let outcome = self.okta.sign_in(ALICE, PASSWORD, None)?;
        say(&format!("okta: {ALICE} signs in: {outcome}"));
        ensure!(outcome == "success", "{ALICE} was not let in");
        Ok(())
    }

    fn unlock_in_openldap(&self) -> Result<()> {
        let Some(ldap) = &self.ldap else { return Ok(()) };
        title("Bob asks for Dana's account in OpenLDAP to be unlocked");
        self.apply(Who::Bob, UNLOCK_DANA)?;
        self.wait("aur/dana-1", "Unlocked")?;
        let bind = ldap.bind(&slapd::user_dn(DANA), &slapd::initial_password(DANA))?;
        say(&format!("openldap: {DANA} signs in: result {}", bind.code));
        ensure!(bind.code == 0, "{DANA} was not let in: {}", bind.text);
        Ok(())
    }

    fn reset(&self) -> Result<()> {
        title("Bob asks for a temporary password for Erin; only the holder of the desk's age key can open it");
        self.apply(Who::Bob, &self.reset)?;
        self.wait("pwr/erin-1", "PasswordReset")?;
        let object = self.object("pwr/erin-1")?;
        let sealed = object["status"]["delivery"]["sealed"].as_str();
        let sealed = sealed.context("there is no sealed password in the status")?;
        say(&format!(
            "status.delivery.sealed: {} ...",
            sealed.lines().take(2).collect::<Vec<_>>().join(" ")
        ));
        let password = self.key.open(sealed)?;
        say(&format!(
            "opened: a password of {} characters",
            password.chars().count()
        ));
        ensure!(
            !object.to_string().contains(&password),
            "the password stands in the object"
        );
        let outcome = self.okta.sign_in(ERIN, &password, None)?;
        say(&format!("okta: {ERIN} signs in with it: {outcome}"));
        ensure!(outcome == "passwordExpired", "{ERIN} was not asked for a new password");
        let outcome = self.okta.sign_in(ERIN, &password, Some("New-Staple-9-Battery"))?;
        say(&format!("okta: {ERIN} chooses a new one: {outcome}"));
        ensure!(outcome == "success", "{ERIN} was not let in");
        Ok(())
    }

    fn apply_again(&self) -> Result<()> {
        title("A pipeline syncs again: the same manifests change nothing");
        let before = self.okta.writes()?;
        let mut requests = vec![hello()?.1, self.reset.clone()];
        if self.ldap.is_some() {
            requests.push(UNLOCK_DANA.to_owned());
        }
        let printed = self.apply(Who::Bob, &requests.join("\n---\n"))?;
        ensure!(
            printed.lines().all(|line| line.ends_with(" unchanged")),
            "something changed: {printed}"
        );
        self.no_write_since(before)
    }

    fn create_again(&self) -> Result<()> {
        title("The reset is deleted and created again, as a restore would: nothing is done twice");
        let before = self.okta.writes()?;
        self.show(Who::Bob, &["delete", "pwr/erin-1"])?;
        self.apply(Who::Bob, &self.reset)?;
        self.wait("pwr/erin-1", "AlreadyExecuted")?;
        say(&format!(
            "it says: {}",
            ready(&self.object("pwr/erin-1")?)["message"].as_str().unwrap_or("-")
        ));
        self.no_write_since(before)
    }

    fn no_write_since(&self, before: usize) -> Result<()> {
        let now = self.okta.writes()?;
        say(&format!(
            "calls that changed something in Okta so far, by its own log: {now}, before: {before}"
        ));
        ensure!(now == before, "Okta was written to");
        Ok(())
    }

    /// Applies, and prints who did and what kubectl said.
    fn apply(&self, who: Who, manifests: &str) -> Result<String> {
        say(&format!("$ kubectl apply -f -    # as {}", who.name()));
        let printed = self.cluster.apply(who, manifests)?;
        indent(&printed);
        Ok(printed)
    }

    /// Runs kubectl, and prints the command and what it said.
    fn show(&self, who: Who, args: &[&str]) -> Result<()> {
        say(&format!("$ kubectl {}    # as {}", args.join(" "), who.name()));
        indent(&self.cluster.run(who, args)?);
        Ok(())
    }

    /// Waits for success, for this reason.
    fn wait(&self, object: &str, reason: &str) -> Result<()> {
        let args = ["wait", object, "--for=condition=Succeeded", "--timeout=60s"];
        self.show(Who::Bob, &args)
            .with_context(|| format!("it stands at {}", self.object(object).unwrap_or_default()["status"]))?;
        self.show(Who::Bob, &["get", object])?;
        let found = self.object(object)?;
        ensure!(
            found["status"]["outcome"] == "Succeeded" && ready(&found)["reason"] == reason,
            "{object} did not end as Succeeded for the reason {reason}: {}",
            found["status"]
        );
        Ok(())
    }

    fn object(&self, object: &str) -> Result<Value> {
        let text = self.cluster.run(Who::Bob, &["get", object, "-o", "json"])?;
        serde_json::from_str(&text).context("kubectl prints JSON")
    }

    /// Leaves cluster, sandbox and slapd up; gives the processes to end, and the commands that come before.
    pub(super) fn leave(self, dir: &std::path::Path) -> Result<(Vec<u32>, String)> {
        let (mut processes, removal) = self.cluster.leave(dir)?;
        processes.push(self.okta.child.leave_running());
        processes.extend(self.ldap.map(Slapd::leave_running).transpose()?);
        Ok((processes, removal))
    }
}

/// The Ready condition.
fn ready(object: &Value) -> &Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
    found.unwrap_or(&Value::Null)
}

/// The example, as it stands in the file: what the platform team applies, and the request.
fn hello() -> Result<(String, String)> {
    let (requests, platform): (Vec<&str>, Vec<&str>) = HELLO
        .split("---\n")
        .partition(|document| document.contains("kind: AccountUnlockRequest"));
    ensure!(
        requests.len() == 1 && platform.len() == 3,
        "examples/hello.yaml has changed its shape"
    );
    Ok((platform.join("---\n"), requests.concat()))
}

fn ldap_directory(ldap: &Slapd) -> Result<String> {
    let file = ldap.ca_file();
    let ca = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let reference = json!({"name": "corp-ldap"});
    let documents = [
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "corp-ldap", "namespace": super::cluster::NAMESPACE},
            "stringData": {"password": ldap.secret(), "ca.crt": ca},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "corp-ldap"},
            "spec": {"provider": {"openldap": {
                "url": ldap.tls_url(), "bindDN": slapd::OPERATOR_DN, "bindSecretRef": reference,
                "caSecretRef": reference, "baseDN": slapd::SUFFIX, "defaultPolicyDN": slapd::policy_dn("default"),
                "administrators": [slapd::group_dn("admins")],
            }}},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "AccountPolicy", "metadata": {"name": "desk-ldap"},
            "spec": {"actions": ["Unlock"], "directories": ["corp-ldap"]},
        }),
    ];
    // A List, since kubectl 1.32 does not take several JSON documents with `---` between them.
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": documents}).to_string())
}

fn indent(text: &str) {
    for line in text.lines() {
        println!("     {line}");
    }
}
