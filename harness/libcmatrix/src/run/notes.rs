//! What the reader should know before the results are read: where they are not what they may seem.

use crate::{
    engine::EngineInfo,
    leg::{Context, Leg, test, test_environment},
    record::Recorder,
};

/// Says so where a workspace has members that `cargo test` leaves out when it is started as it is here.
pub(super) fn untested_members(context: &Context, legs: &[Leg]) {
    let selection = &context.selection;
    if selection.workspace || !selection.packages.is_empty() {
        return;
    }
    let Some(metadata) = legs.first().and_then(|l| l.metadata.as_deref()) else { return };
    let tested = test_environment::selected_by_folder(metadata, context);
    let left_out: Vec<&str> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|p| tested.iter().all(|t| t.id != p.id))
        .map(|p| p.name.as_str())
        .collect();
    if !left_out.is_empty() {
        context.recorder.note(
            "members-not-tested",
            format!(
                "as `cargo test` does in this folder, {} of the workspace's members were left out \
                 ({}): --workspace tests them all",
                left_out.len(),
                left_out.join(", ")
            ),
        );
    }
}

/// Says so where tests run one at a time because the project asks for it.
pub(super) fn one_at_a_time(context: &Context, legs: &[Leg]) {
    if legs.first().and_then(|l| l.metadata.as_deref()).is_some_and(test::one_at_a_time) {
        context.recorder.note(
            "tests-one-at-a-time",
            "the project's tests use serial_test, whose lock holds in one process only: each test has a \
             process of its own, so all run one at a time",
        );
    }
}

/// Says so where tests do not run in the distribution that their leg is named for.
pub(super) fn foreign_userland(context: &Context, legs: &[Leg]) {
    if context.settings.test_image != "builder" {
        return;
    }
    for leg in legs {
        if leg.toolchain.as_ref().is_some_and(|t| t.host != t.target) {
            context.recorder.note(
                "tests-in-builder",
                format!(
                    "{}: the tests run in the builder image {}, which is another distribution: they \
                     show the C library, not the userland",
                    leg.name, leg.spec.builder
                ),
            );
        }
    }
}

/// Says so where the memory of all processes together is not limited: a test that uses too much may
/// then be refused memory instead of being killed, and crash of it.
pub(super) fn weak_limits(recorder: &Recorder, info: &EngineInfo) {
    let what = match info.limits_by.get("memory").map(String::as_str) {
        Some("rlimit") => "the memory limit holds for each process, not for all together",
        Some("none") => "no memory limit holds",
        _ => return,
    };
    let missing = info.missing_limits.join("; ");
    recorder.note("weak-limits", format!("{what}, on both sides; not set here: {missing}"));
}
