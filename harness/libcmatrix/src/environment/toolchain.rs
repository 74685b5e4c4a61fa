//! What a compiler says of itself, and whether two legs have the same one.

use libcmatrix_schema::Toolchain;

use crate::failure::{Failure, Result};

/// Reads the answer to `rustc -vV`. `target` is what will be compiled for; `None` is the host.
///
/// # Errors
/// The answer is not one of rustc's.
pub fn parse_verbose_version(text: &str, target: Option<&str>) -> Result<Toolchain> {
    let field = |name: &str| {
        text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    };
    let (Some(release), Some(host)) = (field("release"), field("host")) else {
        return Err(Failure::environment(
            "`rustc -vV` of the builder image gives no release and host",
        )
        .because(text)
        .hint("name an image with rustc and cargo as `builder`"));
    };
    Ok(Toolchain {
        release: release.into(),
        commit: field("commit-hash").unwrap_or("unknown").into(),
        host: host.into(),
        target: target.unwrap_or(host).into(),
        verbose_version: text.trim().into(),
    })
}

/// Refuses two legs whose compilers are not the same release and commit.
///
/// # Errors
/// They are not; both answers stand side by side in the error.
pub fn prove_matched(a: (&str, &Toolchain), b: (&str, &Toolchain)) -> Result<()> {
    let same_commit = a.1.commit == b.1.commit
        // A distributor that leaves the hash out does not make its compiler another one.
        || a.1.commit == "unknown"
        || b.1.commit == "unknown";
    if a.1.release == b.1.release && same_commit {
        return Ok(());
    }
    Err(Failure::environment(format!("the legs {} and {} have different compilers", a.0, b.0))
        .because(format!("a difference could come from the compiler\n{}", side_by_side(a, b)))
        .hint("name builder images with the same Rust release in libcmatrix.toml, e.g. rust:1.96-bookworm and rust:1.96-alpine"))
}

fn side_by_side(a: (&str, &Toolchain), b: (&str, &Toolchain)) -> String {
    let lines = |t: &Toolchain| t.verbose_version.lines().map(str::to_owned).collect::<Vec<_>>();
    let (left, right) = (lines(a.1), lines(b.1));
    let width = left.iter().map(String::len).chain([a.0.len()]).max().unwrap_or(0);
    let mut text = format!("  {:width$}  {}\n", a.0, b.0);
    for row in 0..left.len().max(right.len()) {
        let cell = |side: &[String]| side.get(row).cloned().unwrap_or_default();
        text.push_str(&format!("  {:width$}  {}\n", cell(&left), cell(&right)));
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(release: &str, commit: &str) -> Toolchain {
        let text = format!(
            "rustc {release}\nbinary: rustc\ncommit-hash: {commit}\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n"
        );
        parse_verbose_version(&text, Some("x86_64-unknown-linux-musl")).unwrap()
    }

    #[test]
    fn release_and_commit_must_be_the_same() {
        let a = toolchain("1.96.0", "aaaa");
        assert_eq!(a.target, "x86_64-unknown-linux-musl");
        assert!(prove_matched(("x", &a), ("y", &toolchain("1.96.0", "aaaa"))).is_ok());
        assert!(prove_matched(("x", &a), ("y", &toolchain("1.96.0", "unknown"))).is_ok());
        assert!(prove_matched(("x", &a), ("y", &toolchain("1.96.0", "bbbb"))).is_err());
        let error = prove_matched(("x", &a), ("y", &toolchain("1.95.0", "aaaa"))).unwrap_err();
        assert_eq!(error.exit, crate::exit::Exit::Environment);
        assert!(error.cause.contains("release: 1.96.0") && error.cause.contains("release: 1.95.0"));
    }

    #[test]
    fn something_else_is_no_compiler() {
        assert!(parse_verbose_version("sh: rustc: not found", None).is_err());
    }
}
