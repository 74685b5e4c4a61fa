//! What comes out of the store.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use libcmatrix_sandbox::request::Users;
use tempfile::TempDir;

use super::{
    super::{Direct, Store, lock, staging::Staging},
    archives::{Files, Tar, archive, config, gzip, layers, oci, old_save, zstd},
};
use crate::{
    engine::image_format::digest::Digest,
    exit::Exit,
    failure::{Failure, Result},
};

pub struct Ground {
    pub folder: TempDir,
    pub store: Store,
}

fn users() -> Users {
    if rustix::process::geteuid().is_root() { Users::Real } else { Users::Single }
}

pub async fn open(folder: &Path) -> Store {
    let unpacker = Arc::new(Direct { users: users() });
    Store::open(folder.join("store"), unpacker).await.expect("opened")
}

impl Ground {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path()).await;
        Self { folder, store }
    }

    fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join("archive");
        fs::write(&path, content).expect("written");
        path
    }

    async fn load(&self, content: &[u8]) -> Result<Vec<String>> {
        self.store.load(&self.file(content), None).await
    }

    async fn refused(&self, content: &[u8], says: &str) -> Failure {
        let failure = self.load(content).await.expect_err("refused");
        assert!(failure.to_string().contains(says), "{failure}");
        self.is_empty();
        failure
    }

    /// Nothing is left of what failed.
    pub fn is_empty(&self) {
        assert_eq!(self.store.list().expect("a list"), []);
        for folder in ["trees", "staging", "partial"] {
            let left = fs::read_dir(self.folder.path().join("store").join(folder)).expect("read");
            let left: Vec<_> = left.map(|entry| entry.expect("an entry").path()).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    pub async fn is_the_image(&self, name: &str) {
        let held = self.store.tree(name).await.expect("a tree");
        let text = |path: &str| fs::read_to_string(held.path.join(path)).ok();
        assert_eq!(text("etc/name").as_deref(), Some("two"));
        assert_eq!(
            (text("gone"), text("same"), text("new")),
            (None, Some("x".into()), Some("x".into()))
        );
        // What the engine covers in every sandbox need not be made in each.
        for file in ["etc/hostname", "etc/hosts", "etc/resolv.conf"] {
            assert_eq!(text(file).as_deref(), Some(""), "{file}");
        }
        assert_eq!(held.image.id, Digest::of(&config(&layers())).to_string());
        assert_eq!(held.image.config.user, "7");
    }
}

#[tokio::test]
async fn every_kind_of_archive() {
    let own = "io.containerd.image.name";
    let short = "org.opencontainers.image.ref.name";
    let cases = [
        ("saved by an old Docker", archive(&old_save(&["a/b:1"], &layers()))),
        ("the same, gzip", gzip(&archive(&old_save(&["a/b:1"], &layers())))),
        ("the same, zstd", zstd(&archive(&old_save(&["docker.io/a/b:1"], &layers())))),
        ("OCI", archive(&oci(Some((own, "docker.io/a/b:1")), &layers(), <[u8]>::to_vec))),
        ("OCI, layers in gzip", archive(&oci(Some((short, "a/b:1")), &layers(), gzip))),
        ("OCI, layers in zstd", gzip(&archive(&oci(Some((own, "a/b:1")), &layers(), zstd)))),
    ];
    for (what, content) in cases {
        let ground = Ground::new().await;
        let names = ground.load(&content).await.expect(what);
        assert_eq!(names, ["a/b:1"], "{what}");
        ground.is_the_image("a/b:1").await;
        let image = ground.store.find("docker.io/a/b:1").expect("no error").expect("there");
        assert_eq!((image.references, image.repo_digests), (vec!["a/b:1".into()], vec![]));
        assert_eq!(
            (image.env, image.labels["l"].as_str(), image.size_bytes),
            (vec!["A=b".into()], "1", 9)
        );
        // Once more changes nothing.
        ground.load(&content).await.expect(what);
        assert_eq!(ground.store.list().expect("a list").len(), 1);
    }
}

#[tokio::test]
async fn a_folder() {
    let ground = Ground::new().await;
    let folder = ground.folder.path().join("layout");
    for (name, content) in oci(None, &layers(), gzip) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    let failure = ground.store.load(&folder, None).await.expect_err("it has no name");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.hint.is_some_and(|hint| hint.contains("--name")));
    assert_eq!(ground.store.load(&folder, Some("mine")).await.expect("loaded"), ["mine:latest"]);
    ground.is_the_image("mine").await;
    fs::remove_dir_all(folder.join("blobs")).expect("removed");
    std::os::unix::fs::symlink("/", folder.join("blobs")).expect("linked");
    let failure = ground.store.load(&folder, Some("mine")).await.expect_err("a link");
    assert!(failure.to_string().contains("is a link"), "{failure}");
    let failure = ground.store.load(ground.folder.path(), Some("a")).await.expect_err("no layout");
    assert!(failure.to_string().contains("no OCI image layout"), "{failure}");
}

