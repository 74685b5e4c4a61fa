//! A copy of an executable that asks for larger thread stacks.
//!
//! musl takes `p_memsz` of the executable's `PT_GNU_STACK` as the default size of a thread's stack,
//! up to 8 MiB, since 1.1.21 (`__init_tls`, `__dls3`). Nothing else reads that field, so the copy
//! differs from the original in this one respect.

use std::fs;

use object::{
    Endianness, U64,
    elf::{FileHeader64, PT_GNU_STACK, ProgramHeader64},
    from_bytes_mut,
    read::elf::{FileHeader, ProgramHeader},
    slice_from_bytes_mut,
};

/// Writes the copy; says why not.
pub(crate) fn raise(from: &str, to: &str, bytes: u64) -> Result<(), String> {
    let mut data = fs::read(from).map_err(|e| format!("{from}: {e}"))?;
    patch(&mut data, bytes).map_err(|e| format!("{from}: {e}"))?;
    // `copy` takes the permissions along.
    fs::copy(from, to).map_err(|e| format!("{to}: {e}"))?;
    fs::write(to, data).map_err(|e| format!("{to}: {e}"))
}

fn patch(data: &mut [u8], bytes: u64) -> Result<(), String> {
    let (header, _) = from_bytes_mut::<FileHeader64<Endianness>>(data)
        .map_err(|()| "it is no 64-bit ELF file".to_owned())?;
    if !header.is_supported() {
        return Err("it is no 64-bit ELF file".into());
    }
    let endian = header.endian().map_err(|e| e.to_string())?;
    let offset = usize::try_from(header.e_phoff(endian)).map_err(|e| e.to_string())?;
    let count = usize::from(header.e_phnum(endian));
    let segments = data.get_mut(offset..).ok_or("its headers are cut off")?;
    let (segments, _) = slice_from_bytes_mut::<ProgramHeader64<Endianness>>(segments, count)
        .map_err(|()| "its headers are cut off".to_owned())?;
    let stack = segments.iter_mut().find(|s| s.p_type(endian) == PT_GNU_STACK);
    stack.ok_or("it has no PT_GNU_STACK")?.p_memsz = U64::new(endian, bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_size_of_the_stack_differs() {
        let folder = tempfile::tempdir().expect("a folder");
        let me = std::env::current_exe().expect("a path");
        let from = me.to_str().expect("text");
        let to = folder.path().join("copy");
        raise(from, to.to_str().expect("text"), 0x80_0000).expect("a copy");
        let (before, after) = (fs::read(from).expect("it"), fs::read(&to).expect("the copy"));
        assert_eq!(before.len(), after.len());
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!((1..=8).contains(&changed), "{changed} bytes differ");
        assert_eq!(
            fs::metadata(from).expect("it").permissions(),
            fs::metadata(&to).expect("the copy").permissions()
        );
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        for bytes in [&b""[..], b"#!/bin/sh\n", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0]] {
            assert!(patch(&mut bytes.to_vec(), 1).is_err());
        }
        let me = fs::read(std::env::current_exe().expect("a path")).expect("it");
        for cut in [63, 64, 100, 500] {
            let _ = patch(&mut me[..cut].to_vec(), 1);
        }
    }
}
