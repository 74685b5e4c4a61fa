//! The files that `libcmatrix init --ci` writes: are they what their systems take, are they safe, do
//! their scripts do what they are for, and does every call of libcmatrix in them exist?

mod calls;
mod documents;
mod github_safety;
mod init;
mod schemas;
mod scripts;
mod shell;
