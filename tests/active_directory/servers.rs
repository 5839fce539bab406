//! Which domain controller is read and written.

use crate::lab::{Lab, call, state};
use readmit::{
    api::provider::TargetServer,
    directory::{Directory, Target},
    domain::account::ReadFailure,
};
use testkit::samba::HOST;

#[test]
fn the_pdc_emulator_is_found() {
    let Some(lab) = Lab::with(|spec| spec.target_server = TargetServer::Pdc) else {
        return;
    };
    let probe = lab.wait(lab.directory.probe(&call())).unwrap();
    assert_eq!(probe.upstream.len(), 36, "the domain's objectGUID");
    let account = lab.account("bob");
    assert_eq!(
        (account.server.as_deref(), state(&account.lock)),
        (Some(HOST), "not locked")
    );
}

#[test]
fn an_account_is_read_back_from_the_server_that_was_written_to() {
    let Some(lab) = Lab::start() else { return };
    let account = lab.account("bob");
    let read = |server: &str| {
        let target = Target {
            id: account.id.clone(),
            server: Some(server.to_owned()),
        };
        lab.wait(lab.directory.read(&call(), &target))
    };
    assert_eq!(read(HOST).unwrap(), account);
    assert_eq!(read(&HOST.to_uppercase()).unwrap().id, account.id);
    // It is reached there, and says that it is another one.
    match read(lab.samba.address()) {
        Err(ReadFailure::Failed(failure)) => assert!(failure.public.contains("another name"), "{failure:?}"),
        other => panic!("{other:?}"),
    }
    for server in ["dc9.example.test", "not a host", ""] {
        assert!(matches!(read(server), Err(ReadFailure::Failed(_))), "{server}");
    }
}
