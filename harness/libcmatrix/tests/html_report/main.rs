//! The report as a page: nothing of a tested program acts in it, it keeps its size, and it works in a
//! real browser.

mod browser;
mod hostile;
mod pipe;
mod records;

use std::{collections::HashSet, sync::LazyLock};

use libcmatrix::report::{
    history,
    html::{LARGEST, render},
    matrix,
};
use proptest::prelude::*;
use scraper::{Html, Node, Selector};

use browser::Browser;
use records::{benchmarks, many_tests, record};

const ALL: [&str; 9] = [
    "thread-stack",
    "glibc-only-symbol",
    "program-crashes",
    "constructor-arguments",
    "explained/thread-stack",
    "explained/double-free",
    "explained/shell-needs-bash",
    "explained/dlopen-static",
    "hostile-output",
];

/// The page of a hundred thousand tests.
static MANY: LazyLock<String> = LazyLock::new(|| render(&many_tests(100_000)));

/// What a reader without any tool sees.
fn text(page: &Html, selector: &str) -> String {
    let selector = Selector::parse(selector).expect("a selector");
    let found = page.select(&selector).flat_map(|element| element.text().collect::<Vec<_>>());
    found.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_verdict_comes_with_why_and_what_to_do() {
    let page = Html::parse_document(&render(&record("explained/thread-stack")));
    let head = text(&page, "h1");
    assert!(head.starts_with("No-go thread-stack 0.0.0 cannot move from Debian trixie"), "{head}");
    let verdict = text(&page, ".verdict");
    assert!(verdict.contains("1 test regressed"), "{verdict}");
    assert!(verdict.contains("-Wl,-z,stack-size=8388608"), "{verdict}");
    let rules = text(&page, ".rules .fail");
    assert!(rules.contains("max-regressed measured 1 limit 0"), "{rules}");
    let crash = text(&page, ".crash");
    for said in
        ["Stack overflow", "guard", "fault address", "stack pointer", "descend", "thread.c:13"]
    {
        assert!(crash.contains(said), "{said}: {crash}");
    }
    assert!(text(&page, ".proof").contains("(1 of 1)"));
}

#[test]
fn a_build_that_failed_shows_the_linker() {
    let page = Html::parse_document(&render(&record("glibc-only-symbol")));
    let said = text(&page, "section[aria-labelledby=steps]");
    assert!(said.contains("build: failed") && said.contains("undefined reference"), "{said}");
}

#[test]
fn benchmarks_are_told_one_by_one() {
    let page = Html::parse_document(&render(&benchmarks(60)));
    let said = text(&page, "article:has(#benches-title)");
    assert!(said.contains("medians of 10 runs a side; 20 of 60 differ clearly"), "{said}");
    assert!(said.contains("case_000 1.02 \u{b5}s 2.04 \u{b5}s x 2.00 (1."), "{said}");
    assert!(said.contains("case_001 1.02 \u{b5}s 1.02 \u{b5}s"), "{said}");
    assert!(said.contains("no clear difference") && said.contains("and 20 more"), "{said}");
    let drawn = "article:has(#benches-title) tbody svg circle";
    assert_eq!(page.select(&Selector::parse(drawn).expect("a selector")).count(), 40);
}

/// Links lead to places of the page, ids are there once, and pictures have words.
#[test]
fn every_page_is_whole() {
    for name in ALL {
        let page = Html::parse_document(&render(&record(name)));
        let mut ids = HashSet::new();
        for id in page.select(&Selector::parse("[id]").expect("a selector")) {
            assert!(
                ids.insert(id.attr("id").expect("an id")),
                "{name}: {:?} is there twice",
                id.attr("id")
            );
        }
        for (selector, attribute) in
            [("a", "href"), ("[aria-labelledby]", "aria-labelledby"), ("use", "href")]
        {
            for element in page.select(&Selector::parse(selector).expect("a selector")) {
                let to = element.attr(attribute).expect("a place").trim_start_matches('#');
                assert!(ids.contains(to), "{name}: {to} is nowhere");
            }
        }
        for picture in page.select(&Selector::parse("[role=img]").expect("a selector")) {
            assert!(picture.attr("aria-label").is_some_and(|label| !label.is_empty()), "{name}");
        }
    }
}

/// Without the script all is there but the table of all tests.
#[test]
fn a_section_is_there_if_the_record_has_its_data() {
    let shown = |name: &str, id: &str| {
        let page = Html::parse_document(&render(&record(name)));
        page.select(&Selector::parse(id).expect("a selector")).next().is_some()
    };
    assert!(shown("program-crashes", "#images") && !shown("thread-stack", "#images"));
    assert!(shown("explained/thread-stack", "#why") && !shown("thread-stack", "#why"));
    assert!(shown("thread-stack", "#changes") && !shown("hostile-output", "#changes"));
}

/// What a page says that its record does not: nothing of it, whatever the record holds.
fn check_that_nothing_acts(page: &str, said: &str) {
    let parsed = Html::parse_document(page);
    let mut scripts = 0;
    for node in parsed.tree.values() {
        match node {
            Node::Element(element) => {
                assert!(!element.name().contains(hostile::MARK), "{said:?}: {}", element.name());
                for (name, value) in element.attrs() {
                    let in_it = [name, value].iter().any(|text| text.contains(hostile::MARK));
                    assert!(!in_it, "{said:?}: <{} {name}={value:?}>", element.name());
                    assert!(!name.starts_with("on") && name != "style", "{name}={value}");
                }
                scripts += usize::from(element.name() == "script");
            }
            Node::Comment(comment) => panic!("{said:?}: {comment:?}"),
            _ => {}
        }
    }
    assert_eq!(scripts, 2, "{said:?}: the data of the table, and its script");
    let acts = page.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(acts, None, "{said:?}");
    let data = Selector::parse("#tests-data").expect("a selector");
    let data: String = parsed.select(&data).flat_map(|element| element.text()).collect();
    serde_json::from_str::<serde_json::Value>(&data).expect("the tests as JSON");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every text of a record is replaced that may be any text.
    #[test]
    fn nothing_of_a_record_acts(said in hostile::text(), which in 0..ALL.len()) {
        let record = hostile::everywhere(ALL[which], &said);
        check_that_nothing_acts(&render(&record), &said);
    }
}

#[test]
fn a_hundred_thousand_tests_fit() {
    let page = &*MANY;
    println!("100,000 tests: {:.2} MB", page.len() as f64 / 1e6);
    assert!(page.len() <= LARGEST, "{}", page.len());
    assert!(!page.contains("There was no room"), "all tests are in it");
}

/// Names of hundreds of characters that share nothing, and outputs that grow when they are escaped.
#[test]
fn a_page_keeps_its_size_whatever_tests_are_called_and_print() {
    let mut record = many_tests(30_000);
    let odd =
        |id: &str| format!("{}{id}{}", id.chars().rev().collect::<String>(), "<&".repeat(150));
    for test in record.legs.iter_mut().flat_map(|leg| &mut leg.tests) {
        test.id = odd(&test.id);
        for attempt in &mut test.attempts {
            attempt.output = "<\">&".repeat(3000);
        }
    }
    for change in &mut record.comparison.as_mut().expect("a comparison").changes {
        change.id = odd(&change.id);
        change.change = libcmatrix_schema::ChangeKind::Regressed;
    }
    for finding in &mut record.findings {
        finding.tests = Vec::new();
    }
    let page = render(&record);
    assert!(page.len() <= LARGEST, "{}", page.len());
    assert!(page.contains("There was no room"), "what is left out is told");
}

/// The page as its reader has it.
#[test]
fn the_table_is_searched_with_the_keyboard() {
    let mut browser = Browser::start();
    browser.open(&render(&record("explained/thread-stack")));
    let rows = "document.querySelectorAll('#tests-table tbody tr').length";
    assert_eq!(browser.evaluate(rows), 3);
    browser.press("/");
    assert_eq!(browser.evaluate("document.activeElement.id"), "filter-text");
    browser.type_text("OVERFLOWS crashed");
    assert_eq!(browser.evaluate(rows), 1);
    let shown = browser.evaluate("document.querySelector('#tests-table tbody').innerText");
    assert!(shown.as_str().is_some_and(|text| text.contains("overflows_the_stack")), "{shown}");
    assert_eq!(
        browser.evaluate("document.getElementById('tests-count').textContent"),
        "1 of 3 tests"
    );
    browser.evaluate("document.querySelector('a[data-kind=same]').click()");
    // A form tells of its reset a moment later.
    assert!(browser.becomes_true(&format!("{rows} === 2")), "two tests are the same");
    browser.evaluate("document.querySelector('#tests-table thead button').focus()");
    browser.press("Enter");
    assert_eq!(
        browser.evaluate("document.querySelector('#tests-table thead th').ariaSort"),
        "descending"
    );
    browser.evaluate("document.querySelector('.remedies .copy button').click()");
    let told = "document.querySelector('.remedies .copy button').textContent !== 'Copy'";
    assert!(browser.becomes_true(told), "the reader is told that it was done");
    let wide = "document.documentElement.scrollWidth > innerWidth";
    for width in [360, 400, 1000, 1600] {
        browser.resize(width);
        assert_eq!(browser.evaluate(wide), false, "at {width} pixels nothing sticks out");
    }
    browser.check_that_all_is_quiet();
}

/// In both colour schemes, at any width: reports, and the pages of a matrix and of many runs.
#[test]
fn every_text_stands_out_and_nothing_sticks_out() {
    let mut pages: Vec<(&str, String)> = [
        "explained/thread-stack",
        "explained/double-free",
        "glibc-only-symbol",
        "hostile-output",
        "program-crashes",
    ]
    .map(|name| (name, render(&record(name))))
    .into();
    pages.push(("benchmarks", render(&benchmarks(5))));
    pages.push(("a matrix", matrix::html::render(&records::matrix())));
    pages.push(("many runs", history::html::render(&records::runs())));
    let long = "a_name_without_an_end".repeat(20);
    pages.push(("long names", render(&hostile::everywhere("program-crashes", &long))));
    pages.push((
        "hostile names",
        render(&hostile::everywhere("explained/thread-stack", hostile::EXAMPLES[0])),
    ));
    let mut browser = Browser::start();
    for (name, page) in pages {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            browser.open(&page);
            let found = browser.evaluate(include_str!("contrast.js"));
            assert!(found["looked"].as_u64() > Some(20), "{found}");
            assert_eq!(found["low"], serde_json::json!([]), "{name}, {scheme}");
        }
        for width in [320, 390, 900, 1600] {
            browser.resize(width);
            let wide = browser.evaluate("document.documentElement.scrollWidth");
            assert!(wide.as_u64() <= Some(width.into()), "{name}: {wide} of {width}");
        }
        browser.check_that_all_is_quiet();
    }
}

