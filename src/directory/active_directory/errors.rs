//! What the answers of a domain controller mean: the LDAP result, and the Win32 code that its message begins with or, for
//! a refused sign-in, has after `data` (MS-ERREF 2.2). General meanings of result codes stand in
//! [`crate::directory::ldap::fault`].

use crate::{
    directory::ldap::{Answer, Fault},
    domain::account::{Failure, FailureClass, Proof, Sent, Step},
};

/// What a send came to.
pub fn sent(step: Step, outcome: Result<(), Fault>) -> Sent {
    let fault = match outcome {
        Ok(()) => return Sent::Done,
        Err(fault) => fault,
    };
    match &fault {
        Fault::Answered(answer) if is_unbound(answer) => Sent::NotSent(answer.failure()),
        fault if fault.may_have_acted() => Sent::Unknown(fault.failure()),
        Fault::Answered(answer) => Sent::Refused(refused(step, answer)),
        fault => Sent::NotSent(fault.failure()),
    }
}

/// operationsError with ERROR_DS_... "a successful bind must be completed": nothing was looked at.
fn is_unbound(answer: &Answer) -> bool {
    answer.code == 1 && answer.text.contains("successful bind must be completed")
}

fn refused(step: Step, answer: &Answer) -> Failure {
    match meaning(step, answer) {
        Some((class, public)) => Failure::new(class, public).detail(answer.detail()),
        None => answer.failure(),
    }
}

/// Windows answers a refused password with 19 or 53, so that the Win32 code is looked at first.
fn meaning(step: Step, answer: &Answer) -> Option<(FailureClass, &'static str)> {
    use FailureClass::{NeedsConfig, Permanent};
    let rights = match step {
        Step::Unlock => "give the operator's account the right to write lockoutTime of this account",
        Step::RequireChange => "give the operator's account the right to write pwdLastSet of this account",
        _ => {
            "give the operator's account the right Reset Password, and to write pwdLastSet and lockoutTime, for this \
             account"
        }
    };
    Some(match (win32(&answer.text), answer.code) {
        // ERROR_PASSWORD_RESTRICTION
        (Some(0x52d), _) => (
            Permanent,
            "the domain's password policy does not take the generated password; raise password.length in the AccountPolicy",
        ),
        // ERROR_GEN_FAILURE: what AD says to a password over a connection that is not encrypted enough.
        (Some(0x1f), 53) => (
            NeedsConfig,
            "the domain controller takes no password over this connection; it must be encrypted with 128 bits or more",
        ),
        // ERROR_ACCESS_DENIED, ERROR_DS_INSUFF_ACCESS_RIGHTS
        (Some(0x5 | 0x2098), _) | (_, 50) => (NeedsConfig, rights),
        // ERROR_INVALID_PASSWORD on the way of a user's own change; ERROR_DS_ILLEGAL_MOD_OPERATION
        (Some(0x56 | 0x2077), _) => (Permanent, "the domain controller takes this change for an illegal one"),
        // ERROR_DS_REFERRAL
        (Some(0x202b), _) | (_, 10) => (
            NeedsConfig,
            "this domain controller refers to another one for that: it is read-only, or of another domain; set url to a \
             writable one of the accounts' domain",
        ),
        // ERROR_DS_OBJ_NOT_FOUND
        (_, 32) => (
            Permanent,
            "the account is no longer there or the operator's account may not see it",
        ),
        _ => return None,
    })
}

/// Why the operator itself could not sign in. Every result 49 stops the Directory until its Secret changes, also where
/// the code says that the password was right: a bind more could be the one that locks the account.
pub fn own_bind(fault: &Fault) -> Failure {
    let Fault::Answered(answer) = fault else {
        return fault.failure();
    };
    let public = match (answer.code, data(&answer.text)) {
        (49, Some(0x525)) => "it does not know bindName; correct that",
        (49, Some(0x530 | 0x531)) => "the account's logon hours or workstations forbid it; lift that",
        (49, Some(0x532)) => "the account's password has expired; set a new one",
        (49, Some(0x533)) => "the account is disabled; enable it",
        (49, Some(0x701)) => "the account has expired; extend it",
        (49, Some(0x773)) => "the account must change its password first; set one that need not be changed",
        (49, Some(0x775)) => "the account is locked; unlock it, and find out who signs in wrongly",
        (49, _) => "the password is wrong",
        (8 | 13, _) => {
            let text = "the domain controller asks for a protected connection; use ldaps://";
            return Failure::new(FailureClass::NeedsConfig, text).detail(answer.detail());
        }
        (32 | 34 | 48 | 53, _) => {
            let text = "the domain controller does not let the operator's account sign in; check bindName";
            return Failure::new(FailureClass::NeedsConfig, text).detail(answer.detail());
        }
        _ => return answer.failure(),
    };
    let text = format!(
        "the domain controller refused the operator's sign-in: {public}, then write its Secret anew; it is not tried \
         again before"
    );
    Failure::new(FailureClass::CredentialRefused, text).detail(answer.detail())
}

