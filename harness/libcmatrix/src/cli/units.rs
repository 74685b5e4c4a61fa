//! Durations and sizes as people write them.

use crate::failure::{Failure, Result};

/// Seconds from `90`, `90s`, `5m`, `1h 30m`.
///
/// # Errors
/// It is none of these, or zero.
pub fn seconds(option: &str, text: &str) -> Result<f64> {
    let text = text.trim();
    let parsed = match text.parse::<u64>() {
        Ok(seconds) => Some(std::time::Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    match parsed {
        Some(duration) if !duration.is_zero() => Ok(duration.as_secs_f64()),
        _ => Err(Failure::usage(format!("`{text}` is no time for {option}"))
            .hint("write e.g. `90s`, `5m` or `1h`")),
    }
}

/// Bytes of memory, written as [`size`] has it.
///
/// # Errors
/// It is no size, or less than the 6 MiB that the kernel and the agent need.
pub fn bytes(option: &str, text: &str) -> Result<u64> {
    match size(option, text)? {
        bytes if bytes >= 6 << 20 => Ok(bytes),
        _ => Err(Failure::usage(format!("`{text}` is too little memory for {option}"))
            .hint("give at least `6m`")),
    }
}

/// Bytes from `268435456`, `256m`, `4g`, `4GiB`; a unit is a power of 1024, as in `docker run --memory`.
///
/// # Errors
/// It is none of these.
pub fn size(option: &str, text: &str) -> Result<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let power = match lower[digits..].trim() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(1),
        "m" | "mb" | "mib" => Some(2),
        "g" | "gb" | "gib" => Some(3),
        "t" | "tb" | "tib" => Some(4),
        _ => None,
    };
    let number = lower[..digits].parse::<u64>().ok();
    let value = power.zip(number).and_then(|(p, n)| n.checked_mul(1024_u64.pow(p)));
    value.ok_or_else(|| {
        Failure::usage(format!("`{text}` is no size for {option}"))
            .hint("write e.g. `512m` or `4g`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("x", "90").ok(), Some(90.0));
        assert_eq!(seconds("x", "1m 30s").ok(), Some(90.0));
        assert_eq!(seconds("x", "250ms").ok(), Some(0.25));
        for wrong in ["", "0", "-1", "soon", "5 parsecs"] {
            assert!(seconds("x", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("x", "256m").ok(), Some(256 << 20));
        assert_eq!(bytes("x", "4 GiB").ok(), Some(4 << 30));
        assert_eq!(size("x", "64k").ok(), Some(65_536));
        for wrong in ["", "g", "1m", "-4g", "4 elephants", "99999999999999999t"] {
            assert!(bytes("x", wrong).is_err(), "{wrong}");
        }
    }
}
