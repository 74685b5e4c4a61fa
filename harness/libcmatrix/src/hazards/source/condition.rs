//! Whether code under a `#[cfg(...)]` is compiled for a target. Pure.
//!
//! Three answers: yes, no, and unknown, because a build script may set anything.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use cfg_expr::{
    Expression, Predicate, TargetPredicate,
    expr::TargetMatcher,
    targets::{TargetInfo, get_builtin_target_by_triple},
};
use quote::ToTokens;
use syn::{Attribute, Meta, MetaList};

/// Whether something is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It is not.
    No,
    /// It may be.
    Unknown,
    /// It is.
    Yes,
}

impl Truth {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// The opposite.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// What a package is compiled with.
pub struct Conditions {
    target: &'static TargetInfo,
    features: BTreeSet<String>,
    /// Whether it is compiled a second time, with its tests.
    has_tests: bool,
    answers: RefCell<HashMap<String, Truth>>,
}

impl Conditions {
    /// For a target that `cfg-expr` knows; `has_tests`: the package's tests are built, too.
    #[must_use]
    pub fn new(triple: &str, features: BTreeSet<String>, has_tests: bool) -> Option<Self> {
        let target = get_builtin_target_by_triple(triple)?;
        Some(Self { target, features, has_tests, answers: RefCell::default() })
    }

    /// Whether all `#[cfg(...)]` among the attributes hold.
    #[must_use]
    pub fn of_attributes(&self, attributes: &[Attribute]) -> Truth {
        attributes
            .iter()
            .fold(Truth::Yes, |truth, attribute| truth.and(self.of_meta(&attribute.meta)))
    }

    fn of_meta(&self, meta: &Meta) -> Truth {
        match meta {
            Meta::List(list) if list.path.is_ident("cfg") => self.of_tokens(list),
            // `#[cfg_attr(a, cfg(b))]` is `b` where `a` holds.
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                let (condition, applied) = split_cfg_attr(list);
                let inner = applied.iter().fold(Truth::Yes, |t, m| t.and(self.of_meta(m)));
                match (inner, condition.map_or(Truth::Unknown, |c| self.of_text(&c))) {
                    (Truth::Yes, _) | (_, Truth::No) => Truth::Yes,
                    (inner, Truth::Yes) => inner,
                    (_, Truth::Unknown) => Truth::Unknown,
                }
            }
            _ => Truth::Yes,
        }
    }

    fn of_tokens(&self, list: &MetaList) -> Truth {
        self.of_text(&list.tokens.to_string())
    }

    /// Whether what stands in the parentheses of `cfg` holds.
    #[must_use]
    pub fn of_text(&self, text: &str) -> Truth {
        if let Some(truth) = self.answers.borrow().get(text) {
            return *truth;
        }
        // With tests the package is compiled twice; what is in either build is compiled.
        let truth = match self.has_tests {
            true => self.evaluate(text, true).max(self.evaluate(text, false)),
            false => self.evaluate(text, false),
        };
        self.answers.borrow_mut().insert(text.to_owned(), truth);
        truth
    }

    fn evaluate(&self, text: &str, test: bool) -> Truth {
        let Ok(expression) = Expression::parse(text.trim().trim_end_matches(',')) else {
            return Truth::Unknown;
        };
        match expression.eval(|predicate| self.predicate(predicate, test)) {
            Some(true) => Truth::Yes,
            Some(false) => Truth::No,
            None => Truth::Unknown,
        }
    }

    fn predicate(&self, predicate: &Predicate<'_>, test: bool) -> Option<bool> {
        match predicate {
            // Chosen by the profile, not by the target.
            Predicate::Target(TargetPredicate::Panic(_)) => None,
            Predicate::Target(target) => Some(self.target.matches(target)),
            Predicate::Test => Some(test),
            Predicate::Feature(name) => Some(self.features.contains(*name)),
            Predicate::TargetFeature("crt-static") => {
                Some(self.target.env.as_ref().is_some_and(|e| e.as_str() == "musl"))
            }
            Predicate::TargetFeature("sse" | "sse2" | "fxsr") => Some(true),
            // What tools set that no ordinary build is.
            Predicate::Flag("true") => Some(true),
            Predicate::Flag(
                "false" | "doc" | "doctest" | "docsrs" | "miri" | "loom" | "fuzzing" | "kani"
                | "clippy" | "rust_analyzer" | "rustdoc" | "bootstrap" | "libc_ctest",
            ) => Some(false),
            Predicate::DebugAssertions
            | Predicate::ProcMacro
            | Predicate::TargetFeature(_)
            | Predicate::Flag(_)
            | Predicate::KeyValue { .. } => None,
        }
    }

