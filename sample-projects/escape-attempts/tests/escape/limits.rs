//! Taking more than a sandbox's share: processes, memory, disk. The sandbox must have lower limits
//! than what is taken here: `--pids 200 --memory 256m --file-size 64m`.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{self, Write},
};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    files::Folder,
};
use libc::{EAGAIN, EFBIG, ENOMEM, ENOSPC, SIGKILL, SIGXFSZ};

const MIB: usize = 1 << 20;

/// At a time, not one after the other.
#[test]
fn starts_400_processes() {
    Attempt::refused_by(&[EAGAIN, ENOMEM]).judge(|| {
        let mut children = Vec::new();
        let mut result = Ok(());
        while children.len() < 400 && result.is_ok() {
            match start_a_process() {
                Ok(child) => children.push(child),
                Err(e) => result = Err(e),
            }
        }
        for child in children {
            // SAFETY: ends and takes a child that was made above and has not been waited for.
            unsafe {
                libc::kill(child, SIGKILL);
                libc::waitpid(child, std::ptr::null_mut(), 0);
            }
        }
        result
    });
}

/// It sleeps until it is killed, at the latest with its parent.
fn start_a_process() -> io::Result<libc::pid_t> {
    // SAFETY: this process has one thread; the child only makes system calls.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        // SAFETY: no memory is passed; `_exit` runs nothing of the parent's.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, SIGKILL);
            libc::sleep(60);
            libc::_exit(0)
        }
    }
    Ok(child)
}

#[test]
fn takes_512_mib_of_memory() {
    Attempt::refused_by(&[ENOMEM]).killed_by(&[SIGKILL]).judge(|| {
        let mut taken = Vec::new();
        for number in 0..512 {
            // Written to with something that is not 0, so that every page is really needed.
            taken.push(black_box(vec![number as u8 | 1; MIB]));
        }
        Ok(())
    });
}

/// Memory that no process has.
#[test]
fn takes_384_mib_of_shared_memory() {
    // By its size, or by the limit on the size of a file.
    Attempt::refused_by(&[ENOSPC, ENOMEM, EFBIG]).killed_by(&[SIGKILL, SIGXFSZ]).judge(|| {
        let path = format!("/dev/shm/libcmatrix-escape-{}", std::process::id());
        let result = fill(&mut File::create(&path).expect("a file in shared memory"), 384);
        fs::remove_file(&path).expect("one's own file");
        result
    });
}

#[test]
fn writes_a_file_of_96_mib() {
    Attempt::refused_by(&[EFBIG, ENOSPC]).killed_by(&[SIGXFSZ]).judge(|| {
        let folder = Folder::new();
        fill(&mut File::create(folder.at("file")).expect("a file of one's own"), 96)
    });
}

fn fill(file: &mut File, mebibytes: usize) -> Outcome {
    let block = vec![1; MIB];
    for _ in 0..mebibytes {
        file.write_all(&block)?;
    }
    let length = file.metadata()?.len();
    if length == (mebibytes * MIB) as u64 {
        Ok(())
    } else {
        Err(refused("it is shorter"))
    }
}
