//! A thread that C code starts without asking for a stack size gets what the C library thinks
//! right: glibc takes the soft limit of the stack, 8 MiB as a rule, musl gives 128 KiB. The C code
//! here uses 512 KiB in such a thread. On musl it runs into the guard page and the whole process
//! dies by SIGSEGV without a word, so that only a run with one process per test can say what became
//! of the sibling tests. A stack size that is asked for works on both sides, which is the remedy.

extern "C" {
    fn use_stack_in_a_thread(bytes: usize, stack: usize) -> u64;
}

/// Uses so many KiB of the stack of a C thread, with the default stack or one of `stack_kib`, and
/// returns how many KiB were used.
pub fn use_stack(kib: usize, stack_kib: usize) -> u64 {
    // SAFETY: the function takes plain numbers, and joins the thread that it starts.
    unsafe { use_stack_in_a_thread(kib * 1024, stack_kib * 1024) * 4 }
}

#[cfg(test)]
mod tests {
    use super::use_stack;

    #[test]
    fn stays_within_a_small_stack() {
        assert_eq!(use_stack(64, 0), 64);
    }

    #[test]
    fn asks_for_the_stack_it_needs() {
        assert_eq!(use_stack(512, 2048), 512);
    }
}

#[cfg(test)]
#[test]
fn overflows_the_stack_of_a_c_thread() {
    assert_eq!(use_stack(512, 0), 512);
}
