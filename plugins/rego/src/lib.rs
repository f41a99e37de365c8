//! Judges by policies in Rego source.
