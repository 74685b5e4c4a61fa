//! A program that dies where no test looks: at its start it uses 1 MiB of the stack of a thread that
//! was made without asking for a size. glibc gives such a thread 8 MiB as a rule, musl 128 KiB. All
//! tests pass on both sides; only the image, in which the program is started, shows it.

use std::{ffi::c_void, hint::black_box, ptr};

extern "C" {
    fn pthread_create(
        thread: *mut usize,
        attributes: *const c_void,
        start: extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> i32;
    fn pthread_join(thread: usize, result: *mut *mut c_void) -> i32;
}

/// Touches each page of 1 MiB of stack.
extern "C" fn use_stack(_: *mut c_void) -> *mut c_void {
    let mut used = [0_u8; 1 << 20];
    for page in used.chunks_mut(4096) {
        page[0] = 1;
    }
    black_box(&used);
    ptr::null_mut()
}

fn double(n: u32) -> u32 {
    n * 2
}

fn main() {
    let mut thread = 0;
    // SAFETY: the arguments are what pthread_create(3) and pthread_join(3) ask for, the function touches
    // nothing of another thread, and the thread is joined.
    let failed = unsafe {
        pthread_create(&mut thread, ptr::null(), use_stack, ptr::null_mut()) != 0
            || pthread_join(thread, ptr::null_mut()) != 0
    };
    assert!(!failed, "there is no thread");
    println!("{}", double(21));
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_doubles() {
        assert_eq!(super::double(2), 4);
    }
}
