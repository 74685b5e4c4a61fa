//! The shape of a rule file.

use libcmatrix_schema::{Confidence, ExperimentKind, Packages, Severity};
use serde::{Deserialize, Serialize};

/// One cause, as its file tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// In a few words.
    pub title: String,
    /// Which part of a program's life it belongs to.
    pub category: Category,
    /// How much it hurts.
    pub severity: Severity,
    /// What the two libcs, or what is around them, do differently. Paragraphs of plain text.
    pub differs: String,
    /// How it shows.
    pub shows: String,
    /// What to do, the best first.
    pub remedies: Vec<String>,
    /// Where it comes from.
    #[serde(default)]
    pub references: Vec<String>,
    /// The sample project that shows it.
    #[serde(default)]
    pub sample: Option<String>,
    /// Causes that this one explains away where both fit.
    #[serde(default)]
    pub over: Vec<String>,
    /// Whether it is mended by installing what the evidence names.
    #[serde(default)]
    pub packages: bool,
    /// Packages that mend it, whatever the evidence names.
    #[serde(default)]
    pub install: Packages,
    /// How it becomes known where no evidence of a single failure shows it, e.g. by measuring.
    #[serde(default)]
    pub known_by: Option<String>,
    /// Experiments that would prove it.
    #[serde(default)]
    pub proof: Vec<ExperimentKind>,
    /// What shows it; each is enough by itself.
    #[serde(default)]
    pub when: Vec<When>,
}

impl Rule {
    /// Whether only a run can show it: every way of knowing it asks for more than a text holds.
    #[must_use]
    pub fn only_in_runs(&self) -> bool {
        self.when.iter().all(|when| when.all.iter().any(Condition::only_in_runs))
    }
}

/// Which part of a program's life a cause belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// The program does not start.
    LoadTime,
    /// It does not link.
    LinkTime,
    /// It crashes.
    RuntimeCrash,
    /// It does something else.
    RuntimeBehaviour,
    /// It is slower, or takes more memory.
    Performance,
    /// It does not compile.
    BuildTooling,
    /// A prebuilt package is for the other libc, or is missing.
    Packaging,
    /// What is around the program differs: shell, tools, data files.
    Userland,
    /// None of the libc's business; said so that it is not taken for it.
    NotLibc,
    /// Nobody knows.
    Unknown,
}

impl Category {
    /// Its name, as in the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadTime => "load-time",
            Self::LinkTime => "link-time",
            Self::RuntimeCrash => "runtime-crash",
            Self::RuntimeBehaviour => "runtime-behaviour",
            Self::Performance => "performance",
            Self::BuildTooling => "build-tooling",
            Self::Packaging => "packaging",
            Self::Userland => "userland",
            Self::NotLibc => "not-libc",
            Self::Unknown => "unknown",
        }
    }
}

/// A set of conditions that together show a cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct When {
    /// How sure one is then.
    pub confidence: Confidence,
    /// What is known of where it happened.
    #[serde(default)]
    pub context: Option<ContextCondition>,
    /// All of these.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// At least one of these, if there are any.
    #[serde(default)]
    pub any: Vec<Condition>,
    /// None of these.
    #[serde(default)]
    pub none: Vec<Condition>,
}

/// What must be known of where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextCondition {
    /// musl or Alpine is spoken of.
    Musl,
    /// Not glibc alone is spoken of.
    NotGlibc,
}

