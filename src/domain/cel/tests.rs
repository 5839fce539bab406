//! Table tests of policy expressions, and properties: whatever the text, nothing panics.

use super::*;
use crate::{
    api::{Action, Requester, common::AccountSelector},
    domain::account::{AccountRead, LockState, Protection},
};
use ::cel::Program;
use proptest::prelude::*;
use serde_json::json;
use std::time::{Duration, Instant};

fn account() -> AccountRead {
    let profile = json!({
        "country": "DE", "level": 5, "tags": ["a", "b"], "address": {"city": "Bonn"}, "title": null, "ratio": 0.5
    });
    AccountRead {
        aliases: Vec::new(),
        id: "00u1".into(),
        login: Some("alice@example.com".into()),
        email: None,
        lock: LockState::NotLocked,
        disabled: Some(false),
        must_change: Some(false),
        protection: Protection::None,
        foreign_source: Some("ACTIVE_DIRECTORY".into()),
        profile: profile.as_object().cloned().unwrap(),
        unreadable: Vec::new(),
        groups: Ok(vec!["staff".into(), "Executives".into()]),
        password_marker: None,
        password_changed: None,
        lock_stamp: None,
        obstacles: Default::default(),
        server: None,
    }
}

fn input(account: Option<&AccountRead>) -> Input {
    let selector = AccountSelector {
        login: Some("Alice@Example.com".into()),
        id: None,
        email: None,
    };
    let request = RequestFacts {
        kind: "AccountUnlockRequest",
        namespace: "desk",
        name: "alice-1",
        action: Action::Unlock,
        directory: "okta",
        account: &selector,
        method: None,
        unlock: None,
        policy: None,
        reason: Some("forgot it"),
        created: "2026-11-22T10:00:00Z".parse().unwrap(),
        not_before: None,
        not_after: None,
    };
    let requester = Requester {
        username: Some("oidc:bob".into()),
        uid: None,
        groups: vec!["desk-de".into(), "system:authenticated".into()],
    };
    let account = account.map(|account| ("okta", account));
    Input::new(&request, &requester, account, "2026-11-22T10:30:00Z".parse().unwrap())
}

fn evaluate(source: &str, input: &Input) -> Verdict {
    match Expression::compile(source) {
        Ok(expression) => expression.evaluate(input),
        Err(error) => panic!("{source}: {error}"),
    }
}

fn missing(name: &str) -> Verdict {
    Verdict::Missing(name.into())
}

#[test]
fn expressions_evaluate() {
    let account = account();
    let input = input(Some(&account));
    for (source, verdict) in [
        ("true", Verdict::True),
        ("account.groups.exists(g, g == 'Executives')", Verdict::True),
        ("'staff' in account.groups && !account.locked", Verdict::True),
        ("account.profile.country == 'DE'", Verdict::True),
        ("account.profile['country'] == 'FR'", Verdict::False),
        (
            "account.profile.level >= 5 && account.profile.ratio < 1.0",
            Verdict::True,
        ),
        ("account.profile.address.city == 'Bonn'", Verdict::True),
        ("account.source.type == 'ACTIVE_DIRECTORY'", Verdict::True),
        ("request.account.login.lowerAscii() == account.login", Verdict::True),
        ("requester.username.startsWith('oidc:')", Verdict::True),
        (
            "requester.groups.exists(g, g.matches('^desk-[a-z]{2}$'))",
            Verdict::True,
        ),
        ("now - request.created < duration('1h')", Verdict::True),
        ("now.getHours('Europe/Berlin') == 11", Verdict::True),
        (
            "request.action == 'Unlock' ? request.namespace == 'desk' : false",
            Verdict::True,
        ),
        (
            "requester.groups.all(r, account.groups.exists(g, g == r))",
            Verdict::False,
        ),
        (
            "account.groups.map(g, g.lowerAscii()).exists(g, g == 'executives')",
            Verdict::True,
        ),
        ("account.groups.filter(g, g.startsWith('E')).size() == 1", Verdict::True),
        ("account.groups.exists_one(g, g == 'staff')", Verdict::True),
        // Absent attributes
        (
            "account.profile.department == 'IT'",
            missing("account.profile.department"),
        ),
        (
            "account.profile['department'] == 'IT'",
            missing("account.profile.department"),
        ),
        ("account.email.endsWith('@example.com')", missing("account.email")),
        ("requester.uid == 'x'", missing("requester.uid")),
        ("has(account.profile.department)", Verdict::False),
        ("has(account.profile.title)", Verdict::False),
        ("has(account.profile.country)", Verdict::True),
        ("account.profile.department == 'IT' || true", Verdict::True),
        ("account.profile.department == 'IT' && false", Verdict::False),
        ("account.groups[7] == 'staff'", missing("a list entry")),
        ("account.profile[requester.username] == 'x'", missing("an attribute")),
    ] {
        assert_eq!(evaluate(source, &input), verdict, "{source}");
    }
}

