//! The head that all pages share: their style, their script, and the policy that lets nothing else act.
//! Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// What `templates/html/base.html` needs.
pub(super) struct Head {
    pub style: String,
    /// Empty: none.
    pub script: &'static str,
    pub policy: String,
}

impl Head {
    /// The head of a page with a style and a script of its own beside what all pages share.
    pub(super) fn new(own_style: &str, script: &'static str) -> Self {
        let style = [include_str!("../../templates/html/base.css"), own_style].concat();
        Self { policy: policy(&style, script), style, script }
    }
}

/// No network, no frames, no forms; of style and script what has the hash of this program's own.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let script = if script.is_empty() { "'none'".into() } else { hash(script) };
    format!(
        "default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; form-action 'none'",
        hash(style),
    )
}
