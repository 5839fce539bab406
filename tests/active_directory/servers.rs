//! Which domain controller is read and written.

use crate::lab::{Lab, call, login, state};
use readmit::{
    api::provider::TargetServer,
    directory::{Directory, Target},
    domain::account::{FailureClass, ReadFailure},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use testkit::samba::{DOMAIN_DN, HOST};

const SITE: &str = "CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=example,DC=test";

/// The role of the PDC emulator is the whole domain's: tests about it take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_pdc_emulator_is_found() {
    let _alone = alone();
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

/// The server of the entry that the role leads to is connected to, by that entry's DNS name.
#[test]
fn another_pdc_emulator_is_connected_to() {
    let _alone = alone();
    let Some(lab) = Lab::with(|spec| spec.target_server = TargetServer::Pdc) else {
        return;
    };
    // Any entry may play the settings below a server's entry.
    let server = format!("CN=DC2,OU=Services,{DOMAIN_DN}");
    let settings = format!("CN=NTDS Settings,{server}");
    let role = |owner: &str| lab.samba.set(DOMAIN_DN, "fSMORoleOwner", owner);
    lab.samba
        .add(&format!(
            "dn: {server}\nobjectClass: computer\nsAMAccountName: DC2$\nuserAccountControl: 4096\ndNSHostName: {}\n\n\
             dn: {settings}\nobjectClass: serviceConnectionPoint\n",
            lab.samba.address()
        ))
        .unwrap();
    role(&settings).unwrap();
    let found = lab.find(&login("bob"));
    // And one that cannot be reached is an outage, not a reason to write elsewhere.
    lab.samba.set(&server, "dNSHostName", "127.255.255.1").unwrap();
    let Some(elsewhere) = Lab::with(|spec| spec.target_server = TargetServer::Pdc) else {
        return;
    };
    let unreached = elsewhere.find(&login("bob"));
    role(&format!("CN=NTDS Settings,CN=DC1,{SITE}")).unwrap();
    assert!(found.is_ok(), "{found:?}");
    assert!(
        matches!(&unreached, Err(ReadFailure::Failed(failure)) if failure.class == FailureClass::Transient(None)),
        "{unreached:?}"
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
