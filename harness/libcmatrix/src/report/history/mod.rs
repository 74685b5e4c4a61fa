//! What many runs show together: [`terminal`] in columns, [`html`] as one page with plots. Both are made of
//! [`Trends`](libcmatrix_schema::Trends) alone.

pub mod html;
mod plot;
pub mod terminal;
pub(super) mod words;
