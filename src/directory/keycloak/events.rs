//! What the realm's admin events prove: that it was this operator's client that set a password or had a link mailed.
//! They are there where the realm records them; their absence proves nothing.

use super::{Keycloak, client::Refusal, model::AdminEvent};
use crate::directory::Call;
use jiff::Timestamp;

/// How many of the newest events are looked at.
const NEWEST: &str = "100";
/// How long after a credential was made its event is written at most, in milliseconds: both happen in one request.
const SAME_REQUEST: i64 = 60_000;

impl Keycloak {
    /// Whether the password in force was set by our client: the first event at or after the making of the credential
    /// is that of the request which made it. What owners do themselves makes no admin event, but a newer credential.
    pub(super) async fn password_is_ours(&self, call: &Call, id: &str) -> bool {
        let events = self.events(call, id, "reset-password").await;
        let created = self.password_created(call, id).await;
        match (self.client.own_id(call).await, events, created) {
            (Ok(own), Ok(events), Ok(Some(created))) => made_by(&own, &events, created),
            _ => false,
        }
    }

    /// Whether our client had a link mailed since then.
    pub(super) async fn link_is_logged(&self, call: &Call, id: &str, since: Timestamp) -> bool {
        let events = self.events(call, id, "execute-actions-email").await;
        match (self.client.own_id(call).await, events) {
            (Ok(own), Ok(events)) => events
                .iter()
                .any(|event| event.is_by(&own) && event.time >= since.as_millisecond()),
            _ => false,
        }
    }

    /// The newest successful actions of this kind on an account.
    async fn events(&self, call: &Call, id: &str, action: &str) -> Result<Vec<AdminEvent>, Refusal> {
        let path = format!("users/{id}/{action}");
        let query = [("operationTypes", "ACTION"), ("resourcePath", &*path), ("max", NEWEST)];
        let url = self.client.url(&["admin-events"], &query);
        let mut events: Vec<AdminEvent> = self.client.get(call, "read admin events", url).await?;
        events.retain(|event| {
            event.operation_type.as_deref() == Some("ACTION")
                && event.resource_path.as_deref() == Some(&path)
                && event.error.is_none()
        });
        Ok(events)
    }
}

impl AdminEvent {
    fn is_by(&self, own: &str) -> bool {
        let by = self
            .auth_details
            .as_ref()
            .and_then(|details| details.user_id.as_deref());
        by == Some(own)
    }
}

/// Whether the credential that was made then is of our making.
fn made_by(own: &str, events: &[AdminEvent], created: i64) -> bool {
    let range = created..=created.saturating_add(SAME_REQUEST);
    let first = events
        .iter()
        .filter(|event| range.contains(&event.time))
        .min_by_key(|event| event.time);
    first.is_some_and(|event| event.is_by(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Who set a password when, and whether the one that was made at 1000 is ours.
    #[test]
    fn only_the_request_that_made_the_credential_proves_whose_it_is() {
        for (name, events, expected) in [
            ("ours", vec![("me", 1003)], true),
            ("ours, in the same millisecond", vec![("me", 1000)], true),
            ("nothing recorded", vec![], false),
            ("somebody else's", vec![("boss", 1003)], false),
            ("ours before, changed by its owner since", vec![("me", 900)], false),
            (
                "somebody else's, ours refused later",
                vec![("me", 5000), ("boss", 1003)],
                false,
            ),
            ("ours, and the one before it", vec![("me", 1003), ("boss", 900)], true),
            ("long after", vec![("me", 1000 + SAME_REQUEST + 1)], false),
        ] {
            let events: Vec<AdminEvent> = events
                .into_iter()
                .map(|(by, time)| {
                    serde_json::from_value(
                        json!({"time": time, "operationType": "ACTION", "authDetails": {"userId": by}}),
                    )
                    .unwrap()
                })
                .collect();
            assert_eq!(made_by("me", &events, 1000), expected, "{name}");
        }
    }
}
