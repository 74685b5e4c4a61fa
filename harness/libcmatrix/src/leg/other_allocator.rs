//! Another allocator than the C library's, linked into everything that a leg builds: mimalloc, whose
//! sources come from the registry like every dependency.
//!
//! Takes a leg that was prepared; leaves a folder in its target volume, and flags by which the
//! compiler driver finds a linker there that puts the allocator first. An allocator that is first
//! keeps the linker from taking the one of the C library. The project is not touched.

use libcmatrix_agent::protocol::{Program, Stream};
use libcmatrix_schema::AttemptStatus;

use super::{
    Context, Leg,
    archive::{self, Ownership},
    fetch, layout,
    session::AgentSession,
    step::{self, LastLines},
};
use crate::failure::Result;

/// Done, or why it cannot be done here.
type Made = std::result::Result<(), String>;

/// A package whose only purpose is its dependency.
const MANIFEST: &str = r#"[package]
name = "other-allocator"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[dependencies]
libmimalloc-sys = { version = "0.1", features = ["override"] }

[workspace]
"#;

/// The linker: the one that is found without this, with the allocator first. It leaves a file, because
/// not every driver asks for `ld`.
const LINKER: &str = r#"#!/bin/sh
folder=${0%/*}
: >"$folder/used"
exec ld --whole-archive "$folder"/../built/*/release/build/libmimalloc-sys-*/out/libmimalloc.a --no-whole-archive "$@"
"#;

/// Where it is in the target volume.
const FOLDER: &str = "other-allocator";

fn place(relative: &str) -> String {
    layout::join(&layout::join(layout::TARGET, FOLDER), relative)
}

/// Downloads its sources, in a session that has network.
///
/// # Errors
/// The engine fails, or the user wants to stop; likewise below.
pub async fn fetch(context: &Context, leg: &Leg, session: &mut AgentSession) -> Result<Made> {
    let owner = Ownership::of(leg.spec.user.as_deref());
    let (tar, task) = archive::stream(move |tar| {
        for folder in [FOLDER.to_owned(), format!("{FOLDER}/bin")] {
            archive::folder_entry(tar, folder.as_ref(), 0o755, owner)?;
        }
        for (name, content, mode) in
            [("Cargo.toml", MANIFEST, 0o644), ("lib.rs", "", 0o644), ("bin/ld", LINKER, 0o755)]
        {
            let path = format!("{FOLDER}/{name}");
            archive::file_entry(tar, path.as_ref(), content.as_bytes(), mode, owner)?;
        }
        Ok(())
    });
    let image = &leg.images.builder.id;
    let unpacked = context.engine.write_volume(&context.owner, &leg.target, image, tar).await;
    archive::sent("another allocator", task, unpacked).await?;
    let argv = ["cargo", "fetch", "--target", leg.target_triple()];
    let fetched = exec(context, session, &argv).await?;
    Ok(fetched.map_err(|said| format!("mimalloc cannot be downloaded: {said}")))
}

/// Builds it, without network, and has everything that is built afterwards linked with it.
///
/// # Errors
/// See above.
pub async fn build(context: &Context, leg: &mut Leg) -> Result<Made> {
    let sandbox = leg.sandbox(context, "other allocator", &leg.images.builder.id);
    let mut session =
        AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    let built = place("built");
    let argv = [
        "cargo",
        "build",
        "--release",
        "--offline",
        "--target",
        leg.target_triple(),
        "--target-dir",
        &built,
    ];
    let made = exec(context, &mut session, &argv).await?;
    session.close().await?;
    leg.extra_rustflags = vec!["-C".into(), format!("link-arg=-B{}", place("bin"))];
    Ok(made.map_err(|said| format!("mimalloc does not build: {said}")))
}

/// Whether it was linked into what was built since.
///
/// # Errors
/// See above.
pub async fn was_linked(context: &Context, session: &mut AgentSession) -> Result<Made> {
    let used = place("bin/used");
    let found = exec(context, session, &["test", "-e", &used]).await?;
    Ok(found.map_err(|_| "its linker cannot be told to take another allocator".to_owned()))
}

/// Runs a command beside the package; the error is the last that it said.
async fn exec(context: &Context, session: &mut AgentSession, argv: &[&str]) -> Result<Made> {
    let program = Program {
        argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
        env: fetch::cargo_variables(),
        cwd: place(""),
    };
    let mut said = LastLines::default();
    let ended = session
        .exec(program, step::command_limits(context), |stream, line| {
            if stream == Stream::Stderr {
                said.push(stream, line);
            }
        })
        .await?;
    Ok(if ended.status == AttemptStatus::Passed { Ok(()) } else { Err(said.text()) })
}
