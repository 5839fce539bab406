//! Every place that keeps or tells something, after an operator that logs all it can has acted.

use crate::{
    search::{Place, Secret},
    support::{
        lab::{Lab, audit},
        stage::Operator,
    },
};
use data_encoding::BASE64;
use serde_json::Value;
use std::path::Path;

/// Every object that the API server lists, but for Secrets; and Secrets.
fn objects(lab: &Lab) -> (String, String) {
    let kinds = lab.kubectl(&["api-resources", "--verbs=list,get", "-o", "name"]);
    let kinds: Vec<&str> = kinds.lines().filter(|kind| *kind != "secrets").collect();
    for kind in "accounts.readmit.dev configmaps events leases.coordination.k8s.io".split(' ') {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let dump = |kinds: &str| {
        let args = ["get", kinds, "--all-namespaces", "-o", "json", "--show-managed-fields"];
        lab.kubectl(&args)
    };
    (dump(&kinds.join(",")), dump("secrets"))
}

/// The keys that passwords are derived from.
fn day_keys(lab: &Lab) -> Vec<Secret> {
    let name = |secret: &Value| secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let secrets = lab.list("secrets").into_iter();
    let keys = secrets.filter(|secret| name(secret).starts_with("readmit-day-key-"));
    let bytes = |secret: &Value| BASE64.decode(secret["data"]["key"].as_str()?.as_bytes()).ok();
    keys.map(|key| Secret::new(&name(&key), bytes(&key).expect("base64")))
        .collect()
}

/// The files of a folder one after the other, without the zeros that etcd reserves space with.
fn files(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        into.extend_from_slice(&bytes[..end]);
    }
}

/// Ends the operator and searches everything. `never`: what nobody but its owner may have, so that it is in no place at
/// all. `credentials`: what the operator was given, which is in Secrets, where it must be found, and nowhere else.
/// `known`: what objects, log and etcd hold for sure.
pub fn assert_kept(
    lab: &Lab,
    operator: &Operator,
    never: &[Secret],
    credentials: &[Secret],
    known: (&[&str], &[&str], &[&str]),
) {
    let day_keys = day_keys(lab);
    assert!(!day_keys.is_empty(), "nothing was derived");
    let (others, secrets) = objects(lab);
    let metrics = operator.http("/metrics");
    operator.terminate();
    let audit = audit(operator);
    for event in ["claim", "send"] {
        assert!(audit.iter().any(|line| line["event"] == event), "{audit:?}");
    }
    let mut etcd = Vec::new();
    files(&lab.plane.etcd_data_dir(), &mut etcd);
    let never: Vec<&Secret> = never.iter().collect();
    let kept: Vec<&Secret> = credentials.iter().chain(&day_keys).collect();
    let (in_objects, in_log, in_etcd) = known;
    let told = [
        Place::new("an object", others, in_objects),
        Place::new("the metrics", metrics, &["readmit_leading 1"]),
        Place::new("the log", operator.log(), in_log),
    ];
    let secrets = Place::new("a Secret", secrets, &["readmit-day-key-"]);
    let etcd = Place::new("etcd", etcd, in_etcd);
    let everywhere = told.iter().chain([&secrets, &etcd]);
    let mut leaks: Vec<String> = everywhere.flat_map(|place| place.leaks(&never)).collect();
    leaks.extend(told.iter().flat_map(|place| place.leaks(&kept)));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for place in [&secrets, &etcd] {
        let blind = format!("not all that is kept was found in {}", place.name);
        assert_eq!(place.leaks(&kept).len(), kept.len(), "{blind}");
    }
}
