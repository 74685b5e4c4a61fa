//! What a `go` rests on: settings of the candidate that another place need not have.

use libcmatrix_schema::{Environment, Libc, Linkage, Role, RunRecord};

use crate::environment::{builtin, linkage_flags};

/// In words, one a setting; empty where everything is as it is without any.
pub(super) fn conditions(record: &RunRecord) -> Vec<String> {
    let candidate = record.leg(Role::Candidate);
    candidate.map_or_else(Vec::new, |leg| of(&leg.environment))
}

fn of(environment: &Environment) -> Vec<String> {
    let mut conditions = Vec::new();
    // Rust links statically to musl where nobody says otherwise.
    if (environment.libc, environment.linkage) == (Libc::Musl, Linkage::Dynamic) {
        let flags = linkage_flags(environment.libc, environment.linkage).join(" ");
        conditions.push(format!("linked to musl dynamically: {flags}"));
    }
    // An image of one's own may have packages that the bare base has not.
    let bare: Vec<String> =
        builtin::environments().into_values().map(|environment| environment.runtime).collect();
    let is_bare = |reference: &String| bare.contains(reference) || is_base(reference);
    let runtime = environment.images.iter().find(|image| image.purpose == "runtime");
    if let Some(image) = runtime.filter(|image| !is_bare(&image.reference)) {
        conditions.push(format!("in {}, with what it has beyond the bare base", image.reference));
    }
    conditions.extend(environment.env.iter().map(|(name, value)| format!("with {name}={value}")));
    conditions
}

/// Whether it is a base image of Alpine's own, by its name.
fn is_base(reference: &str) -> bool {
    let name = reference.split(['@', ':']).next().unwrap_or(reference);
    matches!(name, "alpine" | "docker.io/alpine" | "library/alpine" | "docker.io/library/alpine")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(linkage: Linkage, runtime: &str, env: &[(&str, &str)]) -> Environment {
        let mut environment: Environment = serde_json::from_value(serde_json::json!({
            "libc": "musl", "distro": "alpine", "release": "3.23", "linkage": "static",
        }))
        .expect("an environment");
        environment.linkage = linkage;
        let image = serde_json::json!({"purpose": "runtime", "reference": runtime, "digest": "d"});
        environment.images.push(serde_json::from_value(image).expect("an image"));
        environment.env =
            env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        environment
    }

    #[test]
    fn only_what_is_not_usual_is_a_condition() {
        let conditions =
            |linkage, runtime, env: &[(&str, &str)]| of(&environment(linkage, runtime, env));
        assert_eq!(conditions(Linkage::Static, "libcmatrix/alpine:3.23", &[]), [""; 0]);
        assert_eq!(conditions(Linkage::Static, "alpine:3.24@sha256:1", &[]), [""; 0]);
        assert_eq!(
            conditions(Linkage::Dynamic, "ours/alpine-with-bash:1", &[("TZ", "UTC")]),
            [
                "linked to musl dynamically: -C target-feature=-crt-static",
                "in ours/alpine-with-bash:1, with what it has beyond the bare base",
                "with TZ=UTC",
            ]
        );
    }
}
