//! Reports for CI systems, as they are written: real records of sample projects, and hostile ones.
//!
//! `INSTA_UPDATE=always cargo test -p libcmatrix --test report_formats` accepts a new form.

mod records;

use libcmatrix::{
    compare::compare,
    report::{
        annotations, code_quality,
        formats::{FORMATS, FormatOptions, files, format},
        junit, markdown, sarif, trials,
    },
};
use libcmatrix_schema::RunRecord;
use proptest::prelude::*;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};
use records::{HOSTILE, hostile_output, named, poisoned};

fn page(record: &RunRecord) -> String {
    markdown::render(record, markdown::SUMMARY_BYTES)
}

#[test]
fn a_regression_that_is_explained_in_markdown() {
    insta::assert_snapshot!(page(&named("explained/thread-stack")));
}

#[test]
fn packages_that_are_missing_in_markdown() {
    insta::assert_snapshot!(page(&named("explained/shell-needs-bash")));
}

/// Each in a row of its own, as many as there is room for.
#[test]
fn benchmarks_in_markdown() {
    let mut record = named("explained/thread-stack");
    for (by, leg) in [1.0, 1.5].into_iter().zip(&mut record.legs) {
        let run = |n: u32| {
            let noise = 1.0 + f64::from(n % 5) * 0.01;
            let slower = (0..150).map(|n| (format!("b$slower|{n:03}"), 1e-6 * by * noise));
            slower.chain([("b$same".to_owned(), 2e-3 * noise)]).collect()
        };
        leg.bench_runs = (0..10).map(run).collect();
    }
    record.comparison = Some(compare(&record));
    let whole = page(&record);
    assert!(whole.contains("<summary>Benchmarks: 150 of 151 take clearly more or less time"));
    let row = |name: &str, begin: &str, end: &str| {
        let row = whole.lines().find(|line| line.contains(name)).expect("a row");
        assert!(row.starts_with(begin) && row.ends_with(end), "{row}");
    };
    // A bar would end a cell.
    row("000", "| `b$slower\u{a6}000` | 1.02 \u{b5}s | 1.53 \u{b5}s | x 1.50 (1.", ") | more |");
    row("b$same", "| `b$same` | 2.04 ms | 2.04 ms | x 1.00 (0.", ") | no clear difference |");
    let rows = |page: &str| page.matches("`b$slower").count();
    assert_eq!(rows(&whole), 150);
    let short = markdown::render(&record, 8 << 10);
    assert!((25..150).contains(&rows(&short)), "{short}");
    assert!(short.contains("left out here"), "{short}");
    is_inert(&record, 8 << 10).expect("whole tables");
}

#[test]
fn a_target_that_does_not_link_in_markdown() {
    insta::assert_snapshot!(page(&named("glibc-only-symbol")));
}

#[test]
fn images_of_which_one_does_not_start_in_markdown() {
    insta::assert_snapshot!(page(&named("program-crashes")));
}

#[test]
fn hostile_output_in_markdown() {
    insta::assert_snapshot!(page(&hostile_output()));
}

#[test]
fn the_comparison_as_junit() {
    insta::assert_snapshot!(junit::diff(&named("explained/thread-stack")).expect("XML"));
}

#[test]
fn the_comparison_as_trials() {
    insta::assert_snapshot!(trials::render(&named("explained/thread-stack")).expect("JSON"));
}

/// What was not compared, or not built, must not look green.
#[test]
fn a_target_that_does_not_link_fails_the_last_trial() {
    let text = trials::render(&named("glibc-only-symbol")).expect("JSON");
    let last = text.lines().last().expect("a line");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&last["name"], &last["status"]), (&"the verdict is go".into(), &"failed".into()));
    assert!(last["text"].as_str().expect("a text").contains("the answer is no-go"), "{last}");
}

#[test]
fn hostile_output_of_a_leg_as_junit() {
    let record = hostile_output();
    insta::assert_snapshot!(junit::leg(&record, &record.legs[1]).expect("XML"));
}

#[test]
fn a_leg_that_was_not_built_whole_as_junit() {
    let record = named("glibc-only-symbol");
    insta::assert_snapshot!(junit::leg(&record, &record.legs[1]).expect("XML"));
}

/// The pages of the rules are not repeated here.
#[test]
fn results_as_sarif() {
    let text = sarif::render(&named("explained/shell-needs-bash")).expect("JSON");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let run = &document["runs"][0];
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!(rule["id"], "no-bash");
    assert!(rule["help"]["markdown"].as_str().expect("a page").contains("## What to do"));
    assert!(rule["helpUri"].as_str().expect("a URI").ends_with("/docs/findings/no-bash.md"));
    let shown = serde_json::to_string_pretty(&run["results"]).expect("JSON");
    insta::assert_snapshot!(shown);
}

#[test]
fn annotations_of_github() {
    insta::assert_snapshot!(annotations::render(&named("explained/thread-stack")));
}

#[test]
fn code_quality_of_gitlab() {
    insta::assert_snapshot!(
        code_quality::render(&named("explained/shell-needs-bash")).expect("JSON")
    );
}

#[test]
fn a_run_leaves_its_reports() {
    let all = files(&named("thread-stack")).expect("reports");
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "report.md",
        "report.html",
        "report.sarif",
        "junit-diff.xml",
        "junit-debian-trixie-local.xml",
        "junit-alpine-3.23-local.xml",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    for (name, text) in &all {
        assert!(text.ends_with('\n'), "{name}");
    }
}

