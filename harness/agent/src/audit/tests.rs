//! Trials on files that the C compiler makes here, against images of a few files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use libcmatrix_schema::{Elf, Libc};
use proptest::prelude::*;

use super::{archive, audit_image, bounded::Source, elf, libraries::Libraries, read};
use crate::protocol::{AuditRoot, Report};

/// A folder of files that were made from C.
struct Made(tempfile::TempDir);

impl Made {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles `source` to `name`.
    fn cc(&self, name: &str, source: &str, args: &[&str]) -> PathBuf {
        let output = self.path(name);
        fs::create_dir_all(output.parent().expect("a parent")).expect("its folder");
        let input = self.path(&format!("{}.c", name.replace('/', "-")));
        fs::write(&input, source).expect("the source");
        let mut command = Command::new("cc");
        command.current_dir(self.0.path()).arg(&input).args(args).arg("-o").arg(&output);
        let made = command.output().expect("a C compiler");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        output
    }

    /// An image that has musl, of two functions, and the list by which it knows `open64`.
    fn musl(&self) -> Libraries {
        let loader = format!("lib/ld-musl-{}.so.1", std::env::consts::ARCH);
        let list = r"aio_cancel\0aio_error\0aio_fsync\0open\0";
        let source = format!(
            "int open(void) {{ return 0; }} void *malloc(void) {{ return 0; }} \
             const char list[] = \"\\0{list}\";"
        );
        self.cc(&loader, &source, &["-shared", "-nostdlib", "-fPIC", "-fno-builtin"]);
        Libraries::of(Libc::Musl, self.0.path(), &[])
    }
}

const LIBRARY: &[&str] = &["-shared", "-nostdlib", "-fPIC"];

fn facts(path: &Path, libraries: &mut Libraries) -> Elf {
    read(path, libraries).unwrap_or_else(|| panic!("{} is not read", path.display())).1
}

#[test]
fn a_program_of_this_machine_misses_nothing_here() {
    let made = Made::new();
    let program = made.cc("program", "int main(void) { return 0; }", &["-Wl,-z,stack-size=65536"]);
    let libc = if cfg!(target_env = "musl") { Libc::Musl } else { Libc::Glibc };
    let elf = facts(&program, &mut Libraries::of(libc, Path::new("/"), &[]));
    assert_eq!((elf.kind.as_str(), elf.machine.as_str()), ("executable", std::env::consts::ARCH));
    assert!(elf.interpreter.is_some() && !elf.interpreter_missing, "{elf:?}");
    assert!(elf.missing_libraries.is_empty() && elf.missing_symbols.is_empty(), "{elf:?}");
    assert_eq!(elf.stack_bytes, Some(65536));
    assert!(!elf.executable_stack && !elf.static_tls, "{elf:?}");
    if libc == Libc::Glibc {
        assert!(elf.glibc.is_some_and(|version| version.starts_with("2.")));
    }
}

#[test]
fn a_program_for_another_c_library_misses_its_loader_and_its_symbols() {
    let made = Made::new();
    let mut musl = made.musl();
    let stub = "int open64(void) { return 0; } int gnu_get(void) { return 0; }";
    made.cc("stub.so", stub, &[LIBRARY, &["-Wl,-soname,libc.so.6"]].concat());
    let source =
        "int open64(void); int gnu_get(void); int main(void) { return open64() + gnu_get(); }";
    let args =
        ["stub.so", "-nostdlib", "-pie", "-Wl,-emain", "-Wl,--dynamic-linker=/lib64/none.so"];
    let program = made.cc("program", source, &args);
    let elf = facts(&program, &mut musl);
    assert!(elf.interpreter_missing, "{elf:?}");
    assert_eq!(elf.needed, ["libc.so.6"]);
    assert!(elf.missing_libraries.is_empty(), "musl takes itself for it: {elf:?}");
    assert_eq!(elf.missing_symbols, ["gnu_get"], "its loader knows what open64 is");
}

