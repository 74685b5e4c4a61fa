//! What is read of one ELF file or archive, before anything else is looked at.

use std::collections::{BTreeSet, HashSet};

use libcmatrix_schema::Elf;

/// A symbol's name; not always text.
pub(crate) type Name = Box<[u8]>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Executable,
    SharedObject,
    Relocatable,
    Archive,
}

impl Kind {
    /// Whether a loader loads it, so that what it needs is looked for by name.
    pub(crate) fn is_loaded(self) -> bool {
        matches!(self, Self::Executable | Self::SharedObject)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::SharedObject => "shared-object",
            Self::Relocatable => "relocatable",
            Self::Archive => "archive",
        }
    }
}

/// See [`Elf`], which has the same without what is only needed to find out what is missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    pub(crate) machine: u16,
    pub(crate) interpreter: Option<String>,
    pub(crate) needed: Vec<String>,
    /// `DT_RUNPATH`, whole; hides `rpath` from glibc.
    pub(crate) runpath: Option<String>,
    /// `DT_RPATH`, whole.
    pub(crate) rpath: Option<String>,
    pub(crate) glibc: Option<String>,
    /// Undefined in it, and not weak in every place.
    pub(crate) undefined: HashSet<Name>,
    /// Defined in it for others to use.
    pub(crate) exported: HashSet<Name>,
    /// Watched functions of the C library that it has, or asks for.
    pub(crate) uses: BTreeSet<&'static str>,
    pub(crate) stack_bytes: Option<u64>,
    pub(crate) executable_stack: bool,
    pub(crate) static_tls: bool,
}

impl Facts {
    /// Whether it is a program that asks for no loader and no library: the C library is part of it.
    pub(crate) fn is_static_program(&self) -> bool {
        self.kind == Kind::Executable && self.interpreter.is_none() && self.needed.is_empty()
    }

    /// For the record; what is missing is not known yet.
    pub(crate) fn elf(&self) -> Elf {
        Elf {
            kind: self.kind.word().into(),
            machine: machine_name(self.machine),
            interpreter: self.interpreter.clone(),
            needed: self.needed.clone(),
            glibc: self.glibc.clone(),
            uses: self.uses.iter().map(|name| (*name).to_owned()).collect(),
            stack_bytes: self.stack_bytes,
            executable_stack: self.executable_stack,
            static_tls: self.static_tls,
            ..Elf::default()
        }
    }
}

/// As the kernel calls it (`uname -m`); of a machine that no Rust project is tested on, its number.
fn machine_name(machine: u16) -> String {
    use object::elf;
    let known = match machine {
        elf::EM_386 => "i386",
        elf::EM_X86_64 => "x86_64",
        elf::EM_ARM => "arm",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_RISCV => "riscv",
        elf::EM_PPC64 => "ppc64",
        elf::EM_S390 => "s390",
        elf::EM_LOONGARCH => "loongarch",
        other => return format!("machine {other}"),
    };
    known.into()
}
