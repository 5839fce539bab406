//! Conditions as the Kubernetes API conventions define them (`meta/v1.Condition`), with bounds on every text so that
//! rules over a whole status stay within the API server's cost limit.

use crate::api::{Reason, schema};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

// Its words are of closed sets, and take no room of their own where they are read: thousands of requests may wait. This is
// no documentation of the type, because that stands in the schema, where users read it.
/// One observation of the state of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, in CamelCase.
    #[serde(deserialize_with = "word")]
    #[schemars(length(max = 64))]
    pub r#type: Cow<'static, str>,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "word")]
    #[schemars(length(max = 7))]
    pub status: Cow<'static, str>,
    /// Why, as one word of a closed set.
    #[serde(deserialize_with = "word")]
    #[schemars(length(max = 64))]
    pub reason: Cow<'static, str>,
    /// For people: what happened, and what to do next. Absent where there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub message: String,
    /// When `status` last flipped.
    #[schemars(schema_with = "schema::date_time")]
    pub last_transition_time: Timestamp,
    /// The generation of the object that this observation is about. Absent on requests: `status.observedGeneration` says
    /// it for all their conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// A word: one of ours where it is, and any other as it stands there.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'static, str>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    let known = ["True", "False", "Unknown"]
        .into_iter()
        .chain(types::ALL)
        .chain(reasons);
    let ours = known.into_iter().find(|word| *word == text);
    Ok(ours.map_or(Cow::Owned(text), Cow::Borrowed))
}

/// The condition types.
pub mod types {
    /// A policy permits the request.
    pub const PERMITTED: &str = "Permitted";
    /// Goes from Unknown to True or False once, and stays.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Mirrors `Succeeded` for kstatus and Argo CD.
    pub const READY: &str = "Ready";
    /// Present while something is still to be done.
    pub const RECONCILING: &str = "Reconciling";
    /// Present when it ended badly, or waits for a person.
    pub const STALLED: &str = "Stalled";
    /// Of a request whose account has its credentials in another Directory: what was asked for is done there. The reason
    /// is that of a success; whether the Directory that the request names follows is `Succeeded`.
    pub const DONE_AT_SOURCE: &str = "DoneAtSource";
    /// Of a Directory with `spec.lockouts`: whether all locked accounts are shown as Account objects.
    pub const LOCKOUTS_LISTED: &str = "LockoutsListed";
    /// Of a Directory with `spec.lockouts` whose upstream keeps a log of locks: whether it can be read.
    pub const LOCK_CAUSES_KNOWN: &str = "LockCausesKnown";
    /// Those of a request.
    pub const ALL: [&str; 6] = [PERMITTED, SUCCEEDED, READY, RECONCILING, STALLED, DONE_AT_SOURCE];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_words_take_no_room_and_others_stay_as_they_are() {
        for (text, ours) in [
            ("Ready", true),
            ("Unlocked", true),
            ("Permitted", true),
            ("AsAnotherSays", false),
        ] {
            let condition: Condition = serde_json::from_value(serde_json::json!({
                "type": text, "status": "True", "reason": text, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }))
            .unwrap();
            for word in [&condition.r#type, &condition.reason] {
                assert_eq!(word, text);
                assert_eq!(matches!(word, Cow::Borrowed(_)), ours, "{text}");
            }
        }
    }
}
