//! Reading agents: the list, the search by ids, one agent, and what the API says of itself.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::errors::{ApiError, ApiResult};
use super::quirks::Quirk;
use super::shapes::Place;
use super::tenant::{Agent, Context, Cxone};
use crate::exchange::{Call, Reply};

impl Cxone {
    /// `GET agents`.
    pub(super) fn list(&self, call: &Call, context: &Context) -> Reply {
        let search = call.parameter("searchString").unwrap_or_default().to_lowercase();
        let flag = |name: &str| call.parameter(name).and_then(|text| text.parse::<bool>().ok());
        let (locked, active) = (flag("isLocked"), flag("isActive"));
        let heeds_lock = !self.has(Quirk::LockFilterIgnored);
        let matches = |agent: &&Agent| {
            (search.is_empty() || self.is_found(agent, &search))
                && locked.is_none_or(|locked| !heeds_lock || agent.locked == locked)
                && active.is_none_or(|active| agent.active == active)
        };
        let all: Vec<&Agent> = self.agents.iter().filter(matches).collect();
        let (hidden, seen): (Vec<&Agent>, Vec<&Agent>) = all.into_iter().partition(|agent| self.is_hidden(agent));
        let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let most = if self.has(Quirk::SmallPages) {
            2
        } else {
            self.settings.page
        };
        let (skip, top) = (number("skip").unwrap_or(0), number("top").unwrap_or(50).min(most));
        let fields = call.parameter("fields");
        let rows: Vec<Value> = seen
            .iter()
            .skip(skip)
            .take(top)
            .map(|agent| self.shape(agent, Place::List, fields.as_deref()))
            .collect();
        if rows.is_empty() && self.has(Quirk::EmptyList204) {
            return Reply::empty(StatusCode::NO_CONTENT);
        }
        let mut links = json!({"self": format!("agents?skip={skip}")});
        if skip + rows.len() < seen.len() {
            let next = skip + rows.len();
            links["next"] = match self.has(Quirk::ForeignNextPage) {
                true => json!(format!("https://elsewhere.example/agents?skip={next}")),
                false => json!(format!("agents?skip={next}&top={top}")),
            };
        }
        let mut body = json!({
            "businessUnitId": 4_599_001, "totalRecords": seen.len(), "hiddenAgents": hidden.len(),
            "lastPollTime": context.now, "_links": links, "agents": rows,
        });
        if self.has(Quirk::TotalMissing)
            && let Some(members) = body.as_object_mut()
        {
            members.remove("totalRecords");
        }
        if self.has(Quirk::ErrorBesideRows) {
            body["error"] = json!("timeout");
        }
        Reply::json(StatusCode::OK, &body)
    }

    fn is_found(&self, agent: &Agent, search: &str) -> bool {
        let texts = [&agent.user_name, &agent.email, &agent.first_name, &agent.last_name];
        match self.has(Quirk::SearchMatchesParts) {
            true => texts.iter().any(|text| text.to_lowercase().contains(search)),
            false => agent.user_name.to_lowercase() == search || agent.email.to_lowercase() == search,
        }
    }

    /// `POST agents/search`: an array of arrays.
    pub(super) fn search(&self, call: &Call) -> ApiResult<Reply> {
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|_| ApiError::admin(StatusCode::BAD_REQUEST, "invalid_request", "The body is no JSON"))?;
        let ids: Vec<String> = body["agentIds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            .collect();
        let matches = |agent: &&Agent| {
            (ids.is_empty() || ids.contains(&agent.agent_id.to_string()))
                && body["isLocked"].as_bool().is_none_or(|locked| agent.locked == locked)
                && body["isActive"].as_bool().is_none_or(|active| agent.active == active)
        };
        let all: Vec<&Agent> = self.agents.iter().filter(matches).collect();
        let (hidden, seen): (Vec<&Agent>, Vec<&Agent>) = all.into_iter().partition(|agent| self.is_hidden(agent));
        let rows: Vec<Value> = seen
            .iter()
            .map(|agent| self.shape(agent, Place::List, body["fields"].as_str()))
            .collect();
        let body = json!({
            "totalRecords": seen.len(), "errorCount": 0, "hiddenAgents": hidden.len(), "agentResults": [rows],
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `GET agents/{agentId or userId}`.
    pub(super) fn read(&self, call: &Call, context: &mut Context, id: &str) -> ApiResult<Reply> {
        let agent = self.seen(id)?;
        context.effects.account = Some(agent.agent_id.to_string());
        let fields = call.parameter("fields");
        let shape = self.shape(agent, Place::Single, fields.as_deref());
        Ok(Reply::json(StatusCode::OK, &json!({"agents": [shape]})))
    }

    /// An agent that the caller may see, by number or UUID.
    pub(super) fn seen(&self, id: &str) -> ApiResult<&Agent> {
        let found = self.agent(id).filter(|agent| !agent.user_name.eq_ignore_ascii_case(id));
        found
            .filter(|agent| !self.is_hidden(agent))
            .ok_or_else(|| ApiError::admin(StatusCode::NOT_FOUND, "not_found", "Agent not found"))
    }

    /// `GET apiversion`.
    pub(super) fn versions(&self, call: &Call) -> ApiResult<Reply> {
        if self.has(Quirk::VersionsForbidden) {
            return Err(ApiError::admin(StatusCode::FORBIDDEN, "forbidden", "Permission denied"));
        }
        let wanted = call.parameter("searchUriText").unwrap_or_default().to_lowercase();
        let mut calls = vec![
            ("agents", "GET"),
            ("agents/{agentId}", "PUT"),
            ("agents/{agentId}/reset-password", "PUT"),
        ];
        if self.has(Quirk::UnlockListed) {
            calls.push(("agents/{agentId}/unlock", "PUT"));
        }
        let found = calls.into_iter().filter(|(uri, _)| uri.contains(&wanted));
        let infos: Vec<Value> = found
            .map(|(uri, verb)| json!({"uri": format!("services/{{version}}/{uri}"), "version": "v34.0", "verb": verb}))
            .collect();
        Ok(Reply::json(StatusCode::OK, &json!({"apiInfo": infos})))
    }

    /// `GET business-unit`.
    pub(super) fn business_unit(&self) -> Reply {
        let unit = json!({"businessUnitId": 4_599_001, "tenantId": self.tenant_id});
        Reply::json(StatusCode::OK, &json!({"businessUnits": [unit]}))
    }
}
