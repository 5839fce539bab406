//! What is promised of requests whose account has its credentials elsewhere: all is done there, once, and the account that
//! they name is read and nothing else.

use super::told::{Request, Told, message};
use crate::{
    case::Change,
    history::{Origin, Step},
};

fn routed<'s, 'a>(told: &'s Told<'a>) -> impl Iterator<Item = (&'s Request<'a>, &'a str)> {
    let requests = told.requests.iter();
    requests.filter_map(|request| Some((request, request.named?)))
}

/// Nothing is written to the account that is named, and nothing claimed.
pub fn the_named_account_is_only_read(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (request, named) in routed(told) {
        let Some(account) = told.accounts.get(named) else {
            continue;
        };
        for effect in account.effects.iter().filter(|effect| effect.by == Origin::Operator) {
            wrong.push(format!(
                "{:?} was sent to {named}, which {} only names",
                effect.step, request.name
            ));
        }
        if !account.ledgers.is_empty() {
            wrong.push(format!("{named} has a ledger, and {} only names it", request.name));
        }
    }
    wrong
}

/// Nothing takes effect twice where the credentials live, and a good ending says where it was done and for whom; not while
/// the account that is named is locked.
pub fn it_is_done_once_and_said_where(told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    for (request, named) in routed(told) {
        let mut say = |what: String| wrong.push(format!("{}: {what}", request.name));
        if let Some(account) = told.accounts.get(request.account) {
            let unlocks = account.done(Step::Unlock).count();
            if unlocks > 1 && !told.changes(Change::LockAgain) {
                say(format!("the lock was cleared {unlocks} times"));
            }
        }
        if request.outcome() != Some("Succeeded") {
            continue;
        }
        let status = request.last();
        for (field, directory, id) in [("account", "openldap", request.account), ("named", "routed", named)] {
            if status[field]["directory"] != directory || status[field]["id"] != id {
                say(format!(
                    "it ended well, and its {field} is {} and not {id}",
                    status[field]
                ));
            }
        }
        if told.accounts.get(named).is_some_and(|account| account.locked) {
            say(format!("it ended well ({}), and {named} is locked", message(status)));
        }
    }
    wrong
}
