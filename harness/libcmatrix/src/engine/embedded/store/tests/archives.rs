//! Archives of images, made in memory, in every form that is read, and their damage.

use std::{collections::BTreeMap, io::Write};

use serde_json::{Value, json};

use super::super::digest::Digest;

/// A plain tar archive.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn entry(mut self, name: &str, kind: tar::EntryType, content: &[u8], target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        // As it is: the crate refuses hostile names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(name, tar::EntryType::Regular, content.as_ref(), "")
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("written");
    encoder.finish().expect("compressed")
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Two layers: the second one replaces, hides and adds.
pub fn layers() -> Vec<Vec<u8>> {
    let first = Tar::default().file("etc/name", "one").file("gone", "x").file("same", "x").end();
    let second = Tar::default().file("etc/name", "two").file(".wh.gone", "").file("new", "x").end();
    vec![first, second]
}

/// The configuration of an image of these layers.
pub fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let digests: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    json!({
        "architecture": "amd64", "os": "linux",
        "config": { "Env": ["A=b"], "User": "7", "WorkingDir": "/w", "Labels": { "l": "1" } },
        "rootfs": { "type": "layers", "diff_ids": digests },
    })
    .to_string()
    .into_bytes()
}

/// Files of an archive by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

pub fn archive(files: &Files) -> Vec<u8> {
    files.iter().fold(Tar::default(), |tar, (name, content)| tar.file(name, content)).end()
}

/// As `docker save` wrote it up to Docker 24.
pub fn old_save(names: &[&str], layers: &[Vec<u8>]) -> Files {
    let config = config(layers);
    let config_name = format!("{}.json", Digest::of(&config).hash());
    let mut files = Files::new();
    let mut paths = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        paths.push(format!("{number}/layer.tar"));
        files.insert(format!("{number}/layer.tar"), layer.clone());
        files.insert(format!("{number}/VERSION"), b"1.0".to_vec());
    }
    let manifest = json!([{ "Config": config_name, "RepoTags": names, "Layers": paths }]);
    files.insert("manifest.json".into(), manifest.to_string().into_bytes());
    files.insert(config_name, config);
    files
}

fn add(files: &mut Files, content: &[u8]) -> Value {
    let digest = Digest::of(content);
    files.insert(format!("blobs/sha256/{}", digest.hash()), content.to_vec());
    json!({ "mediaType": "x", "digest": digest.as_str(), "size": content.len() })
}

/// An OCI archive; the layers are stored as `store` makes them.
pub fn oci(name: Option<(&str, &str)>, layers: &[Vec<u8>], store: fn(&[u8]) -> Vec<u8>) -> Files {
    let mut files = Files::new();
    files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    let config = add(&mut files, &config(layers));
    let layers: Vec<Value> = layers.iter().map(|layer| add(&mut files, &store(layer))).collect();
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
    let mut listed = add(&mut files, manifest.to_string().as_bytes());
    if let Some((key, name)) = name {
        listed["annotations"] = json!({ key: name });
    }
    let index = json!({ "schemaVersion": 2, "manifests": [listed] });
    files.insert("index.json".into(), index.to_string().into_bytes());
    files
}