#[test]
fn libraries_are_found_by_the_folders_that_a_file_names() {
    let made = Made::new();
    let mut musl = made.musl();
    made.cc(
        "near/libb.so.1",
        "int b(void) { return 1; }",
        &[LIBRARY, &["-Wl,-soname,libb.so.1"]].concat(),
    );
    let source = "int b(void); int lost(void); int a(void) { return b() + lost(); }";
    let link = ["near/libb.so.1", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN/../near"];
    let library = made.cc("far/liba.so", source, &[LIBRARY, &link].concat());
    let elf = facts(&library, &mut musl);
    assert_eq!(
        (elf.kind.as_str(), elf.needed.as_slice()),
        ("shared-object", &["libb.so.1".to_owned()][..])
    );
    assert!(elf.missing_libraries.is_empty(), "{elf:?}");
    assert_eq!(elf.missing_symbols, ["lost"]);
    let elsewhere = made.path("liba.so");
    fs::copy(&library, &elsewhere).expect("a copy");
    fs::rename(made.path("near"), made.path("gone")).expect("another name");
    let mut musl = made.musl();
    let elf = facts(&elsewhere, &mut musl);
    assert_eq!(elf.missing_libraries, ["libb.so.1"]);
    assert_eq!(elf.missing_symbols, ["b", "lost"]);
    let gone = made.path("gone").display().to_string();
    let elf = facts(&elsewhere, &mut Libraries::of(Libc::Musl, made.0.path(), &[gone]));
    assert!(elf.missing_libraries.is_empty(), "{elf:?}");
}

#[test]
fn a_static_program_misses_nothing() {
    let made = Made::new();
    let args = ["-static", "-nostdlib", "-Wl,-emain", "-z", "execstack"];
    let program = made.cc("program", "int main(void) { return 0; }", &args);
    let elf = facts(&program, &mut made.musl());
    assert_eq!((elf.kind.as_str(), elf.interpreter), ("executable", None));
    assert!(elf.needed.is_empty() && elf.missing_symbols.is_empty());
    assert!(elf.executable_stack);
}

#[test]
fn thread_local_storage_that_must_be_there_at_the_start_is_seen() {
    let made = Made::new();
    let source = "__thread int n; int *a(void) { return &n; }";
    let late = made.cc("late.so", source, LIBRARY);
    let args = [LIBRARY, &["-ftls-model=initial-exec"]].concat();
    let early = made.cc("early.so", source, &args);
    let mut musl = made.musl();
    assert!(facts(&early, &mut musl).static_tls);
    assert!(!facts(&late, &mut musl).static_tls);
}

#[test]
fn objects_are_asked_only_for_what_glibc_alone_has() {
    let made = Made::new();
    let mut musl = made.musl();
    let source = "int open64(void), open(void), other(void), __memcpy_chk(void), here(void); \
        int a(void) { return open64() + open() + other() + __memcpy_chk() + here(); }";
    let a = made.cc("a.o", source, &["-c", "-fno-builtin"]);
    assert_eq!(facts(&a, &mut musl).missing_symbols, ["__memcpy_chk", "open64"]);
    let b = made.cc(
        "b.o",
        "int here(void) { return 0; } int __memcpy_chk(void) { return 0; }",
        &["-c", "-fno-builtin"],
    );
    fs::write(made.path("readme"), "not an object").expect("a file");
    let library = made.path("lib.a");
    let mut ar = Command::new("ar");
    ar.arg("rc").arg(&library).args([&a, &b]).arg(made.path("readme"));
    assert!(ar.status().expect("ar").success());
    let elf = facts(&library, &mut musl);
    assert_eq!((elf.kind.as_str(), elf.missing_symbols), ("archive", vec!["open64".to_owned()]));
}

#[test]
fn folders_are_searched_and_the_faulty_come_first() {
    let made = Made::new();
    made.musl();
    made.cc("src/a.so", "int a(void) { return 0; }", LIBRARY);
    made.cc("src/b.so", "int lost(void); int b(void) { return lost(); }", LIBRARY);
    fs::write(made.path("src/c.so"), "GROUP ( libc.so.6 ) /* a linker's script, no object */\n\n")
        .expect("a file");
    let folder =
        |only_faulty| AuditRoot { path: made.path("src").display().to_string(), only_faulty };
    let names = |only_faulty| {
        let mut names = Vec::new();
        let time = std::time::Duration::from_secs(60);
        let roots = [folder(only_faulty)];
        audit_image(made.0.path(), Libc::Musl, &[], &roots, &[], time, |report| match report {
            Report::Audited { path, root: Some(0), .. } => {
                names.push(path.rsplit('/').next().expect("a name").to_owned());
            }
            Report::AuditEnded { c_library_found, left_out, is_complete } => {
                assert!(*c_library_found && *is_complete && *left_out == 0);
            }
            other => panic!("{other:?}"),
        });
        names
    };
    assert_eq!(names(false), ["b.so", "a.so"]);
    assert_eq!(names(true), ["b.so"]);
}

/// A program, a library, an object and an archive, as bytes.
fn real_files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let made = Made::new();
        let source = "#include <stdio.h>\nint a(void) { return puts(\"a\"); }";
        let program = "#include <stdio.h>\nint main(void) { return puts(\"a\"); }";
        let object = made.cc("a.o", source, &["-c"]);
        let mut ar = Command::new("ar");
        ar.arg("rc").arg(made.path("a.a")).arg(&object);
        assert!(ar.status().expect("ar").success());
        let files = [
            made.cc("program", program, &[]),
            made.cc("a.so", source, &["-shared", "-fPIC", "-Wl,-rpath,$ORIGIN"]),
            object,
            made.path("a.a"),
        ];
        files.iter().map(|path| fs::read(path).expect("the file")).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Headers and tables are damaged on purpose more often than what they point to.
    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0..4_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u64>()), 1..12),
        end in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = real_files()[which].clone();
        for (at, place, value) in damage {
            let (start, length) = match place {
                0 => (0, 64),
                1 => (64, 1024.min(bytes.len() - 64)),
                2 => (bytes.len().saturating_sub(2048), 2048.min(bytes.len())),
                _ => (0, bytes.len()),
            };
            let at = start + at.index(length);
            for (byte, new) in bytes[at..].iter_mut().zip(value.to_le_bytes()).take(1 + place as usize * 2) {
                *byte = new;
            }
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, &bytes).expect("the file");
        let source = Source::open(&path).expect("it opens");
        let _ = (elf::read(source.whole()), archive::read(source.whole()));
        let _ = read(&path, &mut Libraries::of(Libc::Glibc, folder.path(), &[]));
    }
}
