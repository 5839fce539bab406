//! The API server of a lane: what is installed on it, and what people and administrators do there.

mod trust;

use super::{
    board::resource,
    manifests::{self, NAMESPACE, OPERATOR, PEOPLE},
    upstreams::{TOKEN, Upstreams},
};
use crate::case::{Change, Given, OnTheWay, Outage, Upstream, Write};
use anyhow::{Context, Result};
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::DynamicObject,
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use testkit::{
    api_proxy::{ApiProxy, Fault, Matcher, Rule},
    control_plane::{ControlPlane, Options},
};
use tokio::runtime::{Handle, Runtime};

/// The API server of a lane.
pub struct Cluster {
    plane: ControlPlane,
    /// Signs in as the administrator.
    pub admin: Client,
    /// Signs in as the operator: nobody else may write Accounts.
    operator: Client,
    /// Signs in as somebody of the desk.
    desk: Client,
    handle: Handle,
    okta: String,
    /// The policies, for when a case has deleted one.
    policies: String,
    /// One for each operator.
    proxies: Vec<ApiProxy>,
}

/// A write that is late passes deadline and quarantine.
const LATE: Duration = Duration::from_millis(1600);
/// How much longer a call takes where the way is slow.
const SLOW: Duration = Duration::from_millis(150);
/// How the path of a single Account begins; a list's has no name.
const ONE_ACCOUNT: &str = "/apis/readmit.dev/v1alpha1/accounts/";
/// How late an operator learns of changes.
const STALE: Duration = Duration::from_millis(2500);

impl Cluster {
    /// Starts an API server with everything on it that a case needs.
    ///
    /// # Errors
    /// When it does not start or refuses a manifest.
    pub fn start(runtime: &Runtime, upstreams: &Upstreams, recipient: &str) -> Result<Self> {
        let plane = ControlPlane::start(Options::default())?;
        let crds: String = readmit::manifests::crds_yaml()?
            .iter()
            .map(|file| format!("---\n{}", file.yaml))
            .collect();
        plane.apply("admin", &crds)?;
        let wait = ["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"];
        plane.kubectl_as("admin", &wait)?;
        for text in [OPERATOR, PEOPLE] {
            plane.apply("admin", text)?;
        }
        let client = |person: &str| runtime.block_on(client(&plane, person));
        let (admin, operator, desk) = (client("admin")?, client("operator")?, client("bob")?);
        let mut directories = vec![
            manifests::secret("okta", &json!({"token": TOKEN})),
            manifests::okta("okta", &upstreams.okta.addresses().http),
        ];
        let mut policies = vec![manifests::policy(Upstream::Okta, recipient)];
        if let Some(slapd) = &upstreams.slapd {
            directories.push(manifests::secret("openldap", &json!({"password": slapd.secret()})));
            directories.push(manifests::openldap(slapd));
            directories.push(manifests::routed(&upstreams.okta.addresses().http));
            policies.extend([Upstream::OpenLdap, Upstream::Routed].map(|of| manifests::policy(of, recipient)));
        }
        plane.apply("admin", &manifests::text(&directories))?;
        let cluster = Cluster {
            admin,
            operator,
            desk,
            handle: runtime.handle().clone(),
            okta: upstreams.okta.addresses().http.clone(),
            policies: manifests::text(&policies),
            proxies: vec![ApiProxy::start(&plane)?, ApiProxy::start(&plane)?],
            plane,
        };
        cluster.plane.apply("admin", &cluster.policies)?;
        cluster.plane.apply("admin", &admission())?;
        Ok(cluster)
    }

