//! What musl's loader does with names that are not its own (`ldso/dynlink.c`).

/// Libraries that it is itself, whatever their version: what stands between `lib` and the first dot.
const RESERVED: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

/// Whether it takes a needed library to be itself, and looks for no file.
pub(super) fn is_itself(library: &str) -> bool {
    let stem = library.strip_prefix("lib").and_then(|rest| rest.split_once('.'));
    stem.is_some_and(|(stem, _)| RESERVED.contains(&stem))
}

/// What the list of functions begins with for which it takes the name with `64` behind, too.
const LFS64_BEGINS: &[u8] = b"\0aio_cancel\0aio_error\0aio_fsync\0";
/// The list is far shorter than this.
const LFS64_LONGEST: usize = 4096;

/// The names without `64` that this loader takes with `64`, read from itself: since 1.2.4 it exports
/// no `open64` for linkers any more, but still knows what programs mean by it.
pub(super) fn lfs64(loader: &[u8]) -> Vec<Box<[u8]>> {
    let Some(start) = loader.windows(LFS64_BEGINS.len()).position(|window| window == LFS64_BEGINS)
    else {
        return Vec::new();
    };
    let list = &loader[start + 1..];
    let list = &list[..list.len().min(LFS64_LONGEST)];
    let names = list.split(|byte| *byte == 0).take_while(|name| !name.is_empty());
    names.map(Into::into).collect()
}

/// The name that a name with `64` stands for.
pub(super) fn without_64(name: &[u8]) -> Option<&[u8]> {
    match name {
        b"readdir64_r" => Some(b"readdir_r"),
        name => name.strip_suffix(b"64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_has_many_names() {
        for name in ["libc.so.6", "libpthread.so.0", "libm.so.6", "libdl.so.2", "librt.so.1"] {
            assert!(is_itself(name), "{name}");
        }
        for name in
            ["ld-linux-x86-64.so.2", "libresolv.so.2", "libmvec.so.1", "libcrypt.so.1", "c."]
        {
            assert!(!is_itself(name), "{name}");
        }
    }

    #[test]
    fn the_list_ends_with_an_empty_name() {
        let loader = b"x\0aio_cancel\0aio_error\0aio_fsync\0open\0\0\0pi";
        let names: Vec<_> = lfs64(loader).iter().map(|n| n.to_vec()).collect();
        assert_eq!(names.last().expect("a name"), b"open");
        assert_eq!(names.len(), 4);
        assert!(lfs64(b"").is_empty());
        assert_eq!(without_64(b"open64"), Some(&b"open"[..]));
        assert_eq!(without_64(b"readdir64_r"), Some(&b"readdir_r"[..]));
        assert_eq!(without_64(b"open"), None);
    }
}
