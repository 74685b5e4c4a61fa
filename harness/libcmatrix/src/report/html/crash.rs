//! A process at the moment of its crash: what happened, where, and by which calls; with a drawing
//! where the thread's stack is known.

use libcmatrix_schema::{Crash, Frame, Place};

use super::stack_drawing::StackDrawing;
use crate::report::{amount, sanitise::sanitise_line, terminal::changes::signal_name};

/// Lines of a backtrace that are shown, repeated calls counted once.
const FRAMES: usize = 24;

pub(super) struct CrashView {
    pub headline: String,
    pub drawing: Option<StackDrawing>,
    pub facts: Vec<(&'static str, String)>,
    pub frames: Vec<FrameView>,
    pub more_frames: usize,
    pub unseen: Vec<String>,
}

/// One call, or several of the same function from the same place in a row.
pub(super) struct FrameView {
    pub function: String,
    pub place: String,
    pub times: usize,
}

impl CrashView {
    pub(super) fn of(crash: &Crash) -> Self {
        let fault = crash.fault();
        let frames = frames(&fault.backtrace);
        Self {
            headline: headline(crash),
            drawing: StackDrawing::of(fault),
            facts: facts(crash),
            more_frames: frames.len().saturating_sub(FRAMES),
            frames: frames.into_iter().take(FRAMES).collect(),
            unseen: crash.unseen.iter().map(|text| sanitise_line(text)).collect(),
        }
    }
}

fn headline(crash: &Crash) -> String {
    let fault = crash.fault();
    let thread = sanitise_line(&fault.thread.name);
    let who = if fault.thread.main { "the main thread".into() } else { format!("thread {thread}") };
    if fault.is_stack_overflow() {
        return format!("Stack overflow: {who} ran past the end of its stack");
    }
    format!("Signal {}{} in {who}", fault.signal, signal_name(fault.signal))
}

fn facts(crash: &Crash) -> Vec<(&'static str, String)> {
    let fault = crash.fault();
    let mut facts = vec![("signal", signal(fault))];
    if crash.caught_before.is_some() {
        let text = format!("{}, after a handler of the program took the fault", signal(crash));
        facts.push(("ended by", text));
    }
    if let Some(address) = &fault.address {
        facts.push(("fault address", place(address)));
    }
    facts.push(("program counter", place(&fault.pc)));
    facts.push(("stack pointer", place(&fault.sp)));
    let thread = &fault.thread;
    let main = if thread.main { " (the first thread)" } else { "" };
    facts.push(("thread", format!("{}{main}", sanitise_line(&thread.name))));
    match &thread.stack {
        Some(stack) => {
            let size = amount::bytes(stack.high.saturating_sub(stack.low));
            facts.push(("stack", format!("{:#x} to {:#x}, {size}", stack.low, stack.high)));
            let guard = stack.guard_low.map_or("none".into(), |low| {
                let size = amount::bytes(stack.low.saturating_sub(low));
                format!("{low:#x} to {:#x}, {size}", stack.low)
            });
            facts.push(("guard", guard));
        }
        None => facts.push(("stack", "not found".into())),
    }
    facts
}

fn signal(crash: &Crash) -> String {
    let why = match (crash.signal, crash.code) {
        (11, 1) => ": nothing is mapped at the address",
        (11, 2) => ": the memory does not allow it",
        (7, 2) => ": the address does not exist in the file or device",
        (8, 1) => ": an integer was divided by zero",
        (4, 2) => ": the instruction's operand is not legal",
        (6, -6) => ": the process sent it to itself, as abort does",
        (_, 0) => ": a process sent it",
        _ => "",
    };
    format!("{}{}, si_code {}{why}", crash.signal, signal_name(crash.signal), crash.code)
}

/// An address, and what is there.
fn place(place: &Place) -> String {
    let address = place.address;
    let Some(mapping) = &place.mapping else {
        return format!("{address:#x}, nothing is mapped there");
    };
    let object = mapping.object.as_deref().map_or("anonymous memory".into(), sanitise_line);
    let offset = mapping.offset.map(|offset| format!(" + {offset:#x}")).unwrap_or_default();
    format!("{address:#x} in {object}{offset} ({})", sanitise_line(&mapping.permissions))
}

fn frames(backtrace: &[Frame]) -> Vec<FrameView> {
    let mut views: Vec<FrameView> = Vec::new();
    for frame in backtrace {
        let place = match (&frame.file, frame.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.clone(),
            (None, _) => String::new(),
        };
        let function = Frame { file: None, line: None, ..frame.clone() }.to_string();
        let (function, place) = (sanitise_line(&function), sanitise_line(&place));
        match views.last_mut() {
            Some(last) if last.function == function && last.place == place => last.times += 1,
            _ => views.push(FrameView { function, place, times: 1 }),
        }
    }
    views
}