/// What a sign-in as the account proves about the password: with a wrong one the server says 52e or 775 and nothing
/// else, with the right one it may let in, or name another obstacle.
pub fn proof(bound: &Result<(), Fault>) -> Proof {
    match bound {
        Ok(()) => Proof::Ours,
        Err(Fault::Answered(answer)) if answer.code == 49 => match data(&answer.text) {
            Some(0x530..=0x533 | 0x701 | 0x773) => Proof::Ours,
            _ => Proof::NotProven,
        },
        Err(_) => Proof::NotProven,
    }
}

/// The Win32 code that a message begins with: eight hexadecimal digits and a colon.
fn win32(text: &str) -> Option<u32> {
    let (code, _) = text.trim_start().split_once(':')?;
    (code.len() == 8).then(|| u32::from_str_radix(code, 16).ok())?
}

/// The Win32 code of a refused sign-in: `AcceptSecurityContext error, data 52e, v1db1`.
fn data(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("data ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).take(8).collect();
    u32::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u32, text: &str) -> Fault {
        Fault::Answered(Answer {
            code,
            policy: None,
            text: text.into(),
        })
    }

    #[test]
    fn answers_are_classified() {
        use FailureClass::{NeedsConfig, Permanent, Transient};
        let windows = "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0";
        for (step, code, text, word, class) in [
            (
                Step::SetPassword,
                19,
                "0000052D: Constraint violation",
                "Refused",
                Permanent,
            ),
            (Step::SetPassword, 53, windows, "Refused", Permanent),
            (Step::SetPassword, 53, "0000001F: SvcErr", "Refused", NeedsConfig),
            (Step::SetPassword, 53, "00002077: illegal", "Refused", Permanent),
            (Step::SetPassword, 50, "00002098: SecErr", "Refused", NeedsConfig),
            (Step::Unlock, 50, "", "Refused", NeedsConfig),
            (Step::Unlock, 32, "0000208D: NameErr", "Refused", Permanent),
            (Step::Unlock, 10, "0000202B: RefErr", "Refused", NeedsConfig),
            (Step::Unlock, 51, "", "Refused", Transient(None)),
            (Step::SetPassword, 80, "", "Unknown", Transient(None)),
            (Step::SetPassword, 52, "", "Unknown", Transient(None)),
            (Step::SetPassword, 1, "", "Unknown", Transient(None)),
            (
                Step::SetPassword,
                1,
                "000004DC: LdapErr: a successful bind must be completed on the connection",
                "NotSent",
                Transient(None),
            ),
        ] {
            let sent = sent(step, Err(answered(code, text)));
            assert_eq!(sent.as_str(), word, "{code} {text}");
            let (Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure)) = sent else {
                panic!("{code} {text}");
            };
            assert_eq!(failure.class, class, "{code} {text}");
        }
        assert_eq!(sent(Step::Unlock, Ok(())), Sent::Done);
        assert_eq!(sent(Step::Unlock, Err(Fault::Lost(String::new()))).as_str(), "Unknown");
    }

    #[test]
    fn only_a_right_password_gets_past_the_password_check() {
        let text = |code: &str| {
            format!("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data {code}, v1db1")
        };
        for (code, proof_of) in [
            ("525", Proof::NotProven),
            ("52e", Proof::NotProven),
            ("530", Proof::Ours),
            ("531", Proof::Ours),
            ("532", Proof::Ours),
            ("533", Proof::Ours),
            ("701", Proof::Ours),
            ("773", Proof::Ours),
            ("775", Proof::NotProven),
            ("", Proof::NotProven),
        ] {
            assert_eq!(proof(&Err(answered(49, &text(code)))), proof_of, "{code}");
        }
        assert_eq!(proof(&Ok(())), Proof::Ours);
        assert_eq!(proof(&Err(answered(53, &text("773")))), Proof::NotProven);
        assert_eq!(proof(&Err(Fault::Garbled)), Proof::NotProven);
    }

    #[test]
    fn a_refused_sign_in_says_why_and_stops() {
        for (code, word) in [
            ("525", "bindName"),
            ("52e", "password is wrong"),
            ("530", "logon hours"),
            ("532", "expired"),
            ("533", "disabled"),
            ("701", "has expired"),
            ("773", "must change"),
            ("775", "locked"),
            ("zz", "password is wrong"),
        ] {
            let failure = own_bind(&answered(
                49,
                &format!("80090308: AcceptSecurityContext error, data {code}, v1db1"),
            ));
            assert_eq!(failure.class, FailureClass::CredentialRefused);
            assert!(failure.public.contains(word), "{}", failure.public);
        }
        for code in [8, 34] {
            assert_eq!(own_bind(&answered(code, "")).class, FailureClass::NeedsConfig);
        }
    }
}