/// One condition; exactly one of its kinds is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Condition {
    /// Some line matches.
    pub line: Option<String>,
    /// With `line`: the same line must not match.
    pub not: Option<String>,
    /// With `line`: another line near it must match.
    pub near: Option<String>,
    /// With `near`: at most so many lines away.
    pub within: Option<u64>,
    /// A symbol that the linker missed.
    pub undefined: Option<String>,
    /// A symbol that the loader missed.
    pub unresolved: Option<String>,
    /// With `undefined` or `unresolved`: every missed symbol matches.
    #[serde(default)]
    pub every: bool,
    /// With what is named: the line that names it matches.
    pub from: Option<String>,
    /// A library that the loader missed.
    pub library: Option<String>,
    /// A header that the compiler missed.
    pub header: Option<String>,
    /// A program that was not found.
    pub tool: Option<String>,
    /// A module that pkg-config, or a build script, did not find.
    pub module: Option<String>,
    /// A library that the linker did not find.
    pub link: Option<String>,
    /// A compiler's diagnostic as a whole.
    pub diagnostic: Option<String>,
    /// With `diagnostic`: its code.
    pub code: Option<String>,
    /// The exit code is one of these.
    pub exit_code: Option<Vec<i32>>,
    /// The signal is one of these.
    pub signal: Option<Vec<i32>>,
    /// What the crash looked like.
    pub crash: Option<CrashCondition>,
    /// A libc function that the test's binary uses.
    pub uses: Option<String>,
    /// Whether the program is linked statically.
    #[serde(rename = "static")]
    pub is_static: Option<bool>,
    /// Something that was built, or came prebuilt, is like this.
    pub artifact: Option<ArtifactCondition>,
    /// Expected and actual text stand in this relation.
    pub pair: Option<PairRelation>,
    /// The same on the glibc side.
    pub baseline: Option<Box<Condition>>,
    /// The test is good on glibc and bad on musl.
    pub regressed: Option<bool>,
    /// The test does the same on both sides, and takes longer on musl.
    pub slower: Option<SlowerCondition>,
    /// As the first process of its image's container the program does not do this.
    pub not_as_init: Option<InitDuty>,
}

impl Condition {
    fn only_in_runs(&self) -> bool {
        self.crash.is_some()
            || self.uses.is_some()
            || self.is_static.is_some()
            || self.baseline.is_some()
            || self.artifact.is_some()
            || self.regressed.is_some()
            || self.slower.is_some()
            || self.not_as_init.is_some()
    }
}

/// What the first process of a container must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitDuty {
    /// End on SIGTERM.
    Stop,
    /// Wait for its children, and for orphans.
    Reap,
}

/// What a test that takes longer does more often; everything that is given must hold.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlowerCondition {
    /// It waits at least so many times as often.
    pub waits: Option<f64>,
    /// It has memory brought in at least so many times as often.
    pub page_faults: Option<f64>,
    /// It takes at least so many times as much processor time.
    pub processor: Option<f64>,
}

/// What a crash looked like; everything that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CrashCondition {
    /// The address is in the guard of the thread's stack.
    pub stack_overflow: Option<bool>,
    /// The program counter is 0: a call through a null pointer.
    pub null_call: Option<bool>,
    /// The address is in the first page.
    pub null_access: Option<bool>,
    /// `si_code` is one of these.
    pub code: Option<Vec<i32>>,
    /// The address is below this.
    pub address_below: Option<u64>,
    /// The file that the program counter is in.
    pub object: Option<String>,
    /// One of the innermost frames.
    pub frame: Option<String>,
}

/// What an ELF file is like; everything that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ArtifactCondition {
    /// Whether it came with the sources.
    pub prebuilt: Option<bool>,
    /// Whether the image lacks the loader it asks for.
    pub interpreter_missing: Option<bool>,
    /// Its loader.
    pub interpreter: Option<String>,
    /// A library that the image lacks.
    pub missing_library: Option<String>,
    /// A symbol that nothing in the image exports; `@list` as of symbols.
    pub missing_symbol: Option<String>,
    /// Whether it has thread-local storage that cannot be loaded late.
    pub static_tls: Option<bool>,
    /// Whether it asks for a version of glibc.
    pub glibc: Option<bool>,
}

/// How expected and actual text of a failed assertion are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairRelation {
    /// Equal but for error numbers' texts.
    Errno,
    /// Equal but for texts of `getaddrinfo`.
    Gai,
    /// Equal but for signals' texts.
    Signal,
    /// Equal but for texts of `dlerror`.
    Dlerror,
    /// Equal but for the form of a failed assertion.
    Assert,
    /// Equal but for texts of `getopt`.
    Getopt,
    /// Times that are whole hours apart.
    Hours,
    /// Numbers that differ in their last digits.
    LastDigits,
    /// The same items in another order, or a line that only stands elsewhere.
    Order,
    /// Nothing where there should be something.
    Empty,
    /// A decimal point where a comma was expected.
    Decimal,
    /// Asterisks in place of letters.
    Asterisks,
    /// Equal but for how the null pointer is written.
    Nil,
}
