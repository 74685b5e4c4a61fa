//! What an image starts.
//!
//! Takes its configuration and its files; gives the command, and which part of it is the project's program:
//! not an init that stands before it.

use serde_json::Value;

use crate::image_contents::files::{Content, FileKind, Files};

/// Programs that start another one as process 1's only child.
const INITS: [&str; 4] = ["tini", "dumb-init", "catatonit", "docker-init"];
/// Shells, which Docker puts before what is no JSON array.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "ash"];
/// Where programs are looked for if the image does not say (Docker's default).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command that an image starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartCommand {
    /// `ENTRYPOINT` and `CMD` together, the programs by their whole paths.
    pub argv: Vec<String>,
    /// Where in it the program is.
    pub program: usize,
    /// Whether it can be started with other arguments: it is compiled, no shell, and nothing behind it in
    /// the command may be the name of what it starts in its turn.
    pub takes_arguments: bool,
    /// The folder it is started in.
    pub working_dir: String,
}

impl StartCommand {
    /// Reads it; `None` if the image starts nothing.
    pub(super) fn read(config: &Value, files: &Files) -> Option<Self> {
        let config = &config["config"];
        let words = |key: &str| {
            let words = config[key].as_array().cloned().unwrap_or_default();
            words.into_iter().filter_map(|word| word.as_str().map(str::to_owned))
        };
        let mut argv: Vec<String> = words("Entrypoint").chain(words("Cmd")).collect();
        let working_dir = config["WorkingDir"].as_str().filter(|dir| !dir.is_empty());
        let working_dir = working_dir.unwrap_or("/").to_owned();
        let path = words("Env").find_map(|line| line.strip_prefix("PATH=").map(str::to_owned));
        let path = path.unwrap_or_else(|| PATH.to_owned());
        let place = |word: &str| find(word, &path, &working_dir, files);
        *argv.first_mut()? = place(argv.first()?);
        let mut program = 0;
        if INITS.contains(&name(&argv[0])) {
            // Options may have values of their own; what follows `--` is the program for certain.
            let after = argv.iter().position(|word| word == "--").map(|end| end + 1);
            let first =
                || argv.iter().skip(1).position(|word| !word.starts_with('-')).map(|n| n + 1);
            if let Some(after) = after.or_else(first).filter(|after| *after < argv.len()) {
                program = after;
                argv[program] = place(&argv[program]);
            }
        }
        let is_elf = files
            .resolve(&argv[program])
            .is_some_and(|(_, file)| matches!(file.kind, FileKind::File(Content::Elf(_))));
        let is_last = program + 1 == argv.len();
        let takes_arguments = is_elf && is_last && !SHELLS.contains(&name(&argv[program]));
        Some(Self { argv, program, takes_arguments, working_dir })
    }

    /// The program's path.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.argv[self.program]
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The whole path of a program; its name as it is where it is nowhere.
fn find(word: &str, path: &str, working_dir: &str, files: &Files) -> String {
    if word.starts_with('/') {
        return word.to_owned();
    }
    let is_path = word.contains('/');
    let word = word.strip_prefix("./").unwrap_or(word);
    let within = |folder: &str| format!("{}/{word}", folder.trim_end_matches('/'));
    if is_path {
        return within(working_dir);
    }
    let mut places = path.split(':').map(within);
    places.find(|place| files.resolve(place).is_some()).unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::saved::header;

    fn files(content: &[(&str, &[u8])]) -> Files {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in content {
            let mut header = header(tar::EntryType::Regular, 0o755, content.len() as u64);
            tar.append_data(&mut header, path, *content).expect("added");
        }
        let mut files = Files::default();
        files.add_layer(tar.into_inner().expect("packed").as_slice(), 1 << 30).expect("read");
        files
    }

    fn read(config: Value) -> Option<StartCommand> {
        let elf = std::fs::read("/proc/self/exe").expect("an ELF file");
        let files = files(&[
            ("sbin/tini", &elf),
            ("opt/app", &elf),
            ("bin/sh", &elf),
            ("start.sh", b"#!/bin/sh\n"),
        ]);
        StartCommand::read(&json!({ "config": config }), &files)
    }

    #[test]
    fn the_program_behind_an_init() {
        let config = json!({
            "Entrypoint": ["tini", "-g", "--", "app"], "Cmd": ["serve"], "Env": ["PATH=/sbin:/opt"],
        });
        let command = read(config).expect("a command");
        assert_eq!(command.argv, ["/sbin/tini", "-g", "--", "/opt/app", "serve"]);
        // What is behind it may be what it starts, as in `env A=b app`.
        assert_eq!((command.program(), command.takes_arguments), ("/opt/app", false));
        let config = json!({ "Entrypoint": ["/sbin/tini", "-e", "143", "--", "/opt/app"] });
        let command = read(config).expect("a command");
        assert_eq!((command.program(), command.takes_arguments), ("/opt/app", true));
    }

    #[test]
    fn shells_and_scripts_are_started_as_they_are() {
        let shell = read(json!({ "Cmd": ["/bin/sh", "-c", "exec app"] })).expect("a command");
        assert_eq!((shell.program(), shell.takes_arguments), ("/bin/sh", false));
        let script = json!({ "Entrypoint": ["./start.sh"], "WorkingDir": "/" });
        let script = read(script).expect("a command");
        assert_eq!((script.program(), script.takes_arguments), ("/start.sh", false));
        assert_eq!(script.working_dir, "/");
    }

    #[test]
    fn nothing_to_start() {
        assert_eq!(read(json!({ "Entrypoint": null })), None);
        let init = read(json!({ "Entrypoint": ["/sbin/tini"] })).expect("a command");
        assert_eq!(init.program(), "/sbin/tini", "nothing stands behind it");
        let nowhere = read(json!({ "Entrypoint": ["nowhere"] })).expect("a command");
        assert_eq!(nowhere.program(), "nowhere");
    }
}
