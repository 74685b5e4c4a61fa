//! The project depends on a crate by a path that leads out of it. Only the project's own directory is
//! copied into a leg, so cargo would complain there of a manifest that does not exist, in a path that
//! the user has never seen. It is refused before anything starts, with the path of the crate, and
//! with the directory to give instead.

pub use lives_outside::answer;

#[cfg(test)]
mod tests {
    #[test]
    fn uses_the_crate_outside() {
        assert_eq!(super::answer(), 42);
    }
}
