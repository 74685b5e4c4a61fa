//! Everything that a file holds, read in one transaction: runs that others add meanwhile come whole or
//! not at all.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rusqlite::{Row, Transaction, types::Type};
use serde::de::DeserializeOwned;

use super::{
    HistoryFile,
    kept::{KeptChange, KeptFinding, KeptImage, KeptLeg, KeptRun, KeptTest},
};
use crate::failure::Result;

impl HistoryFile {
    /// All runs, the oldest first.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn runs(&mut self) -> Result<Vec<KeptRun>> {
        self.read_all().map_err(|e| self.failure(&e))
    }

    fn read_all(&mut self) -> rusqlite::Result<Vec<KeptRun>> {
        let from = self.connection.transaction()?;
        let mut runs = runs(&from)?;
        let at: HashMap<i64, usize> =
            runs.iter().enumerate().map(|(n, (id, _))| (*id, n)).collect();
        let mut legs = legs(&from)?;
        let leg_at: HashMap<i64, usize> =
            legs.iter().enumerate().map(|(n, (id, ..))| (*id, n)).collect();
        let ids = test_ids(&from)?;
        times_and_images(&from, &mut legs, &leg_at)?;
        tests(&from, &mut legs, &leg_at, &ids)?;
        changes(&from, &mut runs, &at, &ids)?;
        findings(&from, &mut runs, &at)?;
        for (_, run, leg) in legs {
            if let Some(n) = at.get(&run) {
                runs[*n].1.legs.push(leg);
            }
        }
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }
}

fn runs(from: &Transaction<'_>) -> rusqlite::Result<Vec<(i64, KeptRun)>> {
    let mut select = from.prepare(
        "SELECT id, run_id, started_at, project, version, commit_id, verdict, compared, total, \
         worse, fixed, has_details, question FROM runs ORDER BY started_at, run_id",
    )?;
    let rows = select.query_map([], |row| {
        let verdict: Option<String> = row.get(6)?;
        let run = KeptRun {
            run_id: row.get(1)?,
            started_at: row.get(2)?,
            project: row.get(3)?,
            question: question(row, 12)?,
            version: row.get(4)?,
            commit: row.get(5)?,
            verdict: verdict.map(|_| name(row, 6)).transpose()?,
            compared: count(row, 7)?,
            total: count(row, 8)?,
            worse: count(row, 9)?,
            fixed: count(row, 10)?,
            has_details: row.get(11)?,
            legs: Vec::new(),
            changes: Vec::new(),
            findings: Vec::new(),
        };
        Ok((row.get(0)?, run))
    })?;
    rows.collect()
}

/// With its own number and its run's.
type NumberedLeg = (i64, i64, KeptLeg);

fn legs(from: &Transaction<'_>) -> rusqlite::Result<Vec<NumberedLeg>> {
    let mut select =
        from.prepare("SELECT id, run, role, name, environment, toolchain FROM legs ORDER BY id")?;
    let rows = select.query_map([], |row| {
        let leg = KeptLeg {
            role: name(row, 2)?,
            name: row.get(3)?,
            environment: row.get(4)?,
            toolchain: row.get(5)?,
            tests: Vec::new(),
            times: Vec::new(),
            images: Vec::new(),
        };
        Ok((row.get(0)?, row.get(1)?, leg))
    })?;
    rows.collect()
}

fn test_ids(from: &Transaction<'_>) -> rusqlite::Result<HashMap<i64, Arc<str>>> {
    let mut select = from.prepare("SELECT id, name FROM test_ids")?;
    let rows = select.query_map([], |row| {
        let name: String = row.get(1)?;
        Ok((row.get(0)?, Arc::from(name)))
    })?;
    rows.collect()
}

fn times_and_images(
    from: &Transaction<'_>,
    legs: &mut [NumberedLeg],
    at: &HashMap<i64, usize>,
) -> rusqlite::Result<()> {
    let mut select = from.prepare("SELECT leg, quantity, seconds, value_count FROM times")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(n) = at.get(&row.get(0)?) {
            legs[*n].2.times.push((name(row, 1)?, row.get(2)?, count(row, 3)?));
        }
    }
    let order = "ORDER BY leg, flavour DESC";
    let mut select =
        from.prepare(&format!("SELECT leg, flavour, bytes, gzip_bytes FROM images {order}"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(n) = at.get(&row.get(0)?) {
            let (bytes, gzip_bytes) = (count(row, 2)?, count(row, 3)?);
            legs[*n].2.images.push(KeptImage { flavour: name(row, 1)?, bytes, gzip_bytes });
        }
    }
    Ok(())
}

fn tests(
    from: &Transaction<'_>,
    legs: &mut [NumberedLeg],
    at: &HashMap<i64, usize>,
    ids: &HashMap<i64, Arc<str>>,
) -> rusqlite::Result<()> {
    let mut select =
        from.prepare("SELECT leg, test, outcome, passed, attempts, wall_s FROM tests")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (Some(n), Some(id)) = (at.get(&row.get(0)?), ids.get(&row.get(1)?)) else { continue };
        legs[*n].2.tests.push(KeptTest {
            id: id.clone(),
            outcome: row.get(2)?,
            passed: count(row, 3)?,
            attempts: count(row, 4)?,
            wall_s: row.get(5)?,
        });
    }
    for (_, _, leg) in legs {
        leg.tests.sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(())
}

fn changes(
    from: &Transaction<'_>,
    runs: &mut [(i64, KeptRun)],
    at: &HashMap<i64, usize>,
    ids: &HashMap<i64, Arc<str>>,
) -> rusqlite::Result<()> {
    let mut select = from.prepare("SELECT run, test, change, is_worse FROM changes")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (Some(n), Some(id)) = (at.get(&row.get(0)?), ids.get(&row.get(1)?)) else { continue };
        let (id, kind, is_worse) = (id.clone(), name(row, 2)?, row.get(3)?);
        runs[*n].1.changes.push(KeptChange { id, kind, is_worse });
    }
    for (_, run) in runs {
        run.changes.sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(())
}

fn findings(
    from: &Transaction<'_>,
    runs: &mut [(i64, KeptRun)],
    at: &HashMap<i64, usize>,
) -> rusqlite::Result<()> {
    let columns = "run, code, severity, confidence, tests";
    let mut select = from.prepare(&format!("SELECT {columns} FROM findings ORDER BY run, code"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(n) = at.get(&row.get(0)?) {
            runs[*n].1.findings.push(KeptFinding {
                code: row.get(1)?,
                severity: name(row, 2)?,
                confidence: name(row, 3)?,
                tests: count(row, 4)?,
            });
        }
    }
    Ok(())
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(column)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, n))
}

fn question(row: &Row<'_>, column: usize) -> rusqlite::Result<BTreeMap<String, String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

/// A choice, by its name in the record's JSON form.
fn name<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    serde_json::from_value(name.into())
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}
