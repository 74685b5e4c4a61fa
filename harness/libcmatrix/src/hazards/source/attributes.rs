//! Attributes of syntax: where they hang, and what the ones that matter say. Pure.

use syn::{Attribute, Expr, Item};

/// The attributes of a value that is one of these.
macro_rules! attributes_of {
    ($value:expr, $($path:path),+ $(,)?) => {
        match $value {
            $($path(inner) => inner.attrs.as_slice(),)+
            _ => &[],
        }
    };
}

pub(super) use attributes_of;

pub(super) fn is_test(attribute: &Attribute) -> bool {
    let path = attribute.path();
    path.segments.last().is_some_and(|s| s.ident == "test")
        || (path.is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(l) if l.tokens.to_string() == "test"))
}

/// The libraries of `#[link(name = "..")]`.
pub(super) fn libraries(attributes: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("link")) {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                found.push(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<Expr>()?;
            }
            Ok(())
        });
    }
    found
}

/// The value of an attribute `#[name = "value"]`.
pub(super) fn text_attribute(attributes: &[Attribute], name: &str) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident(name) => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// The attributes of a statement that is an expression: the parser hangs them on what the
/// statement begins with.
pub(super) fn statement_attributes(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(e) => statement_attributes(&e.left),
        Expr::Binary(e) => statement_attributes(&e.left),
        Expr::Cast(e) => statement_attributes(&e.expr),
        other => expression_attributes(other),
    }
}

pub(super) fn expression_attributes(expression: &Expr) -> &[Attribute] {
    attributes_of!(
        expression,
        Expr::Array,
        Expr::Assign,
        Expr::Async,
        Expr::Await,
        Expr::Binary,
        Expr::Block,
        Expr::Break,
        Expr::Call,
        Expr::Cast,
        Expr::Closure,
        Expr::Const,
        Expr::Continue,
        Expr::Field,
        Expr::ForLoop,
        Expr::Group,
        Expr::If,
        Expr::Index,
        Expr::Infer,
        Expr::Let,
        Expr::Lit,
        Expr::Loop,
        Expr::Macro,
        Expr::Match,
        Expr::MethodCall,
        Expr::Paren,
        Expr::Path,
        Expr::Range,
        Expr::RawAddr,
        Expr::Reference,
        Expr::Repeat,
        Expr::Return,
        Expr::Struct,
        Expr::Try,
        Expr::TryBlock,
        Expr::Tuple,
        Expr::Unary,
        Expr::Unsafe,
        Expr::While,
        Expr::Yield,
    )
}

pub(super) fn item_attributes(item: &Item) -> &[Attribute] {
    attributes_of!(
        item,
        Item::Const,
        Item::Enum,
        Item::ExternCrate,
        Item::Fn,
        Item::ForeignMod,
        Item::Impl,
        Item::Macro,
        Item::Mod,
        Item::Static,
        Item::Struct,
        Item::Trait,
        Item::TraitAlias,
        Item::Type,
        Item::Union,
        Item::Use,
    )
}
