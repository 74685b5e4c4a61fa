//! The system call filter: what a program may not ask of the kernel, though it needs no capability.
//!
//! Refused is what Docker's default profile refuses
//! (<https://github.com/moby/profiles/blob/main/seccomp/default.json>), with the same error, so that
//! a program sees the same on either engine. Most of it the kernel refuses anyway to a program
//! without capabilities; the filter matters for what needs none, e.g. new user namespaces.
//!
//! The filter is a small program of the classic packet filter, written out here because filters
//! that are made by a library know one architecture at a time and kill the others: a 32-bit program
//! must run, and must not be a way around the filter.

use std::io;

use libc::{sock_filter, sock_fprog};

/// The kernel's names for architectures (`linux/audit.h`).
mod arch {
    #[cfg(target_arch = "x86_64")]
    pub const NATIVE: u32 = 0xc000_003e;
    #[cfg(target_arch = "x86_64")]
    pub const I386: u32 = 0x4000_0003;
    #[cfg(target_arch = "aarch64")]
    pub const NATIVE: u32 = 0xc000_00b7;
}

/// Offsets in the kernel's `struct seccomp_data`.
mod at {
    pub const NUMBER: u32 = 0;
    pub const ARCHITECTURE: u32 = 4;
    /// The low half of the first argument, on a little-endian machine.
    pub const FIRST_ARGUMENT: u32 = 16;
}

/// Every flag of `clone` for a new namespace.
const NEW_NAMESPACES: u32 = 0x7e02_0000;

/// The personalities that programs need: Linux's own, 32-bit, and asking.
const PERSONALITIES: [u32; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Sockets to the virtual machine's host are a way out of the machine.
const AF_VSOCK: u32 = 40;

/// When a system call is refused.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// Any of these bits is in its first argument.
    AnyOf(u32),
    /// Its first argument is this.
    Equal(u32),
    /// Its first argument is none of these.
    NoneOf(&'static [u32]),
}

/// A system call that is refused.
struct Refused {
    number: u32,
    when: When,
    error: i32,
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "system calls are small and positive"
)]
const fn refused(number: libc::c_long) -> Refused {
    Refused { number: number as u32, when: When::Always, error: libc::EPERM }
}

const fn refused_when(number: libc::c_long, when: When) -> Refused {
    let Refused { number, error, .. } = refused(number);
    Refused { number, when, error }
}

/// `clone3` hides its flags behind a pointer, where no filter can read; with this answer every C
/// library falls back to `clone`.
const fn not_there(number: libc::c_long) -> Refused {
    let Refused { number, when, .. } = refused(number);
    Refused { number, when, error: libc::ENOSYS }
}

/// What is refused on every architecture, by the machine's own numbers.
const NATIVE: &[Refused] = &[
    refused_when(libc::SYS_clone, When::AnyOf(NEW_NAMESPACES)),
    not_there(libc::SYS_clone3),
    refused(libc::SYS_unshare),
    refused(libc::SYS_setns),
    refused(libc::SYS_add_key),
    refused(libc::SYS_request_key),
    refused(libc::SYS_keyctl),
    refused(libc::SYS_bpf),
    refused(libc::SYS_perf_event_open),
    refused(libc::SYS_userfaultfd),
    refused(libc::SYS_io_uring_setup),
    refused(libc::SYS_io_uring_enter),
    refused(libc::SYS_io_uring_register),
    refused(libc::SYS_mount),
    refused(libc::SYS_umount2),
    refused(libc::SYS_pivot_root),
    refused(libc::SYS_open_tree),
    refused(libc::SYS_move_mount),
    refused(libc::SYS_fsopen),
    refused(libc::SYS_fsconfig),
    refused(libc::SYS_fsmount),
    refused(libc::SYS_fspick),
    refused(libc::SYS_mount_setattr),
    refused(libc::SYS_name_to_handle_at),
    refused(libc::SYS_open_by_handle_at),
    refused(libc::SYS_init_module),
    refused(libc::SYS_finit_module),
    refused(libc::SYS_delete_module),
    refused(libc::SYS_kexec_load),
    refused(libc::SYS_kexec_file_load),
    refused(libc::SYS_reboot),
    refused(libc::SYS_swapon),
    refused(libc::SYS_swapoff),
    refused(libc::SYS_acct),
    refused(libc::SYS_quotactl),
    refused(libc::SYS_settimeofday),
    refused(libc::SYS_clock_settime),
    refused(libc::SYS_sethostname),
    refused(libc::SYS_setdomainname),
    refused(libc::SYS_syslog),
    refused(libc::SYS_vhangup),
    refused(libc::SYS_fanotify_init),
    refused(libc::SYS_kcmp),
    refused(libc::SYS_pidfd_getfd),
    refused(libc::SYS_mbind),
    refused(libc::SYS_get_mempolicy),
    refused(libc::SYS_set_mempolicy),
    refused(libc::SYS_move_pages),
    refused(libc::SYS_migrate_pages),
    refused_when(libc::SYS_personality, When::NoneOf(&PERSONALITIES)),
    refused_when(libc::SYS_socket, When::Equal(AF_VSOCK)),
];

