//! libcmatrix answers one question with evidence: can this project move from Debian (glibc) to
//! Alpine (musl)?
//!
//! ```text
//! cli ─> project (inspect) ─> run ─> leg (steps) ─> engine + agent
//!                              │        │
//!                              │        └─ observations ─> record (events.ndjson, run.json)
//!                              └─> compare ─> diagnose ─> verdict ─> report
//! ```
//!
//! Data goes one way. Everything up to the observations has effects; `compare`, `diagnose`,
//! `verdict` and `report` are pure functions of the run record and can be applied again to a record
//! from disk. [`hazards`] looks at a project without any run, [`run_difference`] at
//! two runs, [`matrix`] at many pairs of environments, and [`history`] at all runs that were kept.

pub mod ci_templates;
pub mod cli;
pub mod compare;
pub mod diagnose;
pub mod engine;
pub mod environment;
pub mod exit;
pub mod failure;
pub mod final_image;
pub mod folders;
pub mod hazards;
pub mod history;
pub mod image;
pub mod image_contents;
pub mod leg;
pub mod matrix;
pub mod progress;
pub mod project;
pub mod record;
pub mod report;
pub mod run;
pub mod run_difference;
pub mod statistics;
pub mod verdict;
