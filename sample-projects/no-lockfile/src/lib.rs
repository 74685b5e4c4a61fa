//! The project has no Cargo.lock, as many libraries have none. Resolved on each side for itself, its
//! dependencies could differ, and so could the results. The lock file is made once and used by both
//! sides, and the user's directory still has none afterwards.

/// The identifier of this process, never 0.
pub fn process() -> i32 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_an_identifier() {
        assert!(super::process() > 0);
    }
}
