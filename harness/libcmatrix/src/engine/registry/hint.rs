//! What helps when an image cannot be fetched.
//!
//! Takes what a registry or a daemon says; gives advice, where there is some.

/// What helps, by what the registry or the daemon says, in small letters.
pub(in crate::engine) fn pull_hint(cause: &str, registry: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if says(&["toomanyrequests", "rate limit"]) {
        Some(format!("log in for a higher limit (docker login {registry}), or use a mirror"))
    } else if says(&[
        "unauthorized",
        "denied",
        "authentication required",
        "no basic auth",
        "not authorized",
    ]) {
        Some(format!("check the name; if the image is private: docker login {registry}"))
    } else if says(&["no matching manifest", "does not match the specified platform"]) {
        Some("the image does not exist for this machine's architecture".to_owned())
    } else if says(&["manifest unknown", "not found", "name unknown"]) {
        Some("check the name and the tag".to_owned())
    } else if says(&[
        "connection refused",
        "error sending request",
        "failed to lookup",
        "no such host",
        "timeout",
        "i/o timeout",
        "unreachable",
        "deadline exceeded",
        "temporary failure",
        "eof",
        "reset by peer",
        "reading a body",
        "ends too early",
        "tls",
        "x509",
        "certificate",
    ]) {
        Some(format!("check that the engine reaches {registry} (network, proxy, certificates)"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_by_what_is_said() {
        let hint = |cause: &str| pull_hint(cause, "r.example").unwrap_or_default();
        assert!(hint("manifest unknown: manifest unknown").contains("tag"));
        assert!(
            hint("pull access denied for x, repository does not exist").contains("docker login")
        );
        assert!(hint("dial tcp 127.0.0.1:5000: connect: connection refused").contains("r.example"));
        assert!(hint("toomanyrequests: you have reached your pull rate limit").contains("limit"));
        assert!(hint("invalid peer certificate: unknownissuer").contains("certificates"));
        assert_eq!(hint("something else"), "");
    }
}
