//! ConfigMap `readmit-enforcement`: what was in force and since when, across restarts and for every replica.
//!
//! Writes carry resourceVersion or are creates, so that two replicas agree on one time.

use super::Error;
use crate::{
    domain::enforcement::{Continuity, Record, SeenAll, continuity},
    failpoint::{Place, around},
};
use jiff::{Timestamp, fmt::rfc2822};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, api::PostParams, client::Body};
use std::collections::BTreeMap;

/// The ConfigMap's name.
pub const NAME: &str = "readmit-enforcement";

const SINCE: &str = "enforcedSince";
const VERSION: &str = "version";
const OBJECTS: &str = "objects";
/// How often a write that another replica forestalled is tried.
const ATTEMPTS: usize = 5;

/// Since when what was seen is in force without a gap; records it where that is news.
pub(super) async fn keep(
    client: &Client,
    namespace: &str,
    version: &str,
    seen: &SeenAll,
    earlier: &[&str],
) -> Result<Timestamp, Error> {
    let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    for _ in 0..ATTEMPTS {
        let doing = format!("read ConfigMap {namespace}/{NAME}");
        let current = api.get_opt(NAME).await.map_err(Error::api(doing))?;
        let enforced_since = match continuity(current.as_ref().and_then(parse).as_ref(), version, seen, earlier) {
            Continuity::Unchanged(since) => return Ok(since),
            Continuity::Upgraded(since) => since,
            // Read after the policies, so that no time before they were there can come out.
            Continuity::Interrupted => server_time(client).await?,
        };
        let record = Record {
            enforced_since,
            version: version.into(),
            seen: seen.clone(),
        };
        if write(&api, namespace, current, &record).await? {
            return Ok(enforced_since);
        }
    }
    Err(Error::Contended)
}

/// A content that is not ours counts as none: then enforcement begins now.
fn parse(config_map: &ConfigMap) -> Option<Record> {
    let data = config_map.data.as_ref()?;
    Some(Record {
        enforced_since: data.get(SINCE)?.parse().ok()?,
        version: data.get(VERSION)?.clone(),
        seen: serde_json::from_str(data.get(OBJECTS)?).ok()?,
    })
}

fn print(record: &Record) -> BTreeMap<String, String> {
    BTreeMap::from([
        (SINCE.into(), record.enforced_since.to_string()),
        (VERSION.into(), record.version.clone()),
        (OBJECTS.into(), serde_json::json!(record.seen).to_string()),
    ])
}

/// Whether the write landed; `false` when another replica was faster.
async fn write(
    api: &Api<ConfigMap>,
    namespace: &str,
    current: Option<ConfigMap>,
    record: &Record,
) -> Result<bool, Error> {
    let parameters = PostParams {
        field_manager: Some("readmit".into()),
        ..PostParams::default()
    };
    let data = Some(print(record));
    let written = match current {
        Some(current) => {
            let config_map = ConfigMap { data, ..current };
            around(Place::Enforcement, api.replace(NAME, &parameters, &config_map)).await
        }
        None => {
            let mut config_map = ConfigMap {
                data,
                ..ConfigMap::default()
            };
            config_map.metadata.name = Some(NAME.into());
            around(Place::Enforcement, api.create(&parameters, &config_map)).await
        }
    };
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(Error::api(format!("write ConfigMap {namespace}/{NAME}"))(error)),
    }
}

/// The API server's clock, in whole seconds, from the Date header of an answer (RFC 9110, 6.6.1).
async fn server_time(client: &Client) -> Result<Timestamp, Error> {
    let request = http::Request::get("/version")
        .body(Body::empty())
        .map_err(kube::Error::HttpError);
    let request = request.map_err(Error::api("ask for the API server's time"))?;
    let answer = client
        .send(request)
        .await
        .map_err(Error::api("ask for the API server's time"))?;
    let date = answer
        .headers()
        .get(http::header::DATE)
        .and_then(|date| date.to_str().ok());
    let time = date.and_then(|date| rfc2822::parse(date).ok());
    time.map(|time| time.timestamp()).ok_or(Error::Clock)
}
