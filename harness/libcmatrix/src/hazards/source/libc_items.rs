//! The names that the `libc` crate defines for a target, read from that crate's own sources.
//!
//! Takes its root file and a way to read files; gives a superset of the names. A name that is in
//! the set of the glibc target and not in that of the musl target is missing on musl: that the set
//! is too large can hide an item, and never accuses one.
//!
//! Tokens are read, not syntax: most definitions stand in macros of the crate, whose content is
//! almost Rust.

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{
    condition::{Conditions, Truth},
    parse,
};

/// Files of the crate that are read at most.
const MOST_FILES: usize = 2_000;

/// The names.
pub fn defined(
    root: &Path,
    conditions: &Conditions,
    read: &dyn Fn(&Path) -> Option<String>,
) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut pending: VecDeque<(PathBuf, PathBuf)> = VecDeque::new();
    let mut seen: HashSet<PathBuf> = HashSet::new();
    pending.push_back((root.to_owned(), root.parent().unwrap_or(root).to_owned()));
    while let Some((file, modules)) = pending.pop_front() {
        if seen.len() >= MOST_FILES || !seen.insert(file.clone()) {
            continue;
        }
        let Some(tokens) = read(&file).and_then(|text| parse::tokens(&text)) else { continue };
        let mut scan = Scan { conditions, names: &mut names, modules: Vec::new() };
        scan.items(tokens, &modules);
        for (folder, name) in scan.modules {
            for (file, inner) in [
                (folder.join(format!("{name}.rs")), folder.join(&name)),
                (folder.join(&name).join("mod.rs"), folder.join(&name)),
            ] {
                pending.push_back((file, inner));
            }
        }
    }
    names
}

struct Scan<'a> {
    conditions: &'a Conditions,
    names: &'a mut HashSet<String>,
    /// Modules in files: the folder to look in, and the name.
    modules: Vec<(PathBuf, String)>,
}

impl Scan<'_> {
    /// Reads items. `folder` is where the files of modules are.
    fn items(&mut self, stream: TokenStream, folder: &Path) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        let mut compiled = Truth::Yes;
        while at < tokens.len() {
            if let Some(condition) = attribute(&tokens, &mut at) {
                compiled =
                    compiled.and(condition.map_or(Truth::Yes, |c| self.conditions.of_text(&c)));
                continue;
            }
            let end = item_end(&tokens, at);
            if compiled != Truth::No {
                self.item(&tokens[at..end], folder);
            }
            compiled = Truth::Yes;
            at = end;
        }
    }

    fn item(&mut self, item: &[TokenTree], folder: &Path) {
        let word = |n: usize| match item.get(n) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        };
        let is_macro =
            |n: usize| matches!(item.get(n), Some(TokenTree::Punct(p)) if p.as_char() == '!');
        for n in 0..item.len() {
            let Some(keyword) = word(n) else { continue };
            match keyword.as_str() {
                "const" | "static" | "type" | "struct" | "union" | "fn" | "trait" => {
                    self.names.extend(word(n + 1).filter(|w| w != "fn"));
                    if matches!(keyword.as_str(), "fn" | "struct" | "union" | "trait" | "type") {
                        return;
                    }
                }
                // Its variants are names, too, where they are imported.
                "enum" | "use" => {
                    item[n..].iter().cloned().for_each(|t| self.all_words(t));
                    return;
                }
                "mod" => {
                    let Some(name) = word(n + 1) else { return };
                    match brace(item) {
                        Some(body) => self.items(body.stream(), &folder.join(name)),
                        None => self.modules.push((folder.to_owned(), name)),
                    }
                    return;
                }
                "extern" | "impl" => {
                    if let Some(body) = brace(item) {
                        self.items(body.stream(), folder);
                    }
                }
                "cfg_if" if is_macro(n + 1) => {
                    if let Some(body) = brace(item) {
                        self.branches(body.stream(), folder);
                    }
                    return;
                }
                // What definitions of macros hold is no definition yet, and is taken for one.
                _ if is_macro(n + 1) => {
                    for token in &item[n..] {
                        let TokenTree::Group(group) = token else { continue };
                        if matches!(
                            keyword.as_str(),
                            "s" | "s2" | "s_no_extra_traits" | "f" | "extern_ty"
                        ) {
                            self.items(group.stream(), folder);
                        } else {
                            self.all_words(token.clone());
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
    }

    /// `if #[cfg(..)] { items } else if #[cfg(..)] { items } else { items }`.
    fn branches(&mut self, stream: TokenStream, folder: &Path) {
        let (mut left, mut condition) = (Truth::Yes, Truth::Yes);
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(found) = attribute(&tokens, &mut at) {
                condition = found.map_or(Truth::Yes, |c| self.conditions.of_text(&c));
                continue;
            }
            if let TokenTree::Group(group) = &tokens[at]
                && group.delimiter() == Delimiter::Brace
            {
                if left.and(condition) != Truth::No {
                    self.items(group.stream(), folder);
                }
                left = left.and(condition.opposite());
                condition = Truth::Yes;
            }
            at += 1;
        }
    }

    fn all_words(&mut self, token: TokenTree) {
        let mut pending = vec![token];
        while let Some(token) = pending.pop() {
            match token {
                TokenTree::Ident(ident) => {
                    self.names.insert(ident.to_string());
                }
                TokenTree::Group(group) => pending.extend(group.stream()),
                _ => {}
            }
        }
    }
}

/// Steps over an attribute; gives the condition of a `cfg`, nothing for another attribute.
pub(super) fn attribute(tokens: &[TokenTree], at: &mut usize) -> Option<Option<String>> {
    let is =
        |n: usize, c: char| matches!(tokens.get(n), Some(TokenTree::Punct(p)) if p.as_char() == c);
    if !is(*at, '#') {
        return None;
    }
    let bracket = *at + 1 + usize::from(is(*at + 1, '!'));
    let Some(TokenTree::Group(group)) = tokens.get(bracket) else { return None };
    *at = bracket + 1;
    let mut inner = group.stream().into_iter();
    Some(match (inner.next(), inner.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(condition))) if name == "cfg" => {
            Some(condition.stream().to_string())
        }
        _ => None,
    })
}

