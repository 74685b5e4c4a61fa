//! What the daemon, or the way to it, says when something fails, in words for people.
//!
//! Takes bollard's errors; gives causes and failures.

use std::{error::Error as _, io};

use bollard::errors::Error;

use crate::failure::Failure;

/// The status code of an answer that is an error.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the daemon does not know this kind of request at all. Podman says so with the status of
/// something that does not exist.
pub(super) fn is_unknown_request(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404 | 405 | 501, message }
        if message.starts_with("Path ") && message.ends_with("is not supported"))
}

/// The error below bollard's that the operating system gave, if there is one.
pub(super) fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut kind = None;
    while let Some(error) = below {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            kind = Some(error.kind());
        }
        below = error.source();
    }
    // bollard's own variant is transparent: its source skips the error itself.
    match error {
        Error::IOError { err } => kind.or(Some(err.kind())),
        _ => kind,
    }
}

/// Why it failed.
pub(super) fn cause(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let message = message.trim();
            if message.is_empty() {
                format!("the engine answered with status {status_code}")
            } else {
                message.to_owned()
            }
        }
        Error::DockerStreamError { error } => error.trim().to_owned(),
        Error::RequestTimeoutError => "the engine did not answer in time".to_owned(),
        Error::SocketNotFoundError(path) => format!("{path}: no such file"),
        other => {
            let mut words = other.to_string();
            let mut below = other.source();
            while let Some(error) = below {
                let further = error.to_string();
                if !words.contains(&further) {
                    words = format!("{words}: {further}");
                }
                below = error.source();
            }
            words
        }
    }
}

/// A failure with the daemon's reason. Where the daemon itself was not reached, it says what to do.
pub(super) fn failure(what: impl Into<String>, error: &Error) -> Failure {
    let failure = Failure::environment(what).because(cause(error));
    let unreached = matches!(
        error,
        Error::HyperLegacyError { .. }
            | Error::HyperResponseError { .. }
            | Error::IOError { .. }
            | Error::RequestTimeoutError
    );
    if unreached {
        failure.hint("see whether the container engine still runs: libcmatrix doctor")
    } else if is_disk_full(&failure.cause) {
        failure.hint("free disk space where the engine keeps its data: libcmatrix clean, docker system prune")
    } else {
        failure
    }
}

fn is_disk_full(cause: &str) -> bool {
    cause.contains("no space left on device") || cause.contains("disk quota exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_words_are_the_cause() {
        let said = Error::DockerResponseServerError {
            status_code: 500,
            message: "write /x: no space left on device\n".into(),
        };
        assert_eq!(cause(&said), "write /x: no space left on device");
        assert!(failure("x", &said).hint.is_some_and(|hint| hint.contains("disk space")));
        let silent = Error::DockerResponseServerError { status_code: 502, message: String::new() };
        assert_eq!(cause(&silent), "the engine answered with status 502");
        assert_eq!(status(&silent), Some(502));
    }

    #[test]
    fn an_unknown_request_is_no_missing_thing() {
        let answer = |message: &str| Error::DockerResponseServerError {
            status_code: 404,
            message: message.into(),
        };
        let unknown = answer("Path /v1.41/distribution/alpine:3.23/json is not supported");
        assert!(is_unknown_request(&unknown));
        assert!(!is_unknown_request(&answer("manifest unknown")));
    }

    #[test]
    fn the_systems_error_is_found() {
        let refused = Error::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(io_kind(&refused), Some(io::ErrorKind::ConnectionRefused));
        assert!(failure("x", &refused).hint.is_some());
        assert_eq!(io_kind(&Error::RequestTimeoutError), None);
    }
}
