//! How a tenant is set up, and who is in it unless a test says otherwise.

use serde::{Deserialize, Serialize};

use super::tenant::{AccessKey, HubStatus, Settings};

/// User name of the API user, who owns the built-in access keys.
pub const OPERATOR: &str = "readmit.api@example.com";
/// Id of the built-in access key. Its characters must be encoded in a form.
pub const ACCESS_KEY_ID: &str = "AK/readmit+1==";
/// Secret of the built-in access key.
pub const ACCESS_KEY_SECRET: &str = "key&secret=+/%41==";
/// Id of a second access key.
pub const OTHER_KEY_ID: &str = "AK/other==";
/// Secret of the second access key.
pub const OTHER_KEY_SECRET: &str = "other-secret==";
/// Id of the registered application. It must be encoded before it is put before a colon.
pub const CLIENT_ID: &str = "readmit:app@example";
/// Secret of the registered application.
pub const CLIENT_SECRET: &str = "app%secret:+/=";

/// Somebody to begin with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Person {
    pub user_name: String,
    /// The user name, where it is empty.
    pub email: String,
    pub inactive: bool,
    pub locked: bool,
    pub status: HubStatus,
    /// `Agent`, where it is absent.
    pub role: Option<String>,
    pub authenticator: Option<String>,
    /// Issuer, of whoever signs in elsewhere.
    pub issuer: Option<String>,
}

impl Person {
    /// Somebody active, with the password of all seeds.
    pub fn new(user_name: &str) -> Self {
        Self {
            user_name: user_name.to_owned(),
            ..Self::default()
        }
    }

    /// Somebody active and locked.
    pub fn locked(user_name: &str) -> Self {
        Self {
            locked: true,
            ..Self::new(user_name)
        }
    }
}

/// A tenant to begin with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Setup {
    /// Name from which ids derive.
    pub tenant: String,
    pub settings: Settings,
    pub client_id: String,
    pub client_secret: String,
    pub keys: Vec<AccessKey>,
    pub people: Vec<Person>,
}

impl Default for Setup {
    fn default() -> Self {
        let key = |id: &str, secret: &str| AccessKey {
            id: id.to_owned(),
            secret: secret.to_owned(),
            owner: OPERATOR.to_owned(),
        };
        Self {
            tenant: "example".into(),
            settings: Settings::default(),
            client_id: CLIENT_ID.into(),
            client_secret: CLIENT_SECRET.into(),
            keys: vec![
                key(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
                key(OTHER_KEY_ID, OTHER_KEY_SECRET),
            ],
            people: people(),
        }
    }
}

fn people() -> Vec<Person> {
    let with_status = |name: &str, status: HubStatus| Person {
        status,
        ..Person::new(name)
    };
    vec![
        Person::new(OPERATOR),
        Person::locked("ada.byte@example.com"),
        Person::new("bob.ross@example.com"),
        // Found by a search for bob.ross@example.com, too.
        Person::new("not.bob.ross@example.com"),
        Person {
            role: Some("Administrator".into()),
            ..Person::locked("frank.root@example.com")
        },
        Person {
            issuer: Some("https://idp.example.com".into()),
            authenticator: Some("sso-authenticator".into()),
            ..Person::locked("erin.sso@example.com")
        },
        Person {
            inactive: true,
            ..Person::locked("dora.left@example.com")
        },
        Person {
            inactive: true,
            ..with_status("dirk.gone@example.com", HubStatus::Deleted)
        },
        with_status("pia.pending@example.com", HubStatus::Pending),
        with_status("uwe.unregistered@example.com", HubStatus::Unregistered),
        with_status("bruno.blocked@example.com", HubStatus::Blocked),
    ]
}
