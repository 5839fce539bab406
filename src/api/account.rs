//! The kind Account: one upstream account that was found locked, or that Readmit acted on under a claim.
//!
//! Its `ledger` is lock, limit counter, crash record and memory in one. It is plain data without a status subresource,
//! so that backups keep it. Only the operator writes it.

use crate::api::{
    Action, Method,
    common::SecretKeyRef,
    request_status::{Lockout, PolicyReference},
    schema,
};
use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One upstream account, named after the upstream's own identity and the account's immutable id.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "readmit.dev",
    version = "v1alpha1",
    kind = "Account",
    plural = "accounts",
    shortname = "acct",
    category = "readmit",
    no_spec,
    derive = "PartialEq",
    doc = "One upstream account, and the ledger of what was done to it. Written by the operator only.",
    printcolumn = r#"{"name":"PROVIDER","type":"string","jsonPath":".provider"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".id"}"#,
    printcolumn = r#"{"name":"LOGIN","type":"string","jsonPath":".lockout.login"}"#,
    printcolumn = r#"{"name":"STATE","type":"string","jsonPath":".metadata.labels.readmit\\.dev/state"}"#,
    printcolumn = r#"{"name":"SINCE","type":"date","jsonPath":".lockout.since"}"#,
    printcolumn = r#"{"name":"UNTIL","type":"string","priority":1,"jsonPath":".lockout.until"}"#,
    printcolumn = r#"{"name":"CLAIM","type":"string","jsonPath":".metadata.labels.readmit\\.dev/claim"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct AccountFields {
    /// The kind of upstream.
    #[schemars(length(max = 64))]
    pub provider: String,
    /// The upstream's own identity, for example Okta's organisation id.
    #[schemars(length(max = 256))]
    pub upstream: String,
    /// The upstream's immutable id of the account.
    #[schemars(length(max = 128))]
    pub id: String,
    /// The lock, while the account is listed as locked; only for Directories that set `spec.lockouts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockout: Option<AccountLockout>,
    /// What was done, and what is being done: closed entries, and at most one with a claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = Rule::new("self.filter(entry, has(entry.claim)).size() <= 1")
        .message("an account has at most one open claim"))]
    pub ledger: Vec<LedgerEntry>,
}

/// A lock as a Directory's list of locked accounts showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountLockout {
    /// The Directory that lists it.
    #[schemars(length(max = 253))]
    pub directory: String,
    /// The name the owner signs in with, unless the Directory sets `lockouts.personalData: None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub login: Option<String>,
    /// What the directory tells of the lock.
    #[serde(flatten)]
    pub lock: Lockout,
}

/// One effect on an account: under way while `claim` is there, closed afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Hash of what the request asked for, where it carries `notAfter`: the same manifest runs only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub key: Option<String>,
    /// The request's uid.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// What counts towards limits.
    pub action: Action,
    /// Under which policy it counts.
    #[schemars(length(max = 253))]
    pub policy: String,
    /// When it was charged.
    #[schemars(schema_with = "schema::date_time")]
    pub time: Timestamp,
    /// Until when the entry is kept.
    #[schemars(schema_with = "schema::date_time")]
    pub keep_until: Timestamp,
    /// Done or Unknown; absent while the claim is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<LedgerOutcome>,
    /// The claim, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
}

/// How a closed entry ended. Refused, unsent and proven undone effects leave no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LedgerOutcome {
    /// The directory did it.
    Done,
    /// Nobody knows.
    Unknown,
}

/// The record, written before anything is sent, from which another process can find out what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The Directory that is acted through.
    #[schemars(length(max = 253))]
    pub directory: String,
    /// The immutable id of the account that the request names, where that is one of another Directory whose credentials
    /// live here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub named: Option<String>,
    /// The request's kind.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// The request's namespace.
    #[schemars(length(max = 253))]
    pub namespace: String,
    /// The request's name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The method of a reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Goes into the derived password. 1 so far: an attempt that is begun anew is a claim of its own, with its own nonce.
    pub attempt: u32,
    /// Fixed for the attempt; goes into the derived password.
    #[schemars(length(max = 64))]
    pub nonce: String,
    /// Changes with every write of this claim, so that a writer can tell its own landed write from another's.
    #[schemars(length(max = 64))]
    pub writer: String,
    /// Nothing is sent under this claim after this time.
    #[schemars(schema_with = "schema::date_time")]
    pub deadline: Timestamp,
    /// The server that is written to, where the upstream has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub server: Option<String>,
    /// What the marked step will change, as it was before. Absent where the upstream shows no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub marker: Option<String>,
    /// The lock stamp as it was before: another one later is a new lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub lock_stamp: Option<String>,
    /// Whether the marked step is known to be done.
    #[serde(default)]
    pub marked: bool,
    /// Whether the one sign-in that may prove a set password ours was used up.
    #[serde(default)]
    pub proved: bool,
    /// The policy as it was applied.
    pub policy: PolicyReference,
    /// How the password is derived, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Derivation>,
}

/// What a password is derived from and sealed to, besides the day key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Derivation {
    /// Version of the derivation.
    pub version: u32,
    /// The Secret that holds the day key.
    pub key: SecretKeyRef,
    /// How many characters.
    pub length: u32,
    /// The name of the alphabet.
    #[schemars(length(max = 32))]
    pub alphabet: String,
    /// Whom it is sealed to.
    #[schemars(length(max = 16), inner(length(max = 128)), extend("x-kubernetes-list-type" = "atomic"))]
    pub recipients: Vec<String>,
}
