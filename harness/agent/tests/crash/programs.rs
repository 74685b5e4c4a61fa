//! Programs that crash, or nearly: this executable becomes one when it is told to by [`ARGUMENT`].

use std::{
    fs,
    hint::black_box,
    io::Error,
    mem, ptr,
    sync::atomic::{AtomicPtr, Ordering},
    thread,
    time::Duration,
};

use libc::c_void;

/// Followed by a program's name.
pub const ARGUMENT: &str = "__program";

/// Becomes the program.
pub fn run(name: &str) -> i32 {
    match name {
        "thread-overflow" => in_c_thread(descend, true),
        "thread-overflow-seen-by-rust" => in_c_thread(descend, false),
        "thread-skips-guard" => in_c_thread(skip_guard, true),
        "rust-main-overflow" => descend(ptr::null_mut()) as i32,
        "rust-thread-overflow" => thread::Builder::new()
            .name("deep".into())
            .stack_size(256 << 10)
            .spawn(|| descend(ptr::null_mut()) as usize)
            .map_or(1, |t| i32::from(t.join().is_err())),
        "null-call" => null_call(),
        "null-read" => null_read(),
        "abort" => unsafe { libc::abort() },
        "double-free" => double_free(),
        "recovers" => recover(),
        "recovers-then-aborts" => {
            recover();
            unsafe { libc::abort() }
        }
        "handler-aborts" => handler_aborts(),
        "many-faults" => {
            for _ in 0..500 {
                recover();
            }
            0
        }
        "child-crashes" => child_crashes(),
        "stops-itself" => stop_itself(),
        "child-traces-grandchild" => child_traces_grandchild(),
        "asks-to-be-traced" => i32::from(trace_me() != 0),
        "process-by-clone" => process_by_clone(),
        "many-threads" => many_threads(),
        "threads-hang" => {
            for _ in 0..20 {
                thread::spawn(|| {
                    loop {
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            loop {
                thread::park();
            }
        }
        "execs-in-thread" => exec_in_thread("null-call"),
        "illegal" => illegal(),
        "breakpoint" => breakpoint(),
        "ignores" => {
            unsafe {
                libc::signal(libc::SIGABRT, libc::SIG_IGN);
                libc::kill(libc::getpid(), libc::SIGABRT);
            }
            0
        }
        "blocked-fault" => blocked_fault(),
        "many-signals" => many_signals(),
        other => panic!("no program {other}"),
    }
}

/// A thread as C code makes it, with a stack of 128 KiB. `default`: without Rust's handler.
fn in_c_thread(work: extern "C" fn(*mut c_void) -> *mut c_void, default: bool) -> i32 {
    unsafe {
        if default {
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        }
        let mut attributes = mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, 128 << 10);
        let mut thread = mem::zeroed();
        libc::pthread_create(&raw mut thread, &raw const attributes, work, ptr::null_mut());
        libc::pthread_join(thread, ptr::null_mut());
    }
    0
}

#[inline(never)]
extern "C" fn descend(depth: *mut c_void) -> *mut c_void {
    let mut frame = [0_u8; 2048];
    frame[black_box(5)] = depth as u8;
    if depth as usize == usize::MAX {
        return depth;
    }
    let deeper = descend(depth.wrapping_byte_add(1));
    black_box(&mut frame);
    deeper.wrapping_byte_add(frame[5].into())
}

/// A frame so large that the guard is not touched.
extern "C" fn skip_guard(_: *mut c_void) -> *mut c_void {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("sub rsp, {far}", "push rax", far = const 1 << 20);
    }
    ptr::null_mut()
}

#[inline(never)]
fn null_call() -> i32 {
    unsafe {
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        let nowhere: extern "C" fn() -> i32 = mem::transmute(NOWHERE.load(Ordering::SeqCst));
        black_box(nowhere() + 1)
    }
}

/// As `dlsym` gives it for what is not there. Not zero for the compiler.
static NOWHERE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

#[inline(never)]
fn null_read() -> i32 {
    unsafe { ptr::read_volatile(black_box(16 as *const i32)) }
}

fn double_free() -> i32 {
    unsafe {
        let block = black_box(libc::malloc(40));
        libc::free(block);
        libc::free(black_box(block));
    }
    0
}

static PAGE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

extern "C" fn make_writable(_: i32) {
    unsafe {
        libc::mprotect(PAGE.load(Ordering::SeqCst), 4096, libc::PROT_READ | libc::PROT_WRITE);
    }
}

extern "C" fn give_up(_: i32) {
    unsafe { libc::abort() }
}

fn handle(handler: extern "C" fn(i32)) {
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        libc::sigaction(libc::SIGSEGV, &raw const action, ptr::null_mut());
    }
}

/// Writes to a page that its handler makes writable.
fn recover() -> i32 {
    handle(make_writable);
    unsafe {
        let page = libc::mmap(
            ptr::null_mut(),
            4096,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        PAGE.store(page, Ordering::SeqCst);
        ptr::write_volatile(page.cast::<u8>(), 1);
        libc::munmap(page, 4096);
    }
    0
}

fn handler_aborts() -> i32 {
    handle(give_up);
    null_read()
}

fn wait_for(child: i32) -> i32 {
    let mut status = 0;
    unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) };
    status
}

