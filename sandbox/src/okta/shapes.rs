//! JSON shapes of users and their parts.

use serde_json::{Map, Value, json};

use super::legality::{Operation, Ruling, rule};
use super::org::Okta;
use super::quirks::Quirk;
use super::user::{Block, ProviderType, Status, User};
use crate::clock::iso;
use crate::directory::stable_id;

/// Parts that a caller asked to leave out with the media type parameter `okta-response`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Omit {
    credentials: bool,
    links: bool,
    transition: bool,
}

impl Omit {
    /// Reads the parameter from an `Accept` or `Content-Type` value.
    pub(super) fn parse(header: &str) -> Self {
        let has = |name: &str| header.contains("okta-response") && header.contains(name);
        Self {
            credentials: has("omitCredentials") && (!has("omitCredentialsLinks") || has("omitCredentials,")),
            links: has("omitCredentialsLinks"),
            transition: has("omitTransitioningToStatus"),
        }
    }
}

/// Whether a user is rendered alone or in a list (where links are not reliable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Single,
    List,
}

/// Renders a user.
pub(super) fn user(org: &Okta, user: &User, base: &str, place: Place, omit: Omit) -> Value {
    let mut shape = json!({
        "id": user.id,
        "status": user.status.as_str(),
        "created": iso(user.created),
        "activated": user.activated.map(iso),
        "statusChanged": user.status_changed.map(iso),
        "lastLogin": user.last_login.map(iso),
        "lastUpdated": iso(user.last_updated),
        "passwordChanged": user.password_changed.map(iso),
        "type": {"id": stable_id("oty", &org.org_id, 20)},
        "profile": user.profile,
    });
    if let (Some(transition), false) = (user.transition, omit.transition) {
        shape["transitioningToStatus"] = json!(transition.to.as_str());
    }
    if !omit.credentials {
        shape["credentials"] = credentials(user);
    }
    if !omit.links {
        shape["_links"] = links(org, user, base, place);
    }
    shape
}

/// Renders a user's credentials; values never appear.
pub(super) fn credentials(user: &User) -> Value {
    let mut shape = json!({"provider": user.provider});
    if user.password.is_set() {
        shape["password"] = json!({});
    }
    if let Some((question, _)) = &user.recovery_question {
        shape["recovery_question"] = json!({"question": question});
    }
    shape
}

/// Renders the device blocks.
pub(super) fn blocks(user: &User) -> Value {
    user.blocks
        .iter()
        .map(|block: &Block| json!({"type": "DEVICE_BASED", "appliesTo": block}))
        .collect()
}

fn links(org: &Okta, user: &User, base: &str, place: Place) -> Value {
    let own = format!("{base}/api/v1/users/{}", user.id);
    let mut links = Map::new();
    links.insert("self".into(), json!({"href": own}));
    let mut offer = |name: &str, path: &str| {
        links.insert(name.into(), json!({"href": format!("{own}/{path}"), "method": "POST"}));
    };
    if place == Place::List && org.has(Quirk::LinksUnreliable) {
        if user.status == Status::Suspended {
            offer("unlock", "lifecycle/unlock");
        }
        return Value::Object(links);
    }
    let operations = [
        (Operation::Unlock, "unlock", "lifecycle/unlock"),
        (Operation::ResetPassword, "resetPassword", "lifecycle/reset_password"),
        (Operation::ExpirePassword, "expirePassword", "lifecycle/expire_password"),
        (Operation::Activate, "activate", "lifecycle/activate"),
        (Operation::Reactivate, "reactivate", "lifecycle/reactivate"),
        (Operation::Suspend, "suspend", "lifecycle/suspend"),
        (Operation::Unsuspend, "unsuspend", "lifecycle/unsuspend"),
        (Operation::Deactivate, "deactivate", "lifecycle/deactivate"),
    ];
    for (operation, name, path) in operations {
        if let Ruling::To(_) = rule(operation, user, &org.settings.quirks) {
            offer(name, path);
        }
    }
    let local = matches!(user.provider.kind, ProviderType::Okta | ProviderType::Import);
    if local && user.status == Status::Active {
        offer("changePassword", "credentials/change_password");
        if user.recovery_question.is_some() {
            offer("forgotPassword", "credentials/forgot_password");
        }
    }
    links.insert(
        "type".into(),
        json!({"href": format!("{base}/api/v1/meta/types/user/default")}),
    );
    Value::Object(links)
}
