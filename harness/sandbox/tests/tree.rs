//! Trees against hostile archives: every way out of the folder that is known, and what must work.
//!
//! Each test has a folder `tree` to unpack into and a folder `outside` beside it, which must be as
//! before afterwards. They pass as root and as an ordinary user.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStringExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use libcmatrix_sandbox::{
    failed::Failed,
    request::{UnpackLimits, Unpacked, Users},
    tree::{pack, remove, unpack},
};
use proptest::prelude::*;
use tar::{EntryType, Header};
use tempfile::TempDir;

const LIMITS: UnpackLimits = UnpackLimits { bytes: 1 << 24, entries: 10_000 };

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn users() -> Users {
    if is_root() { Users::Real } else { Users::Single }
}

/// An archive in the making. Names go in as they are, also those that the `tar` crate refuses.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn header(name: &[u8], kind: EntryType, mode: u32, size: u64, target: &[u8]) -> Header {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_cksum();
        header
    }

    fn raw(mut self, header: &mut Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn long(self, kind: EntryType, content: &[u8]) -> Self {
        let mut header = Self::header(b"././@LongLink", kind, 0, content.len() as u64, b"");
        self.raw(&mut header, content)
    }

    fn entry(mut self, name: &[u8], kind: EntryType, mode: u32, content: &[u8], to: &[u8]) -> Self {
        let mut short = (name, to);
        if name.len() > 100 {
            self = self.long(EntryType::GNULongName, name);
            short.0 = &name[..100];
        }
        if to.len() > 100 {
            self = self.long(EntryType::GNULongLink, to);
            short.1 = &to[..100];
        }
        let mut header = Self::header(short.0, kind, mode, content.len() as u64, short.1);
        self.raw(&mut header, content)
    }

    fn file(self, name: impl AsRef<[u8]>, content: &str) -> Self {
        self.entry(name.as_ref(), EntryType::Regular, 0o644, content.as_bytes(), b"")
    }

    fn dir(self, name: impl AsRef<[u8]>, mode: u32) -> Self {
        self.entry(name.as_ref(), EntryType::Directory, mode, b"", b"")
    }

    fn symlink(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_ref(), EntryType::Symlink, 0o777, b"", to.as_ref())
    }

    fn link(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_ref(), EntryType::Link, 0o644, b"", to.as_ref())
    }

    /// The next entry's PAX records.
    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut text = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length += 1;
            }
            text.extend_from_slice(format!("{length} {key}=").as_bytes());
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        self.long(EntryType::XHeader, &text)
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

struct Ground {
    _folder: TempDir,
    tree: PathBuf,
    outside: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tree, outside) = (folder.path().join("tree"), folder.path().join("outside"));
        fs::create_dir(&tree).expect("made");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("secret"), "secret").expect("written");
        fs::create_dir(outside.join("folder")).expect("made");
        fs::write(outside.join("folder/inner"), "inner").expect("written");
        let before = snapshot(&outside);
        Self { _folder: folder, tree, outside, before }
    }

    fn layer(&self, archive: &[u8]) -> Result<Unpacked, Failed> {
        self.checked(unpack(archive, &self.tree, users(), true, LIMITS))
    }

    fn plain(&self, archive: &[u8]) -> Result<Unpacked, Failed> {
        self.checked(unpack(archive, &self.tree, users(), false, LIMITS))
    }

    fn checked<T>(&self, done: T) -> T {
        assert_eq!(snapshot(&self.outside), self.before, "something outside has changed");
        done
    }

    fn refused(&self, archive: &[u8], says: &str) {
        for layer in [true, false] {
            let done = unpack(archive, &self.tree, users(), layer, LIMITS);
            let error = self.checked(done).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.tree.join(path)
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    fn names(&self, path: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(path))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Everything about a folder that must not change.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    let mut to_go = vec![folder.to_path_buf()];
    while let Some(path) = to_go.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        let content = if meta.is_file() { fs::read(&path).expect("read") } else { Vec::new() };
        if meta.is_dir() {
            to_go.extend(fs::read_dir(&path).expect("read").map(|e| e.expect("an entry").path()));
        }
        let said = format!(
            "{:o} {}:{} links {} changed {}.{} {content:?}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.nlink(),
            meta.ctime(),
            meta.ctime_nsec()
        );
        seen.insert(path, said);
    }
    seen
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}

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
fn an_absolute_path_is_one_of_the_tree() {
    let ground = Ground::new();
    let name = format!("{}/secret", ground.outside.display());
    let archive = Tar::default().file(&name, "inside").end();
    ground.layer(&archive).expect("unpacked");
    assert_eq!(ground.text(name.trim_start_matches('/')).as_deref(), Some("inside"));
}

