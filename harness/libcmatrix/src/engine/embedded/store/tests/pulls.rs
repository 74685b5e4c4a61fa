//! Images of a registry that works, and of one that does not.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::json;

use super::{
    archives::{Files, Tar, config, gzip, layers, oci, zstd},
    images::{Ground, open},
    server::{Faults, Registry},
};
use crate::{
    engine::{
        PullProgress,
        image_format::{described::architecture, digest::Digest},
    },
    failure::Failure,
};

fn image() -> Files {
    oci(None, &layers(), gzip)
}

/// Layers that are too large for one packet.
fn large() -> Vec<Vec<u8>> {
    let noise = |seed: u32| -> Vec<u8> {
        let next = |x: &mut u32| {
            *x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(*x)
        };
        let mut x = seed;
        std::iter::from_fn(|| next(&mut x)).take(20_000).flat_map(u32::to_be_bytes).collect()
    };
    (1..=5).map(|seed| Tar::default().file(&format!("f{seed}"), noise(seed)).end()).collect()
}

async fn refused(ground: &Ground, reference: &str, says: &str) -> Failure {
    let failure = ground.store.pull(reference, &|_| ()).await.expect_err("refused");
    assert!(failure.to_string().contains(says), "{failure}");
    assert_eq!(ground.store.list().expect("a list"), []);
    let staging = ground.folder.path().join("store/staging");
    assert_eq!(fs::read_dir(staging).expect("read").count(), 0);
    failure
}

#[tokio::test]
async fn by_tag_and_by_digest() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    let digest = registry.offer("a/b", "1", &oci(None, &layers(), zstd));
    let address = &registry.address;
    ground.store.ask_registry(&format!("{address}/a/b:1")).await.expect("it is there");
    let failure =
        ground.store.ask_registry(&format!("{address}/a/b:2")).await.expect_err("no such tag");
    assert!(failure.hint.is_some_and(|hint| hint.contains("the tag")));
    let pinned = format!("{address}/a/b@{digest}");
    let image = ground.store.pull(&pinned, &|_| ()).await.expect("pulled");
    assert_eq!((image.references, image.repo_digests), (vec![], vec![pinned.clone()]));
    assert_eq!(image.id, Digest::of(&config(&layers())).to_string());
    ground.is_the_image(&pinned).await;
    registry.requests();
    let tagged = format!("{address}/a/b:1");
    let image = ground.store.pull(&tagged, &|_| ()).await.expect("pulled");
    assert_eq!(
        (image.references, image.repo_digests),
        (vec![tagged.clone()], vec![pinned.clone()])
    );
    assert!(registry.requests().iter().all(|path| !path.contains("/blobs/")), "it is here already");
    // With its last tag goes what only its digest could name.
    ground.store.remove(&tagged).await.expect("removed");
    ground.is_empty();
}

#[tokio::test]
async fn a_tag_that_moves() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    let tagged = format!("{}/a:1", registry.address);
    registry.offer("a", "1", &image());
    let first = ground.store.pull(&tagged, &|_| ()).await.expect("pulled");
    registry.offer("a", "1", &oci(None, &layers()[..1], gzip));
    let second = ground.store.pull(&tagged, &|_| ()).await.expect("pulled");
    assert_ne!(first.id, second.id);
    let old = ground.store.find(&first.id).expect("no error").expect("there");
    assert_eq!((old.references.len(), old.repo_digests.len()), (0, 1));
    assert_eq!(ground.store.find(&tagged).expect("no error").expect("there").id, second.id);
}

#[tokio::test]
async fn the_image_for_this_machine() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    let own = registry.offer("a", "own", &image());
    let other = registry.offer("a", "other", &oci(None, &layers()[..1], gzip));
    let listed = |digest: &Digest, name: &str| {
        json!({ "mediaType": "x", "digest": digest.as_str(), "size": 9,
            "platform": { "os": "linux", "architecture": name } })
    };
    let index = json!({ "schemaVersion": 2,
        "manifests": [listed(&other, "pdp11"), listed(&own, architecture())] });
    registry.manifest("a", "all", index.to_string().as_bytes());
    let image =
        ground.store.pull(&format!("{}/a:all", registry.address), &|_| ()).await.expect("pulled");
    let digest = Digest::of(index.to_string().as_bytes());
    assert_eq!(image.repo_digests, [format!("{}/a@{digest}", registry.address)]);
    ground.is_the_image(&image.id).await;
    let index = json!({ "manifests": [listed(&other, "pdp11")] });
    registry.manifest("a", "none", index.to_string().as_bytes());
    let failure = ground.store.ask_registry(&format!("{}/a:none", registry.address)).await;
    let failure = failure.expect_err("not for this machine");
    assert!(failure.hint.is_some_and(|hint| hint.contains("architecture")));
}