fn child_crashes() -> i32 {
    match unsafe { libc::fork() } {
        0 => null_call(),
        child => i32::from(libc::WTERMSIG(wait_for(child)) != libc::SIGSEGV),
    }
}

fn stop_itself() -> i32 {
    let me = unsafe { libc::getpid() };
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_stopped = || {
            let stat = fs::read_to_string(format!("/proc/{me}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
        };
        while !is_stopped() {
            thread::sleep(Duration::from_millis(1));
        }
        // It stays stopped until it is told.
        thread::sleep(Duration::from_millis(50));
        let code = i32::from(!is_stopped());
        unsafe {
            libc::kill(me, libc::SIGCONT);
            libc::_exit(code)
        }
    }
    unsafe { libc::raise(libc::SIGSTOP) };
    wait_for(child)
}

fn trace_me() -> i64 {
    let nothing = ptr::null_mut::<c_void>();
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) }
}

fn child_traces_grandchild() -> i32 {
    let child = unsafe { libc::fork() };
    if child != 0 {
        return wait_for(child);
    }
    let grandchild = unsafe { libc::fork() };
    if grandchild == 0 {
        let allowed = trace_me() == 0;
        unsafe {
            libc::raise(libc::SIGSTOP);
            libc::_exit(if allowed { 7 } else { 1 })
        }
    }
    let stopped = wait_for(grandchild);
    let nothing = ptr::null_mut::<c_void>();
    unsafe { libc::ptrace(libc::PTRACE_CONT, grandchild, nothing, nothing) };
    let ended = wait_for(grandchild);
    let right = libc::WIFSTOPPED(stopped) && libc::WEXITSTATUS(ended) == 7;
    unsafe { libc::_exit(i32::from(!right)) }
}

/// A process, not a thread, that is made by a call that also makes threads. It must be free.
fn process_by_clone() -> i32 {
    const NO_SIGNAL: i64 = 0;
    let child = unsafe { libc::syscall(libc::SYS_clone, NO_SIGNAL, 0, 0, 0, 0) } as i32;
    if child == 0 {
        unsafe { libc::_exit(if trace_me() == 0 { 3 } else { 1 }) }
    }
    i32::from(libc::WEXITSTATUS(wait_for(child)) != 3)
}

fn many_threads() -> i32 {
    for _ in 0..200 {
        let threads: Vec<_> = (0..10).map(|n| thread::spawn(move || n)).collect();
        let sum: i32 = threads.into_iter().filter_map(|t| t.join().ok()).sum();
        if sum != 45 {
            return 1;
        }
    }
    0
}

fn exec_in_thread(program: &str) -> i32 {
    let program = program.to_owned();
    let failure = thread::spawn(move || {
        use std::os::unix::process::CommandExt;
        std::process::Command::new(std::env::current_exe().expect("this executable"))
            .args([ARGUMENT, &program])
            .exec()
            .to_string()
    });
    eprintln!("{:?}", failure.join());
    1
}

fn illegal() -> i32 {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("ud2")
    }
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("udf #0")
    }
    0
}

fn breakpoint() -> i32 {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("int3")
    }
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("brk #0")
    }
    0
}

/// A handler that is there, but cannot be called: the kernel ends the program.
fn blocked_fault() -> i32 {
    handle(make_writable);
    unsafe {
        let mut set = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGSEGV);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
    }
    null_read()
}

static COUNT: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);

extern "C" fn count(_: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// Signals that are caught, blocked and unblocked arrive as often as they are sent.
fn many_signals() -> i32 {
    unsafe {
        libc::signal(libc::SIGUSR1, count as *const () as usize);
        for _ in 0..1000 {
            if libc::raise(libc::SIGUSR1) != 0 {
                eprintln!("{}", Error::last_os_error());
            }
        }
    }
    i32::from(COUNT.load(Ordering::SeqCst) != 1000)
}