#[tokio::test]
async fn a_root_file_system() {
    let ground = Ground::new().await;
    let tar = Tar::default().file("./etc/os-release", "ID=x").file("./f", "1").end();
    let failure = ground.load(&tar).await.expect_err("it has no name");
    assert_eq!((failure.exit, failure.hint.is_some()), (Exit::Usage, true));
    ground.is_empty();
    for content in [tar.clone(), gzip(&tar), zstd(&tar)] {
        let path = ground.file(&content);
        assert_eq!(ground.store.load(&path, Some("x:1")).await.expect("loaded"), ["x:1"]);
        assert_eq!(ground.store.list().expect("a list").len(), 1, "it is the same image");
    }
    let held = ground.store.tree("x:1").await.expect("a tree");
    assert_eq!(fs::read_to_string(held.path.join("f")).expect("read"), "1");
    assert_eq!(fs::metadata(&held.path).expect("there").mode() & 0o777, 0o755);
}

#[tokio::test]
async fn several_images_in_one_archive() {
    let ground = Ground::new().await;
    let mut files = old_save(&["a:1", "a:2"], &layers());
    let other = old_save(&["b:1"], &layers()[..1]);
    let lists: Vec<serde_json::Value> = [&files, &other]
        .into_iter()
        .flat_map(|files| {
            serde_json::from_slice::<Vec<serde_json::Value>>(&files["manifest.json"])
                .expect("a list")
        })
        .collect();
    files.extend(other);
    files.insert("manifest.json".into(), serde_json::to_vec(&lists).expect("text"));
    assert_eq!(ground.load(&archive(&files)).await.expect("loaded"), ["a:1", "a:2", "b:1"]);
    assert_eq!(ground.store.list().expect("a list").len(), 2);
    let path = ground.file(&archive(&files));
    let failure = ground.store.load(&path, Some("c")).await.expect_err("which one?");
    assert_eq!(failure.exit, Exit::Usage);
}

#[tokio::test]
async fn a_layer_that_occurs_twice_may_be_a_link() {
    let saved = |target: &str| {
        let twice = vec![layers()[0].clone(), layers()[0].clone()];
        let mut files = old_save(&["a:1"], &twice);
        files.remove("1/layer.tar");
        let tar = files.iter().fold(Tar::default(), |tar, (name, content)| tar.file(name, content));
        tar.entry("1/layer.tar", tar::EntryType::Symlink, b"", target).end()
    };
    let ground = Ground::new().await;
    for target in ["/etc/passwd", "../../../etc/passwd", "../1/layer.tar", "../nothing"] {
        ground.refused(&saved(target), "leads to no file").await;
    }
    ground.load(&saved("../0/layer.tar")).await.expect("loaded");
}

/// Replaces a file of an archive.
fn with(mut files: Files, name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    assert!(files.insert(name.into(), content.as_ref().to_vec()).is_some(), "there is no {name}");
    archive(&files)
}

fn replaced(files: Files, name: &str, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(files[name].clone()).expect("text");
    assert!(text.contains(from), "{text}");
    let text = text.replace(from, to);
    with(files, name, text)
}