/// What is refused on this architecture only.
#[cfg(target_arch = "x86_64")]
const NATIVE_ONLY: &[Refused] = &[
    refused(libc::SYS_iopl),
    refused(libc::SYS_ioperm),
    refused(libc::SYS_uselib),
    refused(libc::SYS_ustat),
    refused(libc::SYS_sysfs),
    refused(libc::SYS_nfsservctl),
];
#[cfg(not(target_arch = "x86_64"))]
const NATIVE_ONLY: &[Refused] = &[];

/// The same by the numbers of 32-bit programs (`arch/x86/entry/syscalls/syscall_32.tbl`).
#[cfg(target_arch = "x86_64")]
const I386: &[Refused] = &[
    refused_when(120, When::AnyOf(NEW_NAMESPACES)), // clone
    not_there(435),                                 // clone3
    refused(310),                                   // unshare
    refused(346),                                   // setns
    refused(286),                                   // add_key
    refused(287),                                   // request_key
    refused(288),                                   // keyctl
    refused(357),                                   // bpf
    refused(336),                                   // perf_event_open
    refused(374),                                   // userfaultfd
    refused(425),                                   // io_uring_setup
    refused(426),                                   // io_uring_enter
    refused(427),                                   // io_uring_register
    refused(21),                                    // mount
    refused(22),                                    // umount
    refused(52),                                    // umount2
    refused(217),                                   // pivot_root
    refused(428),                                   // open_tree
    refused(429),                                   // move_mount
    refused(430),                                   // fsopen
    refused(431),                                   // fsconfig
    refused(432),                                   // fsmount
    refused(433),                                   // fspick
    refused(442),                                   // mount_setattr
    refused(341),                                   // name_to_handle_at
    refused(342),                                   // open_by_handle_at
    refused(128),                                   // init_module
    refused(129),                                   // delete_module
    refused(350),                                   // finit_module
    refused(283),                                   // kexec_load
    refused(88),                                    // reboot
    refused(87),                                    // swapon
    refused(115),                                   // swapoff
    refused(51),                                    // acct
    refused(131),                                   // quotactl
    refused(25),                                    // stime
    refused(79),                                    // settimeofday
    refused(264),                                   // clock_settime
    refused(404),                                   // clock_settime64
    refused(74),                                    // sethostname
    refused(121),                                   // setdomainname
    refused(103),                                   // syslog
    refused(110),                                   // iopl
    refused(101),                                   // ioperm
    refused(111),                                   // vhangup
    refused(113),                                   // vm86old
    refused(166),                                   // vm86
    refused(338),                                   // fanotify_init
    refused(349),                                   // kcmp
    refused(438),                                   // pidfd_getfd
    refused(274),                                   // mbind
    refused(275),                                   // get_mempolicy
    refused(276),                                   // set_mempolicy
    refused(317),                                   // move_pages
    refused(294),                                   // migrate_pages
    refused_when(136, When::NoneOf(&PERSONALITIES)), // personality
    refused_when(359, When::Equal(AF_VSOCK)),       // socket
];

/// Applies the filter to this process and everything it starts, for ever.
///
/// # Errors
/// The kernel has no filters, or no-new-privileges was not set before.
pub(crate) fn apply() -> io::Result<()> {
    let mut filter = program();
    let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = sock_fprog { len: length, filter: filter.as_mut_ptr() };
    // SAFETY: `program` and the instructions it points to live until the call returns; the kernel
    // copies and checks them.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The filter's instructions.
fn program() -> Vec<sock_filter> {
    let native: Vec<&Refused> = NATIVE.iter().chain(NATIVE_ONLY).collect();
    let mut program = vec![load(at::ARCHITECTURE)];
    program.extend(for_architecture(arch::NATIVE, &native));
    #[cfg(target_arch = "x86_64")]
    program.extend(for_architecture(arch::I386, &I386.iter().collect::<Vec<_>>()));
    // Any other architecture: as if its system calls were not there. Nothing is killed.
    program.push(answer(libc::ENOSYS));
    program
}

/// Instructions for one architecture; others jump over them. Expects the architecture to be loaded.
fn for_architecture(architecture: u32, refused: &[&Refused]) -> Vec<sock_filter> {
    let mut block = vec![load(at::NUMBER)];
    #[cfg(target_arch = "x86_64")]
    if architecture == arch::NATIVE {
        // The x32 interface: the same calls by other numbers, which nothing uses.
        const X32: u32 = 0x4000_0000;
        block.extend([jump_unless(libc::BPF_JGE, X32, 1), answer(libc::ENOSYS)]);
    }
    for Refused { number, when, error } in refused {
        let conditional: Vec<sock_filter> = match *when {
            When::Always => vec![answer(*error)],
            When::AnyOf(bits) => {
                vec![
                    load(at::FIRST_ARGUMENT),
                    jump_unless(libc::BPF_JSET, bits, 1),
                    answer(*error),
                    ALLOW,
                ]
            }
            When::Equal(value) => {
                vec![
                    load(at::FIRST_ARGUMENT),
                    jump_unless(libc::BPF_JEQ, value, 1),
                    answer(*error),
                    ALLOW,
                ]
            }
            When::NoneOf(values) => {
                let mut instructions = vec![load(at::FIRST_ARGUMENT)];
                for value in values {
                    instructions.extend([jump_unless(libc::BPF_JEQ, *value, 1), ALLOW]);
                }
                instructions.push(answer(*error));
                instructions
            }
        };
        let length = u8::try_from(conditional.len()).unwrap_or(u8::MAX);
        block.push(jump_unless(libc::BPF_JEQ, *number, length));
        block.extend(conditional);
    }
    block.push(ALLOW);
    // A conditional jump reaches 255 instructions, an unconditional one any number.
    let over = u32::try_from(block.len()).unwrap_or(u32::MAX);
    let mut instructions = vec![jump_unless(libc::BPF_JEQ, architecture, 1), jump(1), jump(over)];
    instructions.extend(block);
    instructions
}

const ALLOW: sock_filter = instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW);

