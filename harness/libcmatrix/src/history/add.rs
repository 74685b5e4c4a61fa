//! A run is written, all of it or nothing.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Statement, Transaction, TransactionBehavior, params, types::ToSqlOutput};
use serde::Serialize;

use super::{
    HistoryFile,
    kept::{KeptLeg, KeptRun},
};
use crate::failure::Result;

impl HistoryFile {
    /// Adds a run; gives whether anything of it is new. One that is there already stays as it is, but for
    /// its details: a run that has them takes the place of itself without.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, run: &KeptRun) -> Result<bool> {
        self.add_run(run).map_err(|e| self.failure(&e))
    }

    fn add_run(&mut self, run: &KeptRun) -> rusqlite::Result<bool> {
        // Waits for its turn here, and not in the middle, where SQLite cannot wait.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let is_new = insert(&transaction, run)?;
        transaction.commit()?;
        Ok(is_new)
    }
}

fn insert(to: &Transaction<'_>, run: &KeptRun) -> rusqlite::Result<bool> {
    // What hangs on the line about the run goes with it.
    let bare = "DELETE FROM runs WHERE run_id = ?1 AND NOT has_details AND ?2";
    to.execute(bare, params![run.run_id, run.has_details])?;
    let rows = to.execute(
        "INSERT INTO runs (run_id, started_at, project, question, version, commit_id, verdict, \
         compared, total, worse, fixed, has_details) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (run_id) DO NOTHING",
        params![
            run.run_id,
            run.started_at,
            run.project,
            question(run)?,
            run.version,
            run.commit,
            run.verdict.map(Name),
            count(run.compared),
            count(run.total),
            count(run.worse),
            count(run.fixed),
            run.has_details,
        ],
    )?;
    if rows == 0 {
        return Ok(false);
    }
    let id = to.last_insert_rowid();
    let mut ids = TestIds::new(to)?;
    for leg in &run.legs {
        insert_leg(to, id, leg, &mut ids)?;
    }
    let mut changes =
        to.prepare("INSERT INTO changes (run, test, change, is_worse) VALUES (?1, ?2, ?3, ?4)")?;
    for change in &run.changes {
        changes.execute(params![id, ids.of(&change.id)?, Name(change.kind), change.is_worse])?;
    }
    for finding in &run.findings {
        to.execute(
            "INSERT INTO findings (run, code, severity, confidence, tests) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                id,
                finding.code,
                Name(finding.severity),
                Name(finding.confidence),
                count(finding.tests)
            ],
        )?;
    }
    Ok(true)
}

fn question(run: &KeptRun) -> rusqlite::Result<String> {
    serde_json::to_string(&run.question)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn insert_leg(
    to: &Transaction<'_>,
    run: i64,
    leg: &KeptLeg,
    ids: &mut TestIds<'_>,
) -> rusqlite::Result<()> {
    to.execute(
        "INSERT INTO legs (run, role, name, environment, toolchain) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![run, Name(leg.role), leg.name, leg.environment, leg.toolchain],
    )?;
    let id = to.last_insert_rowid();
    let mut tests = to.prepare(
        "INSERT INTO tests (leg, test, outcome, passed, attempts, wall_s) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for test in &leg.tests {
        tests.execute(params![
            id,
            ids.of(&test.id)?,
            test.outcome,
            count(test.passed),
            count(test.attempts),
            test.wall_s
        ])?;
    }
    for (quantity, seconds, values) in &leg.times {
        to.execute(
            "INSERT INTO times (leg, quantity, seconds, value_count) VALUES (?1, ?2, ?3, ?4)",
            params![id, Name(quantity), seconds, count(*values)],
        )?;
    }
    for image in &leg.images {
        to.execute(
            "INSERT INTO images (leg, flavour, bytes, gzip_bytes) VALUES (?1, ?2, ?3, ?4)",
            params![id, Name(image.flavour), count(image.bytes), count(image.gzip_bytes)],
        )?;
    }
    Ok(())
}

/// Numbers of tests' ids, made where they are new.
struct TestIds<'a> {
    insert: Statement<'a>,
    select: Statement<'a>,
    known: HashMap<Arc<str>, i64>,
}

impl<'a> TestIds<'a> {
    fn new(to: &'a Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: to.prepare("INSERT INTO test_ids (name) VALUES (?1) ON CONFLICT DO NOTHING")?,
            select: to.prepare("SELECT id FROM test_ids WHERE name = ?1")?,
            known: HashMap::new(),
        })
    }

    fn of(&mut self, name: &Arc<str>) -> rusqlite::Result<i64> {
        if let Some(id) = self.known.get(name) {
            return Ok(*id);
        }
        self.insert.execute([name.as_ref()])?;
        let id = self.select.query_row([name.as_ref()], |row| row.get(0))?;
        self.known.insert(name.clone(), id);
        Ok(id)
    }
}

/// SQLite's integers have a sign.
fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A choice, by its name in the record's JSON form.
struct Name<T>(T);

impl<T: Serialize> rusqlite::ToSql for Name<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let told = |e: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(e));
        match serde_json::to_value(&self.0).map_err(told)? {
            serde_json::Value::String(name) => Ok(name.into()),
            other => {
                Err(rusqlite::Error::ToSqlConversionFailure(format!("{other} is no name").into()))
            }
        }
    }
}
