//! Finding exactly one account, and reading one.
//!
//! Whatever led to an account, it is read once more by its id, alone: lists lag behind, have no blocks and wrong
//! links. Okta takes an id, a login or the part of a login before `@` in one place of a path, so what comes back is
//! compared with what was asked.

use super::{
    Okta,
    account::{Surroundings, account},
    errors::Meaning,
    model::{Block, Group, Identified, User},
    refusal::Refusal,
};
use crate::{
    api::common::AccountSelector,
    directory::{Call, wanted::Wanted},
    domain::account::{AccountRead, Failure, FailureClass, ReadFailure},
};
use std::time::Duration;

/// How soon an account whose status is changing is read again.
const IN_TRANSITION: Duration = Duration::from_secs(10);
/// Several matches are as good as two.
const SEVERAL: usize = 2;

impl Okta {
    /// Finds exactly one account by what somebody named it.
    ///
    /// # Errors
    /// Where none or several match, or that cannot be told.
    pub(super) async fn find_account(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let user = match Wanted::try_from(key)? {
            Wanted::Id(id) => self.user(call, id).await?,
            Wanted::Login(login) => self.user_by_login(call, login).await?,
            Wanted::Email(email) => self.user_by_email(call, email).await?,
        };
        self.complete(call, user).await
    }

    /// Reads an account by its immutable id.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub(super) async fn read_account(&self, call: &Call, id: &str) -> Result<AccountRead, ReadFailure> {
        let user = self.user(call, id).await?;
        self.complete(call, user).await
    }

    /// Reads one user by id. Anything that is not an id is not looked up: the path would take it for a login.
    pub(super) async fn user(&self, call: &Call, id: &str) -> Result<User, ReadFailure> {
        if !is_id(id) {
            return Err(ReadFailure::NotFound);
        }
        let user = self.user_at(call, id).await?;
        if user.id == id {
            Ok(user)
        } else {
            Err(ReadFailure::NotFound)
        }
    }

    async fn user_at(&self, call: &Call, segment: &str) -> Result<User, Refusal> {
        let url = self
            .client
            .url(&["api", "v1", "users", segment], &[("expand", "blocks")]);
        self.client.get(call, "read user", url).await
    }

    async fn user_by_login(&self, call: &Call, login: &str) -> Result<User, ReadFailure> {
        let user = if is_addressable(login) {
            self.user_at(call, login).await?
        } else {
            // `filter` is up to date but heeds case; `search` does not, and may lag.
            let mut ids = self.matching(call, "filter", "profile.login", login).await?;
            if ids.is_empty() {
                ids = self.matching(call, "search", "profile.login", login).await?;
            }
            match ids.as_slice() {
                [] => return Err(ReadFailure::NotFound),
                [id] => self.user(call, id).await?,
                _ => return Err(ReadFailure::Ambiguous),
            }
        };
        if is_same(user.text("login"), login) {
            Ok(user)
        } else {
            Err(ReadFailure::NotFound)
        }
    }

    /// An address that two accounts have names neither, even where one of them is deactivated.
    async fn user_by_email(&self, call: &Call, email: &str) -> Result<User, ReadFailure> {
        let mut ids = self.matching(call, "filter", "profile.email", email).await?;
        if ids.len() >= SEVERAL {
            return Err(ReadFailure::Ambiguous);
        }
        ids.extend(self.matching(call, "search", "profile.email", email).await?);
        ids.sort_unstable();
        ids.dedup();
        let mut found = None;
        for id in ids {
            let user = match self.user(call, &id).await {
                Err(ReadFailure::NotFound) => continue,
                user => user?,
            };
            if !is_same(user.text("email"), email) {
                continue; // The search lagged behind.
            }
            if found.replace(user).is_some() {
                return Err(ReadFailure::Ambiguous);
            }
        }
        found.ok_or(ReadFailure::NotFound)
    }

    async fn matching(&self, call: &Call, by: &str, attribute: &str, value: &str) -> Result<Vec<String>, Refusal> {
        let expression = format!("{attribute} eq {}", quote(value));
        let url = self
            .client
            .url(&["api", "v1", "users"], &[(by, &expression), ("limit", "2")]);
        let users: Vec<Identified> = self.client.list(call, "find user", url, SEVERAL).await?;
        Ok(users.into_iter().map(|user| user.id).collect())
    }

    async fn complete(&self, call: &Call, user: User) -> Result<AccountRead, ReadFailure> {
        if user.transitioning_to_status.is_some() {
            let words = "the account's status is just being changed in Okta; it is read again shortly";
            return Err(Failure::new(FailureClass::Transient(Some(IN_TRANSITION)), words).into());
        }
        let (blocks, protection, groups) = tokio::join!(
            self.blocks(call, &user),
            self.protection(call, &user.id),
            self.groups(call, &user.id)
        );
        let around = Surroundings {
            blocks: blocks?,
            protection,
            groups,
        };
        Ok(account(user, around))
    }

    /// The device blocks. A right that is missing is a fact about the account; a call that failed is not.
    pub(super) async fn blocks(&self, call: &Call, user: &User) -> Result<Result<Vec<Block>, String>, Failure> {
        if let Some(blocks) = user.blocks() {
            return Ok(Ok(blocks.to_vec()));
        }
        let url = self.client.url(&["api", "v1", "users", &user.id, "blocks"], &[]);
        match self.client.get(call, "read device blocks", url).await {
            Ok(blocks) => Ok(Ok(blocks)),
            Err(refusal) if refusal.meaning == Some(Meaning::NeedsConfig) => Ok(Err(format!(
                "whether devices are blocked could not be read: {}",
                refusal.failure.public
            ))),
            Err(refusal) => Err(refusal.failure),
        }
    }

    /// The groups, all of them: Okta's do not nest.
    async fn groups(&self, call: &Call, id: &str) -> Result<Vec<String>, String> {
        if !self.read_groups {
            return Err("groups are read only where a rule uses them".into());
        }
        let url = self.client.url(&["api", "v1", "users", id, "groups"], &[]);
        let groups: Result<Vec<Group>, Refusal> = self.client.list(call, "read groups", url, usize::MAX).await;
        match groups {
            Ok(groups) => Ok(groups.into_iter().map(|group| group.profile.name).collect()),
            Err(refusal) => Err(refusal.failure.public),
        }
    }
}

