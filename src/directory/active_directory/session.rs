//! A connection to the right domain controller, bound as the operator, for one operation.
//!
//! Lock state and passwords replicate with delay, and metadata is each server's own: what is written on one server is read
//! back from that server. Which one it is stands in `AccountRead::server`, by its DNS name.

use super::{
    ActiveDirectory, errors,
    identifier::Sid,
    schema::{DNS_HOST_NAME, ROLE_OWNER, TOKEN_GROUPS, oid},
};
use crate::{
    api::provider::TargetServer,
    directory::{
        Call,
        ldap::{Connection, Endpoint, Entry, Query, filter, server::needs_config},
        throttle::Permit,
    },
    domain::account::{Failure, FailureClass},
};
use ldap3::{Scope, controls::RawControl};
use std::ops::Deref;

/// A bound connection; it holds its share of the budget.
pub(super) struct Session {
    connection: Connection,
    permit: Permit,
    /// What the server says of itself.
    pub root: Root,
}

/// What the root entry (rootDSE) tells the operator.
pub(super) struct Root {
    /// The server's DNS name.
    pub host: String,
    /// The server's own entry, which FSMO roles lead to.
    pub server: String,
    /// The name of the domain.
    pub domain: String,
    /// The security identifiers of the operator: its own and its groups'.
    pub own: Vec<Sid>,
    /// Whether it takes no writes.
    pub read_only: bool,
    /// Whether it is a domain controller of Active Directory at all.
    pub is_active_directory: bool,
    /// Whether its copy of the domain is complete.
    pub synchronized: bool,
}

impl Deref for Session {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Session {
    /// Takes leave of the server, which has answered: that closes the circuit breaker again.
    pub async fn close(self) {
        self.connection.close().await;
        self.permit.report(true);
    }

    /// One entry by its name; `None` where it does not exist or may not be seen.
    pub async fn entry(&self, base: &str, attributes: &[&str]) -> Result<Option<Entry>, Failure> {
        base_entry(&self.connection, base, attributes).await
    }
}

impl ActiveDirectory {
    /// Waits for the call's turn, connects and binds: to this server where one is named, else to the one that the
    /// settings mean. Nothing that changes an account has been sent when this fails.
    ///
    /// # Errors
    /// `RateLimited` where the turn does not come, `CredentialRefused` once and for all after result 49.
    pub(super) async fn session(&self, call: &Call, server: Option<&str>) -> Result<Session, Failure> {
        let permit = self.throttle.acquire(call).await?;
        self.credential.check()?;
        let known = self.pdc.lock().await.clone();
        let opened = match &known {
            Some(pdc) => self.open(pdc, call).await,
            None => self.open(&self.endpoint, call).await,
        };
        let (mut connection, mut root) = match opened {
            Ok(opened) => opened,
            Err((failure, reached)) => {
                if !reached {
                    permit.report(false);
                    // The role may have moved, because that server is gone.
                    *self.pdc.lock().await = None;
                }
                return Err(failure);
            }
        };
        if known.is_none()
            && self.spec.target_server == TargetServer::Pdc
            && let Some(endpoint) = self.find_pdc(&connection, &root).await?
        {
            (connection, root) = self.change(connection, &endpoint, call).await?;
            *self.pdc.lock().await = Some(endpoint);
        }
        if let Some(name) = server.filter(|name| !name.eq_ignore_ascii_case(&root.host)) {
            (connection, root) = self.change(connection, &self.endpoint.at(name)?, call).await?;
            if !name.eq_ignore_ascii_case(&root.host) {
                let text = "the domain controller that was read before answers under another name now";
                let private = format!("{} instead of {name}", root.host);
                return Err(Failure::new(FailureClass::Transient(None), text).detail(private));
            }
        }
        Ok(Session {
            connection,
            permit,
            root,
        })
    }

    /// Connects and binds. The flag: whether the server was reached.
    async fn open(&self, endpoint: &Endpoint, call: &Call) -> Result<(Connection, Root), (Failure, bool)> {
        let opened = Connection::open(endpoint, call.deadline, self.timeout).await;
        let mut connection = opened.map_err(|fault| (fault.failure(), false))?;
        let bound = self.credential.bind(&connection, call.deadline, errors::own_bind).await;
        bound.map_err(|failure| (failure, true))?;
        connection.search_with(RawControl {
            ctype: oid::DOMAIN_SCOPE.into(),
            crit: false,
            val: None,
        });
        let root = root(&connection).await.map_err(|failure| (failure, true))?;
        Ok((connection, root))
    }

    async fn change(&self, from: Connection, to: &Endpoint, call: &Call) -> Result<(Connection, Root), Failure> {
        from.close().await;
        self.open(to, call).await.map_err(|(failure, _)| failure)
    }

    /// The PDC emulator, unless it is the server at hand: the domain names its NTDS settings, below its server's entry.
    async fn find_pdc(&self, connection: &Connection, root: &Root) -> Result<Option<Endpoint>, Failure> {
        let lost =
            || needs_config("the PDC emulator cannot be found; set targetServer: Named, or repair the role's owner");
        let domain = base_entry(connection, &root.domain, &[ROLE_OWNER]).await?;
        let owner = domain
            .as_ref()
            .and_then(|entry| entry.first(ROLE_OWNER))
            .ok_or_else(lost)?;
        let (_, server) = owner.split_once(',').ok_or_else(lost)?;
        if crate::directory::ldap::dn::same(server, &root.server) {
            return Ok(None);
        }
        let entry = base_entry(connection, server, &[DNS_HOST_NAME]).await?;
        let host = entry
            .as_ref()
            .and_then(|entry| entry.first(DNS_HOST_NAME))
            .ok_or_else(lost)?;
        self.endpoint.at(host).map(Some)
    }
}

/// One entry by its name; `None` where it does not exist or may not be seen.
async fn base_entry(connection: &Connection, base: &str, attributes: &[&str]) -> Result<Option<Entry>, Failure> {
    let query = Query {
        base,
        scope: Scope::Base,
        filter: &filter::present("objectClass"),
        attributes,
        names_only: false,
        limit: 1,
    };
    match connection.search(&query).await {
        Ok(mut found) => Ok(found.entries.pop()),
        Err(fault) if fault.code() == Some(32) => Ok(None),
        Err(fault) => Err(fault.failure()),
    }
}

async fn root(connection: &Connection) -> Result<Root, Failure> {
    let attributes = [
        "dnsHostName",
        "serverName",
        "defaultNamingContext",
        "supportedCapabilities",
        "isSynchronized",
        TOKEN_GROUPS,
    ];
    let entry = base_entry(connection, "", &attributes).await?;
    let entry = entry.ok_or_else(|| needs_config("the server shows no root entry (rootDSE)"))?;
    let text = |name: &str| entry.first(name).unwrap_or_default().to_owned();
    let has = |capability: &str| entry.all("supportedCapabilities").iter().any(|oid| oid == capability);
    Ok(Root {
        host: text("dnsHostName"),
        server: text("serverName"),
        domain: text("defaultNamingContext"),
        own: entry.octets(TOKEN_GROUPS).filter_map(Sid::parse).collect(),
        read_only: has(oid::READ_ONLY),
        is_active_directory: has(oid::ACTIVE_DIRECTORY),
        synchronized: !text("isSynchronized").eq_ignore_ascii_case("FALSE"),
    })
}
