//! Searches whose answer comes page by page (RFC 2696), so that no more than a page of it is held at a time.

use super::{
    Connection, Fault, Query,
    connection::{Found, succeeded},
};
use ldap3::controls::{Control, ControlType, PagedResults};

/// A search under way. Other requests on the same connection may come between two pages.
pub struct Pages<'a> {
    connection: &'a Connection,
    query: &'a Query<'a>,
    size: i32,
    /// Where the server is to go on; `None` once it has come to the end.
    cookie: Option<Vec<u8>>,
    taken: usize,
}

impl Connection {
    /// Begins a search of which the server gives so many entries at a time, and at most as many as the query's limit in
    /// all.
    pub fn pages<'a>(&'a self, query: &'a Query<'a>, size: i32) -> Pages<'a> {
        Pages {
            connection: self,
            query,
            size,
            cookie: Some(Vec::new()),
            taken: 0,
        }
    }

    /// Searches page by page until the limit is reached.
    pub async fn search_paged(&self, query: &Query<'_>, size: i32) -> Result<Found, Fault> {
        let mut all = Found::default();
        let mut pages = self.pages(query, size);
        while let Some(found) = pages.next().await? {
            all.entries.extend(found.entries);
            all.referred |= found.referred;
            all.more |= found.more;
        }
        Ok(all)
    }
}

impl Pages<'_> {
    /// The next page; `None` behind the last one. [`Found::more`] says that a limit cut the search off, and ends it.
    ///
    /// # Errors
    /// As for any search.
    pub async fn next(&mut self) -> Result<Option<Found>, Fault> {
        let Some(cookie) = self.cookie.take() else {
            return Ok(None);
        };
        let paging = PagedResults {
            size: self.size,
            cookie,
        };
        let connection = self.connection;
        let (mut found, result) = connection.ask(connection.run(self.query, Some(paging.into()))).await?;
        if !found.more && result.rc != 0 {
            succeeded(&result)?;
        }
        let room = self.query.limit.saturating_sub(self.taken);
        found.more |= found.entries.len() > room;
        found.entries.truncate(room);
        self.taken = self.taken.saturating_add(found.entries.len());
        let cookie = connection.ask(async { Ok(next_cookie(&result.ctrls)) }).await?;
        self.cookie = Some(cookie).filter(|cookie| !found.more && !cookie.is_empty());
        Ok(Some(found))
    }
}

fn next_cookie(controls: &[Control]) -> Vec<u8> {
    controls
        .iter()
        .find_map(|control| match control {
            Control(Some(ControlType::PagedResults), raw) => Some(raw.parse::<PagedResults>().cookie),
            _ => None,
        })
        .unwrap_or_default()
}
