//! The shards of a matrix put together.
//!
//! Takes them; gives one, in which each pair has what came of it in the shard that ran it.

use libcmatrix_schema::{CellResult, Matrix};

use crate::failure::{Failure, Result};

/// Puts shards together, in any order. Where two ran a pair, a run counts more than a failure, and the
/// later run more than the earlier.
///
/// # Errors
/// There are none, or they are not shards of one matrix.
pub fn merge(shards: Vec<Matrix>) -> Result<Matrix> {
    let mut shards = shards.into_iter();
    let mut merged = shards.next().ok_or_else(|| {
        Failure::usage("there is nothing to merge")
            .hint("name folders that `libcmatrix matrix` wrote")
    })?;
    for shard in shards {
        let pairs = |matrix: &Matrix| -> Vec<(String, String)> {
            let cells = matrix.cells.iter();
            cells.map(|cell| (cell.baseline.clone(), cell.candidate.clone())).collect()
        };
        if shard.project != merged.project || pairs(&shard) != pairs(&merged) {
            return Err(Failure::usage("these are no shards of one matrix")
                .because(format!(
                    "{} and {} differ in their project or their pairs",
                    merged.matrix_id, shard.matrix_id
                ))
                .hint("merge shards that were made of the same libcmatrix.toml"));
        }
        merged.started_at = merged.started_at.min(shard.started_at);
        merged.matrix_id = merged.matrix_id.min(shard.matrix_id);
        for (cell, other) in merged.cells.iter_mut().zip(shard.cells) {
            if weight(&other.result) > weight(&cell.result) {
                cell.result = other.result;
            }
        }
    }
    Ok(merged)
}

/// Run ids sort by time.
fn weight(result: &CellResult) -> (u8, &str) {
    match result {
        CellResult::NotRun => (0, ""),
        CellResult::Failed { why, .. } => (1, why),
        CellResult::Ran(run) => (2, &run.folder),
    }
}

#[cfg(test)]
mod tests {
    use libcmatrix_schema::{CellRun, MatrixCell, Tool, VerdictOutcome};
    use proptest::prelude::*;

    use super::*;

    fn ran(folder: &str, verdict: VerdictOutcome) -> CellResult {
        CellResult::Ran(CellRun {
            folder: folder.into(),
            verdict,
            reasons: Vec::new(),
            compared: 1,
            total: 1,
            changes: std::collections::BTreeMap::new(),
            findings: Vec::new(),
        })
    }

    fn matrix(results: Vec<CellResult>) -> Matrix {
        let cell =
            |(n, result)| MatrixCell { baseline: "a".into(), candidate: format!("x{n}"), result };
        Matrix {
            schema_version: 1,
            tool: Tool { name: "libcmatrix".into(), version: "0".into() },
            matrix_id: "m".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            project: "p".into(),
            cells: results.into_iter().enumerate().map(cell).collect(),
        }
    }

    fn any_result() -> impl Strategy<Value = CellResult> {
        let failed = || CellResult::Failed { why: "why".into(), folder: None };
        prop_oneof![
            Just(CellResult::NotRun),
            Just(failed()),
            "[a-c]".prop_map(|folder| ran(&folder, VerdictOutcome::Go)),
        ]
    }

    proptest! {
        #[test]
        fn the_order_of_shards_does_not_matter(
            a in prop::collection::vec(any_result(), 4),
            b in prop::collection::vec(any_result(), 4),
        ) {
            let (a, b) = (matrix(a), matrix(b));
            let one = merge(vec![a.clone(), b.clone()]).expect("merged");
            prop_assert_eq!(&one, &merge(vec![b, a.clone()]).expect("merged"));
            prop_assert_eq!(&one, &merge(vec![one.clone(), a]).expect("merged"), "twice is once");
        }
    }

    #[test]
    fn the_answer_to_all_of_it() {
        use VerdictOutcome::{Go, Inconclusive, NoGo};
        let (good, bad) = (|| ran("1", Go), || ran("2", NoGo));
        assert_eq!(matrix(vec![good(), good()]).verdict(), Go);
        assert_eq!(matrix(vec![good(), CellResult::NotRun]).verdict(), Inconclusive);
        assert_eq!(matrix(vec![CellResult::NotRun, bad()]).verdict(), NoGo);
        assert_eq!(matrix(Vec::new()).verdict(), Inconclusive);
    }

    #[test]
    fn other_matrices_are_refused() {
        let mut other = matrix(vec![CellResult::NotRun]);
        other.project = "q".into();
        let failure = merge(vec![matrix(vec![CellResult::NotRun]), other]).expect_err("refused");
        assert!(failure.to_string().contains("no shards"), "{failure}");
        assert!(merge(vec![matrix(Vec::new()), matrix(vec![CellResult::NotRun])]).is_err());
        assert!(merge(Vec::new()).is_err());
    }
}
