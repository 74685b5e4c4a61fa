//! Prebuilt programs, libraries and objects for glibc. Pure: takes what an ELF file says; gives the
//! hazard, where something ties it to glibc.

use libcmatrix_schema::{Confidence, Elf};

use super::{hazard::Hazard, symbol};

/// The machine of the target that is asked about.
const MACHINE: &str = "x86_64";
/// Symbols that are named.
const NAMED: usize = 4;

/// The hazard that a file is; `None` where nothing ties it to glibc. Whether anything uses it is not
/// known.
#[must_use]
pub fn hazard(elf: &Elf, package: &str) -> Option<Hazard> {
    if elf.machine != MACHINE {
        return None;
    }
    let interpreter = elf.interpreter.as_ref().filter(|path| path.contains("ld-linux"));
    let needed: Vec<&str> =
        elf.needed.iter().map(String::as_str).filter(|library| is_of_glibc(library)).collect();
    let symbols = &elf.missing_symbols;
    let version = elf.glibc.as_ref().map(|v| format!(", glibc {v} or newer")).unwrap_or_default();
    let only_glibc = match symbols.len().saturating_sub(NAMED) {
        _ if symbols.is_empty() => String::new(),
        0 => format!("; only glibc has {}", symbols.join(", ")),
        more => format!("; only glibc has {} and {more} more", symbols[..NAMED].join(", ")),
    };
    let (code, text) = if let Some(interpreter) = interpreter {
        ("elf-interp-missing", format!("a program that names {interpreter}{version}{only_glibc}"))
    } else if let (true, Some(first)) = (is_linked(elf), symbols.first()) {
        (symbol::code(first), format!("an archive or object built against glibc{only_glibc}"))
    } else if !needed.is_empty() {
        let needed = needed.join(", ");
        ("shared-lib-ld-linux", format!("a library that needs {needed}{version}{only_glibc}"))
    } else if !symbols.is_empty() {
        ("reloc-glibc-symbol", format!("a library{version}{only_glibc}"))
    } else {
        return None;
    };
    Some(Hazard::new(code, Confidence::Possible, package, text))
}

/// Whether it is still to be linked.
fn is_linked(elf: &Elf) -> bool {
    elf.kind == "archive" || elf.kind == "relocatable"
}

fn is_of_glibc(library: &str) -> bool {
    let names =
        ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"];
    names.contains(&library) || library.starts_with("ld-linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(kind: &str, needed: &[&str], symbols: &[&str]) -> Elf {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Elf {
            kind: kind.into(),
            machine: MACHINE.into(),
            needed: owned(needed),
            missing_symbols: owned(symbols),
            ..Elf::default()
        }
    }

    fn code(elf: &Elf) -> Option<String> {
        hazard(elf, "p").map(|hazard| hazard.code)
    }

    /// This test itself is a program for the machine it runs on.
    #[test]
    #[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
    fn a_program_for_glibc() {
        let path = std::env::current_exe().expect("a path");
        let elf = libcmatrix_agent::read_elf(&path).expect("a program");
        let hazard = hazard(&elf, "p").expect("a hazard");
        assert_eq!(hazard.code, "elf-interp-missing");
        assert!(hazard.text.contains("/lib64/ld-linux-x86-64.so.2, glibc 2."), "{}", hazard.text);
    }

    #[test]
    fn what_ties_a_file_to_glibc() {
        assert_eq!(code(&elf("shared-object", &["libz.so.1"], &[])), None);
        let library = elf("shared-object", &["libc.so.6"], &[]);
        assert_eq!(code(&library).as_deref(), Some("shared-lib-ld-linux"));
        let object = elf("relocatable", &[], &["__memcpy_chk"]);
        assert_eq!(code(&object).as_deref(), Some("fortify-chk-link"));
        assert_eq!(code(&elf("archive", &[], &[])), None);
        let plugin = elf("shared-object", &[], &["gnu_get_libc_version"]);
        assert_eq!(code(&plugin).as_deref(), Some("reloc-glibc-symbol"));
        assert_eq!(code(&Elf { machine: "aarch64".into(), ..library }), None);
    }

    #[test]
    fn a_few_symbols_are_named() {
        let many = elf("archive", &[], &["a", "b", "c", "d", "e", "f"]);
        let text = hazard(&many, "p").expect("a hazard").text;
        assert!(text.ends_with("a, b, c, d and 2 more"), "{text}");
    }
}
