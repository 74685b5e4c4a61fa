//! What vulnerability scanners say of an image: how they are called, and their answers read. Pure.
//!
//! A vulnerability counts once for each version of a package that has it, in whatever number of places.
//! Forms: grype's JSON (`matches`, `descriptor`) and trivy's (`Results`, `Vulnerabilities`).

use std::{collections::BTreeSet, path::Path};

use libcmatrix_schema::VulnerabilityCounts;
use serde::Deserialize;

/// A scanner that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// <https://github.com/anchore/grype>
    Grype,
    /// <https://github.com/aquasecurity/trivy>
    Trivy,
}

impl Scanner {
    /// All that are asked.
    pub const ALL: [Self; 2] = [Self::Grype, Self::Trivy];

    /// The program's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grype => "grype",
            Self::Trivy => "trivy",
        }
    }

    /// Arguments for an image in an archive as `docker save` makes it.
    #[must_use]
    pub fn arguments(self, archive: &Path) -> Vec<String> {
        let archive = archive.display();
        match self {
            Self::Grype => {
                vec![format!("docker-archive:{archive}"), "--output=json".into(), "--quiet".into()]
            }
            Self::Trivy => {
                let fixed =
                    ["image", "--format=json", "--quiet", "--scanners=vuln"].map(str::to_owned);
                fixed.into_iter().chain([format!("--input={archive}")]).collect()
            }
        }
    }

    /// Reads its answer.
    ///
    /// # Errors
    /// It is none: not the JSON that this scanner writes.
    pub fn read(self, answer: &[u8]) -> serde_json::Result<VulnerabilityCounts> {
        match self {
            Self::Grype => {
                let answer: GrypeAnswer = serde_json::from_slice(answer)?;
                let found = answer.matches.into_iter().map(|found| Found {
                    id: found.vulnerability.id,
                    package: found.artifact.name,
                    version: found.artifact.version,
                    severity: found.vulnerability.severity,
                });
                Ok(counted(self, Some(answer.descriptor.version), found.collect()))
            }
            Self::Trivy => {
                let answer: TrivyAnswer = serde_json::from_slice(answer)?;
                let results = answer.results.unwrap_or_default().into_iter();
                let all = results.flat_map(|result| result.vulnerabilities.unwrap_or_default());
                let found = all.map(|found| Found {
                    id: found.id,
                    package: found.package,
                    version: found.version,
                    severity: found.severity,
                });
                Ok(counted(self, answer.trivy.map(|trivy| trivy.version), found.collect()))
            }
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    id: String,
    package: String,
    version: String,
    severity: String,
}

fn counted(
    scanner: Scanner,
    version: Option<String>,
    found: BTreeSet<Found>,
) -> VulnerabilityCounts {
    let mut counts = VulnerabilityCounts {
        scanner: scanner.name().into(),
        version: version.filter(|version| !version.is_empty()),
        ..VulnerabilityCounts::default()
    };
    for found in found {
        *match found.severity.to_ascii_lowercase().as_str() {
            "critical" => &mut counts.critical,
            "high" => &mut counts.high,
            "medium" => &mut counts.medium,
            "low" => &mut counts.low,
            _ => &mut counts.other,
        } += 1;
    }
    counts
}

#[derive(Deserialize)]
struct GrypeAnswer {
    matches: Vec<GrypeMatch>,
    descriptor: GrypeDescriptor,
}

#[derive(Deserialize)]
struct GrypeMatch {
    vulnerability: GrypeVulnerability,
    artifact: GrypeArtifact,
}

#[derive(Deserialize)]
struct GrypeVulnerability {
    id: String,
    #[serde(default)]
    severity: String,
}

#[derive(Deserialize)]
struct GrypeArtifact {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct GrypeDescriptor {
    #[serde(default)]
    version: String,
}

/// Without `SchemaVersion` it is something else; the rest is left out where there is nothing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrivyAnswer {
    #[serde(rename = "SchemaVersion")]
    _schema_version: u64,
    results: Option<Vec<TrivyResult>>,
    trivy: Option<TrivyVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrivyVersion {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrivyResult {
    vulnerabilities: Option<Vec<TrivyVulnerability>>,
}

#[derive(Deserialize)]
struct TrivyVulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "PkgName")]
    package: String,
    #[serde(rename = "InstalledVersion", default)]
    version: String,
    #[serde(rename = "Severity", default)]
    severity: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &VulnerabilityCounts) -> [u64; 5] {
        [counts.critical, counts.high, counts.medium, counts.low, counts.other]
    }

    #[test]
    fn grypes_matches_are_counted_once_each() {
        let one = |id: &str, severity: &str| {
            serde_json::json!({
                "vulnerability": {"id": id, "severity": severity, "fix": {"versions": []}},
                "relatedVulnerabilities": [],
                "artifact": {"name": "busybox", "version": "1.37.0-r30", "type": "apk"},
            })
        };
        let answer = serde_json::json!({
            "matches": [
                one("CVE-1", "High"), one("CVE-1", "High"), one("CVE-2", "Critical"),
                one("CVE-3", "Negligible"), one("CVE-4", "Unknown"), one("CVE-5", "Low"),
            ],
            "source": {"type": "image"},
            "descriptor": {"name": "grype", "version": "0.104.1"},
        });
        let read = Scanner::Grype.read(answer.to_string().as_bytes()).expect("an answer");
        assert_eq!(counts(&read), [1, 1, 0, 1, 2]);
        assert_eq!((read.scanner.as_str(), read.version.as_deref()), ("grype", Some("0.104.1")));
    }

    #[test]
    fn trivys_results_are_counted_over_all_targets() {
        let one = |id: &str, package: &str, severity: &str| {
            serde_json::json!({
                "VulnerabilityID": id, "PkgName": package, "InstalledVersion": "1", "Severity": severity,
            })
        };
        let answer = serde_json::json!({
            "SchemaVersion": 2,
            "ArtifactType": "container_image",
            "Results": [
                {"Target": "image (debian 13)", "Class": "os-pkgs", "Vulnerabilities": [
                    one("CVE-1", "libc6", "MEDIUM"), one("CVE-1", "libc-bin", "MEDIUM"),
                ]},
                {"Target": "usr/bin/tool", "Class": "lang-pkgs", "Vulnerabilities": [
                    one("CVE-1", "libc6", "MEDIUM"), one("CVE-9", "time", "HIGH"),
                ]},
                {"Target": "nothing", "Class": "os-pkgs"},
            ],
        });
        let read = Scanner::Trivy.read(answer.to_string().as_bytes()).expect("an answer");
        assert_eq!(counts(&read), [0, 1, 2, 0, 0]);
        assert_eq!(read.version, None);
    }

    /// An image on nothing has no packages: trivy leaves the results out.
    #[test]
    fn nothing_found_is_an_answer() {
        let nothing = Scanner::Trivy.read(br#"{"SchemaVersion": 2}"#).expect("an answer");
        assert_eq!(counts(&nothing), [0; 5]);
        let nothing = br#"{"matches": [], "descriptor": {"name": "grype", "version": ""}}"#;
        let nothing = Scanner::Grype.read(nothing).expect("an answer");
        assert_eq!((counts(&nothing), nothing.version), ([0; 5], None));
    }

    /// None of these may look like an image without a vulnerability.
    #[test]
    fn what_is_no_answer_is_an_error() {
        for scanner in Scanner::ALL {
            for answer in ["", "{}", "[]", "null", "{\"matches\": []}", "{\"Results\": []}"] {
                assert!(scanner.read(answer.as_bytes()).is_err(), "{scanner:?}: {answer}");
            }
        }
    }
}
