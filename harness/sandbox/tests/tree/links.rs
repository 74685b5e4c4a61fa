//! Paths and links that lead out, and entries that take the place of others.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

use super::{archive::Tar, ground::Ground};

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
