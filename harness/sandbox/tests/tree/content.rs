//! What an archive holds is what the tree has: modes, owners, times, names, holes.

use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::OsStringExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
};

use libcmatrix_sandbox::{
    request::{Unpacked, Users},
    tree::unpack,
};
use tar::EntryType;

use super::{
    archive::Tar,
    ground::{Ground, LIMITS, is_root, mode},
};

#[test]
fn ordinary_content() {
    let ground = Ground::new();
    let archive = Tar::default()
        .dir("./", 0o750)
        .dir("./bin/", 0o755)
        .entry(b"./bin/su", EntryType::Regular, 0o4755, b"elf", b"")
        .symlink("./sh", "bin/su")
        .link("./bin/again", "./bin/su")
        .entry(b"./pipe", EntryType::Fifo, 0o620, b"", b"")
        .file("implied/folder/file", "x")
        .dir("tmp", 0o1777)
        .end();
    let done = ground.layer(&archive).expect("unpacked");
    // Two folders were not named.
    assert_eq!(done, Unpacked { bytes: 4, entries: 10, devices: 0 });
    assert_eq!(mode(&ground.tree), 0o750);
    assert_eq!(mode(ground.at("bin/su")), 0o4755);
    assert_eq!(mode(ground.at("tmp")), 0o1777);
    assert_eq!(mode(ground.at("implied/folder")), 0o755);
    assert_eq!(mode(ground.at("pipe")), 0o620);
    assert!(fs::symlink_metadata(ground.at("pipe")).expect("there").file_type().is_fifo());
    assert_eq!(ground.text("sh").as_deref(), Some("elf"));
    let meta = |path: &str| fs::symlink_metadata(ground.at(path)).expect("there");
    assert_eq!(meta("bin/su").ino(), meta("bin/again").ino());
    for path in ["", "bin", "bin/su", "sh", "pipe", "tmp"] {
        assert_eq!(meta(path).mtime(), 1_000_000, "{path:?}");
    }
}

#[test]
fn owners_are_kept_where_there_are_several_users() {
    let ground = Ground::new();
    let owned = |uid: u64| {
        let mut header = Tar::header(b"f", EntryType::Regular, 0o4755, 0, b"");
        header.set_uid(uid);
        header.set_gid(7);
        Tar::default().raw(&mut header, b"").end()
    };
    let subordinate = Users::Subordinate { first_uid: 100_000, first_gid: 100_000, count: 1000 };
    let error = unpack(&owned(1001)[..], &ground.tree, subordinate, true, LIMITS);
    let error = error.expect_err("refused").to_string();
    assert!(error.contains("user 1001") && error.contains("1000"), "{error}");
    let error = unpack(&owned(u64::from(u32::MAX))[..], &ground.tree, Users::Real, true, LIMITS);
    assert!(error.expect_err("refused").to_string().contains("4294967295"));
    unpack(&owned(9)[..], &ground.tree, Users::Single, true, LIMITS).expect("unpacked");
    let meta = fs::metadata(ground.at("f")).expect("there");
    assert_eq!(meta.uid(), rustix::process::geteuid().as_raw(), "nobody else is there");
    if is_root() {
        unpack(&owned(9)[..], &ground.tree, subordinate, true, LIMITS).expect("unpacked");
        let meta = fs::metadata(ground.at("f")).expect("there");
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (9, 7, 0o4755));
    }
}

#[test]
fn devices_are_counted_and_not_made() {
    let ground = Ground::new();
    let archive = Tar::default()
        .entry(b"null", EntryType::Char, 0o666, b"", b"")
        .entry(b"disk", EntryType::Block, 0o666, b"", b"")
        .file("f", "")
        .end();
    assert_eq!(ground.layer(&archive).expect("unpacked").devices, 2);
    assert_eq!(ground.names(""), ["f"]);
}

#[test]
fn a_closed_folder_can_be_filled() {
    let ground = Ground::new();
    let layer = Tar::default()
        .dir("ro", 0o555)
        .file("ro/f", "1")
        .dir("none", 0o000)
        .file("none/deep/f", "1")
        .end();
    ground.layer(&layer).expect("unpacked");
    assert_eq!((mode(ground.at("ro")), mode(ground.at("none"))), (0o555, 0o000));
    // Also by a later layer that does not name them.
    let layer = Tar::default()
        .symlink("way", "none/deep")
        .file("ro/f", "2")
        .file("way/g", "2")
        .file("none/.wh.gone", "")
        .end();
    ground.layer(&layer).expect("unpacked");
    assert_eq!((mode(ground.at("ro")), mode(ground.at("none"))), (0o555, 0o000));
    assert_eq!(ground.text("ro/f").as_deref(), Some("2"));
    fs::set_permissions(ground.at("none"), fs::Permissions::from_mode(0o700)).expect("opened");
    assert_eq!(ground.names("none/deep"), ["f", "g"]);
    let second = ground.layer(&Tar::default().file(".wh.ro", "").file(".wh.none", "").end());
    second.expect("unpacked");
    assert_eq!(ground.names(""), ["way"]);
}

