//! The file: what comes out is what went in, and nothing is destroyed.

use std::{fs, path::Path};

use libcmatrix::{
    exit::Exit,
    history::{HistoryFile, Keep, Merged, kept, kept::KeptRun},
};
use libcmatrix_schema::Quantity;
use proptest::{collection::vec, prelude::*};
use tempfile::tempdir;

use super::made::{CRASH, FAIL, PASS, benched, built, run, shipped, times};

/// A run of that day of November, with a test that is bad.
pub fn some(day: u32) -> KeptRun {
    let tests =
        [("p$a", (times(&PASS, 1), times(&PASS, 1))), ("p$b", (times(&PASS, 5), times(&FAIL, 5)))];
    kept::of(&built(run(day, &tests), 10.0, 12.0))
}

fn names(history: &mut HistoryFile) -> Vec<String> {
    history.runs().expect("runs").into_iter().map(|run| run.run_id).collect()
}

#[test]
fn a_run_that_is_there_stays_as_it_is() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    let first = some(1);
    assert!(history.add(&first).expect("added"));
    let mut other = first.clone();
    other.worse = 99;
    other.changes.clear();
    assert!(!history.add(&other).expect("known"));
    drop(history);
    assert_eq!(HistoryFile::open(&path).expect("a history").runs().expect("runs"), [first]);
}

/// Real records, with images, findings and crashes.
#[test]
fn real_records_come_back() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    for name in ["thread-stack", "program-crashes", "compiled-out", "explained/thread-stack"] {
        let text = fs::read(records.join(name).with_extension("json")).expect("a record");
        let mut record: libcmatrix_schema::RunRecord =
            serde_json::from_slice(&text).expect("a record that is understood");
        record.run_id = name.into();
        let kept = kept::of(&record);
        assert!(history.add(&kept).expect("added"));
        let runs = history.runs().expect("runs");
        assert_eq!(runs.iter().find(|run| run.run_id == name), Some(&kept));
    }
}

#[test]
fn benchmarks_of_both_sides_are_kept() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    let record =
        benched(run(1, &[]), [&[("x", 1.0), ("y", 4.0), ("z", 9.0)], &[("x", 9.0), ("y", 1.0)]]);
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    assert!(history.add(&kept::of(&record)).expect("added"));
    let runs = history.runs().expect("runs");
    let times: Vec<(Quantity, i64, u64)> = runs[0]
        .legs
        .iter()
        .flat_map(|leg| &leg.times)
        .map(|(quantity, seconds, values)| (*quantity, (seconds * 100.0).round() as i64, *values))
        .collect();
    let mean = |hundredths| (Quantity::BenchIteration, hundredths, 5);
    assert_eq!(times, [mean(200), mean(300)]);
}

#[test]
fn histories_are_merged() {
    let folder = tempdir().expect("a folder");
    let open = |name: &str| HistoryFile::open_or_create(&folder.path().join(name)).expect("one");
    let (mut a, mut b) = (open("a"), open("b"));
    for day in [1, 3] {
        a.add(&some(day)).expect("added");
    }
    for day in [2, 3] {
        b.add(&some(day)).expect("added");
    }
    assert_eq!(a.merge(&mut b).expect("merged"), Merged { all: 2, new: 1 });
    let all: Vec<KeptRun> = [1, 2, 3].map(some).into();
    assert_eq!(a.runs().expect("runs"), all);
    assert_eq!(names(&mut b).len(), 2, "the other stays as it is");
    assert_eq!(a.merge(&mut b).expect("merged"), Merged { all: 2, new: 0 });
}

/// What one machine has pruned and another still has is whole afterwards, whichever comes first.
#[test]
fn details_are_merged_in_either_order() {
    let folder = tempdir().expect("a folder");
    let open = |name: &str| HistoryFile::open_or_create(&folder.path().join(name)).expect("one");
    let (mut pruned, mut full) = (open("pruned"), open("full"));
    for history in [&mut pruned, &mut full] {
        for day in [1, 2] {
            history.add(&some(day)).expect("added");
        }
    }
    pruned.prune(&Keep::Runs(0), false).expect("pruned");
    let whole: Vec<KeptRun> = [1, 2].map(some).into();
    for (name, first, second) in [("a", true, false), ("b", false, true)] {
        let mut merged = open(name);
        for is_pruned in [first, second] {
            merged.merge(if is_pruned { &mut pruned } else { &mut full }).expect("merged");
        }
        assert_eq!(merged.runs().expect("runs"), whole, "{name}");
    }
}

/// A run with images, one of the user's own Dockerfile among them.
#[test]
fn images_of_every_kind_are_kept() {
    let folder = tempdir().expect("a folder");
    let mut record = run(1, &[]);
    shipped(&mut record, &[("runtime", 30), ("empty", 10), ("own", 20)]);
    let kept = kept::of(&record);
    let sizes: Vec<u64> = kept.legs[1].images.iter().map(|image| image.bytes).collect();
    assert_eq!(sizes, [30, 20, 10]);
    let path = folder.path().join("h.sqlite");
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    history.add(&kept).expect("added");
    assert_eq!(history.runs().expect("runs"), [kept]);
}

