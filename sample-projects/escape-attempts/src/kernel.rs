//! System calls by number.
//!
//! Takes a number and arguments that borrow whatever memory the kernel is to read or write; gives
//! what it returns. Structures are written out as words: they are the kernel's, not a C library's.

use std::{ffi::CStr, io};

/// An argument.
pub enum Arg<'a> {
    /// A number, a flag word, a descriptor.
    Number(i64),
    /// A string.
    Text(&'a CStr),
    /// Bytes that the kernel reads.
    Bytes(&'a [u8]),
    /// A structure that the kernel reads.
    Words(&'a [u64]),
    /// Room for bytes.
    Room(&'a mut [u8]),
    /// A structure that the kernel reads and writes.
    WordsBack(&'a mut [u64]),
}

/// A null pointer, or nothing.
pub const NOTHING: Arg<'static> = Arg::Number(0);

/// Calls the kernel.
///
/// # Errors
/// What it says.
pub fn call<const N: usize>(number: libc::c_long, args: [Arg; N]) -> io::Result<i64> {
    const { assert!(N <= 6, "a system call has at most 6 arguments") }
    let mut words: [libc::c_long; 6] = [0; 6];
    for (word, arg) in words.iter_mut().zip(args) {
        *word = match arg {
            Arg::Number(number) => number as libc::c_long,
            Arg::Text(text) => text.as_ptr() as libc::c_long,
            Arg::Bytes(bytes) => bytes.as_ptr() as libc::c_long,
            Arg::Words(words) => words.as_ptr() as libc::c_long,
            Arg::Room(room) => room.as_mut_ptr() as libc::c_long,
            Arg::WordsBack(words) => words.as_mut_ptr() as libc::c_long,
        };
    }
    let [a, b, c, d, e, f] = words;
    // SAFETY: every pointer is of a borrow that outlives the call. The attempts pass structures as
    // large as the kernel takes them to be, and make no call that changes this process's mappings.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// A call through the entry for 32-bit programs, which a filter that only knows the 64-bit numbers
/// would let through. Numbers are those of i386; arguments are plain numbers.
///
/// # Errors
/// What the kernel says; `ENOSYS` on processors that have no such entry.
#[cfg(target_arch = "x86_64")]
pub fn call_32(number: i32, args: [i32; 3]) -> io::Result<i32> {
    let mut result = number;
    // SAFETY: the arguments are no pointers, so the kernel touches no memory of this process; rbx,
    // which the compiler keeps for itself, is put back, and r8 to r11 are given up.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) i64::from(args[0]) => _,
            inout("eax") result,
            in("ecx") args[1],
            in("edx") args[2],
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    Ok(result)
}

/// There is no such entry.
///
/// # Errors
/// Always `ENOSYS`.
#[cfg(not(target_arch = "x86_64"))]
pub fn call_32(_number: i32, _args: [i32; 3]) -> io::Result<i32> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
