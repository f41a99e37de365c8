//! Structured logging. The host adds plugin, job and trace, and caps the volume; natively it is printed to the test's
//! output. For an author's and operator's eyes: what a reader of the check should know belongs into a diagnostic.

use std::fmt::Display;

#[cfg(target_arch = "wasm32")]
use crate::bindings::contract::logging::{self, Level};

#[cfg(not(target_arch = "wasm32"))]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// For finding out why a plugin does what it does.
pub fn debug(message: impl Display) {
    write(Level::Debug, &message.to_string());
}

/// Something worth knowing once.
pub fn info(message: impl Display) {
    write(Level::Info, &message.to_string());
}

/// Odd, and the plugin goes on.
pub fn warn(message: impl Display) {
    write(Level::Warn, &message.to_string());
}

/// Someone should look.
pub fn error(message: impl Display) {
    write(Level::Error, &message.to_string());
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    logging::log(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    let level = match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    println!("{level}: {message}");
}
