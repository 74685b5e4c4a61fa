//! The step `prepare`: the leg gets its copy of the project, and its compiler is asked who it is.

use libcmatrix_agent::protocol::Program;
use libcmatrix_schema::{Event, StepName};

use super::{
    Context, Leg,
    archive::{self, Ownership},
    fetch,
    session::AgentSession,
    source_tree::SourceTree,
    step::{self, LastLines, RunningStep},
};
use crate::{environment::toolchain, failure::Result};

/// Asks the compiler, and proves that it can compile for the target.
const ASK: &str = r#"
rustc -vV || exit 1
echo "sysroot: $(rustc --print sysroot)"
echo "cargo: $(command -v cargo)"
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
folder=$(rustc --print target-libdir --target "$target") || exit 1
for library in "$folder"/libstd-*.rlib; do
    [ -e "$library" ] && exit 0
done
echo "it has no standard library for $target (looked in $folder)" >&2
exit 1
"#;

/// Prepares a leg. The session it gives has network and is what fetching goes on in.
///
/// # Errors
/// The engine fails, the project cannot be read, or the builder image has no compiler for the target.
pub async fn prepare(context: &Context, leg: &mut Leg, tree: &SourceTree) -> Result<AgentSession> {
    let mut step = RunningStep::begin(context, leg, StepName::Prepare)?;
    let body = body(context, leg, tree, &mut step).await;
    step.finish(body)
}

async fn body(
    context: &Context,
    leg: &mut Leg,
    tree: &SourceTree,
    step: &mut RunningStep<'_>,
) -> Result<AgentSession> {
    let owner = Ownership::of(leg.spec.user.as_deref());
    step.progress(0, Some(3), "copying the project");
    for (volume, (tar, task), what) in [
        (&leg.target, archive::empty(owner), "an empty folder"),
        (&leg.source, tree.stream(owner), "the project"),
    ] {
        let unpacked =
            context.engine.write_volume(&context.owner, volume, &leg.images.builder.id, tar).await;
        leg.source_digest = Some(archive::sent(what, task, unpacked).await?);
    }
    step.progress(1, Some(3), "starting the builder");
    let image = &leg.images.builder.id;
    let mut sandbox = leg.sandbox(context, "prepare and fetch", image);
    sandbox.network = true;
    for mount in &mut sandbox.mounts {
        mount.read_only = mount.at == super::layout::AGENT;
    }
    sandbox.env.extend(fetch::network_variables());
    let mut session =
        AgentSession::start(context.engine.as_ref(), &sandbox, &context.cancel).await?;
    step.progress(2, Some(3), "asking the compiler");
    let mut argv: Vec<String> = ["sh", "-c", ASK, "sh"].map(str::to_owned).into();
    argv.extend(leg.spec.target.clone());
    let program = Program { argv, env: Vec::new(), cwd: "/".into() };
    let (mut answer, mut said) = (String::new(), LastLines::default());
    let ended = session
        .exec(program, step::command_limits(context), |stream, line| {
            step.log(line);
            said.push(stream, line);
            if stream == libcmatrix_agent::protocol::Stream::Stdout {
                answer.push_str(line);
                answer.push('\n');
            }
        })
        .await?;
    if ended.status != libcmatrix_schema::AttemptStatus::Passed {
        return step::image_fault(leg, "compile for this environment", &said.text());
    }
    let (version, places) = answer.split_once("sysroot: ").unwrap_or((&answer, ""));
    let (sysroot, cargo) = places.split_once("cargo: ").unwrap_or((places, ""));
    leg.toolchain = Some(toolchain::parse_verbose_version(version, leg.spec.target.as_deref())?);
    leg.sysroot = sysroot.trim().to_owned();
    leg.cargo = cargo.trim().to_owned();
    context.recorder.event(Event::LegDescribed {
        leg: leg.name.clone(),
        role: leg.role,
        environment: leg.environment(context.engine.as_ref(), &context.engine_info),
    });
    Ok(session)
}