#[test]
fn a_path_that_goes_up() {
    let ground = Ground::new();
    for name in ["../outside/secret", "a/../../outside/secret", "a/..", "..", "/.."] {
        ground.refused(&Tar::default().file(name, "x").end(), "`..`");
        ground.refused(&Tar::default().dir(name, 0o777).end(), "`..`");
        ground.refused(&Tar::default().symlink(name, "x").end(), "`..`");
    }
    let pax = Tar::default().pax(&[("path", b"../outside/secret")]).file("harmless", "x").end();
    ground.refused(&pax, "`..`");
    let long = format!("{}../../outside/secret", "a/".repeat(60));
    ground.refused(&Tar::default().file(&long, "x").end(), "`..`");
}

#[test]
fn a_link_of_the_archive_leads_nowhere() {
    for target in ["../outside", "/../outside", "../../../../../../../../outside"] {
        let ground = Ground::new();
        let archive = Tar::default()
            .symlink("way", target)
            .file("way/secret", "changed")
            .dir("way/folder", 0o000)
            .symlink("way/link", "x")
            .end();
        ground.layer(&archive).expect("unpacked");
        assert_eq!(ground.text("outside/secret").as_deref(), Some("changed"), "{target}");
    }
    let ground = Ground::new();
    let target = ground.outside.to_str().expect("a name").to_owned();
    let archive = Tar::default().symlink("way", &target).file("way/secret", "changed").end();
    ground.layer(&archive).expect("unpacked");
    let inside = format!("{}/secret", target.trim_start_matches('/'));
    assert_eq!(ground.text(&inside).as_deref(), Some("changed"));
}

#[test]
fn a_link_that_was_there_leads_nowhere() {
    let ground = Ground::new();
    symlink(&ground.outside, ground.at("absolute")).expect("made");
    symlink("../outside", ground.at("relative")).expect("made");
    symlink("absolute", ground.at("twice")).expect("made");
    let archive = Tar::default()
        .file("absolute/secret", "1")
        .file("relative/secret", "2")
        .file("twice/secret", "3")
        .dir("relative/folder", 0o700)
        .end();
    ground.plain(&archive).expect("unpacked");
    ground.layer(&archive).expect("unpacked");
    assert_eq!(ground.text("outside/secret").as_deref(), Some("2"));
}

#[test]
fn a_file_is_never_written_through_a_link() {
    let ground = Ground::new();
    symlink(ground.outside.join("secret"), ground.at("f")).expect("made");
    ground.plain(&Tar::default().file("f", "mine").end()).expect("unpacked");
    assert!(fs::symlink_metadata(ground.at("f")).expect("there").is_file());
    // Nor through a second name of a file outside.
    fs::remove_file(ground.at("f")).expect("removed");
    let kept = ground.outside.with_file_name("kept");
    fs::write(&kept, "kept").expect("written");
    fs::hard_link(&kept, ground.at("f")).expect("linked");
    ground.plain(&Tar::default().file("f", "mine").end()).expect("unpacked");
    assert_eq!(fs::read_to_string(kept).expect("read"), "kept");
}

#[test]
fn a_folder_takes_the_place_of_a_link() {
    let ground = Ground::new();
    symlink(ground.outside.join("folder"), ground.at("d")).expect("made");
    let archive = Tar::default().dir("d", 0o700).file("d/inner", "mine").end();
    ground.layer(&archive).expect("unpacked");
    assert!(fs::symlink_metadata(ground.at("d")).expect("there").is_dir());
    assert_eq!(ground.text("d/inner").as_deref(), Some("mine"));
}

#[test]
fn links_in_a_circle_end() {
    let ground = Ground::new();
    let archive = Tar::default().symlink("a", "b").symlink("b", "a").file("a/x", "").end();
    ground.refused(&archive, "cannot go to");
    let mut archive = Tar::default().dir("d", 0o755);
    for n in 0..40 {
        archive = archive.symlink(format!("l{n}"), format!("{}l{}", "d/../".repeat(700), n + 1));
    }
    ground.refused(&archive.file("l0/x", "").end(), "cannot go to");
}

