//! From when on the API server says who asks, and the operator believes it.

use super::Cluster;
use crate::{
    case::{Ask, Upstream, Work},
    lane::{
        board::resource,
        manifests::{self, NAMESPACE},
    },
};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, api::PostParams, core::DynamicObject};
use std::time::{Duration, Instant};

impl Cluster {
    /// Waits until requests that are created now are trusted: times are cut to whole seconds.
    ///
    /// # Errors
    /// When there is no record of since when identity is enforced, or nobody is stamped within 20 s.
    pub fn wait_trusted(&self) -> Result<()> {
        let maps = Api::<ConfigMap>::namespaced(self.admin.clone(), NAMESPACE);
        let map = self
            .handle
            .block_on(maps.get("readmit-enforcement"))
            .context("read the ConfigMap")?;
        let since = map.data.and_then(|mut data| data.remove("enforcedSince"));
        let since: Timestamp = since
            .context("enforcedSince is missing")?
            .parse()
            .context("enforcedSince")?;
        let trusted = since.as_millisecond() + 1050;
        let rest = trusted - Timestamp::now().as_millisecond();
        std::thread::sleep(Duration::from_millis(u64::try_from(rest).unwrap_or(0).min(3000)));
        self.wait_stamped()
    }

    /// Waits until the API server stamps who asks: it follows new admission policies a moment after they are there.
    fn wait_stamped(&self) -> Result<()> {
        let ask = Ask::new(Upstream::Okta, Work::Unlock);
        let manifest = manifests::request("stamped", &ask, "nobody@example.com");
        let object: DynamicObject = serde_json::from_value(manifest).context("a manifest")?;
        let api = Api::<DynamicObject>::namespaced_with(self.desk.clone(), "default", &resource(ask.work.kind()));
        let params = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let tried = self.handle.block_on(api.create(&params, &object));
            if tried.is_ok_and(|object| object.data["spec"]["requester"]["username"].is_string()) {
                return Ok(());
            }
            ensure!(Instant::now() < end, "the API server does not stamp who asks");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
