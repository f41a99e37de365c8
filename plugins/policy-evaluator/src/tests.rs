//! Driven as the host drives it, with policies made of closures.
