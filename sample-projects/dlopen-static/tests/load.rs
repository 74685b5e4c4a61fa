use std::ffi::CStr;

/// Opens the first library of the list that can be opened, or says why the last could not.
fn open_any(names: &[&CStr]) -> Result<(), String> {
    let mut reason = String::new();
    for name in names {
        // SAFETY: a C library runs no code of its own when it is opened once more.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        if !handle.is_null() {
            return Ok(());
        }
        // SAFETY: dlopen has just failed, so there is a text, and nobody else asks for it.
        let text = unsafe { CStr::from_ptr(libc::dlerror()) };
        reason = format!("{}: {}", name.to_string_lossy(), text.to_string_lossy());
    }
    Err(reason)
}

#[test]
fn opens_the_c_library() {
    open_any(&[c"libc.so.6", c"/lib/ld-musl-x86_64.so.1"]).unwrap();
}

#[test]
fn refuses_a_library_that_does_not_exist() {
    let reason = open_any(&[c"libdoes-not-exist.so"]).unwrap_err();
    assert!(reason.starts_with("libdoes-not-exist.so: "), "{reason}");
}
