//! A matrix in its folder: `matrix.json`, and the page beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libcmatrix_schema::{Matrix, SCHEMA_VERSION};

use crate::{
    failure::{Failure, Result},
    report::matrix::html,
};

/// The document's name.
pub(super) const DOCUMENT: &str = "matrix.json";
/// The page's.
pub(super) const PAGE: &str = "matrix.html";

/// Writes both, each whole or not at all.
///
/// # Errors
/// They cannot be written.
pub(super) fn write(folder: &Path, matrix: &Matrix) -> Result<()> {
    let text = serde_json::to_string_pretty(matrix)
        .map_err(|e| Failure::bug("the matrix cannot be serialised").because(e))?;
    let put = |name: &str, content: &str| -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let new = folder.join(format!(".{name}.new"));
        fs::write(&new, content)?;
        fs::rename(new, folder.join(name))
    };
    put(DOCUMENT, &(text + "\n")).and_then(|()| put(PAGE, &html::render(matrix))).map_err(|e| {
        Failure::environment(format!("{} cannot be written to", folder.display()))
            .because(e)
            .hint("name another folder with --out, or make room")
    })
}

/// The matrices of a folder, each with its own folder: its own, or those of the folders in it.
///
/// # Errors
/// There is none, or one cannot be understood.
pub(super) fn read(folder: &Path) -> Result<Vec<(PathBuf, Matrix)>> {
    let mut found: Vec<PathBuf> = folders(folder).collect();
    found.sort();
    if found.is_empty() {
        return Err(Failure::usage(format!("there is no matrix in {}", folder.display()))
            .because(format!("neither it nor a folder in it has a {DOCUMENT}"))
            .hint("name what `libcmatrix matrix --out` wrote to"));
    }
    found
        .into_iter()
        .map(|folder| Ok((folder.clone(), document(&folder.join(DOCUMENT))?)))
        .collect()
}

/// The folder itself if it is that of a matrix, else those of its folders that are, in no order.
pub(super) fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_one = |path: &PathBuf| path.join(DOCUMENT).is_file();
    let itself = Some(folder.to_owned()).filter(is_one);
    let inside = if itself.is_none() { fs::read_dir(folder).ok() } else { None };
    // `latest` is a link to one of the others.
    let inside = inside.into_iter().flatten().flatten();
    let inside = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    itself.into_iter().chain(inside.map(|entry| entry.path()).filter(is_one))
}

fn document(path: &Path) -> Result<Matrix> {
    let unreadable = || Failure::usage(format!("{} cannot be read", path.display()));
    let text = fs::read(path).map_err(|e| unreadable().because(e))?;
    let matrix: Matrix = serde_json::from_slice(&text).map_err(|e| {
        unreadable()
            .because(e)
            .hint("a newer libcmatrix may have written it, or only a part of it is there")
    })?;
    if matrix.schema_version > SCHEMA_VERSION {
        return Err(unreadable()
            .because(format!("its form {} is newer than this libcmatrix's", matrix.schema_version))
            .hint("install a newer libcmatrix"));
    }
    Ok(matrix)
}
