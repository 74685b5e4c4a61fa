//! The trials are in `e2e/`; this package has no code of its own.
