//! What hides the files of the layers below, and what only looks so.

use std::{fs, os::unix::fs::symlink};

use super::{archive::Tar, ground::Ground};

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