#[test]
fn hard_links_stay_inside() {
    let ground = Ground::new();
    symlink(&ground.outside, ground.at("way")).expect("made");
    symlink(ground.outside.join("secret"), ground.at("way-to-file")).expect("made");
    ground.refused(&Tar::default().link("l", "../outside/secret").end(), "`..`");
    ground.refused(&Tar::default().link("l", "/etc/passwd").end(), "is not there");
    ground.refused(&Tar::default().link("l", "way/secret").end(), "is not there");
    ground.refused(&Tar::default().link("l", "").end(), "is not there");
    ground.refused(&Tar::default().dir("d", 0o755).link("l", "d").end(), "folder");
    // The link itself gets a second name, not what it leads to.
    ground.layer(&Tar::default().link("l", "way-to-file").end()).expect("unpacked");
    assert!(fs::symlink_metadata(ground.at("l")).expect("there").is_symlink());
    // A place behind a link is inside as well.
    let archive = Tar::default().file("f", "x").link("way/secret", "f").end();
    ground.layer(&archive).expect("unpacked");
}

#[test]
fn a_hard_link_needs_its_target() {
    let ground = Ground::new();
    ground.refused(&Tar::default().link("l", "nothing").end(), "is not there");
    ground.refused(&Tar::default().link("l", "no/thing").end(), "is not there");
    ground.refused(&Tar::default().link("l", "l").end(), "is not there");
    let archive = Tar::default().file("f", "x").link("f", "f").link("g", "f").link("g", "f").end();
    ground.layer(&archive).expect("unpacked");
    assert_eq!(ground.text("f").as_deref(), Some("x"), "a link to itself changes nothing");
    assert_eq!(fs::metadata(ground.at("g")).expect("there").nlink(), 2);
}

#[test]
fn whiteouts_that_lead_out() {
    let ground = Ground::new();
    fs::create_dir(ground.at("d")).expect("made");
    fs::write(ground.at("keep"), "").expect("written");
    for name in [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh..."] {
        let error = ground.layer(&Tar::default().file(name, "").end());
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("whiteout"), "{name}: {error}");
    }
    symlink(&ground.outside, ground.at("way")).expect("made");
    symlink("../outside", ground.at("other")).expect("made");
    let archive = Tar::default()
        .file("way/.wh.secret", "")
        .file("other/.wh.secret", "")
        .file("way/.wh..wh..opq", "")
        .file("other/.wh..wh..opq", "")
        .file("nowhere/.wh.x", "")
        .file("keep/.wh.x", "")
        .end();
    ground.layer(&archive).expect("unpacked");
    assert_eq!(ground.names(""), ["d", "keep", "other", "way"]);
    // A whiteout of a link removes the link.
    ground.layer(&Tar::default().file(".wh.way", "").end()).expect("unpacked");
    assert_eq!(ground.names(""), ["d", "keep", "other"]);
}

#[test]
fn whiteouts_hide_what_is_below() {
    let ground = Ground::new();
    let below = Tar::default()
        .file("a/gone", "")
        .file("a/tree/x/y", "")
        .file("a/stays", "")
        .file("b/gone", "")
        .file("b/deep/gone", "")
        .file("b/deep/er/gone", "")
        .file("c/gone", "")
        .end();
    ground.layer(&below).expect("unpacked");
    let layer = Tar::default()
        .file("a/.wh.gone", "")
        .file("a/.wh.tree", "")
        .file("a/.wh.never-there", "")
        // In any order with what the layer itself has.
        .file("b/new", "")
        .file("b/deep/er/new", "")
        .file("b/.wh..wh..opq", "")
        .file("b/newer", "")
        .file("c/new", "")
        .file(".wh.c", "")
        .file("d", "")
        .file(".wh.d", "")
        .file(".wh..wh.plnk/1", "")
        .file(".wh..wh.aufs", "")
        .end();
    ground.layer(&layer).expect("unpacked");
    assert_eq!(ground.names(""), ["a", "b", "c", "d"]);
    assert_eq!(ground.names("a"), ["stays"]);
    assert_eq!(ground.names("b"), ["deep", "new", "newer"]);
    assert_eq!(ground.names("b/deep"), ["er"]);
    assert_eq!(ground.names("b/deep/er"), ["new"]);
    assert_eq!(ground.names("c"), ["new"]);
    // Outside of layers these are names like any other.
    ground.plain(&Tar::default().file("a/.wh.stays", "").end()).expect("unpacked");
    assert_eq!(ground.names("a"), [".wh.stays", "stays"]);
}