#[test]
fn hostile_names_do_nothing_in_a_browser() {
    let mut browser = Browser::start();
    for said in hostile::EXAMPLES {
        browser.open(&render(&hostile::everywhere("explained/thread-stack", said)));
        assert_eq!(browser.evaluate("typeof window.zqx"), "undefined", "{said}");
        let foreign =
            "document.querySelectorAll('img, iframe, object, embed, base, link, zqx').length";
        assert_eq!(browser.evaluate(foreign), 0, "{said}");
        assert_eq!(
            browser.evaluate("document.querySelectorAll('#tests-table tbody tr').length"),
            3
        );
        browser.check_that_all_is_quiet();
    }
}

/// Times are told, not demanded: they are of this machine.
#[test]
fn a_hundred_thousand_tests_are_shown_and_searched() {
    let mut browser = Browser::start();
    browser.open(&MANY);
    let paint = browser
        .evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1");
    let load = browser.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd");
    println!("first view after {paint} ms, all done after {load} ms");
    let search = |text: &str| {
        format!(
            "(() => {{ const box = document.getElementById('filter-text'); const from = performance.now(); \
             box.value = {text:?}; box.dispatchEvent(new Event('input', {{ bubbles: true }})); \
             document.body.offsetHeight; const took = performance.now() - from; \
             return [took, document.getElementById('tests-count').textContent]; }})()"
        )
    };
    for text in ["case_00042", "parser passed", "s", "nothing like it"] {
        let found = browser.evaluate(&search(text));
        println!("{text:?}: {} ms, {}", found[0], found[1]);
        let none = found[1] == "No test fits.";
        assert_eq!(none, text == "nothing like it", "{text}: {found}");
    }
    browser.check_that_all_is_quiet();
}
