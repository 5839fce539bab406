//! Tests of comparing and of continuity.

use super::*;

fn policy(name: &str) -> Expected {
    Expected::new(
        "ValidatingAdmissionPolicy",
        name,
        json!({
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": ["readmit.dev"]}]},
            "validations": [{"expression": "one"}, {"expression": "two"}],
        }),
    )
}

fn binding(name: &str) -> Expected {
    let spec = json!({"policyName": name, "validationActions": ["Deny"]});
    Expected::new("ValidatingAdmissionPolicyBinding", name, spec)
}

fn installed(expected: &Expected, uid: &str, generation: i64) -> Option<Installed> {
    let seen = Seen {
        uid: uid.into(),
        generation,
    };
    Some(Installed {
        seen,
        spec: expected.spec.clone(),
    })
}

fn since(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn the_servers_defaults_are_filled_in() {
    assert_eq!(
        policy("p").spec["matchConstraints"],
        json!({
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "resourceRules": [{"apiGroups": ["readmit.dev"], "scope": "*"}],
        })
    );
    assert_eq!(
        binding("b").spec,
        json!({"policyName": "b", "validationActions": ["Deny"]})
    );
}

#[test]
fn what_is_missing_or_altered_is_named() {
    let expected = [policy("p"), binding("p")];
    let check = |change: &dyn Fn(&mut Value), at: usize, fault: &str| {
        let mut found = [installed(&expected[0], "u1", 1), installed(&expected[1], "u2", 1)];
        change(&mut found[at].as_mut().unwrap().spec);
        let faults = compare(&expected, &found).unwrap_err();
        assert_eq!(
            (faults.missing.len(), faults.altered.as_slice()),
            (0, &[fault.to_owned()][..])
        );
    };
    check(
        &|spec| spec["matchResources"] = json!({"namespaceSelector": {"matchLabels": {"a": "b"}}}),
        1,
        "ValidatingAdmissionPolicyBinding p (spec.matchResources)",
    );
    check(
        &|spec| spec["validationActions"] = json!(["Audit"]),
        1,
        "ValidatingAdmissionPolicyBinding p (spec.validationActions[0])",
    );
    check(
        &|spec| drop(spec["validations"].as_array_mut().unwrap().remove(1)),
        0,
        "ValidatingAdmissionPolicy p (spec.validations[1])",
    );
    check(
        &|spec| drop(spec.as_object_mut().unwrap().remove("failurePolicy")),
        0,
        "ValidatingAdmissionPolicy p (spec.failurePolicy)",
    );
    check(
        &|spec| spec["matchConstraints"]["excludeResourceRules"] = json!([]),
        0,
        "ValidatingAdmissionPolicy p (spec.matchConstraints.excludeResourceRules)",
    );

    let faults = compare(&expected, &[installed(&expected[0], "u1", 1), None]).unwrap_err();
    assert_eq!(faults.missing, ["ValidatingAdmissionPolicyBinding p"]);
    assert_eq!(compare(&expected, &[]).unwrap_err().missing.len(), 2);
}

#[test]
fn the_message_holds_a_command_that_repairs() {
    let check = |missing: &[&str], altered: &[&str], end: &str| {
        let owned = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect();
        let faults = Faults {
            missing: owned(missing),
            altered: owned(altered),
        };
        let message = faults.message("readmit admission");
        assert!(message.ends_with(end), "{message}");
    };
    check(
        &["A a"],
        &[],
        "A a is missing; repair it with: readmit admission | kubectl apply -f -",
    );
    check(
        &[],
        &["B b (spec.x)"],
        "B b (spec.x) is altered; repair it with: readmit admission | kubectl replace -f -",
    );
    check(
        &["A a"],
        &["B b (spec.x)"],
        "A a is missing, B b (spec.x) is altered; repair it with: readmit admission | kubectl replace --force -f -",
    );
}

fn seen(objects: &[(&str, &str, i64)]) -> SeenAll {
    let one = |&(id, uid, generation): &(&str, &str, i64)| {
        (
            id.to_owned(),
            Seen {
                uid: uid.into(),
                generation,
            },
        )
    };
    objects.iter().map(one).collect()
}

fn record(version: &str) -> Record {
    Record {
        enforced_since: since(100),
        version: version.into(),
        seen: seen(&[("a", "u1", 4), ("b", "u2", 1)]),
    }
}

#[test]
fn continuity_needs_the_same_objects() {
    let check = |now: &[(&str, &str, i64)], expected: Continuity| {
        assert_eq!(
            continuity(Some(&record("v2")), "v2", &seen(now), &["v1"]),
            expected,
            "{now:?}"
        );
    };
    check(&[("a", "u1", 4), ("b", "u2", 1)], Continuity::Unchanged(since(100)));
    check(&[("a", "u9", 4), ("b", "u2", 1)], Continuity::Interrupted);
    check(&[("a", "u1", 5), ("b", "u2", 1)], Continuity::Interrupted);
    check(&[("a", "u1", 6), ("b", "u2", 1)], Continuity::Interrupted);
    check(
        &[("a", "u1", 4), ("b", "u2", 1), ("c", "u3", 1)],
        Continuity::Interrupted,
    );
    assert_eq!(continuity(None, "v2", &seen(&[]), &["v1"]), Continuity::Interrupted);
}

#[test]
fn an_upgrade_in_one_step_keeps_the_time() {
    let check = |from: &str, now: &[(&str, &str, i64)], expected: Continuity| {
        assert_eq!(
            continuity(Some(&record(from)), "v2", &seen(now), &["v1"]),
            expected,
            "{from} {now:?}"
        );
    };
    let kept = Continuity::Upgraded(since(100));
    check("v1", &[("a", "u1", 5), ("b", "u2", 1)], kept);
    check("v1", &[("a", "u1", 5), ("b", "u2", 2), ("new", "u3", 1)], kept);
    check("v1", &[("a", "u1", 6), ("b", "u2", 1)], Continuity::Interrupted);
    check("v1", &[("a", "u9", 5), ("b", "u2", 1)], Continuity::Interrupted);
    check("v1", &[("a", "u1", 3), ("b", "u2", 1)], Continuity::Interrupted);
    check("strange", &[("a", "u1", 5), ("b", "u2", 1)], Continuity::Interrupted);
    check("strange", &[("a", "u1", 4), ("b", "u2", 1)], kept);
}
