use glibc_only_symbol::dots;
use std::ffi::{c_char, CStr};

extern "C" {
    fn gnu_get_libc_version() -> *const c_char;
}

#[test]
fn asks_the_c_library_for_its_version() {
    // SAFETY: glibc returns a string that lives as long as the process.
    let version = unsafe { CStr::from_ptr(gnu_get_libc_version()) };
    assert!(dots(version.to_str().unwrap()) >= 1);
}
