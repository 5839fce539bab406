//! What is read, as it stands on the wire. What is missing is unknown: it never means false or empty.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// An agent of the Admin API: fields by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agent(Map<String, Value>);

impl Agent {
    /// The agent in an answer; `None` where it is none.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let agent = Agent(value.as_object()?.clone());
        agent.id()?;
        Some(agent)
    }

    /// The number that writes need: a number in some answers and a text in others.
    pub(super) fn id(&self) -> Option<String> {
        let id = match self.field("agentId")? {
            Value::Number(number) => number.as_u64()?.to_string(),
            Value::String(text) => text.clone(),
            _ => return None,
        };
        is_number(&id).then_some(id)
    }

    /// The UUID that UserHub knows the same person by.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.text("userID").filter(|id| is_uuid(id))
    }

    /// A field, in whichever letter case: `userID` and `userId` are one.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let mut fields = self.0.iter();
        let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A boolean; `None` where it is not shown.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.field(name)?.as_bool()
    }

    /// A time; `None` where it is not shown or none.
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }
}

/// One page of agents.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) agents: Vec<Agent>,
    /// How many there are in all; `None` where that is not told.
    pub(super) total: Option<usize>,
    /// How many the caller's role hides.
    pub(super) hidden: u64,
}

impl Page {
    /// The page in an answer; a 204 has none, which is an empty list. `None` where it is not understood.
    pub(super) fn of(value: &Value) -> Option<Self> {
        if value.is_null() {
            return Some(Page::default());
        }
        if says_error(value) {
            return None;
        }
        let rows = value.get("agents")?.as_array()?;
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        Some(Page {
            agents: rows.iter().map(Agent::of).collect::<Option<_>>()?,
            total: number("totalRecords").and_then(|total| usize::try_from(total).ok()),
            hidden: number("hiddenAgents").unwrap_or(0),
        })
    }
}

/// Whether an answer says that something went wrong, whatever its status.
pub(super) fn says_error(value: &Value) -> bool {
    let text = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    text("error")
        || value.get("error").is_some_and(Value::is_object)
        || value.get("success") == Some(&Value::Bool(false))
        || value
            .get("errorCount")
            .and_then(Value::as_u64)
            .is_some_and(|count| count > 0)
}

/// A person as UserHub shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HubUser {
    /// `ACTIVE`, `PENDING`, `UNREGISTERED`, `BLOCKED`, `DELETED`.
    pub(super) status: Option<String>,
    /// Names and ids of the roles; `None` where they are not shown.
    pub(super) roles: Option<Vec<String>>,
    /// The login authenticator.
    pub(super) authenticator: Option<String>,
}

impl HubUser {
    /// The person in an answer, where it is the one with this UUID.
    pub(super) fn of(value: &Value, id: &str) -> Option<Self> {
        let user = value.get("user")?;
        let is = user.get("id")?.as_str()?.eq_ignore_ascii_case(id);
        let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
        is.then(|| HubUser {
            status: text("status"),
            roles: user.get("role").map(|role| {
                let more = user.get("secondaryRoleIds").and_then(Value::as_array);
                std::iter::once(role)
                    .chain(more.into_iter().flatten())
                    .flat_map(names)
                    .collect()
            }),
            authenticator: text("loginAuthenticatorId"),
        })
    }
}

/// A role is a text, or an object with a name and an id.
fn names(role: &Value) -> Vec<String> {
    let parts = match role {
        Value::Object(parts) => ["name", "roleName", "id", "roleId"]
            .map(|name| parts.get(name))
            .to_vec(),
        plain => vec![Some(plain)],
    };
    parts
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Whether a text is an agent's number.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text is a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let fits = |(at, b): (usize, u8)| match dashes.contains(&at) {
        true => b == b'-',
        false => b.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spellings_and_types_of_ids_do_not_matter() {
        let uuid = "11ec0000-0000-4000-8000-0242ac110002";
        for value in [
            json!({"agentId": 100_234, "userID": uuid}),
            json!({"agentId": "100234", "userId": uuid}),
            json!({"AgentID": "100234", "userid": uuid}),
        ] {
            let agent = Agent::of(&value).unwrap();
            assert_eq!(agent.id().as_deref(), Some("100234"), "{value}");
            assert_eq!(agent.user_id(), Some(uuid), "{value}");
        }
        for value in [
            json!({}),
            json!({"agentId": -1}),
            json!({"agentId": "../1"}),
            json!([1]),
        ] {
            assert!(Agent::of(&value).is_none(), "{value}");
        }
    }

    #[test]
    fn failures_inside_a_success_are_seen() {
        for value in [
            json!({"error": "name in use"}),
            json!({"success": false}),
            json!({"errorCount": 1}),
            json!({"error": {"code": 1}}),
        ] {
            assert!(says_error(&value), "{value}");
        }
        for value in [
            json!({"error": ""}),
            json!({"errorCount": 0}),
            json!({"success": true}),
            json!(null),
        ] {
            assert!(!says_error(&value), "{value}");
        }
    }

    #[test]
    fn roles_have_several_shapes_and_missing_is_not_none() {
        let id = "11ec0000-0000-4000-8000-0242ac110002";
        let roles = |user: Value| HubUser::of(&json!({"user": user}), id).unwrap().roles;
        assert_eq!(roles(json!({"id": id})), None);
        assert_eq!(roles(json!({"id": id, "role": "Agent"})), Some(vec!["Agent".into()]));
        let both = json!({"id": id, "role": {"name": "Agent", "id": "r1"}, "secondaryRoleIds": ["r2"]});
        assert_eq!(roles(both), Some(vec!["Agent".into(), "r1".into(), "r2".into()]));
        assert!(HubUser::of(&json!({"user": {"id": "another"}}), id).is_none());
    }
}