#[test]
fn sparse_files() {
    let sparse = |pieces: &[(u64, u64)], size: u64, content: &[u8]| {
        let stored = content.len() as u64;
        let mut header = Tar::header(b"s", EntryType::GNUSparse, 0o600, stored, b"");
        let gnu = header.as_gnu_mut().expect("GNU");
        for (field, (at, length)) in gnu.sparse.iter_mut().zip(pieces) {
            field.set_offset(*at);
            field.set_length(*length);
        }
        gnu.set_real_size(size);
        Tar::default().raw(&mut header, content).file("next", "n").end()
    };
    let ground = Ground::new();
    let good = sparse(&[(1024, 512), (1 << 20, 3)], (1 << 20) + 4096, &[7; 515]);
    let done = ground.layer(&good).expect("unpacked");
    assert_eq!(done.bytes, (1 << 20) + 4096 + 1, "holes count");
    let content = fs::read(ground.at("s")).expect("read");
    assert_eq!(content.len(), (1 << 20) + 4096);
    let expected = |at: usize| (1024..1536).contains(&at) || (1 << 20..(1 << 20) + 3).contains(&at);
    assert!(content.iter().enumerate().all(|(at, byte)| (*byte == 7) == expected(at)));
    assert_eq!(ground.text("next").as_deref(), Some("n"));
    let meta = fs::metadata(ground.at("s")).expect("there");
    assert!(meta.blocks() * 512 < 1 << 20, "the hole is one: {}", meta.blocks());
    ground.refused(&sparse(&[(512, 512), (0, 3)], 4096, &[7; 515]), "overlap");
    ground.refused(&sparse(&[(0, 512)], 4096, &[7; 515]), "add up");
    ground.refused(&sparse(&[(0, 515)], 514, &[7; 515]), "add up");
    ground.refused(&sparse(&[(1, u64::MAX)], 1, b""), "not fit");
    ground.refused(&sparse(&[(0, 3)], 1 << 60, b"abc"), "limit of");
    let pax = Tar::default().pax(&[("GNU.sparse.major", b"1")]).file("s", "x").end();
    ground.refused(&pax, "PAX");
}

#[test]
fn long_names() {
    let ground = Ground::new();
    let long = "n".repeat(255);
    let deep = vec![long.as_str(); 15].join("/");
    let archive = Tar::default()
        .file(&deep, "gnu")
        .pax(&[("path", format!("p/{deep}").as_bytes())])
        .file("short", "pax")
        .symlink("l", "t".repeat(3000))
        .link(format!("h/{deep}"), &deep)
        .end();
    ground.layer(&archive).expect("unpacked");
    // Too long for one call to the kernel, so from inside.
    let read = |start: &str| {
        let mut folder = fs::File::open(ground.at(start)).expect("opened");
        for _ in 0..14 {
            let next = format!("/proc/self/fd/{}/{long}", std::os::fd::AsRawFd::as_raw_fd(&folder));
            folder = fs::File::open(next).expect("opened");
        }
        let last = format!("/proc/self/fd/{}/{long}", std::os::fd::AsRawFd::as_raw_fd(&folder));
        fs::read_to_string(last).expect("read")
    };
    assert_eq!(read(""), "gnu");
    assert_eq!(read("p"), "pax");
    assert_eq!(read("h"), "gnu");
    let component = format!("d/{}", "n".repeat(256));
    ground.refused(&Tar::default().file(&component, "").end(), "too long");
    ground.refused(&Tar::default().symlink(&component, "x").end(), "too long");
    let pax = |name: &str| Tar::default().pax(&[("path", name.as_bytes())]).file("s", "").end();
    ground.refused(&pax(&component), "too long");
    let deep = "d/".repeat(3000);
    ground.refused(&Tar::default().file(&deep, "").end(), "4096");
    ground.refused(&pax(&deep), "4096");
}

#[test]
fn names_of_any_bytes() {
    let ground = Ground::new();
    let names: [&[u8]; 4] = [b"a\nb", b"\xff\xfe", b"\x1b[31m", b" "];
    let mut archive = Tar::default();
    for name in names {
        archive = archive.file(name, "x").pax(&[("path", &[b"p/", name].concat())]).file("s", "y");
    }
    ground.layer(&archive.end()).expect("unpacked");
    for name in names {
        let name = OsString::from_vec(name.to_vec());
        assert_eq!(fs::read(ground.at(&name)).expect("read"), b"x");
        assert_eq!(fs::read(ground.at("p").join(&name)).expect("read"), b"y");
    }
    let zero = Tar::default().pax(&[("path", b"a\0b")]).file("s", "").end();
    ground.refused(&zero, "zero byte");
}

#[test]
fn times_before_1970_and_with_fractions() {
    let ground = Ground::new();
    let archive = Tar::default()
        .pax(&[("mtime", b"-1.5")])
        .file("old", "")
        .pax(&[("mtime", b"1700000000.25")])
        .dir("new", 0o755)
        .file("new/f", "")
        .end();
    ground.layer(&archive).expect("unpacked");
    let time = |path: &str| {
        let meta = fs::metadata(ground.at(path)).expect("there");
        (meta.mtime(), meta.mtime_nsec())
    };
    assert_eq!(time("old"), (-2, 500_000_000));
    assert_eq!(time("new"), (1_700_000_000, 250_000_000));
}