#[tokio::test]
async fn hostile_and_damaged_archives() {
    let ground = Ground::new().await;
    let old = || old_save(&["a:1"], &layers());
    let new = || oci(Some(("io.containerd.image.name", "a:1")), &layers(), gzip);
    let blob = |content: &[u8]| format!("blobs/sha256/{}", Digest::of(content).hash());
    let other = Tar::default().file("evil", "x").end();
    ground.refused(b"", "neither an archive of images").await;
    ground.refused(&[b'x'; 2000], "").await;
    ground.refused(&Tar::default().file("a", "b").end(), "neither an archive of images").await;
    ground.refused(b"\xfd7zXZ\0......", "xz").await;
    ground.refused(&archive(&old())[..3000], "").await;
    ground.refused(&with(old(), "manifest.json", "{"), "malformed").await;
    ground.refused(&with(old(), "manifest.json", "[]"), "no image").await;
    ground.refused(&with(old(), "manifest.json", vec![b' '; (8 << 20) + 1]), "the most is").await;
    ground
        .refused(&replaced(old(), "manifest.json", "0/layer.tar", "../../etc/passwd"), "no name")
        .await;
    ground
        .refused(&replaced(old(), "manifest.json", "0/layer.tar", "/etc/passwd"), "no name")
        .await;
    ground.refused(&replaced(old(), "manifest.json", "0/layer.tar", "nothing"), "not in it").await;
    ground.refused(&replaced(old(), "manifest.json", "a:1", "../a b"), "no image name").await;
    ground
        .refused(&replaced(old(), "manifest.json", r#""0/layer.tar","#, ""), "different layers")
        .await;
    ground.refused(&with(old(), "1/layer.tar", &other), "not what its digest says").await;
    let config_name = format!("{}.json", Digest::of(&config(&layers())).hash());
    ground.refused(&replaced(old(), &config_name, "/w", "/x"), "has the digest").await;
    ground.refused(&replaced(old(), &config_name, "sha256:", "sha512:"), "no digest").await;
    let path_up = Tar::default().file("../../evil", "x").end();
    let up = old_save(&["a:1"], &[path_up]);
    ground.refused(&archive(&up), "`..`").await;

    ground.refused(&with(new(), "index.json", "[]"), "malformed").await;
    ground.refused(&replaced(new(), "index.json", "sha256:", "sha256:../../"), "no digest").await;
    ground.refused(&with(new(), &blob(&config(&layers())), "{}"), "has the digest").await;
    let layer = blob(&gzip(&layers()[1]));
    let failure =
        ground.refused(&with(new(), &layer, gzip(&other)), "not what its digest says").await;
    assert!(
        failure.what.contains(Digest::of(&layers()[1]).as_str()),
        "it names the layer: {failure}"
    );
    // The right content in another form is not the blob that is listed.
    ground.refused(&with(new(), &layer, &layers()[1]), "not what its digest says").await;
    let mut missing = new();
    missing.remove(&layer);
    ground.refused(&archive(&missing), "not in it").await;
}

#[tokio::test]
async fn names_move_and_go() {
    let ground = Ground::new().await;
    ground.load(&archive(&old_save(&["a:1", "a:2"], &layers()))).await.expect("loaded");
    let id = ground.store.find("a:1").expect("no error").expect("there").id;
    for reference in [id.as_str(), &id[.."sha256:".len() + 12], &id["sha256:".len()..][..12]] {
        let found = ground.store.find(reference).expect("no error").expect("there");
        assert_eq!(found.references, ["a:1", "a:2"], "{reference}");
    }
    for reference in ["a", "a:3", "sha256:0123456789ab", &id[.."sha256:".len() + 11]] {
        assert_eq!(ground.store.find(reference).expect("no error"), None, "{reference}");
    }
    assert!(ground.store.find("no name").is_err());
    // Another image takes one name.
    ground.load(&archive(&old_save(&["a:2"], &layers()[..1]))).await.expect("loaded");
    assert_eq!(ground.store.find(&id).expect("no error").expect("there").references, ["a:1"]);
    let failure = ground.store.remove("a:3").await.expect_err("not there");
    assert!(failure.to_string().contains("not in the store"), "{failure}");
    ground.store.remove("a:2").await.expect("removed");
    assert_eq!(ground.store.list().expect("a list").len(), 1);
    ground.store.remove(&id).await.expect("removed");
    ground.is_empty();
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let ground = Ground::new().await;
    ground.load(&archive(&old_save(&["a:1", "a:2"], &layers()))).await.expect("loaded");
    let other = open(ground.folder.path()).await;
    let held = other.tree("a:1").await.expect("a tree");
    let again = ground.store.tree("a:2").await.expect("shared");
    ground.store.remove("a:1").await.expect("there is another name");
    let failure = ground.store.remove("a:2").await.expect_err("in use");
    assert!(failure.to_string().contains("in use"), "{failure}");
    assert!(ground.store.find("a:2").expect("no error").is_some());
    // Without a name, too.
    ground.load(&archive(&old_save(&["a:2"], &layers()[..1]))).await.expect("loaded");
    assert_eq!(ground.store.prune().await.expect("pruned").images, [""; 0]);
    assert!(held.path.join("new").exists());
    drop((held, again));
    let pruned = ground.store.prune().await.expect("pruned");
    assert_eq!(
        (pruned.images, pruned.bytes),
        (vec![Digest::of(&config(&layers())).to_string()], 9)
    );
    assert_eq!(ground.store.list().expect("a list").len(), 1);
    assert_eq!(ground.store.disk_usage().expect("known").images_bytes, 5);
}

#[tokio::test]
async fn what_a_killed_process_leaves_is_removed() {
    let ground = Ground::new().await;
    let staging = ground.folder.path().join("store/staging");
    let alive = Staging::new(&ground.store.layout).expect("made");
    alive.make_tree().expect("made");
    fs::create_dir_all(staging.join("dead/tree/deep")).expect("made");
    fs::write(staging.join("dead.lock"), "").expect("written");
    fs::create_dir_all(staging.join("without-lock/tree")).expect("made");
    fs::write(staging.join("only-lock.lock"), "").expect("written");
    let partial = ground.folder.path().join("store/partial");
    fs::write(partial.join("broken-off"), "12345").expect("written");
    fs::write(partial.join("under-way"), "1").expect("written");
    let path = partial.join("under-way");
    let busy = lock::Lock::now(&path, lock::Kind::Exclusive).expect("no error").expect("free");
    let left = |folder: &Path| fs::read_dir(folder).expect("read").count();
    let again = open(ground.folder.path()).await;
    assert_eq!((left(&staging), left(&partial)), (2, 2), "downloads go on after a start");
    assert!(alive.folder.join("tree").exists());
    let pruned = again.prune().await.expect("pruned");
    assert_eq!((pruned.downloads, pruned.bytes, pruned.unfinished), (1, 5, 0));
    drop((alive, busy));
    let pruned = again.prune().await.expect("pruned");
    assert_eq!((pruned.downloads, pruned.bytes, pruned.unfinished), (1, 1, 1));
    ground.is_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_load_the_same_at_once() {
    let ground = Ground::new().await;
    let path =
        ground.file(&archive(&oci(Some(("io.containerd.image.name", "a:1")), &layers(), gzip)));
    let load = |_| {
        let (path, folder) = (path.clone(), ground.folder.path().to_path_buf());
        tokio::spawn(async move { open(&folder).await.load(&path, None).await })
    };
    let all: Vec<_> = (0..8).map(load).collect();
    for one in all {
        assert_eq!(one.await.expect("no panic").expect("loaded"), ["a:1"]);
    }
    ground.is_the_image("a:1").await;
    assert_eq!(ground.store.list().expect("a list").len(), 1);
    assert_eq!(fs::read_dir(ground.folder.path().join("store/staging")).expect("read").count(), 0);
}

#[tokio::test]
async fn a_tree_of_another_form_is_made_anew() {
    let ground = Ground::new().await;
    let content = archive(&old_save(&["a:1"], &layers()));
    ground.load(&content).await.expect("loaded");
    let tree = fs::read_dir(ground.folder.path().join("store/trees")).expect("read").next();
    let record = tree.expect("a tree").expect("an entry").path().join("image.json");
    fs::write(&record, "{}").expect("written");
    assert_eq!(ground.store.find("a:1").expect("no error"), None);
    ground.load(&content).await.expect("loaded");
    ground.is_the_image("a:1").await;
}

#[tokio::test]
async fn trees_of_other_users_are_not_shared() {
    let ground = Ground::new().await;
    ground.load(&archive(&old_save(&["a:1"], &layers()))).await.expect("loaded");
    let users = Users::Subordinate { first_uid: 1, first_gid: 1, count: 2 };
    let folder = ground.folder.path().join("store");
    let other = Store::open(folder, Arc::new(Direct { users })).await.expect("opened");
    assert_eq!(other.find("a:1").expect("no error"), None);
    assert_eq!(other.prune().await.expect("pruned").images, [""; 0]);
    assert!(ground.store.find("a:1").expect("no error").is_some());
}
