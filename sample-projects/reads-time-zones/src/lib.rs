//! Alpine's base image has no time zone data; Debian's slim image has. A program that reads
//! /usr/share/zoneinfo itself finds nothing there. This is Alpine's userland and not musl: `apk add
//! tzdata` mends it, or data that are part of the program. The second test needs none.

use std::{fs, io, path::Path};

/// The data of a time zone, as zic(8) writes them.
///
/// # Errors
/// There are none of that name.
pub fn zone_data(name: &str) -> io::Result<Vec<u8>> {
    let path = Path::new("/usr/share/zoneinfo").join(name);
    fs::read(&path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

/// Whether data are those of a time zone (tzfile(5)).
#[must_use]
pub fn is_zone_data(data: &[u8]) -> bool {
    data.starts_with(b"TZif")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paris_is_known() {
        match zone_data("Europe/Paris") {
            Ok(data) => assert!(is_zone_data(&data)),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn text_is_no_zone() {
        assert!(!is_zone_data(b"CET"));
    }
}