#[test]
fn a_leg_that_is_not_there_is_told() {
    let options = FormatOptions { leg: Some("nowhere".into()), ..FormatOptions::default() };
    let junit = format("junit").expect("the format");
    let failure = (junit.render)(&named("thread-stack"), &options).expect_err("no such leg");
    assert_eq!(
        failure.hint.as_deref(),
        Some("its legs are debian-trixie-local and alpine-3.23-local")
    );
}

/// GitHub shows ten of a kind, so the verdict must be among them, and what matters most.
#[test]
fn no_more_annotations_than_are_shown() {
    let mut record = named("explained/thread-stack");
    let finding = record.findings[0].clone();
    record.findings = (0..30)
        .map(|n| libcmatrix_schema::Finding { code: format!("code-{n:02}"), ..finding.clone() })
        .collect();
    let text = annotations::render(&record);
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10, "{text}");
    assert!(errors[0].contains("NO-GO") && errors[1].contains("code-00"), "{text}");
    assert!(text.ends_with("21 more are in the record: GitHub shows 10 of a kind\n"), "{text}");
}

/// However many results there are, GitHub takes the document.
#[test]
fn sarif_keeps_within_what_is_taken() {
    let mut record = named("explained/thread-stack");
    let evidence = &mut record.findings[0].evidence;
    let place = |n: u64| libcmatrix_schema::Evidence {
        text: "x".repeat(5_000),
        file: Some(format!("src/file{n}.rs")),
        line: Some(n + 1),
        ..Default::default()
    };
    evidence.splice(0..0, (0..6_000).map(place));
    let text = sarif::render(&record).expect("JSON");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let results = document["runs"][0]["results"].as_array().expect("results").len();
    assert!((1_000..=5_000).contains(&results), "{results}");
    assert!(text.len() < 10_000_000, "{}", text.len());
}

/// No text is markup, HTML, a link, or a name that is called.
fn is_inert(record: &RunRecord, most: usize) -> Result<(), TestCaseError> {
    let page = markdown::render(record, most);
    prop_assert!(page.len() <= most.max(markdown::LEAST_BYTES), "{} of {most}", page.len());
    prop_assert!(page.starts_with("## "));
    let (mut open, mut code, mut headings) = (0, false, 0);
    for event in Parser::new_ext(&page, Options::ENABLE_GFM | Options::ENABLE_TABLES) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                let rest = html.strip_prefix("<details><summary>");
                let own = rest.and_then(|rest| rest.strip_suffix("</summary>"));
                open += i32::from(own.is_some()) - i32::from(html == "</details>");
                let is_own =
                    html == "</details>" || own.is_some_and(|own| !own.contains(['<', '`', '@']));
                prop_assert!(is_own, "{html:?} in {page}");
                prop_assert!(open >= 0);
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::FootnoteDefinition(_)) => {
                prop_assert!(false, "a link in {page}");
            }
            Event::Start(Tag::Heading { level, .. }) => {
                headings += 1;
                let is_own =
                    level == if headings == 1 { HeadingLevel::H2 } else { HeadingLevel::H3 };
                prop_assert!(is_own && headings <= 4, "{page}");
            }
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => code = false,
            Event::Text(words) if !code => {
                prop_assert!(!words.contains(['@', '#', '<', '$', '!']), "{words:?} in {page}");
                prop_assert!(
                    !words.contains("www.") && !words.contains("://"),
                    "{words:?} in {page}"
                );
            }
            _ => {}
        }
    }
    prop_assert_eq!(open, 0, "{}", page);
    Ok(())
}

/// The names and texts of trials.
fn decoded(lines: &str) -> String {
    let mut all = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let texts = ["name", "text"].map(|key| line[key].as_str().map(str::to_owned));
        all.extend(texts.into_iter().flatten());
    }
    all.join("\n")
}

/// Every format of a record holds nothing that acts.
fn is_harmless(record: &RunRecord) -> Result<(), TestCaseError> {
    is_inert(record, markdown::SUMMARY_BYTES)?;
    for format in FORMATS.iter().filter(|format| !matches!(format.name, "terminal" | "json")) {
        let text = (format.render)(record, &FormatOptions::default()).expect("a report");
        // What a test harness prints of them.
        let text = if format.name == "trials" { decoded(&text) } else { text };
        let acts =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!text.contains(acts), "{}: {text:?}", format.name);
        let is_command = |line: &&str| line.trim_start().starts_with("::");
        if format.name == "github" {
            let known = ["::error ", "::warning ", "::notice "];
            let commands: Vec<&str> = text.lines().filter(is_command).collect();
            prop_assert!(
                commands.iter().all(|line| known.iter().any(|name| line.starts_with(name)))
            );
            // The verdict, and one of each finding at each of its places.
            prop_assert!(commands.len() <= 1 + 2 * record.findings.len());
        } else {
            prop_assert!(!text.lines().any(|line| is_command(&line)), "{}: {text}", format.name);
        }
    }
    Ok(())
}

#[test]
fn known_tricks_do_nothing() {
    for text in HOSTILE {
        is_harmless(&poisoned(text)).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    }
    is_harmless(&hostile_output()).expect("harmless");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_is_harmless(text in any::<String>()) {
        is_harmless(&poisoned(&text))?;
    }

    /// Above the limit never, and whatever was left out, what is there is whole.
    #[test]
    fn a_page_keeps_below_its_limit(most in 0usize..40_000, which in 0..HOSTILE.len(), times in 1usize..60) {
        is_inert(&poisoned(&HOSTILE[which].repeat(times)), most)?;
    }
}