    /// What operators sign in with: each comes by a proxy of its own, which can misbehave.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn kubeconfigs(&self) -> Result<Vec<PathBuf>> {
        let kubeconfigs = self
            .proxies
            .iter()
            .map(|proxy| proxy.kubeconfig(&self.plane, "operator"));
        kubeconfigs.collect()
    }

    /// Makes the next such write of the first operator meet a fault.
    pub fn meet(&self, write: Write, fault: OnTheWay) {
        let matcher = match write {
            Write::Ledger => Matcher::writes().resource("accounts"),
            Write::Status => Matcher::writes().path("/apis/readmit.dev/v1alpha1/namespaces/"),
            Write::Lease => Matcher::writes().resource("leases"),
        };
        let unseen = matches!(fault, OnTheWay::ReplyAndLookUpLost | OnTheWay::TriedAgain);
        let stale = fault == OnTheWay::TriedAgain;
        let fault = match fault {
            OnTheWay::Lost => Fault::Lose,
            OnTheWay::ReplyLost | OnTheWay::ReplyAndLookUpLost | OnTheWay::TriedAgain => Fault::LoseReply,
            OnTheWay::ErrorApplied => Fault::AnswerAfter(500),
            OnTheWay::TimeoutApplied => Fault::AnswerAfter(504),
            OnTheWay::ConflictApplied => Fault::AnswerAfter(409),
            OnTheWay::TooMany => Fault::Answer(429),
            OnTheWay::Late => Fault::Delay(LATE),
            OnTheWay::LateAnswer => Fault::DelayReply(LATE),
        };
        let Some(proxy) = self.proxies.first() else { return };
        proxy.add(Rule::new(matcher, fault));
        let reads = || Matcher::any().method("GET").resource("accounts");
        if unseen {
            proxy.add(Rule::new(reads().path(ONE_ACCOUNT), Fault::Lose));
        }
        if stale {
            // A sweep that begins just then would read it too.
            proxy.add(Rule::new(reads().name(""), Fault::Lose).times(4));
            proxy.delay_watches(Matcher::watches().resource("accounts"), STALE);
        }
    }

    /// Begins or ends, as the case is, what an outage is between operators and API server. `false`: it is none of those.
    pub fn disturb(&self, outage: Outage) -> bool {
        let first = self.proxies.first();
        match outage {
            Outage::Partition => first.map(ApiProxy::freeze),
            Outage::Slow => {
                self.proxies.iter().for_each(|proxy| proxy.slow(SLOW));
                Some(())
            }
            Outage::LateWatches => first.map(|proxy| proxy.delay_watches(Matcher::watches(), STALE)),
            Outage::Cut => {
                self.proxies.iter().for_each(ApiProxy::cut);
                Some(())
            }
            Outage::Restart | Outage::Freeze => None,
        }
        .is_some()
    }

    /// The way to the API server is as it should be.
    pub fn calm(&self) {
        self.proxies.iter().for_each(ApiProxy::reset);
    }

    /// Creates a request as somebody of the desk, and gives its uid.
    ///
    /// # Errors
    /// When the API server refuses for longer than a restart takes.
    pub fn create(&self, manifest: &Value) -> Result<String> {
        let kind = manifest["kind"].as_str().unwrap_or_default();
        let api = Api::<DynamicObject>::namespaced_with(self.desk.clone(), "default", &resource(kind));
        let object: DynamicObject = serde_json::from_value(manifest.clone()).context("a manifest")?;
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match self.handle.block_on(api.create(&PostParams::default(), &object)) {
                Ok(created) => return created.uid().context("a created object has a uid"),
                // Admission learns of new kinds a moment after they are served; a frozen server answers late.
                Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(100)),
                Err(error) => return Err(error).context("create a request"),
            }
        }
    }

    /// Reads a request; `None` where it is gone or another one of that name.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub fn read(&self, kind: &str, name: &str, uid: &str) -> Result<Option<Value>> {
        let api = Api::<DynamicObject>::namespaced_with(self.admin.clone(), "default", &resource(kind));
        let object = self.handle.block_on(api.get_opt(name)).context("read a request")?;
        Ok(object
            .filter(|object| object.uid().as_deref() == Some(uid))
            .map(|object| object.data))
    }

    /// Deletes a request as somebody of the desk.
    ///
    /// # Errors
    /// When the API server does not do it.
    pub fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let api = Api::<DynamicObject>::namespaced_with(self.desk.clone(), "default", &resource(kind));
        let deleted = self.handle.block_on(api.delete(name, &DeleteParams::default()));
        deleted.map(drop).context("delete a request")
    }

    /// Sets `spec.suspend` of a request.
    ///
    /// # Errors
    /// When the API server does not do it.
    pub fn suspend(&self, kind: &str, name: &str, suspend: bool) -> Result<()> {
        let api = Api::<DynamicObject>::namespaced_with(self.desk.clone(), "default", &resource(kind));
        let patch = Patch::Merge(json!({"spec": {"suspend": suspend}}));
        let patched = self.handle.block_on(api.patch(name, &PatchParams::default(), &patch));
        patched.map(drop).context("suspend a request")
    }

    /// What an administrator changes in the middle of a case; `None` where somebody else does that.
    ///
    /// # Errors
    /// When the API server does not do it.
    pub fn change(&self, upstream: Upstream, change: Change) -> Result<Option<()>> {
        let directory = upstream.to_string();
        match change {
            Change::DropPolicy => self.kubectl(&["delete", "accountpolicy", &directory])?,
            Change::DropRights => self.kubectl(&["delete", "clusterrolebinding", "desk"])?,
            Change::DropAdmission => self.kubectl(&["delete", "mutatingadmissionpolicybindings", "--all"])?,
            Change::DropDayKey => self.drop_day_keys()?,
            Change::SuspendDirectory => {
                let patch = [
                    "patch",
                    "directory",
                    &directory,
                    "--type=merge",
                    "-p",
                    r#"{"spec":{"suspend":true}}"#,
                ];
                self.kubectl(&patch)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    /// Puts back what a case has changed.
    ///
    /// # Errors
    /// When the API server does not take it.
    pub fn restore(&self, upstream: Upstream, change: Change) -> Result<()> {
        let directory = upstream.to_string();
        match change {
            Change::DropPolicy => self.plane.apply("admin", &self.policies).map(drop),
            Change::DropRights => self.plane.apply("admin", PEOPLE).map(drop),
            Change::DropAdmission => self.plane.apply("admin", &admission()).map(drop),
            Change::SuspendDirectory => self.kubectl(&[
                "patch",
                "directory",
                &directory,
                "--type=merge",
                "-p",
                r#"{"spec":{"suspend":null}}"#,
            ]),
            _ => Ok(()),
        }
    }

    /// Makes what must be so before a case.
    ///
    /// # Errors
    /// When the API server does not do it.
    pub fn prepare(&self, given: Given) -> Result<()> {
        match given {
            Given::NoDayKey => self.drop_day_keys(),
            Given::OldDayKey => self.create_old_key(),
            Given::NoEnforcementRecord => {
                let maps = Api::<ConfigMap>::namespaced(self.admin.clone(), NAMESPACE);
                self.gone(maps.delete("readmit-enforcement", &DeleteParams::default()))
            }
            Given::NoLease => {
                let leases = Api::<Lease>::namespaced(self.admin.clone(), NAMESPACE);
                self.gone(leases.delete("readmit", &DeleteParams::default()))
            }
            Given::NewDirectory => {
                let name = format!("okta-{}", rand::random::<u16>());
                let manifest = manifests::text(&[manifests::okta(&name, &self.okta)]);
                self.plane.apply("admin", &manifest).map(drop)
            }
            Given::ExpiredRequest | Given::SlowReads | Given::NamedLocked => Ok(()),
            Given::EmptyAccount => self.create_empty_account(),
            Given::FreshStart => Ok(()),
        }
    }

    /// Kills the API server and starts it again.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn restart(&self) -> Result<()> {
        self.plane.signal_api_server("KILL")?;
        self.plane.stop_api_server()?;
        self.plane.start_api_server()
    }

    /// Freezes the API server for a while.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn freeze(&self, long: Duration) -> Result<()> {
        self.plane.signal_api_server("STOP")?;
        std::thread::sleep(long);
        self.plane.signal_api_server("CONT")
    }

    fn kubectl(&self, args: &[&str]) -> Result<()> {
        self.plane.kubectl_as("admin", args).map(drop)
    }

    /// A deletion of something that may be gone already.
    fn gone<T>(&self, call: impl Future<Output = Result<T, kube::Error>>) -> Result<()> {
        match self.handle.block_on(call) {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map(drop).context("delete an object"),
        }
    }

    fn drop_day_keys(&self) -> Result<()> {
        let secrets = Api::<Secret>::namespaced(self.admin.clone(), NAMESPACE);
        let keys = ListParams::default().labels("readmit.dev/day-key");
        self.gone(secrets.delete_collection(&DeleteParams::default(), &keys))
    }

    fn create_old_key(&self) -> Result<()> {
        let key = json!({
            "metadata": {"name": "readmit-day-key-2020-01-01", "labels": {"readmit.dev/day-key": ""}},
            "immutable": true, "type": "readmit.dev/day-key",
            "data": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        });
        let secrets = Api::<Secret>::namespaced(self.admin.clone(), NAMESPACE);
        let key = serde_json::from_value(key).context("a Secret")?;
        match self.handle.block_on(secrets.create(&PostParams::default(), &key)) {
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            other => other.map(drop).context("create an old day key"),
        }
    }

    fn create_empty_account(&self) -> Result<()> {
        let name = format!("okta-empty{}", rand::random::<u16>());
        let object = json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Account", "metadata": {"name": name},
            "provider": "okta", "upstream": "x", "id": name, "ledger": [],
        });
        let accounts = Api::<DynamicObject>::all_with(self.operator.clone(), &resource("Account"));
        let object = serde_json::from_value(object).context("an Account")?;
        let created = self.handle.block_on(accounts.create(&PostParams::default(), &object));
        created.map(drop).context("create an Account")
    }

    /// A request that has ended, with a time to live that is over soon, so that the next sweep deletes it.
    ///
    /// # Errors
    /// When the API server does not take it.
    pub fn set_time_to_live(&self, kind: &str, name: &str) -> Result<()> {
        let api = Api::<DynamicObject>::namespaced_with(self.desk.clone(), "default", &resource(kind));
        let patch = Patch::Merge(json!({"spec": {"ttlAfterFinished": "1s"}}));
        let patched = self.handle.block_on(api.patch(name, &PatchParams::default(), &patch));
        patched.map(drop).context("set a time to live")
    }
}

fn admission() -> String {
    readmit::manifests::admission_yaml(NAMESPACE, "readmit")
}

async fn client(plane: &ControlPlane, person: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(person)).context("read a kubeconfig")?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.proxy_url = None;
    config.read_timeout = None;
    Client::try_from(config).context("set up a client")
}