#[test]
fn details_go_first() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    for day in 1..=4 {
        history.add(&some(day)).expect("added");
    }
    let pruned = history.prune(&Keep::Runs(2), false).expect("pruned");
    assert_eq!((pruned.without_details, pruned.removed), (2, 0));
    let runs = history.runs().expect("runs");
    assert_eq!(runs.len(), 4, "a line about each run stays");
    for (run, day) in runs.iter().zip(1..) {
        let whole = some(day);
        assert_eq!((run.worse, &run.legs[1].times), (whole.worse, &whole.legs[1].times));
        assert_eq!(run.has_details, day > 2);
        assert_eq!(run.changes.is_empty(), day <= 2);
        assert_eq!(run.legs[1].tests.is_empty(), day <= 2);
    }
    let again = history.prune(&Keep::Runs(2), false).expect("pruned");
    assert_eq!(again.without_details, 0);
    let since = Keep::Since("2026-11-04T00:00:00Z".into());
    assert_eq!(history.prune(&since, true).expect("pruned").removed, 3);
    assert_eq!(history.runs().expect("runs"), [some(4)]);
}

#[test]
fn what_is_no_history_is_left_as_it_was() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    fs::write(&path, "not a database at all, and longer than a head").expect("a file");
    let before = fs::read(&path).expect("a file");
    for open in [HistoryFile::open, HistoryFile::open_or_create] {
        let failure = open(&path).expect_err("no history");
        assert_eq!(failure.exit, Exit::Usage, "{failure}");
        assert!(failure.to_string().contains("is no history of libcmatrix"), "{failure}");
    }
    assert_eq!(fs::read(&path).expect("a file"), before);
    let missing = folder.path().join("missing");
    assert_eq!(HistoryFile::open(&missing).expect_err("nothing").exit, Exit::Usage);
    assert!(!missing.exists(), "looking makes no file");
}

#[test]
fn another_programs_database_is_left_as_it_was() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("other.sqlite");
    let other = rusqlite::Connection::open(&path).expect("a database");
    other
        .execute_batch("CREATE TABLE runs (x INTEGER); INSERT INTO runs VALUES (1)")
        .expect("rows");
    drop(other);
    let before = fs::read(&path).expect("a file");
    let failure = HistoryFile::open_or_create(&path).expect_err("foreign");
    assert!(failure.to_string().contains("the database of something else"), "{failure}");
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[test]
fn a_newer_form_is_left_as_it_was() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    HistoryFile::open_or_create(&path).expect("a history").add(&some(1)).expect("added");
    let newer = rusqlite::Connection::open(&path).expect("a database");
    newer.pragma_update(None, "user_version", 1000).expect("a number");
    drop(newer);
    let failure = HistoryFile::open_or_create(&path).expect_err("newer");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.to_string().contains("newer libcmatrix"), "{failure}");
}

/// A file that was cut off in the middle of a copy, or overwritten in part.
#[test]
fn a_damaged_file_is_told_of() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("h.sqlite");
    let mut history = HistoryFile::open_or_create(&path).expect("a history");
    for day in 1..=5 {
        history.add(&some(day)).expect("added");
    }
    drop(history);
    let whole = fs::read(&path).expect("a file");
    let mut damaged = whole.clone();
    damaged[100..].fill(0x5a);
    for content in [&whole[..whole.len() / 2], &damaged[..]] {
        fs::write(&path, content).expect("a file");
        let opened = HistoryFile::open(&path).and_then(|mut history| history.runs());
        let failure = opened.expect_err("damaged");
        assert_eq!(failure.exit, Exit::Environment, "{failure}");
        assert!(failure.to_string().contains("is damaged"), "{failure}");
        assert_eq!(fs::read(&path).expect("a file"), content, "nothing was changed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_goes_in_comes_out(
        tests in vec((vec(0..3_usize, 0..5), vec(0..3_usize, 0..5), "\\PC{0,20}"), 0..6),
    ) {
        let folder = tempdir().expect("a folder");
        let statuses = [PASS, FAIL, CRASH];
        let side = |side: &[usize]| side.iter().map(|n| statuses[*n].clone()).collect::<Vec<_>>();
        let ids: Vec<String> = tests.iter().map(|(_, _, name)| format!("p${name}")).collect();
        let named: Vec<_> =
            ids.iter().zip(&tests).map(|(id, (a, b, _))| (id.as_str(), (side(a), side(b)))).collect();
        let kept = kept::of(&run(1, &named));
        let path = folder.path().join("h.sqlite");
        let mut history = HistoryFile::open_or_create(&path).expect("a history");
        history.add(&kept).expect("added");
        prop_assert_eq!(history.runs().expect("runs"), [kept]);
    }
}
