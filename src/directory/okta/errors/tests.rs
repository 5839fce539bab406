//! What Okta's errors mean.

use super::*;

/// The sheet's table: code, status, class. `Later` stands for its own pause.
#[test]
fn every_code_has_its_meaning() {
    let permanent = [
        ("E0000001", 400),
        ("E0000002", 400),
        ("E0000003", 400),
        ("E0000014", 403),
        ("E0000017", 403),
        ("E0000018", 400),
        ("E0000019", 400),
        ("E0000020", 400),
        ("E0000021", 400),
        ("E0000022", 405),
        ("E0000023", 403),
        ("E0000031", 400),
        ("E0000033", 400),
        ("E0000034", 403),
        ("E0000035", 403),
        ("E0000041", 400),
        ("E0000060", 501),
        ("E0000069", 403),
        ("E0000079", 403),
        ("E0000080", 403),
        ("E0000095", 403),
        ("E0000105", 403),
        ("E0000111", 403),
        ("E0000119", 403),
    ];
    let needs_config = [
        ("E0000005", 403),
        ("E0000006", 403),
        ("E0000008", 404),
        ("E0000013", 403),
        ("E0000015", 401),
        ("E0000064", 401),
        ("E0000085", 403),
    ];
    let others = [
        ("E0000004", 401, Meaning::CredentialRefused),
        ("E0000011", 401, Meaning::CredentialRefused),
        ("E0000007", 404, Meaning::NotFound),
        ("E0000016", 403, Meaning::WrongState),
        ("E0000032", 403, Meaning::WrongState),
        ("E0000038", 403, Meaning::WrongState),
        ("E0000009", 500, Meaning::Broken),
        ("E0000010", 503, Meaning::Later(SLOW)),
        ("E0000112", 409, Meaning::Later(SLOW)),
        ("E0000239", 423, Meaning::Later(SOON)),
        ("E0000047", 429, Meaning::RateLimited),
    ];
    let all = (permanent
        .iter()
        .map(|(code, status)| (*code, *status, Meaning::Permanent)))
    .chain(
        needs_config
            .iter()
            .map(|(code, status)| (*code, *status, Meaning::NeedsConfig)),
    )
    .chain(others);
    let mut seen = 0;
    for (code, status, expected) in all {
        assert_eq!(meaning(status, code).0, expected, "{code}");
        seen += 1;
    }
    assert_eq!(seen, TABLE.len(), "each code of the table is tested");
}

#[test]
fn answers_without_a_known_code_are_judged_by_their_status() {
    for (status, code, expected) in [
        (401, "", Meaning::CredentialRefused),
        (401, "E0009999", Meaning::CredentialRefused),
        (401, "E0000006", Meaning::NeedsConfig),
        (403, "", Meaning::NeedsConfig),
        (404, "", Meaning::NeedsConfig),
        (302, "", Meaning::NeedsConfig),
        (400, "E0009999", Meaning::Permanent),
        (408, "", Meaning::Broken),
        (409, "", Meaning::Later(SOON)),
        (429, "", Meaning::RateLimited),
        (500, "", Meaning::Broken),
        (502, "", Meaning::Broken),
        (503, "E0009999", Meaning::Broken),
        (504, "", Meaning::Broken),
    ] {
        assert_eq!(meaning(status, code).0, expected, "{status} {code}");
    }
}