    /// The value of `#[path = "..."]`, also in a `cfg_attr` that holds.
    #[must_use]
    pub fn path_attribute(&self, attributes: &[Attribute]) -> Option<String> {
        attributes.iter().find_map(|attribute| self.path_of(&attribute.meta))
    }

    fn path_of(&self, meta: &Meta) -> Option<String> {
        match meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                let (condition, applied) = split_cfg_attr(list);
                let holds = condition.is_some_and(|c| self.of_text(&c) == Truth::Yes);
                applied.iter().filter(|_| holds).find_map(|m| self.path_of(m))
            }
            _ => None,
        }
    }
}

/// The condition of a `cfg_attr`, and what it applies.
fn split_cfg_attr(list: &MetaList) -> (Option<String>, Vec<Meta>) {
    let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parser) else { return (None, Vec::new()) };
    let mut parts = parts.into_iter();
    (parts.next().map(|m| m.to_token_stream().to_string()), parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(has_tests: bool) -> Conditions {
        let features = ["std".to_owned()].into();
        Conditions::new("x86_64-unknown-linux-musl", features, has_tests).expect("a known target")
    }

    #[test]
    fn what_the_target_and_the_features_say() {
        let c = conditions(false);
        for (text, truth) in [
            ("unix", Truth::Yes),
            ("windows", Truth::No),
            ("target_os = \"linux\"", Truth::Yes),
            ("target_env = \"gnu\"", Truth::No),
            ("target_env = \"musl\"", Truth::Yes),
            ("not (target_env = \"musl\")", Truth::No),
            ("all (target_os = \"linux\" , not (target_env = \"gnu\"))", Truth::Yes),
            ("feature = \"std\"", Truth::Yes),
            ("feature = \"other\"", Truth::No),
            ("test", Truth::No),
            ("set_by_a_build_script", Truth::Unknown),
            ("any (set_by_a_build_script , unix)", Truth::Yes),
            ("all (set_by_a_build_script , windows)", Truth::No),
            ("target_feature = \"crt-static\"", Truth::Yes),
            ("target_env = \"made-up\"", Truth::No),
            ("all ()", Truth::Yes),
            ("any ()", Truth::No),
            ("false", Truth::No),
            ("no ) condition", Truth::Unknown),
        ] {
            assert_eq!(c.of_text(text), truth, "{text}");
        }
    }

    #[test]
    fn a_package_with_tests_is_compiled_with_and_without() {
        let c = conditions(true);
        assert_eq!(c.of_text("test"), Truth::Yes);
        assert_eq!(c.of_text("not (test)"), Truth::Yes);
        assert_eq!(c.of_text("all (test , windows)"), Truth::No);
    }

    #[test]
    fn attributes_within_attributes() {
        let c = conditions(false);
        let file: syn::File = syn::parse_quote! {
            #[cfg_attr(unix, cfg(windows))]
            mod a;
            #[cfg_attr(windows, cfg(windows))]
            mod b;
            #[cfg_attr(windows, path = "w.rs")]
            #[cfg_attr(unix, path = "u.rs")]
            mod c;
        };
        let attributes = |n: usize| match &file.items[n] {
            syn::Item::Mod(m) => m.attrs.clone(),
            _ => Vec::new(),
        };
        assert_eq!(c.of_attributes(&attributes(0)), Truth::No);
        assert_eq!(c.of_attributes(&attributes(1)), Truth::Yes);
        assert_eq!(c.path_attribute(&attributes(2)).as_deref(), Some("u.rs"));
    }
}
