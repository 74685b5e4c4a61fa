//! The environments that are known without any configuration.
//!
//! Two families: the ordinary images of a registry, where each side compiles natively, and the
//! `-local` images that `libcmatrix images build` makes out of packages where no registry answers;
//! there one Debian builder compiles for both sides.

use std::collections::BTreeMap;

use libcmatrix_schema::{Libc, Linkage};

use super::EnvironmentSpec;

/// The pair for machines that reach a registry.
pub const REGISTRY_PAIR: (&str, &str) = ("debian-bookworm", "alpine-3.23");
/// The pair whose images are made on this machine.
pub const LOCAL_PAIR: (&str, &str) = ("debian-trixie-local", "alpine-3.23-local");
/// Debian releases whose images can be made locally.
pub const LOCAL_RELEASES: [&str; 3] = ["trixie", "bookworm", "bullseye"];

/// All of them, by name.
#[must_use]
pub fn environments() -> BTreeMap<String, EnvironmentSpec> {
    let mut all = BTreeMap::new();
    all.insert(
        "debian-bookworm".into(),
        debian("bookworm", "rust:1-bookworm", "debian:bookworm-slim"),
    );
    all.insert("alpine-3.23".into(), alpine("rust:1-alpine", "alpine:3.23"));
    for release in LOCAL_RELEASES {
        let mut local = debian(
            release,
            &format!("libcmatrix/debian-builder:{release}"),
            &format!("libcmatrix/debian:{release}"),
        );
        local.target = Some(target("gnu"));
        all.insert(format!("debian-{release}-local"), local);
    }
    let local = EnvironmentSpec {
        target: Some(target("musl")),
        ..alpine("libcmatrix/debian-builder:trixie", "libcmatrix/alpine:3.23")
    };
    let dynamic = EnvironmentSpec { linkage: Some(Linkage::Dynamic), ..local.clone() };
    all.insert("alpine-3.23-local".into(), local);
    all.insert("alpine-3.23-local-dynamic".into(), dynamic);
    all
}

fn target(libc: &str) -> String {
    format!("{}-unknown-linux-{libc}", std::env::consts::ARCH)
}

fn debian(release: &str, builder: &str, runtime: &str) -> EnvironmentSpec {
    EnvironmentSpec {
        libc: Libc::Glibc,
        distro: "debian".into(),
        release: release.into(),
        builder: builder.into(),
        runtime: runtime.into(),
        target: None,
        linkage: None,
        dockerfile: None,
        user: None,
        read_only_root: false,
        env: BTreeMap::new(),
    }
}

fn alpine(builder: &str, runtime: &str) -> EnvironmentSpec {
    EnvironmentSpec {
        libc: Libc::Musl,
        distro: "alpine".into(),
        ..debian("3.23", builder, runtime)
    }
}
