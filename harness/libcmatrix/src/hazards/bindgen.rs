//! bindgen in build scripts: it opens libclang at run time. Pure.

use libcmatrix_schema::Confidence;

use super::hazard::Hazard;
use crate::project::resolved::Resolved;

/// One hazard where clang-sys is told to open libclang at run time, with the crates that want it.
#[must_use]
pub fn find(resolved: &Resolved) -> Vec<Hazard> {
    let packages = &resolved.packages;
    let opens = packages.iter().filter(|p| p.name == "clang-sys" && p.features.contains("runtime"));
    opens
        .map(|clang| {
            let users = packages.iter().filter(|p| {
                p.dependencies.iter().any(|d| d.package == "bindgen" || d.package == "clang-sys")
                    && p.name != "bindgen"
            });
            let users: Vec<String> = users.map(|p| p.id()).collect();
            let text = format!(
                "wanted by {}: where the build runs on musl, its static build script cannot open libclang",
                users.join(", ")
            );
            // Whether it matters depends on where the build runs.
            Hazard::new("rust-bindgen-static-dlopen", Confidence::Likely, &clang.id(), text)
                .needs_run(true)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazards::testing::{dependency, package, resolved};

    #[test]
    fn only_where_libclang_is_opened_at_run_time() {
        let project = |feature: &str| {
            let mut clang = package("clang-sys", "1.0.0");
            clang.features.insert(feature.into());
            let mut user = package("pam-sys", "1.0.0");
            user.dependencies.push(dependency("bindgen", "0.70.0"));
            find(&resolved(vec![clang, user, package("bindgen", "0.70.0")]))
        };
        assert!(project("static").is_empty());
        let found = project("runtime");
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("pam-sys@1.0.0") && found[0].needs_run);
    }
}
