//! Archives of any entries, and any damage to them.

use std::path::Path;

use libcmatrix_sandbox::{
    request::Users,
    tree::{pack, remove, unpack},
};
use proptest::prelude::*;
use tar::{EntryType, Header};

use super::{
    archive::Tar,
    ground::{Ground, LIMITS, users},
};

#[derive(Clone, Debug)]
enum Part {
    File(String, u16),
    Dir(String, u32),
    Symlink(String, String),
    Link(String, String),
    Fifo(String),
}

/// Paths of few names, so that entries meet: real ones, links, whiteouts and ways up.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["..", ".", "", "outside", "secret", "folder", "tree"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec![".wh.a", ".wh.b", ".wh..wh..opq", ".wh.", ".wh..", ".wh...",
            ".wh.secret", ".wh..wh.x"]).prop_map(str::to_owned),
    ];
    let start = prop::sample::select(vec!["", "/", "./", "@OUTSIDE@/"]);
    (start, prop::collection::vec(part, 1..4))
        .prop_map(|(start, parts)| format!("{start}{}", parts.join("/")))
}

fn target() -> impl Strategy<Value = String> {
    let up = prop::sample::select(vec!["", "../", "../../", "/", "/../../", "@OUTSIDE@/"]);
    let rest = prop::sample::select(vec![
        "",
        "a",
        "b",
        "c/a",
        "outside",
        "outside/secret",
        "secret",
        "outside/folder",
        "..",
        ".",
    ]);
    (up, rest).prop_map(|(up, rest)| format!("{up}{rest}"))
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (path(), 0..2000_u16).prop_map(|(path, size)| Part::File(path, size)),
        (path(), prop::sample::select(vec![0o755, 0o000, 0o555, 0o7777]))
            .prop_map(|(path, mode)| Part::Dir(path, mode)),
        (path(), target()).prop_map(|(path, to)| Part::Symlink(path, to)),
        (path(), target()).prop_map(|(path, to)| Part::Link(path, to)),
        path().prop_map(Part::Fifo),
    ]
}

fn build(parts: &[Part], outside: &Path) -> Vec<u8> {
    let place = |path: &String| path.replace("@OUTSIDE@", outside.to_str().expect("a name"));
    let mut archive = Tar::default();
    for part in parts {
        archive = match part {
            Part::File(path, size) => archive.file(place(path), &"x".repeat((*size).into())),
            Part::Dir(path, mode) => archive.dir(place(path), *mode),
            Part::Symlink(path, to) => archive.symlink(place(path), place(to)),
            Part::Link(path, to) => archive.link(place(path), place(to)),
            Part::Fifo(path) => {
                archive.entry(place(path).as_bytes(), EntryType::Fifo, 0o666, b"", b"")
            }
        };
    }
    archive.end()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// One entry that fails ends an archive, so each is an archive of its own: what the first
    /// ones leave behind is the hostile tree of the next.
    #[test]
    fn no_archive_changes_anything_outside(
        parts in prop::collection::vec(part(), 1..40),
        layer: bool,
    ) {
        let ground = Ground::new();
        let mut whole = 0;
        for part in parts.chunks(2) {
            let archive = build(part, &ground.outside);
            let done = unpack(&archive[..], &ground.tree, users(), layer, LIMITS);
            whole += u32::from(ground.checked(done).is_ok());
        }
        let mut archive = Vec::new();
        let _ = ground.checked(pack(&ground.tree, "", &mut archive));
        ground.checked(remove(&ground.tree)).expect("removed");
        prop_assert!(!ground.tree.exists());
        // Not everything fails: then nothing would be tested.
        prop_assert!(parts.len() < 30 || whole > 0);
    }

    /// Bytes that are no archive, or one with damage, give errors and never panic.
    #[test]
    fn damage_is_an_error_and_no_panic(
        parts in prop::collection::vec(part(), 1..10),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        sum: bool,
    ) {
        let ground = Ground::new();
        let mut archive = build(&parts, &ground.outside);
        for (at, byte) in damage {
            let at = at.index(archive.len());
            archive[at] = byte;
            if sum {
                // With a right check sum the damage gets further.
                let start = at / 512 * 512;
                let mut header = Header::from_byte_slice(&archive[start..start + 512]).clone();
                header.set_cksum();
                archive[start..start + 512].copy_from_slice(header.as_bytes());
            }
        }
        let done = unpack(&archive[..], &ground.tree, Users::Single, true, LIMITS);
        let _ = ground.checked(done);
    }
}
