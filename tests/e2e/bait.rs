//! What an escape would find on the host: files, a process, sockets, a variable, a terminal and an
//! open file.
//!
//! Takes nothing; gives [`Baits`], which are gone when that is dropped, and commands that have them
//! within reach. The other half of the names is in `sample-projects/escape-attempts/src/bait.rs`.

use std::{
    env, fs,
    net::{IpAddr, TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::MetadataExt,
            net::{SocketAddr, UnixListener},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use libtest_mimic::Failed;

use crate::command::quoted;

const TEXT: &str = "libcmatrix-escape-bait";
const ARGUMENT: &str = "libcmatrix-escape-bait-process";
const VARIABLE: &str = "LIBCMATRIX_ESCAPE_BAIT";
const PORT: u16 = 47113;

/// The names are fixed, so there can be one set at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// All that is laid out.
pub struct Baits {
    files: Files,
    process: Child,
    host_address: IpAddr,
    home: String,
    _sockets: (TcpListener, TcpListener, UnixListener),
    _one: MutexGuard<'static, ()>,
}

/// Files that are removed again.
struct Files(Vec<PathBuf>);

impl Files {
    fn add(&mut self, path: PathBuf) -> Result<(), Failed> {
        fs::write(&path, TEXT).map_err(|e| format!("{}: {e}", path.display()))?;
        self.0.push(path);
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Baits {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Baits {
    /// Lays them out.
    pub fn lay() -> Result<Self, Failed> {
        let one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let home = env::var("HOME").map_err(|e| format!("HOME: {e}"))?;
        let mut files = Files(Vec::new());
        files.add(Path::new("/tmp").join(TEXT))?;
        files.add(Path::new(&home).join(format!(".{TEXT}")))?;
        let host_address = host_address()?;
        let listen = |address: IpAddr| {
            TcpListener::bind((address, PORT)).map_err(|e| format!("{address}, port {PORT}: {e}"))
        };
        let abstract_name = SocketAddr::from_abstract_name(TEXT)?;
        let sockets = (
            listen(IpAddr::from([127, 0, 0, 1]))?,
            listen(host_address)?,
            UnixListener::bind_addr(&abstract_name).map_err(|e| format!("@{TEXT}: {e}"))?,
        );
        // It waits for input that never comes, and so ends with this process, however that ends.
        let process = Command::new("sh")
            .args(["-c", "read -r line", ARGUMENT])
            .env(VARIABLE, TEXT)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { files, process, host_address, home, _sockets: sockets, _one: one })
    }

    /// What the attempts must be told, because it differs from machine to machine.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ESCAPE_HOST_ADDRESS", self.host_address.to_string()),
            ("ESCAPE_HOST_HOME", self.home.clone()),
            ("ESCAPE_BAIT_PID", self.process.id().to_string()),
        ]
    }

    /// A command that runs a line of shell with a controlling terminal, with the bait's variable and
    /// an open file, as this user or as root.
    pub fn command(&self, line: &str, variables: &[(&str, String)], as_root: bool) -> Command {
        let is_root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        let mut command = if as_root && !is_root {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "env"]);
            sudo
        } else {
            Command::new("env")
        };
        let opened = quoted(&self.files.0[0]);
        command.arg(format!("{VARIABLE}={TEXT}")).arg("SHELL=/bin/sh");
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(["script", "--quiet", "--return", "--command"]);
        command.arg(format!("exec 9<{opened}; {line}")).arg("/dev/null").stdin(Stdio::null());
        command
    }
}

/// The address from which this machine would speak to others; nothing is sent.
fn host_address() -> Result<IpAddr, Failed> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // From a block that is for documentation only.
    socket.connect("203.0.113.1:9").map_err(|e| format!("this machine has no network: {e}"))?;
    Ok(socket.local_addr()?.ip())
}