/// Whether a text has the shape of an id: letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether a login can stand in a path and be taken for nothing else: not for an id, `me`, a short name or two
/// segments, in whatever way the server decodes it.
fn is_addressable(login: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-@".contains(&b);
    login.bytes().all(is_plain)
        && login
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A text within an expression, by JSON's rules.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn is_same(had: Option<&str>, asked: &str) -> bool {
    had.is_some_and(|had| had.to_lowercase() == asked.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_logins_that_can_be_taken_for_nothing_else_stand_in_a_path() {
        for login in [
            "ada@corp.example",
            "ada.byte-1_x@corp.example",
            "00u1ops0aaBBccDDee0x@x.example",
        ] {
            assert!(is_addressable(login), "{login}");
        }
        for login in [
            "ada",
            "me",
            "00u1ops0aaBBccDDee0x7",
            "corp/ada@x.example",
            "ada@x/y",
            "../me@x",
            "ada@",
            "@x",
            "a@b@c",
            "ada+x@corp.example",
            "ada%2f@x",
            "ada;x@y",
            "ädä@corp.example",
            "a b@c",
            "",
        ] {
            assert!(!is_addressable(login), "{login}");
        }
    }

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(quote(r#"x" or status eq "ACTIVE"#), r#""x\" or status eq \"ACTIVE""#);
        assert_eq!(quote("a\\\n"), r#""a\\\n""#);
    }

    #[test]
    fn names_are_compared_without_case() {
        assert!(is_same(Some("ADA@Corp.example"), "ada@corp.EXAMPLE"));
        assert!(!is_same(Some("ada"), "ada@corp.example"));
        assert!(!is_same(None, ""));
    }
}
