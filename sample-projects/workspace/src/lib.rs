//! A workspace with what real ones have: members, features, a procedural macro, programs, an example
//! and a benchmark that are tested, integration tests, documentation tests of every kind, generated
//! code, and files that tests find by each of the ways in which cargo says where they are. Nothing
//! differs between the C libraries. The one test that is not compared is the unit test of the
//! procedural macro: such a crate is part of the compiler and is built for the compiler's host, so
//! it never runs on the target at all.

pub use workspace_macros::answer;

/// The squares, from a file that the build script has written.
pub const SQUARES: &[u32] = include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The square of a small number.
///
/// ```
/// assert_eq!(workspace::square(3), 9);
/// ```
///
/// There are only three of them:
///
/// ```should_panic
/// workspace::square(4);
/// ```
///
/// And they are numbers:
///
/// ```compile_fail
/// let text: &str = workspace::square(1);
/// ```
///
/// ```ignore
/// assert_eq!(workspace::square(2), 5, "this would fail if it were run");
/// ```
///
/// ```no_run
/// loop {
///     workspace::square(1);
/// }
/// ```
///
/// ```text
/// This is no test at all.
/// ```
pub fn square(number: usize) -> u32 {
    SQUARES[number - 1]
}

/// Greets, as the member crate does.
///
/// ```
/// # #[cfg(feature = "greeting")]
/// assert_eq!(workspace::greet("you"), "hello, you");
/// ```
pub fn greet(name: &str) -> String {
    workspace_core::greet(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    #[test]
    fn squares_come_from_the_build_script() {
        assert_eq!(square(2), 4);
    }

    #[test]
    fn out_dir_is_there_at_run_time() {
        let table = Path::new(env!("OUT_DIR")).join("table.txt");
        assert_eq!(fs::read_to_string(table).unwrap(), "1 4 9");
    }

    #[test]
    fn out_dir_is_in_the_environment() {
        let out: PathBuf = env::var_os("OUT_DIR").expect("OUT_DIR is set").into();
        assert_eq!(fs::read_to_string(out.join("table.txt")).unwrap(), "1 4 9");
    }

    #[test]
    fn build_script_variable_is_in_the_environment() {
        assert_eq!(
            env::var("WORKSPACE_BUILT_FOR").as_deref(),
            Ok(env!("WORKSPACE_BUILT_FOR"))
        );
    }

    #[test]
    fn working_directory_is_the_package_root() {
        assert_eq!(
            env::current_dir().unwrap(),
            Path::new(env!("CARGO_MANIFEST_DIR"))
        );
        assert_eq!(fs::read_to_string("data/note.txt").unwrap(), "a note\n");
    }

    #[test]
    fn cargo_describes_the_package() {
        assert_eq!(env::var("CARGO_PKG_NAME").as_deref(), Ok("workspace"));
        assert_eq!(env::var("CARGO_PKG_VERSION").as_deref(), Ok("0.0.0"));
        assert_eq!(
            env::var("CARGO_PKG_DESCRIPTION").as_deref(),
            Ok("A workspace with a bit of everything.")
        );
        assert_eq!(
            env::var("CARGO_MANIFEST_DIR").as_deref(),
            Ok(env!("CARGO_MANIFEST_DIR"))
        );
    }

    #[test]
    #[cfg(feature = "greeting")]
    fn greets_by_default() {
        assert_eq!(greet("all"), "hello, all");
    }

    #[test]
    #[cfg(feature = "shouting")]
    fn shouts_when_asked() {
        assert_eq!(greet("all").to_uppercase(), "HELLO, ALL");
    }
}
