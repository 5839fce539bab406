//! Where an account's credentials live, by the sources of its Directory, and whether the account that is found there is
//! the same one. Pure; what follows from it stands in `routed`.

use crate::{
    api::{
        common::AccountSelector,
        directory::{AccountSource, SourceAccount},
    },
    domain::{
        account::AccountRead,
        cel::{CompileError, Expression, Input, Told, Verdict},
        guid,
        observed::DirectoryView,
        request::Request,
    },
};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A source of a Directory, compiled.
#[derive(Clone, Debug)]
pub struct Source {
    when: Arc<Expression>,
    directory: String,
    login: Option<Arc<Expression>>,
    id: Option<Arc<Expression>>,
    email: Option<Arc<Expression>>,
    /// Attributes of the account there, and what gives their values.
    confirm: Vec<(String, Arc<Expression>)>,
}

/// The account of another Directory to which an account leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// That Directory.
    pub directory: String,
    /// How the account is found there.
    pub key: AccountSelector,
    /// What its attributes must be.
    pub confirm: Vec<(String, String)>,
}

/// Where an account leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Its credentials live in its own Directory, as far as the sources say.
    Stays,
    /// They live there.
    To(Route),
    /// They live in this Directory, and the account lacks what leads to them.
    Lost(String, String),
    /// That could not be found out.
    Unknown(String),
}

/// Whether the account that was found is the one that was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is.
    Confirmed,
    /// Nothing says so; the reason names no value.
    Unconfirmed(String),
    /// An attribute that tells could not be read.
    Unreadable(String),
}

impl Source {
    /// Compiles one source.
    ///
    /// # Errors
    /// Which of its expressions does not compile, or gives something else than it must, and where.
    pub fn compile(source: &AccountSource) -> Result<Self, String> {
        let SourceAccount { login, id, email } = &source.account;
        let text = |field: String, expression: &str| {
            let compiled = Expression::compile_text(expression);
            compiled.map(Arc::new).map_err(|error| wrong(&field, &error))
        };
        let key = |name: &str, expression: &Option<String>| {
            let compiled = expression
                .as_deref()
                .map(|source| text(format!("account.{name}"), source));
            compiled.transpose()
        };
        let confirm = source.confirm.iter().map(|(name, expression)| {
            let compiled = text(format!("confirm.{name}"), &expression.0)?;
            Ok((name.clone(), compiled))
        });
        Ok(Source {
            when: Expression::compile(&source.when)
                .map(Arc::new)
                .map_err(|error| wrong("when", &error))?,
            directory: source.directory.clone(),
            login: key("login", login)?,
            id: key("id", id)?,
            email: key("email", email)?,
            confirm: confirm.collect::<Result<_, String>>()?,
        })
    }

    /// The Directory that it leads to.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Whether the account's groups must be known to evaluate it.
    pub fn uses_groups(&self) -> bool {
        let keys = [&self.login, &self.id, &self.email].into_iter().flatten();
        let confirm = self.confirm.iter().map(|(_, expression)| expression);
        std::iter::once(&self.when)
            .chain(keys)
            .chain(confirm)
            .any(|expression| expression.uses_groups())
    }

    /// The route of an account that is one of these.
    fn route(&self, input: &Input) -> Result<Route, Lead> {
        let text = |expression: &Arc<Expression>| match expression.tell(input) {
            Told::Text(text) => Ok(text),
            Told::Missing(name) => {
                let why = format!("{name} is not set, which leads to directory {}", self.directory);
                Err(Lead::Lost(self.directory.clone(), why))
            }
            Told::Error(why) => Err(Lead::Unknown(why)),
        };
        let key = |expression: &Option<Arc<Expression>>| expression.as_ref().map(text).transpose();
        let confirm = self.confirm.iter();
        Ok(Route {
            directory: self.directory.clone(),
            key: AccountSelector {
                login: key(&self.login)?,
                id: key(&self.id)?,
                email: key(&self.email)?,
            },
            confirm: confirm
                .map(|(name, expression)| Ok((name.clone(), text(expression)?)))
                .collect::<Result<_, Lead>>()?,
        })
    }
}

fn wrong(field: &str, error: &CompileError) -> String {
    format!("{field}: {error}")
}

/// Where this account of the Directory leads: the first source whose `when` is true says it.
pub fn lead(now: Timestamp, request: &Request, directory: &DirectoryView, account: &AccountRead) -> Lead {
    if directory.sources.is_empty() {
        return Lead::Stays;
    }
    let input = Input::new(
        &request.facts(),
        &request.requester,
        Some((&directory.name, account)),
        now,
    );
    for source in directory.sources.iter() {
        match source.when.evaluate(&input) {
            Verdict::True => return source.route(&input).map_or_else(|lead| lead, Lead::To),
            // An account without the attribute is none of that source.
            Verdict::False | Verdict::Missing(_) => {}
            Verdict::Error(why) => return Lead::Unknown(why),
        }
    }
    Lead::Stays
}

impl Route {
    /// Whether this account, found by the key, is the one that was meant. All attributes must agree.
    pub fn confirms(&self, account: &AccountRead) -> Match {
        if self.confirm.is_empty() {
            return Match::Unconfirmed("the source names no attribute that confirms it".into());
        }
        for (name, wanted) in &self.confirm {
            match attribute(account, name) {
                Attribute::Unreadable => return Match::Unreadable(format!("its attribute {name} could not be read")),
                Attribute::Absent => return Match::Unconfirmed(format!("its attribute {name} is not set")),
                Attribute::Text(text) if is_same(wanted, &text) => {}
                Attribute::Text(_) => return Match::Unconfirmed(format!("its attribute {name} differs")),
                Attribute::Other => return Match::Unconfirmed(format!("its attribute {name} is not one text")),
            }
        }
        Match::Confirmed
    }
}

enum Attribute {
    Text(String),
    Absent,
    Unreadable,
    /// Several values confirm nothing: whoever may add one could add the right one.
    Other,
}

/// An attribute by name: `id`, or one of the profile, whose names LDAP compares without regard to case (RFC 4512, 2.5).
fn attribute(account: &AccountRead, name: &str) -> Attribute {
    if name == "id" {
        return Attribute::Text(account.id.clone());
    }
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let value = account.profile.get(name).or_else(|| {
        let mut values = account.profile.iter().filter(|(other, _)| same(other));
        values.next().map(|(_, value)| value)
    });
    match value {
        Some(Value::String(text)) if !text.is_empty() => Attribute::Text(text.clone()),
        Some(Value::Number(number)) => Attribute::Text(number.to_string()),
        Some(Value::Array(_) | Value::Object(_) | Value::Bool(_)) => Attribute::Other,
        Some(Value::String(_) | Value::Null) => Attribute::Absent,
        None if account.unreadable.iter().any(|other| same(other)) => Attribute::Unreadable,
        None => Attribute::Absent,
    }
}

/// Whether two texts mean the same: the same letters, or the same GUID.
fn is_same(wanted: &str, there: &str) -> bool {
    wanted == there || guid::canonical(there).is_some_and(|guid| guid::readings(wanted).contains(&guid))
}

#[cfg(test)]
mod tests;
