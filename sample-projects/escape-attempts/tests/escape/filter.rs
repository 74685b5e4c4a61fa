//! Calls with which the kernel has been attacked, or which change it for everybody.

use std::fs::File;

use escape_attempts::{
    attempt::{granted, refused, Attempt, Outcome},
    bait::c_path,
    files::{descriptor, Folder},
    kernel::{
        call, call_32,
        Arg::{Bytes, Number, Room, Text, Words, WordsBack},
        NOTHING,
    },
};
use libc::{EACCES, EINVAL, ENOENT, ENOEXEC, EOPNOTSUPP, EPERM};

#[test]
fn makes_a_bpf_map() {
    const BPF_MAP_CREATE: i64 = 0;
    Attempt::refused_by(&[EPERM]).judge(|| {
        // An array (type 2, key of 4 bytes; value of 8 bytes, 1 entry).
        let attributes = [2 | 4 << 32, 8 | 1 << 32];
        let size = Number(size_of_val(&attributes) as i64);
        call(libc::SYS_bpf, [Number(BPF_MAP_CREATE), Words(&attributes), size]).map(drop)
    });
}

#[test]
fn watches_the_whole_machine_by_perf_events() {
    const SIZE_OF_THE_FIRST_VERSION: u64 = 64;
    Attempt::refused_by(&[EPERM, EACCES]).judge(|| {
        // The software event "processor clock", of all processes on processor 0.
        let attributes = [1 | SIZE_OF_THE_FIRST_VERSION << 32, 0, 0, 0, 0, 0, 0, 0];
        let (everybody, no_group) = (Number(-1), Number(-1));
        call(libc::SYS_perf_event_open, [Words(&attributes), everybody, NOTHING, no_group, NOTHING])
            .map(drop)
    });
}

#[test]
fn handles_page_faults_of_the_kernel() {
    Attempt::refused_by(&[EPERM]).judge(|| call(libc::SYS_userfaultfd, [NOTHING]).map(drop));
}

/// Docker's own filter lets it through before version 25.
#[test]
fn sets_up_an_io_uring() {
    Attempt::refused_by(&[EPERM]).not_asked_of(&["docker"]).judge(|| {
        let mut parameters = [0; 15];
        call(libc::SYS_io_uring_setup, [Number(1), WordsBack(&mut parameters)]).map(drop)
    });
}

/// Sockets to the machine that this one is a guest of: no network namespace holds them. Docker's own
/// filter lets them through before version 25.
#[test]
fn makes_a_socket_to_the_hypervisor() {
    Attempt::refused_by(&[EPERM, EACCES])
        .absent_by(&[libc::EAFNOSUPPORT])
        .not_asked_of(&["docker"])
        .judge(|| {
            let (family, kind) = (Number(libc::AF_VSOCK.into()), Number(libc::SOCK_STREAM.into()));
            call(libc::SYS_socket, [family, kind, NOTHING]).map(drop)
        });
}

/// The way of "shocker": a file by its number, without a path that leads there.
#[test]
fn opens_a_file_by_its_number() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let folder = Folder::new();
        let path = c_path(folder.file("file", b""));
        let here = File::open(folder.at("")).expect("a folder of one's own");
        let mut mount = [0_u8; 4];
        // How many bytes there are, of what type, and the bytes.
        let mut handle = [0_u8; 8 + 128];
        handle[0] = 128;
        let at = Number(libc::AT_FDCWD.into());
        let named = call(
            libc::SYS_name_to_handle_at,
            [at, Text(&path), Room(&mut handle), Room(&mut mount), NOTHING],
        );
        if named.is_err() {
            // Where the name is not told: the root of an ext4 file system.
            handle[..12].copy_from_slice(&[8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
        }
        call(libc::SYS_open_by_handle_at, [descriptor(&here), Bytes(&handle), NOTHING]).map(drop)
    });
}

/// It is no module, which is noticed after the permission has been granted.
#[test]
fn loads_a_module() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let module = call(libc::SYS_init_module, [Bytes(&[0; 64]), Number(64), Text(c"")]);
        granted(module, &[ENOEXEC, EINVAL])
    });
}

/// With flags that do not exist, which is noticed after the permission has been granted.
#[test]
fn loads_another_kernel() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let flags = Number(0xffff);
        granted(call(libc::SYS_kexec_load, [NOTHING, NOTHING, NOTHING, flags]), &[EINVAL])
    });
}

/// The file is no swap space, which is noticed after the permission has been granted.
#[test]
fn adds_swap_space() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let folder = Folder::new();
        let path = c_path(folder.file("file", &[0; 40960]));
        granted(call(libc::SYS_swapon, [Text(&path), NOTHING]), &[EINVAL])
    });
}

/// The kernel would write to that file for ever. It does not exist, which is noticed later.
#[test]
fn records_all_processes_in_a_file() {
    Attempt::refused_by(&[EPERM]).absent_by(&[EOPNOTSUPP]).judge(|| {
        let folder = Folder::new();
        granted(call(libc::SYS_acct, [Text(&c_path(folder.at("none")))]), &[ENOENT])
    });
}

#[test]
fn asks_for_disk_quotas() {
    const Q_SYNC: i64 = 0x80_0001;
    Attempt::refused_by(&[EPERM]).judge(|| {
        call(libc::SYS_quotactl, [Number(Q_SYNC << 8), NOTHING, NOTHING, NOTHING]).map(drop)
    });
}

#[test]
fn reads_the_log_of_the_kernel() {
    const READ_ALL: i64 = 3;
    Attempt::refused_by(&[EPERM]).judge(|| {
        let mut room = vec![0; 4096];
        let size = Number(room.len() as i64);
        match call(libc::SYS_syslog, [Number(READ_ALL), Room(&mut room), size])? {
            0 => Err(refused("the log is empty")),
            _ => Ok(()),
        }
    });
}

#[test]
fn opens_the_log_of_the_kernel() {
    Attempt::refused_by(&[EPERM, EACCES, ENOENT]).judge(|| File::open("/proc/kmsg").map(drop));
}

/// By which a program speaks to the machine's devices without the kernel.
#[test]
fn takes_the_ports_of_the_machine() {
    Attempt::refused_by(&[EPERM]).judge(take_ports);
}

#[cfg(target_arch = "x86_64")]
fn take_ports() -> Outcome {
    call(libc::SYS_ioperm, [Number(0x80), Number(1), Number(1)])?;
    call(libc::SYS_iopl, [Number(3)]).map(drop)
}

/// Only this family of processors has them.
#[cfg(not(target_arch = "x86_64"))]
fn take_ports() -> Outcome {
    Err(std::io::Error::from_raw_os_error(libc::ENOSYS))
}

/// As `unshare`, by the other entry into the kernel.
#[test]
fn makes_a_user_namespace_by_the_32_bit_entry() {
    const UNSHARE: i32 = 310;
    Attempt::refused_by(&[EPERM]).judge(|| call_32(UNSHARE, [libc::CLONE_NEWUSER, 0, 0]).map(drop));
}