#[test]
fn evaluation_errors_are_no_denial_and_show_no_values() {
    let account = account();
    let input = input(Some(&account));
    for source in [
        "account.profile.country",
        "account.profile.level + 'x' == 'y'",
        "account.profile.level < 'x'",
        "account.profile.level / 0 == 1",
        "int(account.profile.country) == 1",
        "timestamp(account.profile.country) < now",
        "account.profile.country.exists(x, x == 1)",
        "account.profile.level && true",
    ] {
        match evaluate(source, &input) {
            Verdict::Error(text) => assert!(!text.contains("DE"), "{source}: {text}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn unreadable_attributes_are_errors_before_evaluation() {
    let mut account = account();
    account.unreadable = vec!["secretary".into()];
    let expect = |account: &AccountRead, source: &str, text: &str| {
        let verdict = evaluate(source, &input(Some(account)));
        match text {
            "" => assert!(!matches!(verdict, Verdict::Error(_)), "{source}: {verdict:?}"),
            text => assert!(
                matches!(&verdict, Verdict::Error(error) if error.contains(text)),
                "{source}: {verdict:?}"
            ),
        }
    };
    for (source, text) in [
        ("has(account.profile.secretary)", "account.profile.secretary"),
        ("!has(account.profile.secretary)", "account.profile.secretary"),
        ("account.profile.secretary == 'x' || true", "account.profile.secretary"),
        ("account.profile['secretary'] == 'x'", "account.profile.secretary"),
        (
            "account.profile.exists(k, k == 'secretary')",
            "account.profile.secretary",
        ),
        ("'secretary' in account.profile", "account.profile.secretary"),
        ("account.profile[request.name] == 'x'", "account.profile.secretary"),
        ("account[request.name] == 'x'", "account.profile.secretary"),
        (
            "[account].exists(a, has(a.profile.secretary))",
            "account.profile.secretary",
        ),
        ("account.profile.country == 'DE'", ""),
        ("'staff' in account.groups", ""),
        ("request.namespace == 'desk'", ""),
    ] {
        expect(&account, source, text);
    }
    account.unreadable.clear();
    account.groups = Err("the group base cannot be searched".into());
    account.disabled = None;
    account.lock = LockState::Unknown("no right to read it".into());
    for (source, text) in [
        ("has(account.groups)", "the group base cannot be searched"),
        ("account.disabled", "account.disabled"),
        ("has(account.disabled)", "account.disabled"),
        ("!account.locked", "no right to read it"),
        ("has(account['groups'].x) || true", "it is a list"),
        ("account.profile.country == 'DE'", ""),
        ("account.login != ''", ""),
    ] {
        if text == "it is a list" {
            assert!(Expression::compile(source).unwrap_err().message.contains(text));
        } else {
            expect(&account, source, text);
        }
    }
}

#[test]
fn a_rule_about_an_account_that_was_not_read_is_an_error() {
    let without = input(None);
    let expression = Expression::compile("has(account.login) || true").unwrap();
    assert!(expression.uses_account());
    assert!(matches!(expression.evaluate(&without), Verdict::Error(text) if text.contains("not been read")));
    assert_eq!(evaluate("request.directory == 'okta'", &without), Verdict::True);
}

#[test]
fn uses_are_seen() {
    for (source, uses_account, uses_groups) in [
        ("request.name != ''", false, false),
        ("requester.groups.exists(g, g == 'x')", false, false),
        ("account.login != ''", true, false),
        ("'x' in account.groups", true, true),
        ("account['groups'].size() > 0", true, true),
        ("account[request.name] == 1", true, true),
        ("account == account", true, true),
    ] {
        let expression = Expression::compile(source).unwrap();
        assert_eq!(
            (expression.uses_account(), expression.uses_groups()),
            (uses_account, uses_groups),
            "{source}"
        );
    }
}

#[test]
fn bad_expressions_do_not_compile_and_say_where() {
    let nested = "account.groups.exists(a, account.groups.exists(b, account.groups.exists(c, a == b)))";
    for (source, text) in [
        ("", "1:1"),
        ("account.locked &&", "1:18"),
        ("account.login", "gives a string"),
        ("'x'", "gives a string"),
        ("1 + 2", "gives a number"),
        ("[true]", "gives a list"),
        ("account.groups.map(g, g == 'x')", "gives a list"),
        ("request.account", "gives a map"),
        ("account.login && true", "&& needs booleans, not a string"),
        ("acount.locked", "1:1: there is no variable \"acount\""),
        (
            "true &&\n  account.loked",
            "2:11: account has no attribute \"loked\"; there are id, login",
        ),
        (
            "request.account.name == ''",
            "request.account has no attribute \"name\"",
        ),
        ("account.login.first == ''", "it is a string"),
        (".account.locked", "no variable"),
        ("account.locked == @result", ""),
        ("system('x')", "no function system()"),
        ("'a'.format([1]) == 'a'", "no function format()"),
        ("optional.of(1).hasValue()", "no variable \"optional\""),
        ("account.?login == 'x'", "unsupported syntax"),
        ("size(account.groups, 1) > 0", "wrong number of arguments"),
        ("account.login.matches('[')", "does not compile"),
        ("account.login.matches('(a{1000}){1000}')", "does not compile"),
        ("account.login.matches(request.name)", "written out"),
        ("account.groups.exists(account, account == 'x')", "choose another name"),
        ("account.login.exists(x, true)", "cannot run over a string"),
        (
            "account.groups.map(g, account.groups).size() > 0",
            "cannot collect lists",
        ),
        ("Foo{x: 1} == 1", "no message type"),
        ("has(account)", "invalid argument to has()"),
        (nested, "more than 2 macros"),
        ("((true)", "1:1: this bracket is never closed"),
        ("(true]", "1:6: ']' closes nothing"),
        ("account.login == 'x", "1:18: this string is never closed"),
        (&"(".repeat(17), "brackets nest deeper than 16"),
        (
            &format!("'{}' == ''", "x".repeat(2048)),
            "2056 characters; at most 2048",
        ),
        (&format!("{}1 == 1", "1+".repeat(300)), "nests deeper than 24"),
        (&format!("{}true", "true?true:".repeat(17)), "more than 16 conditionals"),
        (&format!("{}true", "!".repeat(513)), "more than 512 operators"),
    ] {
        let error = Expression::compile(source).expect_err(source).to_string();
        assert!(error.contains(text), "{source}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

/// Inputs that cost the ANTLR parser its stack or gigabytes (cel-rust issues 212, 305, 306).
#[test]
fn known_bad_inputs_are_refused_or_parsed_at_once() {
    let motif = "!!(!!!!!!(!!!!(((((!!(!!(!!!!((";
    let mut inputs: Vec<String> = (1..=5).map(|n| motif.repeat(n) + "1").collect();
    inputs.extend((1..=2).map(|n| motif.repeat(n) + "1" + &")".repeat(13 * n)));
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("a[", "]"),
        ("size(", ")"),
        ("!(", ")"),
    ] {
        inputs.push(open.repeat(16) + "1" + &close.repeat(16));
        inputs.push(open.repeat(500) + "1" + &close.repeat(500));
        inputs.push(open.repeat(500));
    }
    inputs.extend([
        "!".repeat(2000),
        "-".repeat(2000),
        "a.".repeat(1000),
        "\"".repeat(2000),
        "\\".repeat(99),
    ]);
    inputs.extend([
        "true ? ".repeat(290),
        "[".repeat(2048),
        "x.map(x,".repeat(200),
        "1 in ".repeat(400),
    ]);
    let begun = Instant::now();
    for input in &inputs {
        let _ = Expression::compile(input);
        // The parser itself stays linear too, without the bounds.
        let _ = PrattParser::new().parse(input);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// As deep as the bounds allow, within the 2 MiB stack of a test thread.
#[test]
fn the_deepest_expressions_fit_the_stack() {
    let account = account();
    let input = input(Some(&account));
    let deep = [
        format!("{}true{}", "(!".repeat(16), ")".repeat(16)),
        format!("{}true", "!".repeat(22)),
        format!("{}1 == 21", "1+".repeat(20)),
        format!("{}true", "true?".repeat(16) + "true" + &":false".repeat(16) + "||"),
        format!("{}1{} == 1", "[".repeat(16), "][0]".repeat(16)),
        "true".to_owned() + &" && true".repeat(200),
        "account.groups.exists(a, account.groups.exists(b, ".to_owned() + &"!".repeat(12) + "(a == b)))",
    ];
    for source in &deep {
        if let Ok(expression) = Expression::compile(source) {
            expression.evaluate(&input);
        }
    }
    assert_eq!(evaluate(&deep[1], &input), Verdict::True);
    assert_eq!(evaluate(&deep[6], &input), Verdict::True);
}

#[test]
fn nested_macros_over_long_lists_are_refused() {
    let mut account = account();
    account.groups = Ok((0..3000).map(|n| n.to_string()).collect());
    let input = input(Some(&account));
    let nested = "account.groups.exists(a, account.groups.exists(b, a == 'x' && b == 'x'))";
    assert!(matches!(evaluate(nested, &input), Verdict::Error(text) if text.contains("3000")));
    assert_eq!(evaluate("account.groups.exists(a, a == '2999')", &input), Verdict::True);
}

/// The Pratt parser is the younger one: on sane input both agree.
#[test]
fn both_parsers_agree() {
    let account = account();
    let input = input(Some(&account));
    for source in [
        "1 + 2 * 3 - 4 / 2 % 3 == 7 && !(true || false) != true",
        "account.groups.exists(g, g == 'a' || g == 'b') && account.profile.x in ['a', 'b']",
        "a ? b : c ? d : e",
        "-1 + -x.y - (-(-z))",
        "((a) + (b)) * ((c))",
        "has(account.profile.x) && account.profile['y'][0].z == r'a\\b'",
        "x.map(a, a > 1, a + 1).filter(b, b < 3).all(c, c != 0)",
        "a && b || c && d || e",
        "'a' + \"b\" + '''c''' == b'x' // comment",
        "{'a': 1, 'b': [1u, 2.5, 0x1F]}.size() < 3",
        "now - timestamp('2026-01-01T00:00:00Z') > duration('1h')",
    ] {
        let antlr = Program::compile(source).unwrap();
        let pratt = PrattParser::new().parse(source).unwrap();
        let (left, right) = (shape(antlr.expression()), shape(&pratt));
        assert_eq!(left, right, "{source}");
    }
    for source in [
        "1 + 2 * 3 == 7",
        "true || false && false",
        "!true == false",
        "-2 + 3 == 1",
    ] {
        assert_eq!(evaluate(source, &input), Verdict::True, "{source}");
    }
}

/// A tree without the ids of its nodes, which the two parsers number differently.
fn shape(tree: &IdedExpr) -> String {
    regex::Regex::new(r"id: \d+")
        .unwrap()
        .replace_all(&format!("{tree:?}"), "id")
        .into_owned()
}

fn source() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    let word = prop::sample::select(vec![
        "account", ".", "profile", "groups", "login", "[", "]", "(", ")", "{", "}", "'x'", "\"", "'", "==",
        "!=", "&&", "||", "!", "-", "+", "?", ":", ",", "in", "has(", ".exists(g, ", ".map(", ".all(x, ",
        "request", "now", "1", "0", "9223372036854775807", "1.5e308", "true", "null", " ", "\\", "r'", "b'",
        "duration('1h')", ".matches('a+')", "timestamp(", "%", "/", "*", "<", ".size()", "@result", "é", "\n",
        "//", "`", "optional", "int(", "string(",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// The unwinding of a panic would be caught and become an error; here it must not even begin.
    #[test]
    fn no_text_panics(text in prop_oneof![source(), ".{0,200}", "[ -~]{0,300}"]) {
        let account = account();
        let tree = PrattParser::new().parse(&text);
        if bounds::check(&text).is_ok()
            && let (Ok(tree), Ok(names)) = (tree, bounds::check(&text))
                && Analysis::of(&tree, &text, &names, Kind::Bool).is_ok() {
                    let _ = Value::resolve(&tree, input(Some(&account)).context());
                }
    }

    #[test]
    fn compilation_and_evaluation_are_deterministic(text in source()) {
        let account = account();
        let run = || Expression::compile(&text).map(|expression| expression.evaluate(&input(Some(&account))));
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn positions_lie_within_the_source(text in source()) {
        if let Err(CompileError { position: Some(position), .. }) = Expression::compile(&text) {
            prop_assert!(position.line <= text.split('\n').count().max(1) + 1);
        }
    }
}
