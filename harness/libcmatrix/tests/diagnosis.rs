//! Every rule against its witnesses: logs in `tests/diagnosis/<code>/`, and look-alikes in
//! `tests/diagnosis/none/`. A false alarm is the worst bug there can be, so a witness of one rule is
//! a look-alike for all others.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::LazyLock};

use libcmatrix::diagnose::{Diagnosis, Rulebook, UNEXPLAINED, decide, page, rulebook, scan};
use libcmatrix_schema::Confidence;
use proptest::prelude::*;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), name].iter().collect()
}

type Witness = (String, String, Vec<u8>);

/// (code, name, text) of all witnesses.
fn witnesses() -> &'static [Witness] {
    static WITNESSES: LazyLock<Vec<Witness>> = LazyLock::new(read_witnesses);
    &WITNESSES
}

fn read_witnesses() -> Vec<Witness> {
    let mut all = Vec::new();
    for code in fs::read_dir(folder("tests/diagnosis")).expect("the witnesses") {
        let code = code.expect("an entry");
        for log in fs::read_dir(code.path()).expect("a folder") {
            let log = log.expect("an entry");
            let text = fs::read(log.path()).expect("a log");
            let name = |e: &fs::DirEntry| e.file_name().to_string_lossy().into_owned();
            all.push((name(&code), name(&log), text));
        }
    }
    all.sort();
    assert!(!all.is_empty(), "no witnesses");
    all
}

fn told(diagnosis: &Diagnosis) -> String {
    let one = |f: &libcmatrix::diagnose::Found| {
        let lines: Vec<_> =
            f.hits.iter().take(3).map(|hit| format!("{}: {}", hit.line, hit.text)).collect();
        format!("{} {} [{}]", f.confidence, f.entry.code, lines.join(" / "))
    };
    let all: Vec<_> = diagnosis.findings.iter().map(one).collect();
    all.join("\n      ")
}

#[test]
fn every_witness_gives_its_code_and_no_other() {
    let mut wrong = Vec::new();
    for (code, name, text) in witnesses() {
        let diagnosis = decide(&scan(text));
        let likely: BTreeSet<&str> = diagnosis
            .findings
            .iter()
            .filter(|found| found.confidence >= Confidence::Likely)
            .map(|found| found.entry.code)
            .collect();
        let first = diagnosis.findings.first().map(|found| found.entry.code);
        let others = diagnosis.other_causes.first().map(|found| found.entry.code);
        let right = if code == "none" {
            likely.is_empty()
        } else if name.starts_with("possible-") {
            first == Some(code.as_str()) && likely.is_empty()
        } else {
            likely == BTreeSet::from([code.as_str()])
                || (likely.is_empty() && others == Some(code.as_str()))
        };
        if !right {
            wrong.push(format!("  {code}/{name}:\n      {}", told(&diagnosis)));
        }
    }
    assert!(wrong.is_empty(), "{} witnesses are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_is_whole() {
    let rulebook = Rulebook::read().expect("the rules");
    let has_witness: BTreeSet<String> = witnesses().iter().map(|(code, ..)| code.clone()).collect();
    let mut faults = Vec::new();
    for entry in &rulebook.entries {
        let rule = &entry.rule;
        let mut check = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{}: {what}", entry.code));
            }
        };
        check(!rule.differs.trim().is_empty(), "does not say what differs");
        check(!rule.shows.trim().is_empty(), "does not say how it shows");
        check(!rule.remedies.is_empty(), "has no remedy");
        check(
            rule.over.iter().all(|code| rulebook.get(code).is_some()),
            "is over a code that is not there",
        );
        let asks = !rule.when.is_empty();
        check(
            asks || rule.known_by.is_some(),
            "is shown by nothing, and does not say how it is known",
        );
        let only_runs = rule.only_in_runs();
        check(!asks || only_runs || has_witness.contains(entry.code), "has no witness");
        if let Some(sample) = &rule.sample {
            let there = folder("../../sample-projects").join(sample).is_dir();
            check(there, "names a sample project that is not there");
        }
    }
    for code in has_witness.iter().filter(|code| *code != "none") {
        if rulebook.get(code).is_none() {
            faults.push(format!("{code}: has witnesses, and no rule"));
        }
    }
    if rulebook.get(UNEXPLAINED).is_none() {
        faults.push("there is no rule for what no rule explains".into());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `LIBCMATRIX_BLESS=1` writes the pages.
#[test]
fn every_rule_has_its_page() {
    let pages = folder("../../docs/findings");
    let bless = std::env::var_os("LIBCMATRIX_BLESS").is_some();
    let mut wanted = BTreeSet::new();
    let mut stale = Vec::new();
    for entry in &rulebook().entries {
        let path = pages.join(format!("{}.md", entry.code));
        let text = page(entry);
        if bless {
            fs::create_dir_all(&pages).expect("the folder");
            fs::write(&path, &text).expect("the page");
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            stale.push(entry.code);
        }
        wanted.insert(format!("{}.md", entry.code));
    }
    for page in fs::read_dir(&pages).expect("the pages") {
        let page = page.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(wanted.contains(&page), "{page} is the page of no rule");
    }
    assert!(
        stale.is_empty(),
        "pages that are not as the rules are: {stale:?}; LIBCMATRIX_BLESS=1 writes them"
    );
}

/// An object that asks for one of these was made for glibc; the audit's list is made by other means.
#[test]
fn symbols_of_the_rules_are_glibcs_alone() {
    let glibc_only: BTreeSet<&str> = libcmatrix_agent::glibc_only_symbols().collect();
    for table in ["glibc-only", "fortify", "lfs64"] {
        let path = folder("rules/tables").join(table).with_extension("txt");
        let text = fs::read_to_string(path).expect("a table");
        for name in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            // Exported by glibc before 2.34 only.
            let is_older = name == "__libc_dlopen_mode";
            assert!(is_older || glibc_only.contains(name), "{table}: {name}");
        }
    }
}

proptest! {
    /// Whatever a log holds, it is gone through to its end.
    #[test]
    fn no_text_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let _ = decide(&scan(&bytes));
    }

    /// A log that comes in portions is the same log.
    #[test]
    fn portions_do_not_matter(cut in 0usize..2000) {
        let text: Vec<u8> = witnesses().iter().take(8).flat_map(|(.., text)| text.clone()).collect();
        let cut = cut % (text.len() + 1);
        let mut scanner = libcmatrix::diagnose::Scanner::new();
        scanner.push(&text[..cut]);
        scanner.push(&text[cut..]);
        let names = |d: &Diagnosis| d.findings.iter().map(|f| (f.entry.code, f.hits.clone())).collect::<Vec<_>>();
        prop_assert_eq!(names(&decide(&scanner.finish())), names(&decide(&scan(&text))));
    }
}
