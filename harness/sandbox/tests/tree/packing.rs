//! Trees made into archives.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    os::unix::{ffi::OsStringExt, fs::symlink},
    path::{Path, PathBuf},
};

use libcmatrix_sandbox::tree::pack;

use super::{archive::Tar, ground::Ground};

/// Unpacks with the `tar` crate, which shares no code with what is tested: names and kinds.
fn listed(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive");
    let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("an entry");
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("read");
        let kind = entry.header().entry_type().as_byte() as char;
        let target =
            entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        format!("{kind} {path} {} {content}", target.unwrap_or_default())
    };
    entries.map(entry).collect()
}

fn packed(ground: &Ground, path: &str) -> Option<Vec<String>> {
    let mut archive = Vec::new();
    let found = pack(&ground.tree, path, &mut archive).expect("packed");
    if !found {
        assert!(archive.is_empty());
        return None;
    }
    Some(listed(&archive))
}

#[test]
fn what_is_packed_begins_with_its_own_name() {
    let ground = Ground::new();
    fs::create_dir_all(ground.at("a/b/c")).expect("made");
    fs::write(ground.at("a/b/f"), "content").expect("written");
    fs::hard_link(ground.at("a/b/f"), ground.at("a/b/g")).expect("linked");
    symlink(ground.outside.join("secret"), ground.at("a/b/l")).expect("made");
    symlink(&ground.outside, ground.at("a/b/c/d")).expect("made");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        ground.at("a/b/pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .expect("made");
    let _socket = std::os::unix::net::UnixListener::bind(ground.at("a/b/s")).expect("bound");
    let outside = ground.outside.display();
    let expected = [
        "5 b/  ".to_owned(),
        "0 b/f  content".to_owned(),
        "1 b/g b/f ".to_owned(),
        format!("2 b/l {outside}/secret "),
        "5 b/c/  ".to_owned(),
        format!("2 b/c/d {outside} "),
    ];
    assert_eq!(packed(&ground, "a/b"), Some(expected.to_vec()));
    assert_eq!(packed(&ground, "/a//./b/"), Some(expected.to_vec()));
    assert_eq!(packed(&ground, "a/b/f"), Some(vec!["0 f  content".into()]));
    assert_eq!(packed(&ground, "a/b/l"), Some(vec![format!("2 l {outside}/secret ")]));
    for root in ["", ".", "/"] {
        let all = packed(&ground, root).expect("something");
        assert_eq!(all[..2], ["5 ./  ".to_owned(), "5 ./a/  ".to_owned()]);
        assert_eq!(all.len(), 8, "{all:?}");
    }
    assert_eq!(packed(&ground, "a/nothing"), None);
    assert_eq!(packed(&ground, "no/thing"), None);
    assert_eq!(packed(&ground, "a/b/f/x"), None);
}

#[test]
fn packing_follows_no_link() {
    let ground = Ground::new();
    symlink(&ground.outside, ground.at("way")).expect("made");
    let refused = |root: &Path, path: &str| {
        let mut archive = Vec::new();
        let error = pack(root, path, &mut archive).expect_err("refused").to_string();
        assert!(archive.is_empty());
        error
    };
    assert!(refused(&ground.tree, "way/secret").contains("symbolic link"));
    assert!(refused(&ground.tree, "../outside/secret").contains("`..`"));
    assert!(refused(&ground.at("way"), "secret").contains("cannot pack"));
}

#[test]
fn names_of_any_length_are_packed() {
    let ground = Ground::new();
    let deep = vec!["n".repeat(200); 10].join("/");
    fs::create_dir_all(ground.at(&deep)).expect("made");
    fs::write(ground.at(&deep).join("f"), "deep").expect("written");
    symlink("t".repeat(4000), ground.at("l")).expect("made");
    fs::write(ground.at(OsString::from_vec(b"\xff\n".to_vec())), "bytes").expect("written");
    let mut archive = Vec::new();
    assert!(pack(&ground.tree, "", &mut archive).expect("packed"));
    let other = Ground::new();
    other.plain(&archive).expect("unpacked");
    let again = |ground: &Ground| packed(ground, "").expect("something");
    assert_eq!(again(&other), again(&ground));
    assert_eq!(other.text(&format!("{deep}/f")).as_deref(), Some("deep"));
}

#[test]
fn a_file_that_shrinks_does_not_break_the_archive() {
    struct Shrinks {
        archive: Vec<u8>,
        file: PathBuf,
    }
    impl Write for Shrinks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.archive.extend_from_slice(bytes);
            // Once the header with the size is out.
            if self.archive.len() >= 1024 {
                fs::File::options().write(true).open(&self.file)?.set_len(3)?;
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let ground = Ground::new();
    fs::create_dir(ground.at("d")).expect("made");
    fs::write(ground.at("d/f"), "x".repeat(5000)).expect("written");
    fs::write(ground.at("d/g"), "after").expect("written");
    let mut output = Shrinks { archive: Vec::new(), file: ground.at("d/f") };
    assert!(pack(&ground.tree, "d", &mut output).expect("packed"));
    let listed = listed(&output.archive);
    assert_eq!(listed[2], "0 d/g  after");
    let content = listed[1].strip_prefix("0 d/f  ").expect("the file");
    assert_eq!(content, format!("xxx{}", "\0".repeat(4997)));
}

/// The names of this file's own archives are what they say.
#[test]
fn archives_of_these_tests_are_archives() {
    let archive = Tar::default()
        .pax(&[("path", b"long")])
        .file("s", "x")
        .file("n".repeat(150), "y")
        .symlink("l", "t".repeat(150))
        .end();
    let expected = [
        "0 long  x".into(),
        format!("0 {}  y", "n".repeat(150)),
        format!("2 l {} ", "t".repeat(150)),
    ];
    assert_eq!(listed(&archive), expected);
}
