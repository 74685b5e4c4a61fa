//! Calls and definitions of macros: what stands in their brackets, as far as it can be read.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Expr, File, Macro, parse::Parser, spanned::Spanned, visit::Visit};

use super::{
    condition::Truth,
    libc_items::{attribute, item_end},
    seen::OtherFile,
    uses::Reader,
};

/// Macros whose arguments are compiled as they stand.
const PLAIN_MACROS: [&str; 26] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "dbg",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "addr_of",
    "addr_of_mut",
    "try",
    "cfg_if",
    "thread_local",
];

impl Reader<'_> {
    pub(super) fn macro_call(&mut self, call: &Macro) {
        let name = call.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        if name == "cfg_if" {
            self.branches(call.tokens.clone());
            return;
        }
        if name == "include" {
            self.include(call);
            return;
        }
        let before = self.compiled;
        if !PLAIN_MACROS.contains(&name.as_str()) {
            self.compiled = before.and(Truth::Unknown);
        }
        self.content(call.tokens.clone());
        self.compiled = before;
    }

    fn include(&mut self, call: &Macro) {
        if let Ok(path) = call.parse_body::<syn::LitStr>() {
            let file =
                OtherFile { inside: Vec::new(), name: String::new(), path: Some(path.value()) };
            let found = self.at(file, call.span().start().line);
            self.seen.files.push(found);
        }
    }

    /// What stands in a macro's brackets: items, statements, a list of values, or neither.
    fn content(&mut self, tokens: TokenStream) {
        // Some macros take inner attributes, as files do.
        if let Ok(file) = syn::parse2::<File>(tokens.clone()) {
            file.items.iter().for_each(|item| self.visit_item(item));
        } else if let Ok(values) =
            syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated
                .parse2(tokens.clone())
        {
            values.iter().for_each(|value| self.visit_expr(value));
        } else if let Ok(statements) = syn::Block::parse_within.parse2(tokens.clone()) {
            statements.iter().for_each(|s| self.visit_stmt(s));
        } else {
            self.loose(tokens);
        }
    }

    fn branches(&mut self, tokens: TokenStream) {
        let before = self.compiled;
        let (mut left, mut condition) = (Truth::Yes, Truth::Yes);
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(found) = attribute(&tokens, &mut at) {
                condition = found.map_or(Truth::Unknown, |c| self.conditions.of_text(&c));
                continue;
            }
            if let TokenTree::Group(group) = &tokens[at]
                && group.delimiter() == Delimiter::Brace
            {
                self.compiled = before.and(left).and(condition);
                if self.compiled != Truth::No {
                    self.content(group.stream());
                }
                left = left.and(condition.opposite());
                condition = Truth::Yes;
            }
            at += 1;
        }
        self.compiled = before;
    }

    /// Tokens that are no syntax: `first::name` is seen, and a `#[cfg(..)]` still says what of it.
    pub(super) fn loose(&mut self, tokens: TokenStream) {
        let before = self.compiled;
        self.compiled = before.and(Truth::Unknown);
        let mut pending = vec![tokens];
        while let Some(stream) = pending.pop() {
            let tokens: Vec<TokenTree> = stream.into_iter().collect();
            let mut at = 0;
            while at < tokens.len() {
                if let Some(condition) = attribute(&tokens, &mut at) {
                    if condition.is_some_and(|c| self.conditions.of_text(&c) == Truth::No) {
                        at = thing_end(&tokens, at);
                    }
                    continue;
                }
                match &tokens[at] {
                    TokenTree::Group(group) => pending.push(group.stream()),
                    TokenTree::Ident(name) => {
                        self.seen.called.insert(name.to_string());
                        if let Some(first) = qualifier(&tokens, at) {
                            self.named(&first, name);
                        }
                    }
                    TokenTree::Literal(literal) => {
                        if let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                            self.literal(&text.value());
                        }
                    }
                    TokenTree::Punct(_) => {}
                }
                at += 1;
            }
        }
        self.compiled = before;
    }
}

/// One past the last token of what an attribute stands before: an item, or an arm of a `match`.
fn thing_end(tokens: &[TokenTree], at: usize) -> usize {
    let is =
        |n: usize, c: char| matches!(tokens.get(n), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let end = item_end(tokens, at);
    if is(end, '=') && is(end + 1, '>') { item_end(tokens, end + 2) } else { end }
}

/// Of `a :: b` at `b`: `a`.
fn qualifier(tokens: &[TokenTree], at: usize) -> Option<String> {
    let colon = |n: usize| matches!(tokens.get(n), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    if at < 3 || !colon(at - 1) || !colon(at - 2) {
        return None;
    }
    // `$crate::libc::x` and `a::libc::x` are told from `libc::x` by nobody who reads tokens.
    match &tokens[at - 3] {
        TokenTree::Ident(first) => Some(first.to_string()),
        _ => None,
    }
}
