//! Builds that fail for want of a package: what is told of them, and what they are no reason for.

use libcmatrix::{
    compare::compare,
    diagnose,
    verdict::{self, Policy},
};
use libcmatrix_schema::{Confidence, Leg, RunRecord, Verdict, VerdictOutcome};
use serde_json::{Value, json};

const OPENSSL: &str = "error: failed to run custom build command for `openssl-sys v0.9.104`\n\
    Could not find directory of OpenSSL installation, and this `-sys` crate cannot proceed\n";
const SQLITE: &str = "a.c:1:10: fatal error: sqlite3.h: No such file or directory";
const GLIBC_ONLY: &str = "error[E0432]: unresolved import `libc::mallinfo2`\n --> src/lib.rs:1:5\n  \
    |\n1 | use libc::mallinfo2;\n  |     ^^^^^^^^^^^^^^^ no `mallinfo2` in the root\n";
const UNKNOWN: &str = "error[E0308]: mismatched types\n --> src/lib.rs:7:9";

/// A build step by the packages that failed, each with what was said.
fn build(failed: &[(&str, &str)]) -> Value {
    let messages: Vec<Value> = failed
        .iter()
        .map(|(package, text)| {
            json!({"source": "rustc", "level": "error", "package": package, "text": text})
        })
        .collect();
    let targets: Vec<&str> = failed.iter().map(|(package, _)| *package).collect();
    let status = if failed.is_empty() { "passed" } else { "failed" };
    json!({
        "name": "build", "status": status, "wall_s": 1.0, "failed_targets": targets,
        "messages": messages,
    })
}

fn record(baseline: &[(&str, &str)], candidate: &[(&str, &str)]) -> RunRecord {
    let leg = |role: &str, libc: &str, failed: &[(&str, &str)]| -> Leg {
        serde_json::from_value(json!({
            "name": role, "role": role,
            "environment": {"libc": libc, "distro": "x", "release": "1", "linkage": "static"},
            "steps": [build(failed)],
            "binaries": [{"id": "p", "harness": true, "listing": {"status": "passed"}}],
            "tests": [{"id": "p$a", "outcome": "passed", "attempts": [{"status": "passed"}]}],
        }))
        .expect("a leg")
    };
    let mut record: RunRecord =
        serde_json::from_str(include_str!("records/without-legs.json")).expect("a record");
    record.legs = vec![leg("baseline", "glibc", baseline), leg("candidate", "musl", candidate)];
    record
}

/// The findings' codes, and the verdict.
fn judged(baseline: &[(&str, &str)], candidate: &[(&str, &str)]) -> (Vec<String>, Verdict) {
    let mut record = record(baseline, candidate);
    let comparison = compare(&record);
    record.findings = diagnose::findings(&record, &comparison);
    let told = |f: &libcmatrix_schema::Finding| format!("{} {}", f.confidence, f.code);
    let codes = record.findings.iter().map(told).collect();
    (codes, verdict::decide(&record, &comparison, &Policy::default(), &[]))
}

#[test]
fn a_package_that_musl_alone_lacks_is_no_reason_against_it() {
    let (codes, verdict) = judged(&[], &[("db@1.0.0", SQLITE)]);
    assert_eq!(codes, ["likely needs-packages"]);
    assert_eq!(verdict.outcome, VerdictOutcome::Inconclusive, "{verdict:?}");
    assert_eq!(
        verdict.reasons,
        ["was not seen to work for want of packages (apk add sqlite-dev): db@1.0.0"]
    );
}

#[test]
fn a_package_that_both_lack_is_told_of() {
    let both: &[_] = &[("openssl-sys@0.9.104", OPENSSL)];
    let record = record(both, both);
    let findings = diagnose::findings(&record, &compare(&record));
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!((finding.code.as_str(), finding.confidence), ("needs-packages", Confidence::Likely));
    assert_eq!(finding.packages.alpine, ["openssl-dev"]);
    assert_eq!(finding.packages.debian, ["libssl-dev"]);
    assert_eq!(finding.remedies[0], "Alpine: apk add openssl-dev");
    assert_eq!(finding.remedies[1], "Debian: apt-get install libssl-dev");
    assert_eq!(judged(both, both).1.outcome, VerdictOutcome::Inconclusive);
}

