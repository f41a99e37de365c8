//! Does the fake refuse what GitHub refuses, accept what it accepts, and satisfy GitHub's own schemas?

#![allow(clippy::unwrap_used)] // a test's unwrap is an assertion

mod actions;
mod authentication;
mod checks;
mod client;
mod comments;
mod deliveries;
mod faults;
mod pulls;
mod registration;
mod schemas;
