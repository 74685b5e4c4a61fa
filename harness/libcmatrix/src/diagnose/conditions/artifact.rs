//! What an ELF file must be like for a condition to hold.

use libcmatrix_schema::Artifact;

use super::{
    super::{facts::NamedKind, rule::ArtifactCondition},
    Grounds, Names,
    expression::Expression,
};

/// Names told of one file.
const TOLD: usize = 5;

/// A compiled [`ArtifactCondition`].
#[derive(Debug)]
pub(super) struct Like {
    is: ArtifactCondition,
    interpreter: Option<Expression>,
    missing_library: Option<Names>,
    missing_symbol: Option<Names>,
}

impl Like {
    pub(super) fn compile(is: &ArtifactCondition) -> Result<Self, String> {
        Ok(Self {
            interpreter: is.interpreter.as_deref().map(Expression::read_whole).transpose()?,
            missing_library: is.missing_library.as_deref().map(Names::compile).transpose()?,
            missing_symbol: is.missing_symbol.as_deref().map(Names::compile).transpose()?,
            is: is.clone(),
        })
    }

    /// What is to be said of the file, and what it names, if it is like that.
    pub(super) fn is(&self, artifact: &Artifact) -> Option<Grounds> {
        let elf = artifact.elf.as_ref()?;
        let wanted = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        let holds = wanted(self.is.prebuilt, artifact.prebuilt)
            && wanted(self.is.interpreter_missing, elf.interpreter_missing)
            && wanted(self.is.static_tls, elf.static_tls)
            && wanted(self.is.glibc, elf.glibc.is_some());
        if !holds {
            return None;
        }
        let mut said = vec![match &artifact.package {
            Some(package) => format!("{} of {package}", artifact.path),
            None => artifact.path.clone(),
        }];
        if let Some(interpreter) = &self.interpreter {
            let asked = elf.interpreter.as_ref().filter(|asked| interpreter.is_match(asked))?;
            said.push(format!("asks for the loader {asked}"));
        }
        let mut named = Vec::new();
        for (names, missing, kind, what) in [
            (&self.missing_library, &elf.missing_libraries, NamedKind::Library, "libraries"),
            (&self.missing_symbol, &elf.missing_symbols, NamedKind::Unresolved, "symbols"),
        ] {
            let Some(names) = names else { continue };
            let found: Vec<&str> =
                missing.iter().map(String::as_str).filter(|name| names.has(kind, name)).collect();
            if found.is_empty() {
                return None;
            }
            named.extend(found.iter().map(|name| (kind, (*name).to_owned())));
            let more = found.len().saturating_sub(TOLD);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let first = found[..found.len().min(TOLD)].join(", ");
            said.push(format!("needs {what} that the image does not have: {first}{more}"));
        }
        if elf.interpreter_missing && self.interpreter.is_none() {
            let asked = elf.interpreter.as_deref().unwrap_or_default();
            said.push(format!("asks for the loader {asked}, which the image does not have"));
        }
        Some(Grounds { names: named, ..Grounds::said(said.join(" ")) })
    }
}
