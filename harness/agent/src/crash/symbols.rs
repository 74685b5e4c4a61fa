//! Names and lines for the calls of a backtrace: from the objects' symbol tables, and from debug
//! information where it is there and not compressed.

use std::collections::{BTreeMap, BTreeSet};

use addr2line::{Context, demangle_auto};
use gimli::{Dwarf, EndianSlice, LittleEndian};
use libcmatrix_schema::Frame;
use object::{
    CompressionFormat, Object as _, ObjectSection, ObjectSymbol, SymbolKind, SymbolSection,
};

use super::{
    objects,
    unwind::{Call, lookup},
};

/// Calls at either end that get names; what lies between repeats itself, as a rule.
const NAMED_AT_EACH_END: usize = 64;
/// Names are cut here.
const LONGEST_NAME: usize = 512;

/// One frame for a call, or several where calls were inlined.
pub(super) fn frames(calls: &[Call]) -> Vec<Frame> {
    // A recursion passes the same address again and again.
    let mut wanted: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for (at, call) in calls.iter().enumerate() {
        let is_named = at < NAMED_AT_EACH_END || at + NAMED_AT_EACH_END >= calls.len();
        if let (true, Some((object, address))) = (is_named, target(call)) {
            wanted.entry(object).or_default().insert(address);
        }
    }
    let mut named: BTreeMap<(&str, u64), Vec<Name>> = BTreeMap::new();
    for (path, addresses) in wanted {
        if let Some(object) = objects::open(path) {
            let addresses: Vec<u64> = addresses.into_iter().collect();
            let names = names(object.bytes(), &addresses);
            named.extend(addresses.into_iter().map(|at| (path, at)).zip(names));
        }
    }
    let frames = |call| {
        let names = target(call).and_then(|target| named.get(&target)).filter(|n| !n.is_empty());
        names.map_or_else(
            || vec![plain(call)],
            |names| names.iter().map(|name| name.clone().of(call)).collect(),
        )
    };
    calls.iter().flat_map(frames).collect()
}

/// Where to look a call up.
fn target(call: &Call) -> Option<(&str, u64)> {
    Some((call.object.as_deref()?, lookup(call.object_address?, call.is_exact)))
}

/// A function's name and a line in it.
#[derive(Clone, Debug, Default)]
struct Name {
    symbol: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl Name {
    fn of(self, call: &Call) -> Frame {
        let Self { symbol, file, line } = self;
        Frame { symbol, file, line, ..plain(call) }
    }
}

/// A call without names.
pub(super) fn plain(call: &Call) -> Frame {
    Frame {
        address: call.address,
        object: call.object.clone().map(cut),
        object_address: call.object_address,
        symbol: None,
        file: None,
        line: None,
    }
}

/// The names at each of these addresses of an object, the innermost first.
fn names(bytes: &[u8], addresses: &[u64]) -> Vec<Vec<Name>> {
    let Ok(file) = object::File::parse(bytes) else { return Vec::new() };
    let debug = debug_information(&file);
    let symbols = symbols(&file, addresses).into_iter();
    let names = symbols.zip(addresses).map(|(symbol, address)| {
        let mut names = debug.as_ref().map_or_else(Vec::new, |debug| lines(debug, *address));
        if names.is_empty() {
            names.push(Name::default());
        }
        // The outermost is the function that the symbol is of; the others were inlined into it.
        if let Some(outermost) = names.last_mut().filter(|name| name.symbol.is_none()) {
            outermost.symbol = symbol;
        }
        names
    });
    names.collect()
}

/// The function at each of these addresses.
fn symbols(file: &object::File<'_>, addresses: &[u64]) -> Vec<Option<String>> {
    let mut best: Vec<Option<(u64, &str)>> = vec![None; addresses.len()];
    let tables = [file.symbols(), file.dynamic_symbols()];
    for symbol in tables.into_iter().flatten() {
        let is_code =
            matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown | SymbolKind::Label);
        if !is_code || !matches!(symbol.section(), SymbolSection::Section(_)) {
            continue;
        }
        for (address, best) in addresses.iter().zip(&mut best) {
            let Some(distance) = address.checked_sub(symbol.address()) else { continue };
            let holds = distance < symbol.size() || (symbol.size() == 0 && distance < 4096);
            let is_nearer = best.is_none_or(|(before, _)| distance < before);
            if holds
                && is_nearer
                && let Ok(name) = symbol.name()
                && !name.is_empty()
            {
                *best = Some((distance, name));
            }
        }
    }
    let name = |name: &str| cut(demangle_auto(name.into(), None).into_owned());
    best.into_iter().map(|found| found.map(|(_, n)| name(n))).collect()
}

type Debug<'a> = Context<EndianSlice<'a, LittleEndian>>;

fn debug_information<'a>(file: &object::File<'a>) -> Option<Debug<'a>> {
    let section = |id: gimli::SectionId| {
        let bytes = file.section_by_name(id.name()).and_then(|section| {
            let range = section.compressed_file_range().ok()?;
            // Unpacking takes more memory than a program under test has to spare.
            (range.format == CompressionFormat::None).then(|| section.data().ok()).flatten()
        });
        Ok::<_, gimli::Error>(EndianSlice::new(bytes.unwrap_or_default(), LittleEndian))
    };
    let dwarf = Dwarf::load(section).ok()?;
    Context::from_dwarf(dwarf).ok()
}

/// The function at this address and those that were inlined there, the innermost first.
fn lines(debug: &Debug<'_>, address: u64) -> Vec<Name> {
    /// No compiler inlines so deeply that more would be read.
    const DEEPEST: usize = 16;
    let mut names = Vec::new();
    let Ok(mut found) = debug.find_frames(address).skip_all_loads() else { return names };
    while let Ok(Some(frame)) = found.next() {
        let name = frame.function.as_ref().and_then(|f| f.demangle().ok());
        let location = frame.location.as_ref();
        names.push(Name {
            symbol: name.map(|n| cut(n.into_owned())),
            file: location.and_then(|l| l.file).map(|file| cut(file.to_owned())),
            line: location.and_then(|l| l.line),
        });
        if names.len() == DEEPEST {
            break;
        }
    }
    names
}

fn cut(mut text: String) -> String {
    let end = (0..=LONGEST_NAME.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}
