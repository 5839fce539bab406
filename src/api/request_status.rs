//! What the operator records on every kind of request.

use crate::api::{Condition, Outcome, schema};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a request. Written by the operator only; once `outcome` is there, it never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
// It has one writer, who owns it as a whole: a note on who wrote which field would be longer than itself.
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
#[serde(rename_all = "camelCase")]
pub struct RequestStatus {
    /// The generation that this status is about; -1 before anybody looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How it ended; absent until it has. Further members may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When the operator first looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub completion_time: Option<Timestamp>,
    /// Permitted, Succeeded, Ready, Reconciling, Stalled; DoneAtSource where the account's credentials live in another
    /// Directory than the one that the request names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    /// The policy that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReference>,
    /// The account that was acted on, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountReference>,
    /// The account that the request names, where its credentials live in another Directory: `account` is the one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<AccountReference>,
    /// The lock as it was read before anything was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockout: Option<Lockout>,
    /// What was sent to the directory, at most the last eight. Absent where nothing was, and where one send did what was
    /// asked for, as the reason and the times say then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub attempts: Vec<Attempt>,
    /// The temporary password, for those it is sealed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// A policy as it stood when it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReference {
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its uid.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// Its generation.
    pub generation: i64,
}

/// Where something was really done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountReference {
    /// The Directory.
    #[schemars(length(max = 253))]
    pub directory: String,
    /// The directory's immutable id of the account.
    #[schemars(length(max = 128))]
    pub id: String,
    /// The name of the Account object, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub r#ref: Option<String>,
}

/// A lock as the directory showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lockout {
    /// Since when, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub since: Option<Timestamp>,
    /// Until when, where the directory ends it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub until: Option<Timestamp>,
    /// Why, where the directory tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub cause: Option<String>,
    /// Out of where, where that does not go without saying: one server, unknown devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub scope: Option<String>,
}

/// One send to a directory, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What was sent.
    #[schemars(length(max = 64))]
    pub step: String,
    /// When.
    #[schemars(schema_with = "schema::date_time")]
    pub time: Timestamp,
    /// Done, Refused, NotSent or Unknown.
    #[schemars(length(max = 16))]
    pub result: String,
}

/// A sealed temporary password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The password in an armored age file (age-encryption.org/v1). Open it with `age --decrypt -i KEY`.
    #[schemars(length(max = 65536))]
    pub sealed: String,
}
