//! The password policy control (draft-behera-ldap-password-policy-10, section 6), and error 9, which OpenLDAP adds.

use ldap3::{
    asn1::{PL, StructureTag, TagClass, parse_tag},
    controls::{Control, RawControl},
};

/// The control's object identifier, in requests, responses and `supportedControl`.
pub const OID: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// Asks the server to say more about passwords in its answer. Not critical: a server without it answers all the same.
pub fn request() -> RawControl {
    RawControl {
        ctype: OID.into(),
        crit: false,
        val: None,
    }
}

/// Why a bind or a change of a password did not go as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// `passwordExpired` (0): it has to be reset by an administrator.
    PasswordExpired,
    /// `accountLocked` (1): after wrong passwords, or by an administrator.
    AccountLocked,
    /// `changeAfterReset` (2): nothing else may be done before the password is changed.
    ChangeAfterReset,
    /// `passwordModNotAllowed` (3): people may not change their passwords themselves.
    ModificationNotAllowed,
    /// `mustSupplyOldPassword` (4): the old one has to be sent along.
    MustSupplyOldPassword,
    /// `insufficientPasswordQuality` (5): the new one did not pass the checks.
    InsufficientQuality,
    /// `passwordTooShort` (6).
    TooShort,
    /// `passwordTooYoung` (7): the present one has not reached its least age.
    TooYoung,
    /// `passwordInHistory` (8): it was used before.
    InHistory,
    /// Error 9 of OpenLDAP: longer than the policy takes (`pwdMaxLength`).
    TooLong,
    /// A code that no document known here has.
    Other(u8),
}

impl PolicyError {
    fn from_code(code: u8) -> Self {
        match code {
            0 => PolicyError::PasswordExpired,
            1 => PolicyError::AccountLocked,
            2 => PolicyError::ChangeAfterReset,
            3 => PolicyError::ModificationNotAllowed,
            4 => PolicyError::MustSupplyOldPassword,
            5 => PolicyError::InsufficientQuality,
            6 => PolicyError::TooShort,
            7 => PolicyError::TooYoung,
            8 => PolicyError::InHistory,
            9 => PolicyError::TooLong,
            other => PolicyError::Other(other),
        }
    }
}

/// The error that the response control among these carries, if there is one.
pub fn error(controls: &[Control]) -> Option<PolicyError> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == OID)?;
    let (_, value) = parse_tag(raw.val.as_deref()?).ok()?;
    let PL::C(members) = value.payload else { return None };
    members.iter().find_map(error_code).map(PolicyError::from_code)
}

/// `error [1] ENUMERATED`, implicit and primitive; `warning [0]` is skipped.
fn error_code(member: &StructureTag) -> Option<u8> {
    match (member.class, member.id, &member.payload) {
        (TagClass::Context, 1, PL::P(octets)) => octets.last().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(value: Option<&[u8]>) -> Vec<Control> {
        let raw = RawControl {
            ctype: OID.into(),
            crit: false,
            val: value.map(Vec::from),
        };
        vec![Control(None, raw)]
    }

    #[test]
    fn errors_are_read() {
        for (value, expected) in [
            (Some(&[0x30, 0x00][..]), None),
            (Some(&[0x30, 0x03, 0x81, 0x01, 0x01]), Some(PolicyError::AccountLocked)),
            (Some(&[0x30, 0x03, 0x81, 0x01, 0x09]), Some(PolicyError::TooLong)),
            (Some(&[0x30, 0x03, 0x81, 0x01, 0x63]), Some(PolicyError::Other(99))),
            // A warning (grace sign-ins left: 1), then an error.
            (
                Some(&[0x30, 0x08, 0xa0, 0x03, 0x81, 0x01, 0x01, 0x81, 0x01, 0x02]),
                Some(PolicyError::ChangeAfterReset),
            ),
            (Some(&[0x30, 0x05, 0xa0, 0x03, 0x80, 0x01, 0x05]), None),
            (Some(&[0x04, 0x01, 0x41]), None),
            (Some(&[0x30, 0x05, 0x81]), None),
            (Some(&[]), None),
            (None, None),
        ] {
            assert_eq!(error(&control(value)), expected, "{value:?}");
        }
        assert_eq!(error(&[]), None);
    }
}
