//! The example of CXone. `https://cxone.niceincontact.com`, and the host that it names, lead through the sandbox's CONNECT
//! proxy to the tenant that it plays; the administrator in the console is this test.

use crate::{
    ORDERS, Run, documents,
    support::org::{check, says},
};
use sandbox::cxone::{AccessKey, Person};

#[test]
fn unlock_by_hand_and_reset() {
    for order in ORDERS {
        let Some(run) = Run::start("cxone", order) else { return };
        let tenant = run.sandbox.cxone();
        tenant.add(&Person::new("readmit.operator@example.com"));
        tenant.register("readmit", "change-me-too");
        tenant.add_key(AccessKey {
            id: "ABCDEF0123456789==".into(),
            secret: "change-me".into(),
            owner: "readmit.operator@example.com".into(),
        });
        // As it stands but for one setting: a test does not wait for minutes.
        let hurried = |document: &String| document.replace("    cxone:\n", "    cxone:\n      poll: 1s\n");
        let documents: Vec<String> = documents(order, &["cxone/cxone.yaml"]).iter().map(hurried).collect();
        assert!(documents.iter().any(|document| document.contains("poll: 1s")));
        run.apply("admin", &documents);
        let status = run.finished("pwr", "default", "bob-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let status = run.waits("aur", "default", "ada-1", "AwaitingManualAction");
        says(&status, "AwaitingManualAction", "Locked Employees");
        tenant.unlock("ada.byte@example.com").expect("the administrator may");
        let status = run.finished("aur", "default", "ada-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        assert!(
            tenant.agent("bob.ross@example.com").expect("an agent").must_change(),
            "{order:?}"
        );
        let mut hosts = run.sandbox.connects();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts, ["api-na1.niceincontact.com:443", "cxone.niceincontact.com:443"]);
    }
}
