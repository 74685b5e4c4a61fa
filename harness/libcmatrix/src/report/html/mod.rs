//! The report as one page of HTML that needs nothing else: no network, no other file. The verdict
//! first, then why, what to do, and all the rest.
//!
//! ```text
//! RunRecord -> views (text made harmless, coordinates computed) -> templates/html/*.html -> page
//! ```
//!
//! What a template writes is escaped by askama; only three things are written as they are: the
//! style sheet and the script of this program, whose hashes are the page's content security policy
//! (`page_head`), and the tests as JSON, whose `<` are escaped by `tests_table`. Without JavaScript everything is
//! readable but the table of all tests.

mod changes;
mod code_spans;
mod crash;
mod environments;
mod findings;
mod images;
mod page;
mod plots;
mod stack_drawing;
mod tests_table;
mod trouble;
mod verdict;

use libcmatrix_schema::RunRecord;

/// The page, as UTF-8 text. Tests and outputs that do not fit into [`LARGEST`] are left out, and that
/// is said; all else of a record is told whole, or by its first items.
#[must_use]
pub fn render(record: &RunRecord) -> String {
    page::Page::of(record).write() + "\n"
}

/// What a page takes at most, in bytes, where the record has no megabytes of notes and findings.
pub const LARGEST: usize = 6_000_000;
