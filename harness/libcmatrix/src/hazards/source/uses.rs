//! What one source file uses and declares, as far as the C library matters, and the modules it
//! names. Pure: takes a syntax tree; gives [`Seen`].

use std::collections::HashSet;

use proc_macro2::Ident;
use syn::{
    Attribute, Expr, File, ForeignItem, ImplItem, Item, Macro, Stmt, TraitItem, UseTree,
    visit::{self, Visit},
};

use super::{
    attributes::{
        attributes_of, expression_attributes, is_test, item_attributes, libraries,
        statement_attributes, text_attribute,
    },
    condition::{Conditions, Truth},
    seen::{At, Foreign, Named, OtherFile, Seen},
};

/// Reads a file. `wanted`: the names to look for.
#[must_use]
pub fn seen(
    file: &File,
    conditions: &Conditions,
    wanted: &HashSet<String>,
    compiled: Truth,
    in_test: bool,
) -> Seen {
    let mut reader = Reader {
        conditions,
        wanted,
        compiled: compiled.and(conditions.of_attributes(&file.attrs)),
        in_test,
        inside: Vec::new(),
        seen: Seen::default(),
    };
    if reader.compiled != Truth::No {
        visit::visit_file(&mut reader, file);
    }
    reader.seen
}

/// Goes through a file.
pub(super) struct Reader<'a> {
    pub(super) conditions: &'a Conditions,
    wanted: &'a HashSet<String>,
    /// Whether what is being read is compiled.
    pub(super) compiled: Truth,
    in_test: bool,
    /// Modules that it stands in.
    inside: Vec<String>,
    pub(super) seen: Seen,
}

