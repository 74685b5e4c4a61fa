//! How a registry fails.
//!
//! Takes the client's errors; gives what they say in full, and whether it is worth another try.

use std::{error::Error, time::Duration};

use oci_client::errors::OciDistributionError;

use crate::{engine::registry::hint::pull_hint, failure::Failure};

/// How long to wait after a try that failed.
pub(super) fn pause(tries: u32) -> Duration {
    Duration::from_millis(250) * 2_u32.saturating_pow(tries.min(6))
}

/// Whether the same request may succeed later.
pub(super) fn is_transient(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::RequestError(error) => {
            let refused = error.is_connect() && chain(error).contains("certificate");
            !refused && !error.is_builder()
        }
        OciDistributionError::IoError(_) => true,
        OciDistributionError::ServerError { code, .. } => {
            matches!(code, 408 | 425 | 429 | 500 | 502..=504)
        }
        // Also not `TOOMANYREQUESTS` in a registry's own words: that is a limit for hours.
        _ => false,
    }
}

/// An error with all that is behind it: the first text often is only "error sending request".
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// What a registry says, without the client's frame around it.
pub(super) fn cause(error: &OciDistributionError) -> String {
    match error {
        OciDistributionError::RegistryError { envelope, .. } => {
            let said = envelope.errors.iter().map(|error| {
                let code = format!("{:?}", error.code);
                let words = code.chars().flat_map(|c| {
                    let blank = c.is_ascii_uppercase().then_some(' ');
                    blank.into_iter().chain([c.to_ascii_lowercase()])
                });
                let code: String = words.collect();
                format!("{}: {}", code.trim(), error.message)
            });
            said.collect::<Vec<_>>().join("; ")
        }
        OciDistributionError::ServerError { code, message, .. } => {
            let message: String = message.chars().take(300).collect();
            format!("the registry answers with status {code}: {message}")
        }
        other => chain(other),
    }
}

/// The failure to fetch an image, with what helps.
pub(super) fn failure(name: &str, host: &str, cause: &str) -> Failure {
    let failure = Failure::environment(format!("cannot fetch the image {name}")).because(cause);
    match pull_hint(&cause.to_ascii_lowercase(), host) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(text: &str) -> OciDistributionError {
        let envelope = serde_json::from_str(text).expect("an envelope");
        OciDistributionError::RegistryError { envelope, url: "u".into() }
    }

    fn server(code: u16) -> OciDistributionError {
        OciDistributionError::ServerError { code, url: "u".into(), message: "busy".into() }
    }

    #[test]
    fn what_is_tried_again() {
        assert!(is_transient(&server(503)) && is_transient(&server(429)));
        assert!(!is_transient(&server(404)));
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(is_transient(&OciDistributionError::IoError(io)));
        assert!(!is_transient(&registry(
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"x"}]}"#
        )));
        assert!(pause(3) > pause(2));
    }

    #[test]
    fn what_is_said() {
        let unknown =
            registry(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such tag"}]}"#);
        let failure = failure("a:1", "r.example", &cause(&unknown));
        assert!(failure.to_string().contains("manifest unknown: no such tag"), "{failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("tag")));
        assert!(cause(&server(503)).contains("503"));
    }
}
