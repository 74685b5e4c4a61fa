//! Archives that are cut, malformed, or too much.

use std::io::{self, Read};

use libcmatrix_sandbox::{request::UnpackLimits, tree::unpack};
use tar::{EntryType, Header};

use super::{
    archive::Tar,
    ground::{Ground, LIMITS, users},
};

#[test]
fn a_bomb_of_bytes() {
    let ground = Ground::new();
    let mut header = Tar::header(b"big", EntryType::Regular, 0o600, LIMITS.bytes + 1, b"");
    let archive = Tar::default().raw(&mut header, b"").0;
    let endless = || archive.chain(io::repeat(0));
    let error = unpack(endless(), &ground.tree, users(), true, LIMITS).expect_err("refused");
    assert!(error.to_string().contains("more bytes than the limit"), "{error}");
    assert_eq!(ground.names(""), [""; 0], "it is seen before it is written");
    // All together.
    let half = "x".repeat(1 << 23);
    let sum = Tar::default().file("a", &half).file("b", &half).file("c", "x").end();
    ground.refused(&sum, "more bytes than the limit");
    // After the end.
    let after = Tar::default().file("a", "").end();
    let endless = after.chain(io::repeat(0));
    let error = unpack(endless, &ground.tree, users(), true, LIMITS).expect_err("refused");
    assert!(error.to_string().contains("follow its end"), "{error}");
    let huge = Tar::default().pax(&[("size", b"18446744073709551615")]).file("a", "x").end();
    ground.refused(&huge, "not fit");
    let huge = Tar::default().pax(&[("size", b"9223372036854775807")]).file("a", "x").end();
    ground.refused(&huge, "limit");
}

#[test]
fn a_bomb_of_entries() {
    let ground = Ground::new();
    let limits = UnpackLimits { bytes: 1000, entries: 3 };
    let run = |archive: Vec<u8>| unpack(&archive[..], &ground.tree, users(), true, limits);
    run(Tar::default().file("a", "").file("b", "").file("c", "").end()).expect("unpacked");
    for archive in [
        Tar::default().file("a", "").file("a", "").file("a", "").file("a", ""),
        // Folders that are only implied count as well.
        Tar::default().file("x/y/z/a", ""),
    ] {
        let error = run(archive.end()).expect_err("refused").to_string();
        assert!(error.contains("more entries than the limit of 3"), "{error}");
    }
}

#[test]
fn a_cut_archive() {
    let whole = Tar::default().dir("d", 0o755).file("d/f", &"x".repeat(600)).end();
    // The first entry, the header and the content of the second one.
    for length in 1..512 + 512 + 1024 {
        let ground = Ground::new();
        let done = ground.layer(&whole[..length]);
        if length == 512 {
            done.expect("the border of an entry is an end");
            continue;
        }
        let error = done.expect_err("refused").to_string();
        assert!(error.contains("middle of an entry"), "{length}: {error}");
    }
    let ground = Ground::new();
    ground.refused(&Tar::default().long(EntryType::GNULongName, b"name").end(), "long name");
}

#[test]
fn malformed_headers() {
    let ground = Ground::new();
    let with = |change: fn(&mut Header)| {
        let mut header = Tar::header(b"f", EntryType::Regular, 0o644, 0, b"");
        change(&mut header);
        Tar::default().raw(&mut header, b"").end()
    };
    ground.refused(&with(|h| h.as_old_mut().size = *b"-0000000001\0"), "number");
    ground.refused(&with(|h| h.as_old_mut().size = [0xff; 12]), "negative");
    ground.refused(&with(|h| h.as_old_mut().size = [0x80, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), "fit");
    ground.refused(&with(|h| h.as_old_mut().mode = *b"89abcdef"), "number");
    ground.refused(
        &with(|h| h.as_old_mut().mtime = [0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
        "fit",
    );
    ground.refused(&with(|h| h.set_entry_type(EntryType::new(b'Q'))), "kind");
    let mut wrong = with(|_| ());
    wrong[0] = b'g';
    ground.refused(&wrong, "check sum");
    ground.refused(b"this is no archive at all", "middle of an entry");
    let twice =
        Tar::default().long(EntryType::GNULongName, b"a").long(EntryType::GNULongName, b"b");
    ground.refused(&twice.file("f", "").end(), "twice");
}
