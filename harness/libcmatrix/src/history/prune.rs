//! What is old goes: first what each test did, which is nearly all of the file; the line about the run
//! only if that is asked for.

use rusqlite::{Transaction, TransactionBehavior};

use super::HistoryFile;
use crate::failure::Result;

/// What stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest runs of each project, pair of environments and question.
    Runs(u32),
    /// Runs that started at this time (RFC 3339, UTC) or later.
    Since(String),
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs of which only the line about the run is left.
    pub without_details: usize,
    /// Runs of which nothing is left.
    pub removed: usize,
}

impl HistoryFile {
    /// Takes out what is old, and gives its room back to the disk. With `summaries`, runs go as a whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn prune(&mut self, keep: &Keep, summaries: bool) -> Result<Pruned> {
        self.prune_runs(keep, summaries).map_err(|e| self.failure(&e))
    }

    fn prune_runs(&mut self, keep: &Keep, summaries: bool) -> rusqlite::Result<Pruned> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut pruned = Pruned::default();
        for run in old(&transaction, keep)? {
            if summaries {
                pruned.removed += transaction.execute("DELETE FROM runs WHERE id = ?1", [run])?;
                continue;
            }
            let of_legs = "DELETE FROM tests WHERE leg IN (SELECT id FROM legs WHERE run = ?1)";
            transaction.execute(of_legs, [run])?;
            transaction.execute("DELETE FROM changes WHERE run = ?1", [run])?;
            let mark = "UPDATE runs SET has_details = 0 WHERE id = ?1 AND has_details";
            pruned.without_details += transaction.execute(mark, [run])?;
        }
        transaction.execute(
            "DELETE FROM test_ids WHERE id NOT IN (SELECT test FROM tests UNION SELECT test FROM changes)",
            [],
        )?;
        transaction.commit()?;
        self.connection.execute_batch("VACUUM")?;
        Ok(pruned)
    }
}

/// Numbers of the runs that are not to be kept.
fn old(from: &Transaction<'_>, keep: &Keep) -> rusqlite::Result<Vec<i64>> {
    // Runs of one series, the newest first.
    let numbered = "SELECT runs.id AS id, runs.started_at AS started_at, row_number() OVER (
            PARTITION BY project, question,
                (SELECT name FROM legs WHERE run = runs.id AND role = 'baseline'),
                (SELECT name FROM legs WHERE run = runs.id AND role = 'candidate')
            ORDER BY started_at DESC, run_id DESC
        ) AS age FROM runs";
    let (condition, value): (_, &dyn rusqlite::ToSql) = match keep {
        Keep::Runs(count) => ("age > ?1", count),
        Keep::Since(time) => ("started_at < ?1", time),
    };
    let mut select = from.prepare(&format!("SELECT id FROM ({numbered}) WHERE {condition}"))?;
    let rows = select.query_map([value], |row| row.get(0))?;
    rows.collect()
}
