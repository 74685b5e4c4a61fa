//! What the ELF files of a leg say, and what of what they need its runtime image does not have: the
//! files that were built, and the objects that came prebuilt with the sources.
//!
//! Done in a sandbox of its own, so that a file on which the agent chokes costs a note and nothing
//! else; and at the start of the step `list`, so that no build time that is compared contains it.

use std::time::{Duration, Instant};

use cargo_metadata::{Metadata, PackageId};
use libcmatrix_agent::protocol::{AuditRoot, Report};
use libcmatrix_schema::{Artifact, Elf, Event, Linkage};
use tokio::time::timeout;

use super::{
    Context, Leg, cargo_messages::BuildMessages, layout, session::AgentSession, step::RunningStep,
    test_environment,
};
use crate::{
    exit::Exit,
    failure::{Failure, Result},
};

/// After this long the agent leaves the rest out. A large project takes a second.
const TIME: Duration = Duration::from_secs(20);
/// After this long it is not waited for any more: it chokes on a file.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a build has made, as far as it is looked at.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// Path, and id of the test binary that it is, if it is one.
    files: Vec<(String, Option<String>)>,
    /// Folders that build scripts have filled, and whose they are.
    script_folders: Vec<(String, PackageId)>,
    /// Where `cargo test` lets libraries be looked for first.
    library_path: Vec<String>,
}

/// The outputs of a leg for its target; `leg.binaries` is known.
#[must_use]
pub fn outputs(context: &Context, leg: &Leg, messages: &BuildMessages) -> Outputs {
    let output = format!("{}/{}/", layout::TARGET, leg.target_triple());
    let binaries = leg
        .binaries
        .iter()
        .filter(|b| !b.is_host_only)
        .filter_map(|b| Some((b.test.program.argv.first()?.clone(), Some(b.test.id.clone()))));
    let others = messages.artifacts.iter().filter(|a| !a.profile.test).flat_map(|a| {
        let libraries = a.filenames.iter().filter(|f| f.extension() == Some("so"));
        a.executable.iter().chain(libraries).map(|f| (f.to_string(), None))
    });
    let mut files: Vec<_> =
        binaries.chain(others).filter(|(path, _)| path.starts_with(&output)).collect();
    files.sort();
    files.dedup_by(|next, first| next.0 == first.0);
    let mut script_folders: Vec<_> = messages
        .build_scripts
        .iter()
        .flat_map(|(package, scripts)| {
            scripts.iter().map(move |s| (s.out_dir.to_string(), package))
        })
        .filter(|(folder, _)| folder.starts_with(&output))
        .map(|(folder, package)| (folder, package.clone()))
        .collect();
    script_folders.sort();
    let library_path = test_environment::library_path(context, leg, messages);
    Outputs {
        files,
        script_folders,
        library_path: library_path.split(':').map(str::to_owned).collect(),
    }
}

/// A folder in which objects are looked for.
struct Root {
    folder: String,
    /// `name@version` of the dependency whose it is.
    package: Option<String>,
    /// Whether what is in there came with the sources.
    prebuilt: bool,
}

/// The project's sources, those of every dependency in its graph, and what build scripts have made.
fn roots(metadata: Option<&Metadata>, outputs: &Outputs) -> Vec<Root> {
    let mut roots = vec![Root { folder: layout::SOURCE.into(), package: None, prebuilt: true }];
    let Some(metadata) = metadata else { return roots };
    let named = |id: &PackageId| {
        let package = metadata.packages.iter().find(|p| p.id == *id)?;
        let is_own = metadata.workspace_members.contains(id);
        Some((package, (!is_own).then(|| format!("{}@{}", package.name, package.version))))
    };
    for node in metadata.resolve.iter().flat_map(|r| &r.nodes) {
        let Some((package, name)) = named(&node.id) else { continue };
        let folder = package.manifest_path.parent().map(ToString::to_string);
        if let Some(folder) = folder.filter(|f| f.starts_with(layout::CARGO_HOME)) {
            roots.push(Root { folder, package: name, prebuilt: true });
        }
    }
    for (folder, id) in &outputs.script_folders {
        let package = named(id).and_then(|(_, name)| name);
        roots.push(Root { folder: folder.clone(), package, prebuilt: false });
    }
    roots
}