impl Reader<'_> {
    pub(super) fn at<T>(&self, what: T, line: usize) -> At<T> {
        At { what, line, compiled: self.compiled, in_test: self.in_test }
    }

    /// Goes on below something with attributes, where it is compiled.
    fn below(&mut self, attributes: &[Attribute], go: impl FnOnce(&mut Self)) {
        let before = (self.compiled, self.in_test);
        self.compiled = before.0.and(self.conditions.of_attributes(attributes));
        self.in_test |= attributes.iter().any(is_test);
        if self.compiled != Truth::No {
            go(self);
        }
        (self.compiled, self.in_test) = before;
    }

    pub(super) fn named(&mut self, first: &str, name: &Ident) {
        let name_text = name.to_string();
        if self.wanted.contains(&name_text) {
            let named = Named { first: first.to_owned(), name: name_text };
            let found = self.at(named, name.span().start().line);
            self.seen.named.push(found);
        }
    }

    fn use_tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.use_tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|t| self.use_tree(t, before)),
            UseTree::Glob(_) => self.seen.globs.extend(before.last().cloned()),
            UseTree::Name(name) => self.imported(&name.ident, None, before),
            UseTree::Rename(rename) => self.imported(&rename.ident, Some(&rename.rename), before),
        }
    }

    fn imported(&mut self, name: &Ident, new: Option<&Ident>, before: &[String]) {
        if name == "self" {
            if let (Some(new), Some(module)) = (new, before.last()) {
                self.seen.renamed.push((module.clone(), new.to_string()));
            }
            return;
        }
        match before {
            // `use libc as c`, and `use nix::libc as c`.
            [] => self.seen.renamed.extend(new.map(|n| (name.to_string(), n.to_string()))),
            [.., module] => {
                self.named(module, name);
                self.seen.renamed.extend(new.map(|n| (name.to_string(), n.to_string())));
            }
        }
        self.seen.defined.insert(new.unwrap_or(name).to_string());
        // What is imported may be called by anyone who imports it from here.
        self.seen.called.insert(name.to_string());
    }

    pub(super) fn literal(&mut self, text: &str) {
        // Longer ones are no names of files.
        if text.len() <= 300 {
            self.seen.literals.insert(text.to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        self.below(item_attributes(item), |reader| {
            let name = match item {
                Item::Const(i) => Some(&i.ident),
                Item::Enum(i) => Some(&i.ident),
                Item::Fn(i) => Some(&i.sig.ident),
                Item::Static(i) => Some(&i.ident),
                Item::Struct(i) => Some(&i.ident),
                Item::Type(i) => Some(&i.ident),
                Item::Union(i) => Some(&i.ident),
                _ => None,
            };
            reader.seen.defined.extend(name.map(ToString::to_string));
            visit::visit_item(reader, item);
        });
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        self.seen.modules.insert(name.clone());
        if let Some((_, items)) = &module.content {
            self.inside.push(name);
            items.iter().for_each(|item| self.visit_item(item));
            self.inside.pop();
        } else {
            let path = self.conditions.path_attribute(&module.attrs);
            let file = OtherFile { inside: self.inside.clone(), name, path };
            let found = self.at(file, module.ident.span().start().line);
            self.seen.files.push(found);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &mut Vec::new());
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if let Some((_, new)) = &item.rename {
            self.seen.renamed.push((item.ident.to_string(), new.to_string()));
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        // A definition may be used nowhere, and with other names.
        let before = self.compiled;
        if item.mac.path.is_ident("macro_rules") {
            self.compiled = before.and(Truth::Unknown);
            self.loose(item.mac.tokens.clone());
        } else {
            self.macro_call(&item.mac);
        }
        self.compiled = before;
    }

    fn visit_item_foreign_mod(&mut self, block: &'ast syn::ItemForeignMod) {
        let abi = block.abi.name.as_ref().map_or("C".into(), syn::LitStr::value);
        let libraries = libraries(&block.attrs);
        for item in &block.items {
            let (attributes, name) = match item {
                ForeignItem::Fn(f) => (&f.attrs, &f.sig.ident),
                ForeignItem::Static(s) => (&s.attrs, &s.ident),
                _ => continue,
            };
            self.below(attributes, |reader| {
                // A weak one may be missing.
                let is_weak = text_attribute(attributes, "linkage").is_some();
                if abi.starts_with('C') && !is_weak {
                    let foreign = Foreign {
                        symbol: text_attribute(attributes, "link_name")
                            .unwrap_or_else(|| name.to_string()),
                        name: name.to_string(),
                        libraries: libraries.clone(),
                    };
                    let found = reader.at(foreign, name.span().start().line);
                    reader.seen.foreign.push(found);
                }
                visit::visit_foreign_item(reader, item);
            });
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes =
            attributes_of!(item, ImplItem::Const, ImplItem::Fn, ImplItem::Type, ImplItem::Macro);
        self.below(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = attributes_of!(
            item,
            TraitItem::Const,
            TraitItem::Fn,
            TraitItem::Type,
            TraitItem::Macro
        );
        self.below(attributes, |reader| visit::visit_trait_item(reader, item));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes = match statement {
            Stmt::Local(local) => local.attrs.as_slice(),
            Stmt::Macro(call) => call.attrs.as_slice(),
            Stmt::Expr(expression, _) => statement_attributes(expression),
            Stmt::Item(_) => &[],
        };
        self.below(attributes, |reader| visit::visit_stmt(reader, statement));
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.below(expression_attributes(expression), |reader| {
            visit::visit_expr(reader, expression);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.below(&arm.attrs, |reader| visit::visit_arm(reader, arm));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.below(&field.attrs, |reader| visit::visit_field(reader, field));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.below(&field.attrs, |reader| visit::visit_field_value(reader, field));
    }

    fn visit_field_pat(&mut self, field: &'ast syn::FieldPat) {
        self.below(&field.attrs, |reader| visit::visit_field_pat(reader, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.below(&variant.attrs, |reader| visit::visit_variant(reader, variant));
    }

    fn visit_fn_arg(&mut self, argument: &'ast syn::FnArg) {
        let attributes = match argument {
            syn::FnArg::Receiver(receiver) => &receiver.attrs,
            syn::FnArg::Typed(typed) => &typed.attrs,
        };
        self.below(attributes, |reader| visit::visit_fn_arg(reader, argument));
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let (Expr::Path(path), Some(Expr::Lit(literal))) = (&*call.func, call.args.first())
            && let syn::Lit::Str(program) = &literal.lit
        {
            let names: Vec<_> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
            if let [.., kind, new] = names.as_slice()
                && kind == "Command"
                && new == "new"
            {
                let found = self.at(program.value(), program.span().start().line);
                self.seen.commands.push(found);
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(last) = path.segments.last() {
            self.seen.called.insert(last.ident.to_string());
        }
        let segments: Vec<&Ident> = path.segments.iter().map(|s| &s.ident).collect();
        match segments.as_slice() {
            [] => {}
            [name] => self.named("", name),
            [first, name, ..] => {
                self.named(&first.to_string(), name);
                // `nix::libc::name`.
                if let (true, Some(name)) = (*name == "libc", segments.get(2)) {
                    self.named(&format!("{first}::libc"), name);
                }
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.macro_call(call);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.literal(&text.value());
    }

    /// Documentation is no code.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Seen {
        let conditions = Conditions::new(
            "x86_64-unknown-linux-musl",
            HashSet::<String>::new().into_iter().collect(),
            true,
        )
        .expect("known");
        let wanted = ["open64", "gnu_only"].map(String::from).into();
        let file = super::super::parse::file(text).expect("it parses");
        seen(&file, &conditions, &wanted, Truth::Yes, false)
    }

    /// `first::name line truth` of all that was named.
    fn named(text: &str) -> Vec<String> {
        let show = |n: &At<Named>| {
            format!("{}::{} {} {:?}", n.what.first, n.what.name, n.line, n.compiled)
        };
        read(text).named.iter().map(show).collect()
    }

    #[test]
    fn paths_and_imports() {
        assert_eq!(named("fn f() {\n unsafe { libc::open64(p, 0) };\n}"), ["libc::open64 2 Yes"]);
        assert_eq!(named("use libc::{c_int, open64 as o, gnu_only};").len(), 2);
        assert_eq!(named("fn f(x: *mut libc::gnu_only) {}"), ["libc::gnu_only 1 Yes"]);
        assert_eq!(named("fn f() { nix::libc::open64() }"), ["nix::libc::open64 1 Yes"]);
        let seen = read("use libc as c; use libc::*; fn g() { open64() }");
        assert_eq!(seen.renamed, [("libc".to_owned(), "c".to_owned())]);
        assert!(seen.globs.contains("libc"));
        assert_eq!(seen.named[0].what.first, "");
    }

    #[test]
    fn what_is_not_compiled_does_not_count() {
        for text in [
            "#[cfg(target_env = \"gnu\")] fn f() { libc::open64() }",
            "#[cfg(windows)] mod a { fn f() { libc::open64() } }",
            "impl A { #[cfg(target_os = \"macos\")] fn f() { libc::open64() } }",
            "fn f() { #[cfg(not(target_env = \"musl\"))] { libc::open64() } }",
            "fn f() { #[cfg(target_env = \"gnu\")] let a = libc::open64(); }",
            "fn f() { #[cfg(target_env = \"gnu\")] a = libc::open64(); }",
            "fn f() { #[cfg(target_env = \"gnu\")] return libc::open64(); }",
            "fn f() { match x { #[cfg(target_env = \"gnu\")] 1 => libc::open64(), _ => {} } }",
            "fn f() { A { #[cfg(target_env = \"gnu\")] x: libc::open64() } }",
            "struct A { #[cfg(target_env = \"gnu\")] x: libc::gnu_only }",
            "#![cfg(target_env = \"gnu\")] fn f() { libc::open64() }",
            "cfg_if::cfg_if! { if #[cfg(unix)] { fn f() {} } else { fn f() { libc::open64() } } }",
            "fn f() { cfg_if! { if #[cfg(target_env = \"gnu\")] { libc::open64() } else { 1 } } }",
            "feature! { #![feature = \"x\"] #[cfg(windows)] fn f() { libc::open64() } }",
            "m! { match { #[cfg(windows)] A { b } => { libc::open64() } } }",
            "/// libc::open64()\nfn f() {}",
            "fn f() { \"libc::open64\"; }",
        ] {
            assert!(named(text).is_empty(), "{text}: {:?}", named(text));
        }
    }

    #[test]
    fn what_may_be_compiled_is_unsure() {
        for text in [
            "#[cfg(from_build_script)] fn f() { libc::open64() }",
            "some_macro! { fn f() { libc::open64() } }",
            "macro_rules! m { () => { libc::open64() } }",
            "feature! { #![feature = \"x\"] fn f() { libc::open64() } }",
            "fn f() { cvt!(a => libc::open64()) }",
        ] {
            assert_eq!(named(text), ["libc::open64 1 Unknown"], "{text}");
        }
        assert_eq!(named("fn f() { assert!(libc::open64() > 0, \"x\"); }"), ["libc::open64 1 Yes"]);
        assert_eq!(
            named("fn f() { if cfg!(target_env = \"gnu\") { libc::open64() } }"),
            ["libc::open64 1 Yes"]
        );
        assert_eq!(
            named("cfg_if! { if #[cfg(windows)] {} else { fn f() { libc::open64() } } }"),
            ["libc::open64 1 Yes"]
        );
    }

    #[test]
    fn declared_symbols() {
        let seen = read(
            "#[link(name = \"execinfo\", kind = \"static\")] extern \"C\" { #[link_name = \"real\"] fn f();\n#[cfg(windows)] fn w(); }\n\
             extern \"system\" { fn s(); }\nunsafe extern \"C\" { static environ: u8; fn g(); }\nfn x() { unsafe { f() } }",
        );
        let shown: Vec<_> = seen
            .foreign
            .iter()
            .map(|f| (f.what.symbol.as_str(), f.line, f.what.libraries.len()))
            .collect();
        assert_eq!(shown, [("real", 1, 1), ("environ", 4, 0), ("g", 4, 0)]);
        assert!(seen.called.contains("f") && !seen.called.contains("g"));
    }

    #[test]
    fn programs_and_files() {
        let seen = read(
            "mod a;\n#[path = \"x/y.rs\"] mod b;\nmod c { mod d; }\n#[cfg(windows)] mod w;\ninclude!(\"i.rs\");\n\
             #[test] fn t() { std::process::Command::new(\"bash\").arg(\"tests/run.sh\"); }",
        );
        let files: Vec<_> = seen.files.iter().map(|f| &f.what).collect();
        assert_eq!(files.len(), 4);
        assert_eq!(files[1].path.as_deref(), Some("x/y.rs"));
        assert_eq!(files[2].inside, ["c"]);
        assert_eq!((seen.commands[0].what.as_str(), seen.commands[0].in_test), ("bash", true));
        assert!(seen.literals.contains("tests/run.sh"));
    }
}
