//! Agents and users as the APIs show them.

use serde_json::{Map, Value, json};

use super::quirks::Quirk;
use super::tenant::{Agent, Cxone};

/// In which answer an agent is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    List,
    Single,
}

impl Cxone {
    /// An agent as the Admin API shows it. `fields`, comma-separated, bounds what is shown.
    pub(super) fn shape(&self, agent: &Agent, place: Place, fields: Option<&str>) -> Value {
        let id = match self.has(Quirk::AgentIdAsText) {
            true => json!(agent.agent_id.to_string()),
            false => json!(agent.agent_id),
        };
        let user_id = match self.has(Quirk::UserIdSpelling) {
            true => "userId",
            false => "userID",
        };
        let mut shape = Map::new();
        for (field, value) in [
            ("agentId", id),
            (user_id, json!(agent.user_id)),
            ("userName", json!(agent.user_name)),
            ("firstName", json!(agent.first_name)),
            ("lastName", json!(agent.last_name)),
            ("emailAddress", json!(agent.email)),
            ("isActive", json!(agent.active)),
            ("lastLogin", json!(agent.last_login)),
            ("lastUpdated", json!(agent.last_updated)),
            ("teamId", json!(1)),
            ("teamName", json!("DefaultTeam")),
            ("profileId", json!(1)),
            ("LoginAuthenticatorId", json!(agent.authenticator)),
            ("federatedId", json!("")),
            ("issuer", json!(agent.issuer)),
        ] {
            shape.insert(field.to_owned(), value);
        }
        let hides = self.has(Quirk::LockedMissing) || (place == Place::Single && self.has(Quirk::LockedInListOnly));
        if !hides {
            shape.insert("locked".into(), json!(agent.locked));
        }
        if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
            let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
            shape.retain(|field, _| wanted.iter().any(|name| name.eq_ignore_ascii_case(field)));
        }
        Value::Object(shape)
    }

    /// A user as UserHub shows it.
    pub(super) fn hub_shape(&self, agent: &Agent) -> Value {
        let mut user = json!({
            "id": agent.user_id, "userName": agent.user_name, "status": agent.status, "emailAddress": agent.email,
            "firstName": agent.first_name, "lastName": agent.last_name, "role": agent.role,
            "acdInfos": [{"loginId": agent.agent_id.to_string()}], "loginAuthenticatorId": agent.authenticator,
        });
        if self.has(Quirk::RoleMissing)
            && let Some(members) = user.as_object_mut()
        {
            members.remove("role");
        }
        json!({"user": user})
    }
}
