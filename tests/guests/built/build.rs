//! Builds the hostile guests with an inner cargo, in the directory that `plugins/first-party` uses too and under the same
//! lock. Why each of its environment variables goes is said there.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";
const GUESTS: [&str; 3] = ["evaluator", "normalizer", "opa-answer"];

fn main() {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let workspace = manifest.ancestors().nth(3).expect("this crate stands in <workspace>/tests/guests").to_owned();
    println!("cargo::rerun-if-env-changed=PALISADE_GUESTS_DIR");
    println!("cargo::rerun-if-changed={}", workspace.join("wit").display());
    for guest in GUESTS {
        println!("cargo::rerun-if-changed={}", workspace.join("tests/guests").join(guest).display());
    }
    let guests = env::var_os("PALISADE_GUESTS_DIR").map_or_else(|| workspace.join("target/guests"), PathBuf::from);
    let lock = fs::create_dir_all(&guests).and_then(|()| fs::File::create(guests.join("palisade.lock")));
    let lock = lock.unwrap_or_else(|error| fail(&format!("making {}: {error}", guests.display())));
    lock.lock().unwrap_or_else(|error| fail(&format!("locking {}: {error}", guests.display())));
    for guest in GUESTS {
        build(&workspace, &guests, guest);
    }
}

fn build(workspace: &Path, guests: &Path, guest: &str) {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(workspace)
        .args(["rustc", "--quiet", "--profile", "guest", "--target", TARGET, "--lib", "--crate-type", "cdylib"])
        .args(["--package", &format!("palisade-hostile-{guest}"), "--target-dir"])
        .arg(guests);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(belongs_to_the_outer_build)) {
        cargo.env_remove(name);
    }
    if !cargo.status().is_ok_and(|status| status.success()) {
        fail(&format!("the guest {guest} does not build for {TARGET}; add it with: rustup target add {TARGET}"));
    }
    let built = guests.join(TARGET).join("guest").join(format!("palisade_hostile_{}.wasm", guest.replace('-', "_")));
    let copy = PathBuf::from(variable("OUT_DIR")).join(format!("{guest}.wasm"));
    if let Err(error) = fs::copy(&built, copy) {
        fail(&format!("copying {}: {error}", built.display()));
    }
}

fn belongs_to_the_outer_build(name: &str) -> bool {
    const GOES: [&str; 9] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "MAKEFLAGS",
        "MFLAGS",
        "OUT_DIR",
        "TARGET",
        "CLIPPY_ARGS",
    ];
    const STAYS: [&str; 6] =
        ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];
    GOES.contains(&name) || name.starts_with("CARGO") && !STAYS.iter().any(|stays| name.starts_with(stays))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
