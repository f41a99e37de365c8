//! The glue with modules made of closures.
