//! Which accounts are protected: holders of an administrator's role, and the operator's own user. And who is in which
//! group.
//!
//! Rights on rows come after limit and count, so that a caller who may not read roles sees an empty list: an empty list
//! proves nothing unless the count says so too.

use super::{ServiceNow, find::Found, query};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, Protection},
};
use std::sync::OnceLock;

/// More roles or groups than this are not read.
const MOST: &str = "1000";
/// How far up groups are followed.
const GROUP_NAMES: [&str; 4] = [
    "group.name",
    "group.parent.name",
    "group.parent.parent.name",
    "group.parent.parent.parent.name",
];

/// What is remembered about the operator's own user: its sys_id and its User ID.
#[derive(Default)]
pub(super) struct Own(OnceLock<(String, String)>);

impl Own {
    /// The User ID, once it was read.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.get().map(|(_, name)| name.as_str())
    }
}

impl ServiceNow {
    /// The sys_id of the operator's own user.
    ///
    /// # Errors
    /// `NeedsConfig` where the instance does not tell.
    pub(super) async fn own_id(&self, call: &Call) -> Result<&str, Failure> {
        if let Some((own, _)) = self.own.0.get() {
            return Ok(own);
        }
        // The instance itself puts the caller in; this text is ours, nothing from outside goes into it.
        let mut conditions = vec!["sys_id=javascript:gs.getUserID()".to_owned()];
        if let Some(username) = &self.spec.username {
            conditions.push(query::equals("user_name", username)?);
        }
        for condition in conditions {
            let query = [
                ("sysparm_query", condition.as_str()),
                ("sysparm_fields", "sys_id,user_name"),
                ("sysparm_limit", "2"),
            ];
            let found = self.list(call, "read own user", "sys_user", &query).await;
            let found = found.map_err(|refusal| refusal.failure)?;
            if let [own] = found.records.as_slice()
                && let Some(id) = own.value("sys_id").filter(|id| query::is_sys_id(id))
                && let Some(name) = own.value("user_name").filter(|name| self.may_be_own(name))
            {
                let own = || (id.to_owned(), name.to_owned());
                return Ok(&self.own.0.get_or_init(own).0);
            }
        }
        let words = "ServiceNow does not show the operator's own user; give it the role user_admin and, for an OAuth client, set \
                     an OAuth Application User";
        Err(Failure::new(FailureClass::NeedsConfig, words))
    }

    fn may_be_own(&self, name: &str) -> bool {
        let configured = self.spec.username.as_deref();
        configured.is_none_or(|username| name.eq_ignore_ascii_case(username))
    }

    /// Whether this account is protected. A look-up that fails, or shows less than there is, counts as protected.
    pub(super) async fn protection(&self, call: &Call, id: &str) -> Protection {
        match self.own_id(call).await {
            Ok(own) if own == id => return Protection::Protected("the operator itself uses this account".into()),
            Ok(_) => {}
            Err(failure) => return Protection::Unknown(format!("the operator's own account: {}", failure.private)),
        }
        match self.roles(call, id).await {
            Ok(roles) => {
                let listed = |role: &&String| self.spec.administrator_roles.contains(role);
                let held: Vec<&str> = roles.iter().filter(listed).map(String::as_str).collect();
                match held.as_slice() {
                    [] => Protection::None,
                    held => Protection::Protected(format!("holds {} in ServiceNow", held.join(", "))),
                }
            }
            Err(failure) => Protection::Unknown(format!("roles: {}", failure.private)),
        }
    }

    /// Names of the roles that a user holds, inherited ones included.
    ///
    /// # Errors
    /// Where they cannot be read, or not all of them.
    pub async fn roles(&self, call: &Call, user: &str) -> Result<Vec<String>, Failure> {
        let found = self
            .of_user(call, "read roles", "sys_user_has_role", user, "sys_id,user,role.name")
            .await?;
        let names = found
            .records
            .iter()
            .map(|row| row.value("role.name").map(str::to_owned));
        names.collect::<Option<Vec<_>>>().ok_or_else(|| {
            let words = "ServiceNow does not show the names of roles; grant the operator's user the right to read sys_user_role";
            Failure::new(FailureClass::NeedsConfig, words)
        })
    }

    /// Whether other people's roles may be looked up at all. Everybody sees their own.
    ///
    /// # Errors
    /// `NeedsConfig` naming the right where they may not; else why the look-up failed.
    pub(super) async fn probe_roles(&self, call: &Call, own: &str) -> Result<(), Failure> {
        let words = "the operator's user may not look up roles, so nobody could be protected; grant it the right to read \
                     sys_user_has_role";
        let denied = || Failure::new(FailureClass::NeedsConfig, words);
        if self
            .roles(call, own)
            .await
            .map_err(|failure| denied().detail(failure.private))?
            .is_empty()
        {
            return Err(denied());
        }
        let others = format!("user!={own}");
        let query = [
            ("sysparm_query", others.as_str()),
            ("sysparm_fields", "sys_id,user"),
            ("sysparm_limit", "1"),
        ];
        let found = self.list(call, "probe roles", "sys_user_has_role", &query).await;
        let found = found.map_err(|refusal| refusal.failure)?;
        match found.records.is_empty() {
            true => Err(denied()),
            false => Ok(()),
        }
    }

    /// Names of the groups that a user is in, and of those above them; or why they are not known completely.
    pub(super) async fn groups(&self, call: &Call, user: &str) -> Result<Vec<String>, String> {
        if !self.read_groups {
            return Err("groups are read only where a rule uses them".into());
        }
        let fields = format!("sys_id,user,{}", GROUP_NAMES.join(","));
        let found = self
            .of_user(call, "read groups", "sys_user_grmember", user, &fields)
            .await;
        let found = found.map_err(|failure| failure.public)?;
        let mut names = Vec::new();
        for row in &found.records {
            if row.value(GROUP_NAMES[0]).is_none_or(str::is_empty) {
                return Err("ServiceNow does not show the names of groups".into());
            }
            if row.value(GROUP_NAMES[3]).is_some_and(|name| !name.is_empty()) {
                return Err("groups are nested deeper than is read".into());
            }
            let above = GROUP_NAMES.iter().filter_map(|path| row.value(path));
            names.extend(above.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The rows of a table that belong to a user, all of them.
    async fn of_user(
        &self,
        call: &Call,
        operation: &'static str,
        table: &str,
        user: &str,
        fields: &str,
    ) -> Result<Found, Failure> {
        let condition = query::equals("user", user)?;
        let query = [
            ("sysparm_query", condition.as_str()),
            ("sysparm_fields", fields),
            ("sysparm_limit", MOST),
        ];
        let found = self.list(call, operation, table, &query).await;
        let found = found.map_err(|refusal| refusal.failure)?;
        let others = found.records.iter().any(|row| row.value("user") != Some(user));
        if found.is_partial() || others {
            let words = format!(
                "{operation}: ServiceNow does not show all of {table}; grant the operator's user the right to read it"
            );
            return Err(Failure::new(FailureClass::NeedsConfig, words));
        }
        Ok(found)
    }
}
