//! A run as Markdown, for a comment on a pull request or the summary of a CI job. Pure: takes the record;
//! gives text of GitHub's and GitLab's kind.
//!
//! The answer comes first, then why and what to do; the rest is folded. A page is kept below a limit by
//! leaving out whole parts, the least important ones, and says so. Text of tested programs can do
//! nothing in it: see `inert`.

mod causes;
mod changes;
mod inert;
mod page;
mod tables;
mod verdict;

use libcmatrix_schema::RunRecord;

use page::Page;

/// What GitHub takes as the summary of a step
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>).
pub const SUMMARY_BYTES: usize = 1 << 20;
/// What GitHub takes as a comment, in characters; in bytes it is never more.
pub const COMMENT_BYTES: usize = 65_536;
/// The answer alone may need as much; a smaller limit is not kept to.
pub const LEAST_BYTES: usize = 4_096;

/// Shows a run in at most `most` bytes, or [`LEAST_BYTES`] where that is more.
#[must_use]
pub fn render(record: &RunRecord, most: usize) -> String {
    let mut page = Page::new(most);
    verdict::answer(&mut page, record);
    causes::all(&mut page, record);
    changes::failed_steps(&mut page, record);
    changes::all(&mut page, record);
    tables::measurements(&mut page, record);
    tables::final_images(&mut page, record);
    verdict::rules(&mut page, record);
    tables::legs(&mut page, record);
    tables::notes(&mut page, record);
    page.finish()
}
