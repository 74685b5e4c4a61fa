//! How far a pull is, over all layers.
//!
//! Takes the daemon's messages about single layers; gives sums.

use std::collections::HashMap;

use bollard::models::CreateImageInfo;

use crate::engine::PullProgress;

/// The layers of a pull.
#[derive(Debug, Default)]
pub(super) struct Layers {
    layers: HashMap<String, Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    received: u64,
    total: u64,
}

impl Layers {
    /// Takes a message; gives the new sums if it changes them.
    pub fn take(&mut self, message: &CreateImageInfo) -> Option<PullProgress> {
        let id = message.id.as_deref()?;
        let bytes = |number: Option<i64>| u64::try_from(number?).ok();
        match message.status.as_deref()? {
            "Downloading" => {
                let detail = message.progress_detail.as_ref()?;
                let layer = self.layers.entry(id.to_owned()).or_default();
                // A layer whose download is begun again does not go backwards here.
                layer.received = layer.received.max(bytes(detail.current)?);
                layer.total = layer.total.max(bytes(detail.total).unwrap_or(0)).max(layer.received);
            }
            // The last message about the download itself rarely says that it is whole.
            "Download complete" | "Verifying Checksum" | "Pull complete" | "Extracting" => {
                let layer = self.layers.get_mut(id)?;
                if layer.received == layer.total {
                    return None;
                }
                layer.received = layer.total;
            }
            _ => return None,
        }
        Some(PullProgress {
            received_bytes: self.layers.values().map(|layer| layer.received).sum(),
            total_bytes: self.layers.values().map(|layer| layer.total).sum(),
        })
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn message(id: &str, status: &str, numbers: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.into()),
            status: Some(status.into()),
            progress_detail: numbers.map(|(current, total)| ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..CreateImageInfo::default()
        }
    }

    #[test]
    fn layers_are_summed() {
        let mut layers = Layers::default();
        let mut take = |id: &str, status: &str, numbers| {
            layers
                .take(&message(id, status, numbers))
                .map(|progress| (progress.received_bytes, progress.total_bytes))
        };
        assert_eq!(take("a", "Pulling fs layer", None), None);
        assert_eq!(take("a", "Downloading", Some((10, 100))), Some((10, 100)));
        assert_eq!(take("b", "Downloading", Some((5, 50))), Some((15, 150)));
        assert_eq!(take("a", "Downloading", Some((3, 100))), Some((15, 150)), "begun again");
        assert_eq!(take("b", "Download complete", None), Some((60, 150)));
        assert_eq!(take("b", "Extracting", Some((1, 50))), None);
        assert_eq!(take("a", "Pull complete", None), Some((150, 150)));
        assert_eq!(take("c", "Already exists", None), None);
        assert_eq!(take("d", "Downloading", Some((-1, -1))), None);
    }
}