#[allow(clippy::cast_possible_truncation, reason = "instruction codes have 16 bits")]
const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

/// Goes on with the next instruction if the comparison holds, else skips `skip`.
fn jump_unless(comparison: u32, with: u32, skip: u8) -> sock_filter {
    instruction(libc::BPF_JMP | comparison | libc::BPF_K, 0, skip, with)
}

fn jump(skip: u32) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JA, 0, 0, skip)
}

fn answer(error: i32) -> sock_filter {
    let error = u32::try_from(error).unwrap_or(0);
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers, worked out by an interpreter of the few instructions it uses.
    fn run(architecture: u32, number: u32, argument: u32) -> u32 {
        let program = program();
        let (mut at, mut held) = (0_usize, 0_u32);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let code = u32::from(code);
            if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS {
                held = match k {
                    at::NUMBER => number,
                    at::ARCHITECTURE => architecture,
                    at::FIRST_ARGUMENT => argument,
                    _ => panic!("offset {k}"),
                };
            } else if code == libc::BPF_RET | libc::BPF_K {
                return k;
            } else if code == libc::BPF_JMP | libc::BPF_JA {
                at += k as usize;
            } else {
                let holds = match code & 0xf0 {
                    libc::BPF_JEQ => held == k,
                    libc::BPF_JGE => held >= k,
                    libc::BPF_JSET => held & k != 0,
                    other => panic!("comparison {other:x}"),
                };
                at += usize::from(if holds { jt } else { jf });
            }
        }
    }

    fn native(number: libc::c_long, argument: u32) -> u32 {
        run(arch::NATIVE, u32::try_from(number).expect("a number"), argument)
    }

    const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

    #[test]
    fn ordinary_calls_pass() {
        for number in [libc::SYS_read, libc::SYS_openat, libc::SYS_ptrace, libc::SYS_execve] {
            assert_eq!(native(number, 0), libc::SECCOMP_RET_ALLOW, "{number}");
        }
        assert_eq!(native(libc::SYS_clone, 0x0003_d0f00), libc::SECCOMP_RET_ALLOW, "a thread");
        assert_eq!(native(libc::SYS_socket, 2), libc::SECCOMP_RET_ALLOW);
        assert_eq!(native(libc::SYS_personality, 0xffff_ffff), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn every_refused_call_is_refused() {
        for refused in NATIVE.iter().chain(NATIVE_ONLY) {
            let argument = match refused.when {
                When::Always => 7,
                When::AnyOf(bits) => bits & bits.wrapping_neg(),
                When::Equal(value) => value,
                When::NoneOf(_) => 0x40_0000,
            };
            let expected = libc::SECCOMP_RET_ERRNO | u32::try_from(refused.error).unwrap();
            assert_eq!(run(arch::NATIVE, refused.number, argument), expected, "{}", refused.number);
        }
        assert_eq!(native(libc::SYS_clone3, 0), ENOSYS);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn there_is_no_way_around_by_other_numbers() {
        assert_eq!(run(arch::I386, 288, 0), EPERM, "keyctl");
        assert_eq!(run(arch::I386, 120, 0x1000_0000), EPERM, "clone into a user namespace");
        assert_eq!(run(arch::I386, 120, 0), libc::SECCOMP_RET_ALLOW);
        assert_eq!(run(arch::I386, 1, 0), libc::SECCOMP_RET_ALLOW, "a 32-bit program may exit");
        assert_eq!(native(0x4000_0000 | libc::SYS_keyctl, 0), ENOSYS, "x32");
    }

    #[test]
    fn an_unknown_architecture_is_not_killed() {
        assert_eq!(run(0x1234, 0, 0), ENOSYS);
    }

    #[test]
    fn it_is_short_enough_for_the_kernel() {
        assert!(program().len() <= 4096, "{}", program().len());
    }
}
