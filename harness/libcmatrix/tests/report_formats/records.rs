//! Records to be shown: those of sample projects, and one whose every text is hostile.

use std::{fs, path::Path};

use libcmatrix::compare::compare;
use libcmatrix_schema::{
    Acceptance, AttemptStatus, BenchMeasurement, BuildMessage, Evidence, Measurement, Note,
    Outcome, Quantity, RuleStatus, RunRecord, Shows, StepStatus, TestMeasurement,
};

/// That of a sample project.
pub fn named(name: &str) -> RunRecord {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    let text = fs::read_to_string(folder.join(name).with_extension("json")).expect("a record");
    serde_json::from_str(&text).expect("a record that is understood")
}

/// The sample fails alike on both sides; only a difference shows what a test printed.
pub fn hostile_output() -> RunRecord {
    let mut record = named("hostile-output");
    for test in &mut record.legs[0].tests {
        test.outcome = Outcome::Passed;
        test.attempts.iter_mut().for_each(|a| a.status = AttemptStatus::Passed);
    }
    record.comparison = Some(compare(&record));
    record
}

/// A record in which `text` stands wherever a tested program, a configuration or an image may have put
/// something.
pub fn poisoned(text: &str) -> RunRecord {
    let mut record = named("explained/thread-stack");
    let add = |to: &mut String| to.push_str(text);
    add(&mut record.project.name);
    add(&mut record.project.path);
    add(&mut record.run_id);
    add(&mut record.tool.version);
    for package in &mut record.project.packages {
        add(&mut package.name);
        add(&mut package.path);
    }
    record.notes.push(Note { code: text.into(), text: text.into() });
    for leg in &mut record.legs {
        add(&mut leg.name);
        leg.environment.toolchain.iter_mut().for_each(|t| add(&mut t.target));
        for binary in &mut leg.binaries {
            add(&mut binary.id);
            add(&mut binary.listing_output);
            binary.listing = Some(AttemptStatus::Failed { exit_code: 1 });
        }
        for test in &mut leg.tests {
            add(&mut test.id);
            for attempt in &mut test.attempts {
                attempt.output = format!("panicked at {text}:1:2:\n{text}\n");
                attempt.leaked_processes.push(text.into());
                if attempt.status == AttemptStatus::Passed {
                    attempt.crash = None;
                }
            }
        }
        for step in leg.steps.iter_mut().take(2) {
            step.status = StepStatus::Failed;
            step.detail = Some(text.into());
            step.log = Some(text.into());
            step.failed_targets.push(text.into());
            step.diagnostics = vec![text.into()];
            let file = Some(text.to_owned());
            step.messages.push(BuildMessage { file, text: text.into(), ..BuildMessage::default() });
        }
        leg.steps[0].diagnostics.clear();
        leg.final_images = named("program-crashes").legs[0].final_images.clone();
        for image in &mut leg.final_images {
            image.base = Some(text.into());
            image.contents.shells.push(text.into());
        }
    }
    let comparison = record.comparison.as_mut().expect("a comparison");
    for change in &mut comparison.changes {
        add(&mut change.id);
        change.reason = Some(text.into());
    }
    let measurement = Measurement {
        quantity: Quantity::TestWall,
        baseline: vec![1.0, 1.0],
        candidate: vec![2.0, 2.0],
        baseline_median: 1.0,
        candidate_median: 2.0,
        ratio: Some(2.0),
        interval: Some([1.9, 2.1]),
        shows: Shows::More,
    };
    comparison.tests_measured =
        vec![TestMeasurement { id: text.into(), measurement: measurement.clone() }];
    comparison.benches_measured = vec![BenchMeasurement {
        id: text.into(),
        measurement: measurement.clone(),
        is_clear: true,
    }];
    comparison.measurements = vec![measurement];
    for finding in &mut record.findings {
        finding.tests.iter_mut().for_each(add);
        finding.evidence.push(Evidence {
            text: text.into(),
            file: Some(text.into()),
            line: Some(7),
            ..Evidence::default()
        });
        finding.proofs[0].change = text.into();
        finding.remedies.insert(0, text.into());
    }
    let mut unknown = record.findings[0].clone();
    unknown.code = format!("code{text}");
    unknown.title = text.into();
    unknown.category = text.into();
    unknown.tests.clear();
    record.findings.push(unknown);
    let verdict = record.verdict.as_mut().expect("a verdict");
    verdict.reasons.push(text.into());
    verdict.conditions.push(text.into());
    verdict.rules[0].id = text.into();
    verdict.rules[0].status = RuleStatus::Fail;
    verdict.rules[0].reason = Some(text.into());
    verdict.acceptances.push(Acceptance {
        tests: vec![text.into()],
        finding: Some(format!("code{text}")),
        reason: text.into(),
        expires: text.into(),
        covers_finding: true,
        ..Acceptance::default()
    });
    record
}

/// Texts that are markup, commands or worse somewhere.
pub const HOSTILE: [&str; 12] = [
    "\n\n# a heading\n\n- [x] done\n\n@octocat #1 https://x.example/ www.x.example a@b.example",
    "</summary></details><script>alert(1)</script><img src=x onerror=alert(1)>",
    "`` ` ``` ~~~\n```\n</details>\n",
    "]]> <![CDATA[ </testcase></testsuite> &lt; &bogus; \" '",
    "::error file=a::b\n::set-output name=verdict::go\n##vso[task.complete]\n%0A%25",
    "\u{1b}[31m\u{0}\u{8}\u{c}\u{7f}\u{9b}31m\u{202e}desrever\u{202c}\u{feff}\u{fffe}\u{ffff}\u{b}\r",
    "../../etc/passwd",
    "/work/src/a b,c:d%e#f?g.rs",
    "[text](https://x.example/) ![i](x) {0} [1](2)",
    "| a | b |\n|---|---|\n\\| \\\\|",
    "$`x^2`$ $$y$$ <!-- c --> &#64;a :tada: !7 ~label",
    "1. one",
];
