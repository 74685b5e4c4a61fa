//! Trees removed.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use libcmatrix_sandbox::tree::remove;

use super::ground::Ground;

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
