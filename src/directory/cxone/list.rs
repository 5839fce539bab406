//! Lists of agents, the only place that shows locks. Pages go by offset: the address of the next page that an answer
//! proposes is not followed, since it may lead elsewhere.

use super::{
    Cxone,
    client::{Api, Ask, Refusal},
    model::{Agent, Page},
};
use crate::{
    directory::{Call, LockedPage},
    domain::account::{Failure, FailureClass, Protection, ReadFailure},
};
use reqwest::Method;

/// So many are asked for at once; a tenant may give fewer.
const TOP: &str = "100";
/// What is read of an agent.
pub(super) const FIELDS: &str = "agentId,userId,userName,emailAddress,firstName,lastName,isActive,locked,lastLogin,\
    lastUpdated,teamId,teamName,profileId,LoginAuthenticatorId,federatedId,issuer";

/// Agents that a search found.
pub(super) struct Found {
    pub(super) agents: Vec<Agent>,
    /// How many more the operator's role hides.
    pub(super) hidden: u64,
    /// Whether these are all.
    pub(super) complete: bool,
}

impl Cxone {
    /// One page of agents, from this offset, and the offset of the next one.
    pub(super) async fn page(
        &self,
        call: &Call,
        operation: &'static str,
        filter: &[(&str, &str)],
        skip: usize,
    ) -> Result<(Page, Option<usize>), Refusal> {
        let from = skip.to_string();
        let mut query = filter.to_vec();
        query.extend([
            ("fields", FIELDS),
            ("orderBy", "agentId"),
            ("top", TOP),
            ("skip", &from),
        ]);
        let ask = Ask {
            operation,
            api: Api::Admin,
            method: Method::GET,
            path: &["agents"],
            query: &query,
            secret: None,
        };
        let reply = self.client.ask(call, ask).await.map_err(Refusal::of_a_list)?;
        let page = Page::of(&reply.body).ok_or_else(|| Refusal::not_understood(operation))?;
        let reached = skip + page.agents.len();
        // Without a total only an empty page is known to be the last.
        let more = !page.agents.is_empty() && page.total.is_none_or(|total| reached < total);
        Ok((page, more.then_some(reached)))
    }

    /// What a search finds, so many pages at most.
    pub(super) async fn search(
        &self,
        call: &Call,
        operation: &'static str,
        filter: &[(&str, &str)],
        pages: usize,
    ) -> Result<Found, Refusal> {
        let mut found = Found {
            agents: Vec::new(),
            hidden: 0,
            complete: false,
        };
        let mut next = Some(0);
        for _ in 0..pages {
            let Some(skip) = next else { break };
            let (page, more) = self.page(call, operation, filter, skip).await?;
            // While others come and go, a row can move to the next page and come twice.
            let new = |agent: &Agent| found.agents.iter().all(|known| known.id() != agent.id());
            let fresh: Vec<Agent> = page.agents.into_iter().filter(new).collect();
            found.agents.extend(fresh);
            found.hidden = found.hidden.max(page.hidden);
            next = more;
        }
        found.complete = next.is_none();
        Ok(found)
    }

    /// A page of the agents that are locked and active. While people get locked and unlocked a page may miss one: the next
    /// list has it.
    pub(super) async fn list_locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        let skip = page.map_or(Ok(0), str::parse).map_err(|_| {
            let words = "a page of locked agents begins at a number";
            Failure::new(FailureClass::Permanent, words)
        })?;
        let (page, next) = self.page(call, "list locked agents", LOCKED, skip).await?;
        let unread = || Protection::Unknown("not looked up in a list".into());
        let mut accounts: Vec<_> = page
            .agents
            .iter()
            .filter(|agent| is_locked(agent))
            .filter_map(|agent| self.account(agent, Ok(()), None, unread()))
            .collect();
        accounts.sort_by(|a, b| a.id.cmp(&b.id));
        if page.hidden > 0 {
            tracing::warn!(
                hidden = page.hidden,
                "CXone hides locked agents from the operator's user: the list is not whole; grant its role the right to see \
                 every team"
            );
        }
        Ok(LockedPage {
            accounts,
            next: next.map(|next| next.to_string()),
        })
    }
}

/// The filter of locked agents.
pub(super) const LOCKED: &[(&str, &str)] = &[("isLocked", "true"), ("isActive", "true")];

/// Whether a row of that list is meant: a filter that was not heeded must show nobody as locked.
pub(super) fn is_locked(agent: &Agent) -> bool {
    agent.flag("locked") == Some(true) && agent.flag("isActive") != Some(false)
}