/// Audits a leg; what is found goes to the recorder. That it cannot be done is a note.
///
/// # Errors
/// The user wants to stop.
pub async fn audit(context: &Context, leg: &Leg, step: &mut RunningStep<'_>) -> Result<()> {
    step.progress(0, None, "reading the files that were built");
    let body = body(context, leg, step);
    let done = timeout(PATIENCE, body).await.unwrap_or_else(|_| {
        Err(Failure::environment("the files that were built could not be read in time"))
    });
    match done {
        Err(failure) if failure.exit == Exit::Interrupted => Err(failure),
        Err(failure) => {
            context.recorder.note("audit-failed", format!("{}: {failure}", leg.name));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn body(context: &Context, leg: &Leg, step: &mut RunningStep<'_>) -> Result<()> {
    let mut sandbox = leg.sandbox(context, "audit", &leg.images.runtime.id);
    sandbox.memory_bytes = context.settings.limits.test_memory_bytes;
    sandbox.read_only_root = leg.spec.read_only_root;
    for mount in &mut sandbox.mounts {
        mount.read_only = true;
    }
    let mut session =
        AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    let told = listen(context, leg, &mut session, step).await;
    let closed = session.close().await;
    told.and(closed)
}

async fn listen(
    context: &Context,
    leg: &Leg,
    session: &mut AgentSession,
    step: &mut RunningStep<'_>,
) -> Result<()> {
    let outputs = &leg.outputs;
    let roots = roots(leg.metadata.as_deref(), outputs);
    let files = outputs.files.iter().map(|(path, _)| path.clone()).collect();
    let folders = roots
        .iter()
        .map(|root| AuditRoot { path: root.folder.clone(), only_faulty: !root.prebuilt })
        .collect();
    let library_path = outputs.library_path.clone();
    let (mut read, mut ended) = (0_usize, None);
    let started = Instant::now();
    let report = |report| match report {
        Report::Audited { path, root, bytes, elf } => {
            read += 1;
            let artifact = match root.map(|root| roots.get(root)) {
                Some(None) => return,
                Some(Some(root)) => found(root, &path, bytes, *elf),
                None => built(outputs, &path, bytes, *elf),
            };
            step.log(&line(&artifact));
            context.recorder.event(Event::ArtifactBuilt { leg: leg.name.clone(), artifact });
        }
        Report::AuditEnded { c_library_found, left_out, is_complete } => {
            ended = Some((c_library_found, left_out, is_complete));
        }
        _ => {}
    };
    session.audit(leg.spec.libc, files, folders, library_path, TIME, report).await?;
    step.log(&format!("{read} ELF files in {:.2} s", started.elapsed().as_secs_f64()));
    let Some((c_library_found, left_out, is_complete)) = ended else { return Ok(()) };
    if !c_library_found {
        context.recorder.note(
            "audit-incomplete",
            format!("{}: its runtime image has no {} where it should be: what the files that were built miss is not known", leg.name, leg.spec.libc),
        );
    }
    if left_out > 0 || !is_complete {
        context.recorder.note(
            "audit-incomplete",
            format!("{}: not all ELF files were read: there are too many", leg.name),
        );
    }
    Ok(())
}

fn built(outputs: &Outputs, path: &str, bytes: u64, elf: Elf) -> Artifact {
    let binary = outputs.files.iter().find(|(file, _)| file == path);
    Artifact {
        path: inside(path, layout::TARGET),
        bytes,
        linkage: linkage(&elf),
        binary: binary.and_then(|(_, id)| id.clone()),
        package: None,
        prebuilt: false,
        elf: Some(elf),
    }
}

fn found(root: &Root, path: &str, bytes: u64, elf: Elf) -> Artifact {
    Artifact {
        path: inside(path, if root.prebuilt { &root.folder } else { layout::TARGET }),
        bytes,
        linkage: linkage(&elf),
        binary: None,
        package: root.package.clone(),
        prebuilt: root.prebuilt,
        elf: Some(elf),
    }
}

fn inside(path: &str, folder: &str) -> String {
    path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/').to_owned()
}

/// How a program or a shared object is linked; of what is not linked yet it cannot be said.
fn linkage(elf: &Elf) -> Option<Linkage> {
    match elf.kind.as_str() {
        "executable" if elf.interpreter.is_none() && elf.needed.is_empty() => Some(Linkage::Static),
        "executable" | "shared-object" => Some(Linkage::Dynamic),
        _ => None,
    }
}

/// For the step's log.
fn line(artifact: &Artifact) -> String {
    let mut line = artifact.package.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
    line += &format!("{}, {} bytes", artifact.path, artifact.bytes);
    let Some(elf) = &artifact.elf else { return line };
    if elf.interpreter_missing {
        line += &format!(", no {}", elf.interpreter.as_deref().unwrap_or_default());
    }
    for missing in [&elf.missing_libraries, &elf.missing_symbols] {
        if !missing.is_empty() {
            line += &format!(", misses {}", missing.join(" "));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linkage_is_what_the_file_says() {
        let elf = |kind: &str, needed: &[&str]| Elf {
            kind: kind.into(),
            needed: needed.iter().map(|n| (*n).to_owned()).collect(),
            ..Elf::default()
        };
        assert_eq!(linkage(&elf("executable", &[])), Some(Linkage::Static));
        assert_eq!(linkage(&elf("executable", &["libc.so.6"])), Some(Linkage::Dynamic));
        assert_eq!(linkage(&elf("shared-object", &[])), Some(Linkage::Dynamic));
        assert_eq!(linkage(&elf("archive", &[])), None);
    }

    #[test]
    fn a_prebuilt_object_is_named_by_its_package() {
        let root = Root {
            folder: "/work/cargo/registry/src/index-1/a-1.0.0".into(),
            package: Some("a@1.0.0".into()),
            prebuilt: true,
        };
        let path = format!("{}/lib/libx.a", root.folder);
        let artifact = found(&root, &path, 7, Elf { kind: "archive".into(), ..Elf::default() });
        assert_eq!(artifact.path, "lib/libx.a");
        assert_eq!(line(&artifact), "a@1.0.0: lib/libx.a, 7 bytes");
    }
}
