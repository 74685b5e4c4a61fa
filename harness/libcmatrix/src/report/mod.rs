//! A run, made readable. Pure: each report is a function of the run record and computes no result
//! of its own.
//!
//! - [`terminal`]: for people, in columns
//! - [`html`]: for people, as one page with plots and a search over all tests
//! - [`markdown`]: for a comment on a pull request, or the summary of a CI job
//! - [`junit`]: test results, leg by leg and compared
//! - [`sarif`], [`annotations`], [`code_quality`]: findings where they show in the sources
//! - [`trials`]: what became of each test, for a test harness
//! - `page_head`: what every page of HTML begins with
//! - `answer`: the answer in words, the same in all of them
//! - [`formats`]: the list of those that show a whole run
//! - [`difference`]: what changed between two runs
//! - [`history`]: what many runs show together, for terminals and as a page
//! - [`matrix`]: many pairs of environments as a grid
//! - [`diagnosis`]: what was found in a log
//! - [`explanation`]: the page of a finding
//! - [`hazards`]: what may go wrong, before any run
//! - [`dockerfile`], [`sbom`]: an image that was made, to build again, and what is in it
//! - [`excerpt`]: the lines of a test's output that tell most
//! - [`sanitise`]: text of tested programs is hostile; it is made harmless before it goes anywhere
//! - [`place`], [`issue`]: where a finding shows, and what a reviewer is told of it there
//! - `image_rows`: what is told of an image, row by row
//! - `columns`: rows in columns, for terminals
//! - [`cut`]: long text made short
//! - `measured`: what was measured several times, in words
//! - [`amount`]: seconds and bytes as people read them

pub mod amount;
pub mod annotations;
mod answer;
mod as_tests;
mod chosen_image;
pub mod code_quality;
mod columns;
pub mod cut;
pub mod diagnosis;
pub mod difference;
pub mod dockerfile;
pub mod excerpt;
pub mod explanation;
pub mod formats;
pub mod hazards;
pub mod history;
pub mod html;
mod image_rows;
pub mod issue;
pub mod junit;
pub mod markdown;
pub mod matrix;
mod measured;
mod page_head;
pub mod place;
pub mod sanitise;
pub mod sarif;
pub mod sbom;
mod sentence;
pub mod terminal;
pub mod trials;
