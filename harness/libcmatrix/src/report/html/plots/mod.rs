//! What was measured, drawn. Each takes the record and gives coordinates and labels; the templates
//! make SVG of them. Coordinates are in percent of a drawing, so that letters stay as large on a
//! phone as on a wide screen.

pub(super) mod axis;
pub(super) mod measurements;
pub(super) mod packages;
pub(super) mod scatter;
