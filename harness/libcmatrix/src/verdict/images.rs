//! What rules say of the images that the project would be shipped in.

use libcmatrix_schema::{FinalImage, Role, RunRecord, Smoke};

/// Both sides' images on their bases.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Images {
    /// The candidate's image, if it does not start and the baseline's does.
    pub(super) not_starting: Vec<String>,
    /// The share of the baseline's unpacked bytes that the candidate's lacks; below 0 where it is larger.
    pub(super) saving: Option<f64>,
}

impl Images {
    /// `None` where they were not made on both sides.
    pub(super) fn of(record: &RunRecord) -> Option<Self> {
        let image = |role| record.leg(role)?.shipped_image();
        let (baseline, candidate) = (image(Role::Baseline)?, image(Role::Candidate)?);
        let starts = matches!(baseline.smoke, Smoke::Ended { .. } | Smoke::Ran);
        let is_worse = starts && matches!(candidate.smoke, Smoke::DidNotStart { .. });
        let program = candidate.programs.first().cloned().unwrap_or_default();
        let said = match &candidate.smoke {
            Smoke::DidNotStart { said } => format!("{program} ({said})"),
            _ => program,
        };
        #[allow(clippy::cast_precision_loss, reason = "a share is told")]
        let bytes = |image: &FinalImage| image.sizes().unpacked as f64;
        let whole = bytes(baseline);
        Some(Self {
            not_starting: is_worse.then_some(said).into_iter().collect(),
            saving: (whole > 0.0).then(|| 1.0 - bytes(candidate) / whole),
        })
    }
}