#[tokio::test]
async fn downloads_go_on_where_they_broke_off() {
    for no_ranges in [false, true] {
        let (ground, registry) = (Ground::new().await, Registry::start());
        registry.offer("a", "1", &oci(None, &large(), gzip));
        registry.faults(Faults { cut: 6, unavailable: 1, no_ranges, ..Faults::default() });
        let most = AtomicU64::new(0);
        let total = AtomicU64::new(0);
        let progress = |progress: PullProgress| {
            most.fetch_max(progress.received_bytes, Ordering::Relaxed);
            total.store(progress.total_bytes, Ordering::Relaxed);
        };
        let reference = format!("{}/a:1", registry.address);
        ground.store.pull(&reference, &progress).await.expect("pulled");
        let size: usize = large().iter().map(|layer| gzip(layer).len()).sum();
        assert_eq!((most.into_inner(), total.into_inner()), (size as u64, size as u64));
        let requests = registry.requests();
        let later = requests
            .iter()
            .filter(|request| request.contains("bytes=") && !request.contains("bytes=0-"));
        assert!(later.count() >= 2, "{requests:?}");
        let held = ground.store.tree(&reference).await.expect("a tree");
        assert_eq!(fs::metadata(held.path.join("f5")).expect("there").len(), 80_000);
        let partial = ground.folder.path().join("store/partial");
        assert_eq!(fs::read_dir(partial).expect("read").count(), 0);
    }
}

#[tokio::test]
async fn a_pull_that_was_given_up_goes_on_later() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    registry.offer("a", "1", &oci(None, &large(), gzip));
    let last = Digest::of(&gzip(&large()[4]));
    registry.faults(Faults { stuck: Some(last), ..Faults::default() });
    let reference = format!("{}/a:1", registry.address);
    // All but the last layer, then nothing more.
    let before_last: usize = large()[..4].iter().map(|layer| gzip(layer).len()).sum();
    let arrived = tokio::sync::Notify::new();
    let progress = |progress: PullProgress| {
        if progress.received_bytes == before_last as u64 {
            arrived.notify_one();
        }
    };
    tokio::select! {
        pulled = ground.store.pull(&reference, &progress) => panic!("{pulled:?}"),
        () = arrived.notified() => {}
    }
    registry.faults(Faults::default());
    let partial = ground.folder.path().join("store/partial");
    let kept = fs::read_dir(&partial).expect("read").map(|entry| entry.expect("an entry").path());
    let mut whole = 0;
    for path in kept {
        let content = fs::read(&path).expect("read");
        let name = path.file_name().expect("a name").to_str().expect("text");
        whole += u32::from(Digest::of(&content).hash() == name);
        // One that was whole comes damaged out of the pause.
        if whole == 1 {
            fs::write(&path, vec![0; content.len()]).expect("written");
        }
    }
    assert_eq!(whole, 4);
    registry.requests();
    open(ground.folder.path()).await.pull(&reference, &|_| ()).await.expect("pulled");
    let blobs = registry.requests().iter().filter(|request| request.contains("/blobs/")).count();
    assert_eq!(blobs, 3, "the configuration, the damaged layer and the last one");
    ground.store.remove(&reference).await.expect("removed");
    ground.is_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_pull_the_same_fetch_it_once() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    registry.offer("a", "1", &oci(None, &large(), gzip));
    // Another image with the same layers but the first.
    registry.offer("b", "1", &oci(None, &large()[1..], gzip));
    registry.faults(Faults { slow: Duration::from_millis(50), ..Faults::default() });
    let pull = |name: &str| {
        let reference = format!("{}/{name}:1", registry.address);
        let folder = ground.folder.path().to_path_buf();
        tokio::spawn(async move { open(&folder).await.pull(&reference, &|_| ()).await })
    };
    let all: Vec<_> = ["a", "a", "a", "a"].map(pull).into_iter().collect();
    for one in all {
        one.await.expect("no panic").expect("pulled");
    }
    let layer = |layer: &[u8]| format!("/blobs/{}", Digest::of(&gzip(layer)));
    let requests = registry.requests();
    for content in large() {
        let name = layer(&content);
        assert_eq!(
            requests.iter().filter(|request| request.contains(&name)).count(),
            1,
            "{requests:?}"
        );
    }
    ground.store.remove(&format!("{}/a:1", registry.address)).await.expect("removed");
    for one in ["a", "b", "a", "b"].map(pull) {
        one.await.expect("no panic").expect("pulled");
    }
    assert_eq!(ground.store.list().expect("a list").len(), 2);
    assert_eq!(ground.store.disk_usage().expect("known").downloads_bytes, 0);
}

