//! The kind Directory: one upstream.

use crate::api::{
    Condition, Span,
    common::{Limit, PolicyRule},
    provider::Provider,
    schema,
};
use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One upstream that holds accounts. Written by the platform team.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "readmit.dev",
    version = "v1alpha1",
    kind = "Directory",
    plural = "directories",
    category = "readmit",
    status = "DirectoryStatus",
    doc = "One upstream that holds accounts.",
    validation = schema::listable(),
    validation = schema::leads_elsewhere(),
    printcolumn = r#"{"name":"READY","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"REASON","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"CAPABILITIES","type":"string","jsonPath":".status.capabilities"}"#,
    printcolumn = r#"{"name":"MESSAGE","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct DirectorySpec {
    /// What kind of upstream, and how it is reached.
    pub provider: Provider,
    /// How much of the upstream's capacity may be used.
    #[serde(default)]
    pub rate_limit: RateLimit,
    /// Limits on one account over all policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub limits: Vec<Limit>,
    /// Accounts that nobody may touch through Readmit, besides those that the upstream itself protects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub protected_accounts: Vec<PolicyRule>,
    /// Where the credentials of this upstream's accounts live, if not here. The first source whose `when` is true leads
    /// there: what is asked for is done to the account that is found there, and read back here. Policies, protection and
    /// limits hold for both accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub sources: Vec<AccountSource>,
    /// Keeps an Account object for every account that is locked, for `kubectl get accounts -l readmit.dev/state=Locked`, and
    /// follows the upstream's log, where it has one, to tell why. Off by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockouts: Option<Lockouts>,
    /// What Kubernetes usernames begin with before the person's login or e-mail address, for example `oidc:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub username_prefix: Option<String>,
    /// The kill switch: nothing is sent to this upstream while it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// Accounts whose credentials live in another Directory, and which account there is theirs. Expressions are in the Common
/// Expression Language over `account`, `request`, `requester` and `now`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSource {
    /// Whether an account of this Directory is one of them, for example `account.source.type == 'ACTIVE_DIRECTORY'`.
    /// An attribute that the account does not have means no.
    #[schemars(length(min = 1, max = 2048))]
    pub when: String,
    /// The Directory where their credentials live. It must not lead any further.
    #[schemars(length(min = 1, max = 253))]
    pub directory: String,
    /// How the account is found there. Exactly one must match.
    pub account: SourceAccount,
    /// What proves that it is the same account: attributes of the account there, by name (`id` is its immutable id),
    /// and expressions that give their values. Every one must be equal. Choose what users cannot edit, for example
    /// `objectGUID`. GUIDs are compared by what they mean: as text, with or without braces, as 32 hexadecimal digits, as
    /// Base64 of their octets, or as LDAP filters escape them.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 4))]
    pub confirm: BTreeMap<String, ConfirmExpression>,
}

/// An expression that gives a text: what an attribute must be equal to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ConfirmExpression(#[schemars(length(min = 1, max = 2048))] pub String);

/// Which account of the other Directory: an expression that gives a text. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = schema::exactly_one_of(&["login", "id", "email"]))]
pub struct SourceAccount {
    /// Gives the name that its owner signs in with, for example `account.profile.samAccountName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub login: Option<String>,
    /// Gives its immutable id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub id: Option<String>,
    /// Gives its e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub email: Option<String>,
}

/// Which locked accounts are shown, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lockouts {
    /// How often the upstream is asked for its locked accounts, give or take a tenth. It costs one call a page, and
    /// one for the log.
    #[x_kube(validation = schema::within_memory())]
    pub poll: Span,
    /// The most accounts that are shown. Where more are locked, condition LockoutsListed says so.
    #[serde(default = "most_lockouts")]
    #[schemars(range(min = 1, max = 50_000))]
    pub max: u32,
    /// What the Account objects tell of the person: `Login`, or `None` for the upstream's id only.
    #[serde(default)]
    pub personal_data: PersonalData,
}

fn most_lockouts() -> u32 {
    5_000
}

/// What may be stored of a person in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PersonalData {
    /// The name the person signs in with.
    #[default]
    Login,
    /// Nothing.
    None,
}

/// How much of the upstream's capacity may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Calls a minute.
    #[serde(default = "requests_per_minute")]
    #[schemars(range(min = 1, max = 600_000))]
    pub requests_per_minute: u32,
    /// Calls under way at once.
    #[serde(default = "concurrency")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        RateLimit {
            requests_per_minute: requests_per_minute(),
            concurrency: concurrency(),
        }
    }
}

fn requests_per_minute() -> u32 {
    300
}

fn concurrency() -> u32 {
    10
}

/// What the operator found out about the upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
#[serde(rename_all = "camelCase")]
pub struct DirectoryStatus {
    /// The generation that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready; where `spec.lockouts` is set LockoutsListed, and LockCausesKnown where the upstream keeps a log of locks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    /// What this upstream can do, as probed: Unlock, Link, TemporaryPassword, ChangeAtNextSignIn, RevokeSessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)), extend("x-kubernetes-list-type" = "set"))]
    pub capabilities: Vec<String>,
    /// The upstream's own identity: two Directories with the same one share accounts' ledgers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub upstream: Option<String>,
    /// The budget as last seen; refreshed now and then, not with every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many accounts were locked when they were last listed. Only where `spec.lockouts` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_accounts: Option<i64>,
    /// Where the upstream's log of locks goes on, so that a restart misses nothing. Only where `spec.lockouts` is set and the
    /// upstream keeps such a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_log: Option<LogMark>,
    /// The credential that the upstream refused: not tried again until its Secret changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_secret: Option<RefusedSecret>,
}

/// A place in an upstream's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogMark {
    /// The upstream's own word for it.
    #[schemars(length(max = 4096))]
    pub cursor: String,
    /// When it was put down.
    #[schemars(schema_with = "schema::date_time")]
    pub time: Timestamp,
}

/// A budget of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// Calls a minute in all.
    pub limit: i64,
    /// Calls left at `time`.
    pub remaining: i64,
    /// When this was so.
    #[schemars(schema_with = "schema::date_time")]
    pub time: Timestamp,
}

/// A Secret whose content the upstream refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedSecret {
    /// The Secret's name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The Secret's uid.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// The Secret's resourceVersion.
    #[schemars(length(max = 64))]
    pub resource_version: String,
}
