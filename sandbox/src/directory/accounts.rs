//! An in-memory account store with look-up by immutable id and by login, in order of creation.
//!
//! Changes go through [`Accounts::replace`], which keeps the login index true; there is no mutable access to a stored
//! account, so that whoever changes one has both states at hand for the truth log.

use std::collections::HashMap;
use std::sync::Arc;

/// What the store needs to know about an account.
pub trait Keyed: Clone {
    /// Immutable identifier.
    fn id(&self) -> &str;
    /// Sign-in name, unique without regard to case.
    fn login(&self) -> &str;
}

/// An account that is handed out without a copy.
impl<A: Keyed> Keyed for Arc<A> {
    fn id(&self) -> &str {
        A::id(self)
    }

    fn login(&self) -> &str {
        A::login(self)
    }
}

/// Accounts in order of creation.
#[derive(Debug, Clone)]
pub struct Accounts<A> {
    rows: Vec<A>,
    by_id: HashMap<String, usize>,
    by_login: HashMap<String, usize>,
}

impl<A> Default for Accounts<A> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            by_id: HashMap::new(),
            by_login: HashMap::new(),
        }
    }
}

impl<A: Keyed> Accounts<A> {
    /// Adds an account; answers whether its id and login were free.
    pub fn insert(&mut self, account: A) -> bool {
        let login = account.login().to_lowercase();
        if self.by_id.contains_key(account.id()) || self.by_login.contains_key(&login) {
            return false;
        }
        self.by_id.insert(account.id().to_owned(), self.rows.len());
        self.by_login.insert(login, self.rows.len());
        self.rows.push(account);
        true
    }

    /// Stores a changed account in the place of the one with the same id and returns the former state.
    pub fn replace(&mut self, account: A) -> Option<A> {
        let row = *self.by_id.get(account.id())?;
        let (former, login) = (self.rows[row].login().to_lowercase(), account.login().to_lowercase());
        if former != login {
            self.by_login.remove(&former);
            self.by_login.insert(login, row);
        }
        Some(std::mem::replace(&mut self.rows[row], account))
    }

    /// Finds an account by immutable id.
    pub fn by_id(&self, id: &str) -> Option<&A> {
        self.by_id.get(id).map(|row| &self.rows[*row])
    }

    /// Finds an account by login, without regard to case.
    pub fn by_login(&self, login: &str) -> Option<&A> {
        self.by_login.get(&login.to_lowercase()).map(|row| &self.rows[*row])
    }

    /// All accounts in order of creation.
    pub fn all(&self) -> &[A] {
        &self.rows
    }
}
