//! The example of ServiceNow. `https://example.service-now.com` leads through the sandbox's CONNECT proxy to the instance that it
//! plays.

use crate::{ORDERS, Run, documents, support::org::check};
use sandbox::servicenow::OPERATOR;

#[test]
fn unlock_and_reset() {
    for order in ORDERS {
        let Some(run) = Run::start("servicenow", order) else {
            return;
        };
        let instance = run.sandbox.servicenow();
        instance
            .set_password(OPERATOR, "change-me")
            .expect("the integration user");
        run.apply("admin", &documents(order, &["servicenow/servicenow.yaml"]));
        let status = run.finished("aur", "default", "ada-1");
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        let status = run.finished("pwr", "default", "bob-1");
        check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
        let of = |user: &str, field: &str| instance.user(user).expect("a user")[field].clone();
        assert_eq!(of("ada.byte", "locked_out"), "false", "{order:?}");
        assert_eq!(of("bob.ross", "password_needs_reset"), "true", "{order:?}");
        run.went_to("example.service-now.com:443");
    }
}
