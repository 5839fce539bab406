//! The example of an Okta whose people have their passwords in Active Directory: a real domain controller, and
//! `https://example.okta.com` through the sandbox's CONNECT proxy.

use crate::{
    ORDERS, Run, documents,
    support::{
        domain, kubectl,
        org::{check, says},
        stage::ready,
        success,
    },
};
use sandbox::SeedUser;
use serde_json::json;
use testkit::{
    samba::{INITIAL_PASSWORD, Samba, person_dn},
    skip,
};

#[test]
fn an_unlock_is_done_in_the_domain_and_judged_in_okta() {
    let Some(samba) = skip::unless_missing(Samba::start(&[])) else {
        return;
    };
    let guid = samba.id(&person_dn("dana")).expect("everybody has one");
    for order in ORDERS {
        let Some(run) = Run::start("routing", order) else {
            return;
        };
        let dana: SeedUser = serde_json::from_value(json!({
            "login": "dana@example.com", "status": "LOCKED_OUT",
            "provider": {"type": "ACTIVE_DIRECTORY", "name": "example.test"},
            "profile": {"samAccountName": "dana", "objectGUID": guid},
        }))
        .expect("a seed");
        run.sandbox.seed([dana]).expect("a new login");
        samba.lock("dana").expect("locked by wrong sign-ins");
        run.apply("admin", &documents(order, &["routing/routing.yaml"]));
        // There is no dc1.example.test: the request waits for it.
        run.status_when("to wait for corp", "aur", ("default", "dana-2"), |status| {
            let message = ready(status)["message"].as_str().unwrap_or_default();
            ready(status)["reason"] == "DirectoryUnavailable" && message.contains("Directory corp")
        });
        let secret = domain::secret("corp", &samba, samba.secret());
        run.apply("admin", &[secret.to_string()]);
        let here = json!({
            "spec": {"provider": {"activeDirectory": {"url": samba.url(), "caSecretRef": {"name": "corp"}}}},
        });
        let patch = here.to_string();
        let args = ["patch", "directory", "corp", "--type=merge", "-p", &patch];
        success(&kubectl(run.plane, "admin", &args));
        let status = run.waits("aur", "default", "dana-2", "AwaitingManualAction");
        says(&status, "AwaitingManualAction", "in directory corp");
        assert_eq!(domain::sign_in(&samba, "dana", INITIAL_PASSWORD), None, "{order:?}");
        run.sandbox.unlock("dana@example.com").expect("unlocked in the console");
        let status = run.finished("aur", "default", "dana-2");
        check(&status, "Succeeded", "Unlocked", "directory okta shows no lock");
        run.went_through_the_proxy();
    }
}
