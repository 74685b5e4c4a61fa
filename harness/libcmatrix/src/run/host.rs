//! The machine that runs the command, for the record.

use libcmatrix_schema::Host;

/// Describes this machine.
#[must_use]
pub fn describe() -> Host {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let memory = rustix::system::sysinfo();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Host {
        os: std::env::consts::OS.into(),
        arch: std::env::consts::ARCH.into(),
        kernel,
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        memory_bytes: memory.totalram.saturating_mul(memory.mem_unit.into()),
    }
}
