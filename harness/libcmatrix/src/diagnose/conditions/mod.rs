//! Conditions of rules, compiled, and asked of facts.
//!
//! Takes a rule's [`When`]; gives a [`Clause`] that says of [`Facts`] whether it holds and by which
//! lines. Patterns of lines are not searched here: they are collected in a [`PatternTable`], which
//! the scanner applies to the text once for all rules.

mod artifact;
mod expression;
mod init;
mod literals;
mod pairs;
mod patterns;
mod slower;

use libcmatrix_schema::{Confidence, Crash, Linkage};

use expression::Expression;
pub(in crate::diagnose) use patterns::{PatternTable, Target};

use super::{
    facts::{Facts, Hit, Named, NamedKind},
    packages,
    rule::{
        Condition, ContextCondition, CrashCondition, InitDuty, PairRelation, SlowerCondition, When,
    },
    symbols,
};

/// Conditions that together show a cause.
#[derive(Debug)]
pub(in crate::diagnose) struct Clause {
    pub(super) confidence: Confidence,
    context: Option<ContextCondition>,
    all: Vec<Compiled>,
    any: Vec<Compiled>,
    none: Vec<Compiled>,
}

/// What a clause rests on where it holds.
#[derive(Clone, Debug, Default)]
pub(in crate::diagnose) struct Grounds {
    /// The lines.
    pub(super) hits: Vec<Hit>,
    /// What they name.
    pub(super) names: Vec<(NamedKind, String)>,
    /// What is known without a line.
    pub(super) said: Vec<String>,
}

#[derive(Debug)]
enum Compiled {
    Line { pattern: usize, near: Option<(usize, u64)> },
    Named { kind: NamedKind, names: Names, every: bool, from: Option<Expression> },
    Diagnostic { text: Expression, code: Option<String> },
    ExitCode(Vec<i32>),
    Signal(Vec<i32>),
    Crash { is: CrashCondition, object: Option<Expression>, frame: Option<Expression> },
    Uses(Expression),
    Static(bool),
    Artifact(artifact::Like),
    Pair(PairRelation),
    Baseline(Box<Compiled>),
    Regressed(bool),
    Slower(SlowerCondition),
    NotAsInit(InitDuty),
}

#[derive(Debug)]
enum Names {
    Matching(Expression),
    Listed(&'static str),
    /// What there is a known package for.
    Packaged,
}

/// How many of the innermost frames a rule may ask for.
const FRAMES: usize = 10;
/// How far another line may be where a rule does not say.
const NEAR: u64 = 10;

impl Clause {
    pub(super) fn compile(when: &When, patterns: &mut PatternTable) -> Result<Self, String> {
        let mut compile = |conditions: &[Condition]| -> Result<Vec<Compiled>, String> {
            conditions.iter().map(|c| Compiled::compile(c, patterns)).collect()
        };
        let clause = Self {
            confidence: when.confidence,
            context: when.context,
            all: compile(&when.all)?,
            any: compile(&when.any)?,
            none: compile(&when.none)?,
        };
        if clause.all.is_empty() && clause.any.is_empty() {
            return Err("a clause without `all` and `any` would always hold".into());
        }
        Ok(clause)
    }

    /// What it rests on, if it holds.
    pub(super) fn holds(&self, facts: &Facts) -> Option<Grounds> {
        let context = match self.context {
            None => true,
            Some(ContextCondition::Musl) => facts.context.musl,
            Some(ContextCondition::NotGlibc) => facts.context.musl || !facts.context.glibc,
        };
        if !context || self.none.iter().any(|c| c.holds(facts).is_some()) {
            return None;
        }
        let mut grounds = Grounds::default();
        for condition in &self.all {
            grounds.add(condition.holds(facts)?);
        }
        let any: Vec<Grounds> = self.any.iter().filter_map(|c| c.holds(facts)).collect();
        if any.is_empty() && !self.any.is_empty() {
            return None;
        }
        any.into_iter().for_each(|found| grounds.add(found));
        Some(grounds)
    }
}

impl Grounds {
    fn add(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.names.extend(other.names);
        for text in other.said {
            if !self.said.contains(&text) {
                self.said.push(text);
            }
        }
    }

    fn said(text: impl Into<String>) -> Self {
        Self { said: vec![text.into()], ..Self::default() }
    }

    fn hits<'a>(hits: impl IntoIterator<Item = &'a Hit>) -> Self {
        Self { hits: hits.into_iter().cloned().collect(), ..Self::default() }
    }
}

