//! The domain controller itself: it really locks, and it tells what was done to it.

use testkit::samba::{ADMINISTRATOR, INITIAL_PASSWORD, OPERATOR, Samba, person_dn};
use testkit::skip;

#[test]
fn wrong_passwords_lock_and_the_audit_tells() {
    let Some(samba) = skip::unless_missing(Samba::start(&["extra"])) else {
        return;
    };
    for (name, password) in [
        (ADMINISTRATOR.to_owned(), samba.secret()),
        (OPERATOR.to_owned(), samba.secret()),
        (person_dn("extra"), INITIAL_PASSWORD),
    ] {
        let bind = samba.bind(&name, password).expect("an answer");
        assert_eq!(bind.code, 0, "{name}: {}", bind.text);
    }
    samba.lock("extra").expect("three wrong passwords");
    let refused = samba.bind(&person_dn("extra"), INITIAL_PASSWORD).expect("an answer");
    assert_eq!((refused.code, refused.data.as_deref()), (49, Some("775")));
    let tried = samba.sign_ins(&person_dn("extra")).expect("an audit log");
    let tried: Vec<&str> = tried.iter().map(|sign_in| sign_in.status.as_str()).collect();
    assert_eq!(tried.first(), Some(&"NT_STATUS_OK"));
    assert_eq!(tried.last(), Some(&"NT_STATUS_ACCOUNT_LOCKED_OUT"));
    assert_eq!(samba.changes_of(&person_dn("extra")).expect("an audit log"), []);
}
