//! What a send came to, from the server's answer. What a product's own answers mean is the provider's to say.

use super::{Answer, Fault};
use crate::{
    domain::account::{Failure, FailureClass, Sent},
    secret::Secret,
};

/// What a provider makes of an answer.
pub enum Meaning {
    /// What was asked for was so before.
    AlreadySo,
    /// It was refused, and this helps.
    Refused(FailureClass, &'static str),
    /// What the code means everywhere.
    General,
}

/// What a send came to. The secret that was sent is kept out of the texts, whatever the server repeats.
pub fn sent(outcome: Result<(), Fault>, secret: Option<&Secret>, meaning: impl FnOnce(&Answer) -> Meaning) -> Sent {
    let fault = match outcome {
        Ok(()) => return Sent::Done,
        Err(fault) => withhold(fault, secret),
    };
    let Fault::Answered(answer) = &fault else {
        return match fault.may_have_acted() {
            true => Sent::Unknown(fault.failure()),
            false => Sent::NotSent(fault.failure()),
        };
    };
    match meaning(answer) {
        Meaning::AlreadySo => Sent::Done,
        _ if fault.may_have_acted() => Sent::Unknown(fault.failure()),
        Meaning::Refused(class, public) => Sent::Refused(Failure::new(class, public).detail(answer.detail())),
        Meaning::General if answer.code == 32 => Sent::Refused(gone().detail(answer.detail())),
        Meaning::General => Sent::Refused(answer.failure()),
    }
}

fn gone() -> Failure {
    Failure::new(
        FailureClass::Permanent,
        "the account is no longer there or the operator's account may not see it",
    )
}

/// A module that checks passwords may repeat them in its message.
fn withhold(fault: Fault, secret: Option<&Secret>) -> Fault {
    match (fault, secret) {
        (Fault::Answered(answer), Some(secret)) if answer.text.contains(secret.expose()) => Fault::Answered(Answer {
            text: "(withheld: the server's message repeats the password)".into(),
            ..answer
        }),
        (fault, _) => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_answered_is_in_doubt_or_not_sent() {
        for (fault, word) in [
            (Fault::Lost("timeout".into()), "Unknown"),
            (Fault::Garbled, "Unknown"),
            (Fault::NotSent("late"), "NotSent"),
            (Fault::Unreachable("refused".into()), "NotSent"),
        ] {
            assert_eq!(sent(Err(fault), None, |_| Meaning::General).as_str(), word);
        }
    }

    #[test]
    fn a_repeated_password_is_withheld() {
        let secret = Secret::new("canary-4711".into());
        let answer = Answer {
            code: 19,
            policy: None,
            text: "'canary-4711' is too simple".into(),
        };
        let sent = sent(Err(Fault::Answered(answer)), Some(&secret), |_| Meaning::General);
        assert_eq!(sent.as_str(), "Refused");
        assert!(!format!("{sent:?}").contains("canary"));
    }
}
