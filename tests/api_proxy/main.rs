//! The proxy in front of the test API server: that it does what it is told, and what an operator behind it makes of it.

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod operator;
mod switches;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, api::PostParams};
use serde_json::json;
use support::operator::client_with;
use testkit::{
    api_proxy::ApiProxy,
    assets,
    control_plane::{self, ControlPlane},
    skip,
};
use tokio::runtime::Runtime;

/// A proxy of a test's own, and ConfigMaps as the administrator sees them through it and past it.
pub struct Bench {
    pub plane: &'static ControlPlane,
    pub proxy: ApiProxy,
    pub through: Api<ConfigMap>,
    pub past: Api<ConfigMap>,
    pub runtime: Runtime,
}

impl Bench {
    /// `None` where this machine cannot have a control plane.
    pub fn set() -> Option<Self> {
        skip::unless_missing(assets::ensure())?;
        let plane = control_plane::shared();
        let runtime = Runtime::new().expect("a runtime");
        let proxy = ApiProxy::start(plane).expect("a proxy");
        let kubeconfig = proxy.kubeconfig(plane, "admin").expect("a kubeconfig");
        let client = |path| runtime.block_on(client_with(path));
        Some(Bench {
            plane,
            through: Api::default_namespaced(client(kubeconfig)),
            past: Api::default_namespaced(client(plane.kubeconfig("admin"))),
            proxy,
            runtime,
        })
    }
}

/// Creates a ConfigMap.
pub async fn create(api: &Api<ConfigMap>, name: &str) -> Result<ConfigMap, kube::Error> {
    let object = json!({"metadata": {"name": name}, "data": {"key": "value"}});
    let object = serde_json::from_value(object).expect("a ConfigMap");
    api.create(&PostParams::default(), &object).await
}