#[test]
fn an_opaque_root() {
    let ground = Ground::new();
    ground.layer(&Tar::default().file("a/b", "").file("c", "").end()).expect("unpacked");
    let layer = Tar::default().file("a/new", "").file(".wh..wh..opq", "").end();
    ground.layer(&layer).expect("unpacked");
    assert_eq!((ground.names(""), ground.names("a")), (vec!["a".into()], vec!["new".into()]));
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
fn one_takes_the_place_of_the_other() {
    let ground = Ground::new();
    let first = Tar::default().file("d/x", "1").file("f", "1").symlink("l", "f").end();
    ground.layer(&first).expect("unpacked");
    let second = Tar::default().file("d", "2").dir("f", 0o700).file("f/x", "2").file("l", "2");
    let second = second.end();
    let error = ground.plain(&second).expect_err("refused").to_string();
    assert!(error.contains("a folder is at its place"), "{error}");
    let error = ground.plain(&Tar::default().dir("f", 0o700).end()).expect_err("refused");
    assert!(error.to_string().contains("no folder is at its place"), "{error}");
    ground.layer(&second).expect("unpacked");
    assert_eq!(ground.text("d").as_deref(), Some("2"));
    assert_eq!(ground.text("f/x").as_deref(), Some("2"));
    assert!(fs::symlink_metadata(ground.at("l")).expect("there").is_file());
    let error = ground.layer(&Tar::default().file("d/x", "").end()).expect_err("refused");
    assert!(error.to_string().contains("Not a directory"), "{error}");
}

#[test]
fn the_root_stays_a_folder() {
    let ground = Ground::new();
    ground.refused(&Tar::default().file(".", "x").end(), "the place of the folder");
    ground.refused(&Tar::default().symlink("/", "/etc").end(), "the place of the folder");
    fs::remove_dir(&ground.tree).expect("removed");
    symlink(&ground.outside, &ground.tree).expect("made");
    ground.refused(&Tar::default().file("f", "x").end(), "cannot unpack into");
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

#[test]
fn removing_ends_with_nothing() {
    let ground = Ground::new();
    remove(&ground.at("nothing")).expect("no error");
    remove(&ground.at("no/thing")).expect("no error");
    fs::create_dir_all(ground.at("t/ro/deep")).expect("made");
    fs::create_dir_all(ground.at("t/none/deep")).expect("made");
    fs::write(ground.at("t/ro/deep/f"), "").expect("written");
    fs::write(ground.at("t/none/deep/f"), "").expect("written");
    symlink(&ground.outside, ground.at("t/way")).expect("made");
    symlink(&ground.outside, ground.at("t/ro/way")).expect("made");
    for (path, mode) in [("t/ro/deep", 0o555), ("t/ro", 0o555), ("t/none", 0o000), ("t", 0o400)] {
        fs::set_permissions(ground.at(path), fs::Permissions::from_mode(mode)).expect("closed");
    }
    remove(&ground.at("t")).expect("removed");
    symlink(&ground.outside, ground.at("way")).expect("made");
    remove(&ground.at("way")).expect("removed");
    fs::write(ground.at("f"), "").expect("written");
    remove(&ground.at("f")).expect("removed");
    assert_eq!(ground.checked(ground.names("")), [""; 0]);
    assert!(remove(Path::new("/")).is_err());
    assert!(remove(&ground.at("..")).is_err());
}

#[test]
fn a_tree_of_ten_thousand_levels() {
    use rustix::fs::{CWD, Mode, OFlags};
    let ground = Ground::new();
    fs::create_dir(ground.at("t")).expect("made");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = rustix::fs::openat(CWD, ground.at("t"), flags, Mode::empty()).expect("opened");
    for _ in 0..10_000 {
        rustix::fs::mkdirat(&folder, c"d", Mode::RWXU).expect("made");
        folder = rustix::fs::openat(&folder, c"d", flags, Mode::empty()).expect("opened");
    }
    rustix::fs::mkdirat(&folder, c"last", Mode::empty()).expect("made");
    drop(folder);
    // A stack that one frame a level would not fit into, and few descriptors.
    let tree = ground.at("t");
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let removed = thread.spawn(move || remove(&tree)).expect("started").join();
    removed.expect("no panic").expect("removed");
    assert_eq!(ground.names(""), [""; 0]);
}

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
