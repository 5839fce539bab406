//! The Secrets that a Directory names, from the operator's own namespace. What the upstream makes of them is not known here.

use crate::{
    api::{common::SecretKeyRef, directory::RefusedSecret, provider::Provider},
    controller::context::Context,
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use k8s_openapi::api::core::v1;
use kube::{Api, ResourceExt};

/// The credential of a provider, and which writing of which Secret it is.
pub(super) async fn credential(context: &Context, provider: &Provider) -> Result<(Secret, RefusedSecret), Failure> {
    let (reference, default) = provider.credential().ok_or_else(|| {
        Failure::new(
            FailureClass::NeedsConfig,
            "spec.provider names no provider that this release knows",
        )
    })?;
    read_key(context, reference, default).await
}

/// One key of one Secret in the operator's namespace.
pub(super) async fn read_key(
    context: &Context,
    reference: &SecretKeyRef,
    default: &str,
) -> Result<(Secret, RefusedSecret), Failure> {
    let namespace = &context.config.namespace;
    let (name, key) = (&reference.name, reference.key.as_deref().unwrap_or(default));
    let api = Api::<v1::Secret>::namespaced(context.client.clone(), namespace);
    let secret = api.get_opt(name).await.map_err(|error| {
        Failure::new(
            FailureClass::Transient(None),
            format!("Secret {name} could not be read"),
        )
        .detail(error.to_string())
    })?;
    let Some(secret) = secret else {
        let text = format!("Secret {name} does not exist in namespace {namespace}; create it");
        return Err(Failure::new(FailureClass::NeedsConfig, text));
    };
    let identity = RefusedSecret {
        name: name.clone(),
        uid: secret.uid().unwrap_or_default(),
        resource_version: secret.resource_version().unwrap_or_default(),
    };
    let value = secret.data.and_then(|mut data| data.remove(key)).map(|bytes| bytes.0);
    match value.map(String::from_utf8) {
        Some(Ok(text)) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
            // Files end with a newline, and Secrets are made from files.
            Ok((Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()), identity))
        }
        Some(Ok(_) | Err(_)) => {
            let text = format!("key {key} of Secret {name} in namespace {namespace} is empty or no text");
            Err(Failure::new(FailureClass::NeedsConfig, text))
        }
        None => {
            let text = format!("Secret {name} in namespace {namespace} has no key {key}; add it");
            Err(Failure::new(FailureClass::NeedsConfig, text))
        }
    }
}

/// That the upstream refused what stands in this Secret.
pub(super) fn refused_failure(secret: &str) -> Failure {
    let text = format!(
        "the upstream refused the operator's own credential; correct Secret {secret}, it is not tried again before"
    );
    Failure::new(FailureClass::CredentialRefused, text)
}
