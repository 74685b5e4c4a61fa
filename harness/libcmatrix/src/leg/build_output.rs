//! What a build that failed says, read: whether it is about the project at all, and which of its
//! lines tell most. Pure; the texts are those of cargo, rustc, linkers and the crate `cc`.

use crate::failure::{Failure, Result};

/// A build that fails for want of disk, or because cargo does not understand its arguments, says
/// nothing about the project.
/// # Errors
/// It fails for such a reason.
pub fn refuse_no_result(errors: &[String], said: &str) -> Result<()> {
    let is_about_space =
        |l: &&str| l.contains("No space left on device") || l.contains("Disk quota exceeded");
    let lines = errors.iter().flat_map(|e| e.lines()).chain(said.lines());
    if let Some(line) = lines.clone().find(is_about_space) {
        return Err(Failure::environment("the disk is full")
            .because(line.trim().trim_start_matches("= note: "))
            .hint(
                "free disk space where the engine keeps its data: `libcmatrix doctor` shows where",
            ));
    }
    if said.contains("Usage: cargo") {
        return Err(Failure::usage("cargo does not understand its arguments")
            .because(said)
            .hint("look at what follows `--`"));
    }
    Ok(())
}

/// What to say then.
pub const WANTS_NETWORK: &str = "the build seems to want the network, which it does not have: only \
    dependencies are downloaded. A build script that downloads cannot be compared; many crates have \
    a feature or a variable that makes them use what is there instead";

/// Whether what a build said is about a network that is not there.
#[must_use]
pub fn wants_network(said: &str) -> bool {
    [
        "failed to lookup address information",
        "Temporary failure in name resolution",
        "Could not resolve host",
        "Couldn't resolve host",
        "Network is unreachable",
        "dns error",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// What a build script says before it fails, without its instructions to cargo, and without the
/// variables that the crate `cc` names.
#[must_use]
pub fn without_noise(said: &str) -> String {
    let is_noise = |line: &&str| {
        let line = line.trim();
        line.starts_with("cargo:rerun-if-")
            || line.starts_with("cargo:rustc-")
            || line.starts_with("cargo::rerun-if-")
            || line.starts_with("cargo::rustc-")
            || line.ends_with(" = None")
            || line.contains(" = Some(")
            || line.starts_with("Compiling ")
    };
    let start = said.find("error: failed to run custom build command").unwrap_or(0);
    said[start..].lines().filter(|l| !is_noise(l)).collect::<Vec<_>>().join("\n")
}

/// The line that tells most in one line.
#[must_use]
pub fn first_error(said: &str) -> String {
    let find = |words: &str| said.lines().find(|l| l.contains(words));
    let line = ["fatal error: ", "undefined reference to", "error: linking", "error[", "error:"]
        .iter()
        .find_map(|words| find(words))
        .or_else(|| said.lines().next());
    let line = line.unwrap_or_default().trim();
    line.strip_prefix("cargo:warning=").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const BUILD_SCRIPT: &str = "   Compiling a v0.1.0\n\
        error: failed to run custom build command for `a v0.1.0 (/work/src)`\n\
        Caused by:\n\
        \u{20} process didn't exit successfully: `/work/target/build-script-build` (exit status: 1)\n\
        \u{20} --- stdout\n\
        \u{20} cargo:rerun-if-env-changed=CC\n\
        \u{20} CC = None\n\
        \u{20} OPT_LEVEL = Some(0)\n\
        \u{20} cargo:warning=a.c:1:10: fatal error: execinfo.h: No such file or directory\n";

    #[test]
    fn a_build_script_is_heard_without_its_instructions() {
        let told = without_noise(BUILD_SCRIPT);
        assert!(told.starts_with("error: failed to run custom build command"), "{told}");
        assert!(told.contains("execinfo.h"), "{told}");
        for noise in ["rerun-if", "CC = None", "OPT_LEVEL", "Compiling"] {
            assert!(!told.contains(noise), "{told}");
        }
        assert_eq!(
            first_error(&told),
            "a.c:1:10: fatal error: execinfo.h: No such file or directory"
        );
    }

    #[test]
    fn the_first_error_of_a_compiler_is_its_own() {
        assert_eq!(
            first_error("error[E0308]: mismatched types\n --> a"),
            "error[E0308]: mismatched types"
        );
        let linker = "error: linking with `cc` failed\n  = note: undefined reference to `x'";
        assert_eq!(first_error(linker), "= note: undefined reference to `x'");
    }

    #[test]
    fn a_full_disk_is_no_result() {
        let said = "error: could not write output to /work/target/x: No space left on device";
        let failure = refuse_no_result(&[], said).expect_err("a full disk");
        assert_eq!((failure.exit, failure.cause.as_str()), (Exit::Environment, said));
        let failure =
            refuse_no_result(&[], "error: unexpected argument '--x'\n\nUsage: cargo build");
        assert_eq!(failure.expect_err("bad arguments").exit, Exit::Usage);
        assert!(refuse_no_result(&["error[E0308]: mismatched types".into()], "").is_ok());
    }

    #[test]
    fn a_network_that_is_not_there() {
        assert!(wants_network("failed to lookup address information: Try again"));
        assert!(!wants_network("error[E0308]: mismatched types"));
    }
}
