//! What can go wrong with an LDAP request, and what each result code asks for (RFC 4511, appendix A.2).

use super::ppolicy::PolicyError;
use crate::domain::account::{Failure, FailureClass};
use ldap3::LdapError;

/// Why a request did not succeed.
#[derive(Clone, Debug)]
pub enum Fault {
    /// No connection: nothing was sent.
    Unreachable(String),
    /// The server hung up while TLS was being set up, as one does that expects plain LDAP: nothing was sent.
    HungUp(String),
    /// The server is not what the settings say it is, for example its certificate is not trusted: nothing was sent.
    Untrusted {
        /// For the requester.
        public: &'static str,
        /// For the log.
        detail: String,
    },
    /// The call's deadline has passed, or the connection had ended before: nothing was sent.
    NotSent(&'static str),
    /// It was sent and no answer came.
    Lost(String),
    /// The answer made no sense.
    Garbled,
    /// The server answered that it did not do it.
    Answered(Answer),
}

/// A result other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The result code.
    pub code: u32,
    /// The server's diagnostic message.
    pub text: String,
    /// What the password policy control said.
    pub policy: Option<PolicyError>,
}

impl Fault {
    /// Whether the server may have acted on it.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Fault::Unreachable(_) | Fault::HungUp(_) | Fault::Untrusted { .. } | Fault::NotSent(_) => false,
            Fault::Lost(_) | Fault::Garbled => true,
            Fault::Answered(answer) => answer.leaves_doubt(),
        }
    }

    /// The result code, where the server answered.
    pub fn code(&self) -> Option<u32> {
        match self {
            Fault::Answered(answer) => Some(answer.code),
            _ => None,
        }
    }

    /// What to do about it, in general. Providers give a closer text where they know what was tried.
    pub fn failure(&self) -> Failure {
        let retry = FailureClass::Transient(None);
        match self {
            Fault::Unreachable(detail) => {
                Failure::new(retry, "the LDAP server cannot be reached; this is tried again").detail(detail)
            }
            Fault::HungUp(detail) => Failure::new(
                retry,
                "the LDAP server hung up before the connection was encrypted; check that the URL's port speaks TLS",
            )
            .detail(detail),
            Fault::Untrusted { public, detail } => Failure::new(FailureClass::NeedsConfig, *public).detail(detail),
            Fault::NotSent(why) => {
                Failure::new(retry, "there was no time left to send this; it is tried again").detail(*why)
            }
            Fault::Lost(detail) => Failure::new(retry, "the LDAP server did not answer").detail(detail),
            Fault::Garbled => Failure::new(FailureClass::Unknown, "the LDAP server's answer was not understood"),
            Fault::Answered(answer) => answer.failure(),
        }
    }
}

impl Answer {
    /// Whether the code leaves open if the server acted: a server that hands a write on to another (chaining) answers
    /// so when it lost that one.
    pub fn leaves_doubt(&self) -> bool {
        matches!(self.code, 1 | 3 | 52 | 80 | 88)
    }

    /// What to do about it, in general.
    pub fn failure(&self) -> Failure {
        let (class, public) = match self.code {
            3 => (
                retry(),
                "the LDAP server ran into a time limit; an index on the searched attribute may be missing",
            ),
            4 | 11 => (
                FailureClass::NeedsConfig,
                "the LDAP server's limits are too low for this search; index the searched attributes or raise the operator's limits",
            ),
            8 | 13 => (
                FailureClass::NeedsConfig,
                "the LDAP server asks for a protected connection; use ldaps://",
            ),
            10 => (
                FailureClass::NeedsConfig,
                "this LDAP server refers to another one for that; set url to the server that takes writes",
            ),
            17 => (
                FailureClass::NeedsConfig,
                "the LDAP server does not know the password policy attributes; load the ppolicy overlay",
            ),
            32 => (
                FailureClass::NeedsConfig,
                "an entry does not exist or the operator may not see it",
            ),
            34 => (
                FailureClass::NeedsConfig,
                "a DN in the Directory's settings is not well-formed",
            ),
            50 => (
                FailureClass::NeedsConfig,
                "the operator's account lacks a right in the LDAP server",
            ),
            1 | 51 | 52 | 80 => (retry(), "the LDAP server is busy or has trouble; this is tried again"),
            53 => (
                FailureClass::NeedsConfig,
                "the LDAP server is unwilling, for example because it is read-only",
            ),
            _ => (FailureClass::Permanent, "the LDAP server refused"),
        };
        Failure::new(class, public).detail(self.detail())
    }

    /// Code and diagnostic message, for the log.
    pub fn detail(&self) -> String {
        match self.policy {
            Some(policy) => format!("LDAP result {} ({policy:?}): {}", self.code, self.text),
            None => format!("LDAP result {}: {}", self.code, self.text),
        }
    }
}

fn retry() -> FailureClass {
    FailureClass::Transient(None)
}

impl From<LdapError> for Fault {
    /// For requests on a connection that stands.
    fn from(error: LdapError) -> Self {
        match error {
            // The task that owns the socket had ended: the request was never taken up.
            LdapError::OpSend { .. } => Fault::NotSent("the connection had ended before"),
            LdapError::LdapResult { result } => Fault::Answered(Answer {
                code: result.rc,
                text: result.text,
                policy: None,
            }),
            LdapError::FilterParsing | LdapError::AddNoValues => Fault::NotSent("the request was not well-formed"),
            LdapError::DecodingUTF8 => Fault::Garbled,
            // Every other one may come after the request was written.
            other => Fault::Lost(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u32) -> Answer {
        Answer {
            code,
            text: "text".into(),
            policy: None,
        }
    }

    #[test]
    fn codes_ask_for_what_helps() {
        for (code, class) in [
            (3, retry()),
            (51, retry()),
            (52, retry()),
            (80, retry()),
            (4, FailureClass::NeedsConfig),
            (10, FailureClass::NeedsConfig),
            (13, FailureClass::NeedsConfig),
            (17, FailureClass::NeedsConfig),
            (32, FailureClass::NeedsConfig),
            (50, FailureClass::NeedsConfig),
            (53, FailureClass::NeedsConfig),
            (19, FailureClass::Permanent),
            (65, FailureClass::Permanent),
        ] {
            assert_eq!(answer(code).failure().class, class, "{code}");
        }
    }

    #[test]
    fn doubt_is_kept() {
        for (fault, doubt) in [
            (Fault::Unreachable(String::new()), false),
            (Fault::NotSent("late"), false),
            (Fault::Lost(String::new()), true),
            (Fault::Garbled, true),
            (Fault::Answered(answer(50)), false),
            (Fault::Answered(answer(51)), false),
            (Fault::Answered(answer(80)), true),
            (Fault::Answered(answer(52)), true),
        ] {
            assert_eq!(fault.may_have_acted(), doubt, "{fault:?}");
        }
    }
}