/// One past the last token of the item that begins at `at`.
pub(super) fn item_end(tokens: &[TokenTree], at: usize) -> usize {
    let mut has_value = false;
    for (n, token) in tokens.iter().enumerate().skip(at) {
        match token {
            TokenTree::Punct(p) if p.as_char() == ';' => return n + 1,
            // `const X: T = T { .. };` ends later.
            TokenTree::Punct(p) if p.as_char() == '=' => has_value = true,
            TokenTree::Ident(word) if word == "use" => has_value = true,
            TokenTree::Group(g) if g.delimiter() == Delimiter::Brace && !has_value => return n + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn brace(item: &[TokenTree]) -> Option<&Group> {
    item.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ROOT: &str = r#"
        mod macros;
        cfg_if! {
            if #[cfg(windows)] { mod windows; }
            else if #[cfg(unix)] { mod unix; pub use unix::*; }
            else { pub const OTHER: u8 = 1; }
        }
    "#;
    const UNIX: &str = r#"
        pub type size_t = usize;
        s! { pub struct both { pub field_name: c_int } #[cfg(target_env = "gnu")] pub struct only_gnu { a: u8 } }
        #[cfg(target_env = "gnu")]
        pub const GNU: S = S { x: 1 };
        pub const AFTER: [u8; 2] = [1; { 2 }];
        extern "C" {
            #[cfg(not(target_env = "musl"))]
            #[link_name = "x"]
            pub fn open64(path: *const c_char, ...) -> c_int;
            pub fn open(path: *const c_char) -> c_int;
        }
        c_enum! { pub enum e { VARIANT, } }
        #[cfg(set_by_a_build_script)]
        pub const MAYBE: u8 = 1;
        pub use self::inner::{a as renamed};
        mod inner { pub const fn a() {} }
        #[cfg(target_env = "gnu")] mod gnu;
    "#;

    fn read(path: &Path) -> Option<String> {
        match path.to_str()? {
            "/libc/src/lib.rs" => Some(ROOT.into()),
            "/libc/src/unix/mod.rs" => Some(UNIX.into()),
            "/libc/src/unix/gnu.rs" => Some("pub const DEEP: u8 = 1;".into()),
            _ => None,
        }
    }

    #[test]
    fn the_difference_of_two_targets() {
        let of = |triple| {
            let conditions = Conditions::new(triple, BTreeSet::new(), false).expect("known");
            defined(Path::new("/libc/src/lib.rs"), &conditions, &read)
        };
        let gnu = of("x86_64-unknown-linux-gnu");
        let musl = of("x86_64-unknown-linux-musl");
        let missing: BTreeSet<&str> = gnu.difference(&musl).map(String::as_str).collect();
        assert_eq!(missing, ["DEEP", "GNU", "only_gnu", "open64"].into());
        for name in ["size_t", "both", "AFTER", "open", "VARIANT", "MAYBE", "renamed", "a"] {
            assert!(musl.contains(name), "{name}");
        }
        assert!(!gnu.contains("OTHER"));
    }
}