#[test]
fn each_package_that_does_not_build_has_its_own_cause() {
    let (codes, verdict) = judged(&[], &[("db@1.0.0", SQLITE), ("mem@1.0.0", GLIBC_ONLY)]);
    assert_eq!(codes, ["likely rust-libc-missing-item", "likely needs-packages"]);
    assert_eq!(verdict.outcome, VerdictOutcome::NoGo, "{verdict:?}");
    let (codes, verdict) = judged(&[], &[("db@1.0.0", SQLITE), ("odd@1.0.0", UNKNOWN)]);
    assert_eq!(codes, ["likely needs-packages", "possible unexplained"]);
    assert_eq!(verdict.outcome, VerdictOutcome::NoGo, "{verdict:?}");
}

#[test]
fn what_fails_on_both_sides_is_not_the_libcs() {
    let (codes, verdict) =
        judged(&[("mem@1.0.0", GLIBC_ONLY)], &[("mem@1.0.0", GLIBC_ONLY), ("db@1.0.0", SQLITE)]);
    assert_eq!(codes, ["likely needs-packages"]);
    assert_eq!(verdict.outcome, VerdictOutcome::Inconclusive, "{verdict:?}");
    let (codes, _) = judged(&[("odd@1.0.0", UNKNOWN)], &[("odd@1.0.0", UNKNOWN)]);
    assert_eq!(codes, [""; 0]);
}

/// That perl is missing is told by no message; an experiment finds it, and with it the package.
#[test]
fn a_program_that_an_experiment_found_missing_is_no_reason_against_musl() {
    let verdict = |added: &str| {
        let mut run = record(&[], &[]);
        let failed = json!({
            "status": "failed", "exit_code": 101,
            "output": "cannot start perl: No such file or directory (os error 2)",
        });
        let test = |outcome: &str, attempt: Value| {
            let mut test = json!({"id": "p$a", "attempts": vec![attempt; 5], "outcome": outcome});
            if outcome == "failed" {
                test["exit_code"] = 101.into();
            }
            test
        };
        let passed = || json!({"status": "passed"});
        let read = |test: Value| serde_json::from_value(test).expect("a test");
        run.legs[0].tests = vec![read(test("passed", passed()))];
        run.legs[1].tests = vec![read(test("failed", failed))];
        let experiment = json!({
            "kind": "packages-added", "leg": "candidate", "finding": "program-missing",
            "packages": [added], "tests": [test("passed", passed())],
        });
        run.experiments = vec![serde_json::from_value(experiment).expect("an experiment")];
        let comparison = compare(&run);
        run.findings = diagnose::findings(&run, &comparison);
        let [finding] = run.findings.as_slice() else { panic!("{:#?}", run.findings) };
        assert_eq!(finding.code, "program-missing");
        assert_eq!(finding.confidence, Confidence::Proven);
        verdict::decide(&run, &comparison, &Policy::default(), &[])
    };
    let known = verdict("perl-base");
    assert_eq!(known.outcome, VerdictOutcome::Inconclusive, "{known:?}");
    assert_eq!(known.reasons, ["was not seen to work for want of packages (apk add perl): p$a"]);
    assert_eq!(verdict("of-debian-alone").outcome, VerdictOutcome::NoGo);
}

/// A test that crashes is no test that merely lacks a package, whatever it printed before.
#[test]
fn a_crash_is_never_laid_on_a_package() {
    let mut run = record(&[], &[]);
    let status = |crashed| match crashed {
        true => json!({"status": "crashed", "signal": 11, "output": "sh: bash: not found"}),
        false => json!({"status": "failed", "exit_code": 1, "output": "sh: bash: not found"}),
    };
    for (crashed, outcome) in [(false, VerdictOutcome::Inconclusive), (true, VerdictOutcome::NoGo)]
    {
        let attempts = vec![status(crashed); 5];
        let named = if crashed {
            json!({"outcome": "crashed", "signal": 11})
        } else {
            json!({"outcome": "failed", "exit_code": 1})
        };
        let mut test = named;
        test["id"] = "p$a".into();
        test["attempts"] = json!(attempts);
        run.legs[1].tests = vec![serde_json::from_value(test).expect("a test")];
        let good = vec![json!({"status": "passed"}); 5];
        let good = json!({"id": "p$a", "outcome": "passed", "attempts": good});
        run.legs[0].tests = vec![serde_json::from_value(good).expect("a test")];
        let comparison = compare(&run);
        run.findings = diagnose::findings(&run, &comparison);
        assert_eq!(run.findings[0].packages.alpine, ["bash"], "{:?}", run.findings);
        let verdict = verdict::decide(&run, &comparison, &Policy::default(), &[]);
        assert_eq!(verdict.outcome, outcome, "{verdict:?}");
    }
}
