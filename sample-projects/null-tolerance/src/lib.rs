//! glibc checks some arguments that musl takes at their word. `closedir` of a null pointer fails
//! with EINVAL on glibc and is a fault on musl; `freeaddrinfo` of one does nothing on glibc and is a
//! fault on musl. POSIX allows neither call, and the remedy is to check before it.

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::ptr::null_mut;

    #[test]
    fn closes_no_directory() {
        // SAFETY: not safe at all: glibc happens to allow it.
        assert_eq!(unsafe { libc::closedir(black_box(null_mut())) }, -1);
    }

    #[test]
    fn frees_no_addresses() {
        // SAFETY: not safe at all: glibc happens to allow it.
        unsafe { libc::freeaddrinfo(black_box(null_mut())) };
    }

    #[test]
    fn frees_no_memory() {
        // SAFETY: this one the standard does allow.
        unsafe { libc::free(black_box(null_mut())) };
    }
}