impl Compiled {
    fn compile(condition: &Condition, patterns: &mut PatternTable) -> Result<Self, String> {
        let c = condition;
        let kinds: Vec<Result<Self, String>> = [
            c.line.as_ref().map(|line| {
                let pattern = patterns.add(line, c.not.as_deref())?;
                let near = match &c.near {
                    Some(near) => Some((patterns.add(near, None)?, c.within.unwrap_or(NEAR))),
                    None => None,
                };
                Ok(Self::Line { pattern, near })
            }),
            c.undefined.as_ref().map(|n| Self::named(NamedKind::Undefined, n, c)),
            c.unresolved.as_ref().map(|n| Self::named(NamedKind::Unresolved, n, c)),
            c.library.as_ref().map(|n| Self::named(NamedKind::Library, n, c)),
            c.header.as_ref().map(|n| Self::named(NamedKind::Header, n, c)),
            c.tool.as_ref().map(|n| Self::named(NamedKind::Tool, n, c)),
            c.module.as_ref().map(|n| Self::named(NamedKind::Module, n, c)),
            c.link.as_ref().map(|n| Self::named(NamedKind::Link, n, c)),
            c.diagnostic.as_ref().map(|text| {
                Ok(Self::Diagnostic {
                    text: Expression::read_across_lines(text)?,
                    code: c.code.clone(),
                })
            }),
            c.exit_code.clone().map(|codes| Ok(Self::ExitCode(codes))),
            c.signal.clone().map(|signals| Ok(Self::Signal(signals))),
            c.crash.as_ref().map(|is| {
                Ok(Self::Crash {
                    object: is.object.as_deref().map(Expression::read).transpose()?,
                    frame: is.frame.as_deref().map(Expression::read).transpose()?,
                    is: is.clone(),
                })
            }),
            c.uses.as_ref().map(|name| Ok(Self::Uses(Expression::read_whole(name)?))),
            c.is_static.map(|is| Ok(Self::Static(is))),
            c.artifact.as_ref().map(|is| Ok(Self::Artifact(artifact::Like::compile(is)?))),
            c.pair.map(|relation| Ok(Self::Pair(relation))),
            c.baseline
                .as_ref()
                .map(|inner| Ok(Self::Baseline(Box::new(Self::compile(inner, patterns)?)))),
            c.regressed.map(|is| Ok(Self::Regressed(is))),
            c.slower.map(|is| Ok(Self::Slower(is))),
            c.not_as_init.map(|duty| Ok(Self::NotAsInit(duty))),
        ]
        .into_iter()
        .flatten()
        .collect();
        match <[_; 1]>::try_from(kinds) {
            Ok([kind]) => kind,
            Err(kinds) => Err(format!("a condition of {} kinds; it must be one", kinds.len())),
        }
    }

    fn named(kind: NamedKind, names: &str, condition: &Condition) -> Result<Self, String> {
        let names = Names::compile(names)?;
        let from = condition.from.as_deref().map(Expression::read).transpose()?;
        Ok(Self::Named { kind, names, every: condition.every, from })
    }

    fn holds(&self, facts: &Facts) -> Option<Grounds> {
        match self {
            Self::Line { pattern, near } => line(facts, *pattern, *near),
            Self::Named { kind, names, every, from } => {
                named(*kind, facts, names, *every, from.as_ref())
            }
            Self::Diagnostic { text, code } => {
                let found: Vec<&Hit> = facts
                    .diagnostics
                    .iter()
                    .filter(|d| code.is_none() || d.code == *code)
                    .filter(|d| text.is_match(&d.text))
                    .map(|d| &d.hit)
                    .collect();
                (!found.is_empty()).then(|| Grounds::hits(found))
            }
            Self::ExitCode(codes) => {
                let code = facts.exit_code.filter(|code| codes.contains(code))?;
                Some(Grounds::said(format!("exit code {code}")))
            }
            Self::Signal(signals) => {
                let signal = facts.signal.filter(|signal| signals.contains(signal))?;
                Some(Grounds::said(format!("ended by signal {signal}")))
            }
            Self::Crash { is, object, frame } => {
                let crash = facts.crash.as_ref()?;
                crash_is(crash, is, object.as_ref(), frame.as_ref())
            }
            Self::Uses(name) => {
                let name = facts.uses.iter().find(|used| name.is_match(used))?;
                Some(Grounds::said(format!("the program uses {name}")))
            }
            Self::Static(is) => {
                let linkage = facts.linkage?;
                ((linkage == Linkage::Static) == *is)
                    .then(|| Grounds::said(format!("the program is linked {linkage}ally")))
            }
            Self::Artifact(like) => {
                let mut grounds = Grounds::default();
                facts.artifacts.iter().filter_map(|a| like.is(a)).for_each(|is| grounds.add(is));
                (!grounds.said.is_empty()).then_some(grounds)
            }
            Self::Pair(relation) => {
                let found: Vec<&Hit> = facts
                    .pairs
                    .iter()
                    .filter(|pair| pairs::are(pair, *relation))
                    .map(|pair| &pair.hit)
                    .collect();
                (!found.is_empty()).then(|| Grounds::hits(found))
            }
            Self::Baseline(inner) => {
                let grounds = inner.holds(facts.baseline.as_ref()?)?;
                let on_glibc = |text: &String| format!("on glibc: {text}");
                let said = grounds.said.iter().map(on_glibc);
                let lines = grounds.hits.iter().map(|hit| on_glibc(&hit.text));
                Some(Grounds { said: said.chain(lines).collect(), ..Grounds::default() })
            }
            Self::Regressed(is) => (facts.regressed == *is).then(Grounds::default),
            Self::Slower(is) => slower::holds(facts.slower?, *is),
            Self::NotAsInit(duty) => init::fails(facts.as_init.as_ref()?, *duty),
        }
    }
}

