//! JSON shapes of users and their parts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::legality::{Operation, Ruling, rule};
use super::org::Okta;
use super::quirks::Quirk;
use super::user::{Block, ProviderType, Status, User};
use crate::clock::Iso;

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

/// A user as the API shows one. Members are in alphabetical order, as in every other answer of the sandbox, and are
/// printed straight away: this is the answer that is asked for most.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserShape<'a> {
    #[serde(rename = "_embedded", skip_serializing_if = "Option::is_none")]
    embedded: Option<Value>,
    #[serde(rename = "_links", skip_serializing_if = "Option::is_none")]
    links: Option<BTreeMap<&'static str, Link>>,
    activated: Option<Iso>,
    created: Iso,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<Credentials<'a>>,
    id: &'a str,
    last_login: Option<Iso>,
    last_updated: Iso,
    password_changed: Option<Iso>,
    profile: &'a Map<String, Value>,
    status: &'static str,
    status_changed: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transitioning_to_status: Option<&'static str>,
    #[serde(rename = "type")]
    kind: UserType<'a>,
    #[serde(skip)]
    user: &'a User,
}

impl UserShape<'_> {
    /// Shows the device blocks too.
    pub(super) fn embed_blocks(&mut self) {
        self.embedded = Some(json!({"blocks": blocks(self.user)}));
    }
}

#[derive(Debug, Serialize)]
struct UserType<'a> {
    id: &'a str,
}

/// Where something can be done with a user.
#[derive(Debug, Serialize)]
struct Link {
    href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
}

/// A user's credentials; values never appear.
#[derive(Debug, Serialize)]
pub(super) struct Credentials<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Hidden>,
    provider: ProviderShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_question: Option<QuestionShape<'a>>,
}

/// An object without members.
#[derive(Debug, Serialize)]
struct Hidden {}

#[derive(Debug, Serialize)]
struct ProviderShape<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: ProviderType,
}

#[derive(Debug, Serialize)]
struct QuestionShape<'a> {
    question: &'a str,
}

/// Renders a user.
pub(super) fn user<'a>(org: &'a Okta, user: &'a User, base: &str, place: Place, omit: Omit) -> UserShape<'a> {
    let transition = user.transition.filter(|_| !omit.transition);
    UserShape {
        embedded: None,
        links: (!omit.links).then(|| links(org, user, base, place)),
        activated: user.activated.map(Iso),
        created: Iso(user.created),
        credentials: (!omit.credentials).then(|| credentials(user)),
        id: &user.id,
        last_login: user.last_login.map(Iso),
        last_updated: Iso(user.last_updated),
        password_changed: user.password_changed.map(Iso),
        profile: &user.profile,
        status: user.status.as_str(),
        status_changed: user.status_changed.map(Iso),
        transitioning_to_status: transition.map(|transition| transition.to.as_str()),
        kind: UserType { id: &org.user_type_id },
        user,
    }
}

/// Renders a user's credentials.
pub(super) fn credentials(user: &User) -> Credentials<'_> {
    Credentials {
        password: user.password.is_set().then_some(Hidden {}),
        provider: ProviderShape {
            name: &user.provider.name,
            kind: user.provider.kind,
        },
        recovery_question: user
            .recovery_question
            .as_ref()
            .map(|(question, _)| QuestionShape { question }),
    }
}

/// Renders the device blocks.
pub(super) fn blocks(user: &User) -> Value {
    user.blocks
        .iter()
        .map(|block: &Block| json!({"type": "DEVICE_BASED", "appliesTo": block}))
        .collect()
}

fn links(org: &Okta, user: &User, base: &str, place: Place) -> BTreeMap<&'static str, Link> {
    let own = format!("{base}/api/v1/users/{}", user.id);
    let mut links = BTreeMap::new();
    let mut offer = |name, path: &str| {
        let href = format!("{own}/{path}");
        let method = Some("POST");
        links.insert(name, Link { href, method });
    };
    if place == Place::List && org.has(Quirk::LinksUnreliable) {
        if user.status == Status::Suspended {
            offer("unlock", "lifecycle/unlock");
        }
        links.insert(
            "self",
            Link {
                href: own,
                method: None,
            },
        );
        return links;
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
    let href = format!("{base}/api/v1/meta/types/user/default");
    links.insert("type", Link { href, method: None });
    links.insert(
        "self",
        Link {
            href: own,
            method: None,
        },
    );
    links
}
