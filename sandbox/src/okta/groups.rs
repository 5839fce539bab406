//! Groups of a user, administrator roles and the list of role holders.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::ApiResult;
use super::org::{Context, Okta};
use super::user::AdminRole;
use super::users::{cursor, page_size, with_links};
use crate::clock::iso;
use crate::directory::stable_id;
use crate::exchange::{Call, Reply};

/// Role holders on a page of the assignees list.
const ASSIGNEES_PAGE: usize = 100;

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) created: Timestamp,
}

impl Okta {
    /// Makes sure that a group exists.
    pub fn ensure_group(&mut self, name: &str, now: Timestamp) {
        self.groups.entry(name.to_owned()).or_insert_with(|| Group {
            name: name.to_owned(),
            created: now,
        });
    }

    pub(super) fn get_groups(&self, call: &Call, context: &mut Context, key: &str) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        let (start, limit) = (cursor(call)?, page_size(call, 200)?);
        let held: Vec<&Group> = user.groups.iter().filter_map(|name| self.groups.get(name)).collect();
        let shapes: Value = held
            .iter()
            .skip(start)
            .take(limit)
            .map(|group| self.group(group, &call.base))
            .collect();
        let next = (start + limit < held.len()).then(|| (start + limit).to_string());
        Ok(with_links(Reply::json(StatusCode::OK, &shapes), call, next.as_deref()))
    }

    fn group(&self, group: &Group, base: &str) -> Value {
        let id = stable_id("00g", &format!("{}/{}", self.org_id, group.name), 20);
        json!({
            "id": id,
            "created": iso(group.created),
            "lastUpdated": iso(group.created),
            "lastMembershipUpdated": iso(group.created),
            "objectClass": ["okta:user_group"],
            "type": "OKTA_GROUP",
            "profile": {"name": group.name},
            "_links": {"users": {"href": format!("{base}/api/v1/groups/{id}/users")}},
        })
    }

    pub(super) fn get_roles(&self, call: &Call, context: &mut Context, key: &str) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        let shapes: Value = user
            .roles
            .iter()
            .map(|role| role_shape(role, &user.id, &call.base, user.created))
            .collect();
        Ok(Reply::json(StatusCode::OK, &shapes))
    }

    pub(super) fn list_assignees(&self, call: &Call) -> ApiResult<Reply> {
        let (start, limit) = (cursor(call)?, page_size(call, ASSIGNEES_PAGE)?);
        let holders: Vec<_> = self.users.all().iter().filter(|user| !user.roles.is_empty()).collect();
        let value: Vec<Value> = holders
            .iter()
            .skip(start)
            .take(limit)
            .map(|user| {
                let own = format!("{}/api/v1/users/{}", call.base, user.id);
                json!({
                    "id": user.id,
                    "orn": format!("orn:okta:directory:{}:users:{}", self.org_id, user.id),
                    "_links": {"self": {"href": own}, "roles": {"href": format!("{own}/roles")}},
                })
            })
            .collect();
        let mut shape = json!({"value": value});
        if start + limit < holders.len() {
            let after = data_encoding::BASE64URL_NOPAD.encode((start + limit).to_string().as_bytes());
            let next = format!("{}{}?after={after}&limit={limit}", call.base, call.path);
            shape["_links"] = json!({"next": {"href": next}});
        }
        Ok(Reply::json(StatusCode::OK, &shape))
    }

    pub(super) fn well_known(&self, call: &Call) -> Reply {
        let shape = json!({
            "id": self.org_id,
            "pipeline": "idx",
            "settings": {
                "analyticsCollectionEnabled": false,
                "bugReportingEnabled": false,
                "omEnabled": false,
            },
            "_links": {"organization": {"href": call.base}},
        });
        Reply::json(StatusCode::OK, &shape)
    }
}

fn role_shape(role: &AdminRole, user: &str, base: &str, since: Timestamp) -> Value {
    let id = stable_id("ra1", &format!("{user}/{}", role.kind), 20);
    let label = role.kind.split('_').map(capital).collect::<Vec<_>>().join(" ");
    json!({
        "id": id,
        "label": label,
        "type": role.kind,
        "status": "ACTIVE",
        "created": iso(since),
        "lastUpdated": iso(since),
        "assignmentType": if role.through_group { "GROUP" } else { "USER" },
        "_links": {"self": {"href": format!("{base}/api/v1/users/{user}/roles/{id}")}},
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .chain(letters.flat_map(char::to_lowercase))
        .collect()
}