impl Names {
    fn compile(names: &str) -> Result<Self, String> {
        Ok(match names.strip_prefix('@') {
            Some("packages") => Self::Packaged,
            Some(list) => Self::Listed(
                symbols::list_name(list).ok_or_else(|| format!("there is no list {list}"))?,
            ),
            None => Self::Matching(Expression::read_whole(names)?),
        })
    }

    fn has(&self, kind: NamedKind, name: &str) -> bool {
        match self {
            Self::Matching(regex) => regex.is_match(name),
            Self::Packaged => packages::find(kind, name).is_some(),
            Self::Listed(list) => symbols::list(list).is_some_and(|names| names.contains(name)),
        }
    }
}

fn line(facts: &Facts, pattern: usize, near: Option<(usize, u64)>) -> Option<Grounds> {
    let hits = facts.lines.get(&pattern)?;
    let Some((other, within)) = near else { return Some(Grounds::hits(hits)) };
    let others = facts.lines.get(&other)?;
    let close: Vec<&Hit> = hits
        .iter()
        .filter(|hit| others.iter().any(|o| o.line.abs_diff(hit.line) <= within))
        .collect();
    (!close.is_empty()).then(|| Grounds::hits(close))
}

fn named(
    kind: NamedKind,
    facts: &Facts,
    names: &Names,
    every: bool,
    from: Option<&Expression>,
) -> Option<Grounds> {
    let all = facts.named(kind);
    let fits = |named: &&Named| {
        names.has(kind, &named.name) && from.is_none_or(|from| from.is_match(&named.hit.text))
    };
    let found: Vec<&Named> = all.iter().filter(fits).collect();
    if found.is_empty() || (every && found.len() < all.len()) {
        return None;
    }
    Some(Grounds {
        names: found.iter().map(|named| (kind, named.name.clone())).collect(),
        ..Grounds::hits(found.iter().map(|named| &named.hit))
    })
}

fn crash_is(
    crash: &Crash,
    is: &CrashCondition,
    object: Option<&Expression>,
    frame: Option<&Expression>,
) -> Option<Grounds> {
    let fault = crash.fault();
    let address = fault.address.as_ref().map(|place| place.address);
    let wanted = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
    let pc_object = fault.pc.mapping.as_ref().and_then(|m| m.object.as_deref());
    let frames = || fault.backtrace.iter().take(FRAMES).filter_map(|f| f.symbol.as_deref());
    let holds = wanted(is.stack_overflow, fault.is_stack_overflow())
        && wanted(is.null_call, fault.pc.address == 0)
        && wanted(is.null_access, address.is_some_and(|a| a < 4096))
        && is.code.as_ref().is_none_or(|codes| codes.contains(&fault.code))
        && is.address_below.is_none_or(|below| address.is_some_and(|a| a < below))
        && object.is_none_or(|object| pc_object.is_some_and(|o| object.is_match(o)))
        && frame.is_none_or(|frame| frames().any(|symbol| frame.is_match(symbol)));
    if !holds {
        return None;
    }
    let mut said = format!("signal {} (si_code {})", fault.signal, fault.code);
    if let Some(address) = address {
        said += &format!(" at address {address:#x}");
    }
    if let Some(stack) = fault.thread.stack.filter(|_| fault.is_stack_overflow()) {
        said += &format!(
            ", in the guard below the {} KiB stack of thread `{}`",
            (stack.high - stack.low) / 1024,
            fault.thread.name
        );
    }
    if let Some(frame) = fault.backtrace.first() {
        said += &format!(", in {frame}");
    }
    Some(Grounds::said(said))
}