#[tokio::test]
async fn what_arrives_is_what_was_asked_for() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    let digest = registry.offer("a", "1", &image());
    let reference = format!("{}/a:1", registry.address);
    let blob = |content: &[u8]| format!("/v2/a/blobs/{}", Digest::of(content));
    let layer = gzip(&layers()[1]);
    // The same length, another content; and other lengths.
    let mut damaged = layer.clone();
    damaged[20] ^= 1;
    registry.put(&blob(&layer), &damaged);
    let failure = refused(&ground, &reference, "arrives with the digest").await;
    assert!(
        failure.to_string().contains(Digest::of(&layer).as_str()),
        "it names the layer: {failure}"
    );
    registry.put(&blob(&layer), &[&layer[..], b"more"].concat());
    refused(&ground, &reference, "more bytes than it should").await;
    registry.put(&blob(&layer), &layer);
    registry.put(&blob(&config(&layers())), b"{}");
    refused(&ground, &reference, "configuration").await;
    registry.put(&blob(&config(&layers())), &config(&layers()[..1]));
    refused(&ground, &reference, "digest").await;
    registry.put(&blob(&config(&layers())), &config(&layers()));
    let pinned = format!("{}/a@{digest}", registry.address);
    registry.put(&format!("/v2/a/manifests/{digest}"), b"{}");
    refused(&ground, &pinned, "").await;
    registry.manifest("a", "none", br#"{"fsLayers":[]}"#);
    refused(&ground, &format!("{}/a:none", registry.address), "2016").await;
    // A layer whose blob is right but whose plain content is not what the configuration says.
    let mut lying = image();
    let real = config(&layers());
    let other = config(&[layers()[0].clone(), layers()[0].clone()]);
    let manifest = json!({
        "config": { "digest": Digest::of(&other).as_str(), "size": other.len() },
        "layers": layers().iter().map(|layer| {
            let layer = gzip(layer);
            json!({ "digest": Digest::of(&layer).as_str(), "size": layer.len() })
        }).collect::<Vec<_>>(),
    });
    assert!(lying.remove(&format!("blobs/sha256/{}", Digest::of(&real).hash())).is_some());
    registry.put(&blob(&other), &other);
    registry.manifest("a", "lie", manifest.to_string().as_bytes());
    let failure =
        refused(&ground, &format!("{}/a:lie", registry.address), "not what its digest says").await;
    assert!(failure.what.contains(Digest::of(&layer).as_str()), "it names the layer: {failure}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so() {
    let (ground, registry) = (Ground::new().await, Registry::start());
    registry.offer("a", "1", &image());
    registry.faults(Faults { password: Some("dTpw".into()), ..Faults::default() });
    let failure = refused(&ground, &format!("{}/a:1", registry.address), "").await;
    assert!(failure.hint.is_some_and(|hint| hint.contains("docker login")));
}

#[tokio::test]
async fn nobody_there() {
    let ground = Ground::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("bound")
        .local_addr()
        .expect("one")
        .port();
    let failure = refused(&ground, &format!("127.0.0.1:{port}/a:1"), "refused").await;
    assert!(failure.hint.is_some_and(|hint| hint.contains("network")));
}
