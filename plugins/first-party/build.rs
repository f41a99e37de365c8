//! Builds the first-party plugins with an inner cargo and leaves them in `OUT_DIR`, so that a plain `cargo build`,
//! `cargo test` or `cargo clippy` in a fresh clone needs no step before it. Never builds for any other target, and never
//! in the outer build's target directory, whose lock the outer cargo holds.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio, exit},
};

/// The folders in `plugins/`. This list is the only one: the library's is generated from it.
const PLUGINS: [&str; 7] = ["trivy", "spdx", "cyclonedx", "sarif", "vulnerability", "license", "rego"];

/// Components that are no plugins by themselves: what the host joins OPA policies with.
const PARTS: [&str; 2] = ["opa-glue", "opa-builtins"];

/// Libraries below `plugins/` that more than one of them is made of.
const LIBRARIES: [&str; 2] = ["policy-results", "policy-evaluator"];

const TARGET: &str = "wasm32-wasip2";

fn main() {
    if !target_is_installed() {
        // An orderly end, so that cargo shows this line and no more: it fails the build for the line's sake.
        println!("cargo::error=the target {TARGET} is missing; add it with: rustup target add {TARGET}");
        return;
    }
    let workspace = workspace();
    watch(&workspace);
    let guests = guests(&workspace);
    let _alone = lock(&guests);
    for plugin in PLUGINS.iter().chain(&PARTS) {
        build(&workspace, &guests, plugin);
    }
    publish(&guests);
}

fn workspace() -> PathBuf {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    manifest.parent().and_then(Path::parent).expect("this crate stands in <workspace>/plugins").to_owned()
}

/// A directory of its own below the workspace, whatever the outer build's is: all outer builds (tests, clippy, other
/// target directories) then share one set of guests.
fn guests(workspace: &Path) -> PathBuf {
    env::var_os("PALISADE_GUESTS_DIR").map_or_else(|| workspace.join("target/guests"), PathBuf::from)
}

fn watch(workspace: &Path) {
    println!("cargo::rerun-if-env-changed=PALISADE_GUESTS_DIR");
    for path in
        ["Cargo.toml", "Cargo.lock", "wit", "sdk/rust/src", "sdk/rust/Cargo.toml", "plugins/first-party/build.rs"]
    {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    for plugin in PLUGINS.iter().chain(&PARTS).chain(&LIBRARIES) {
        let folder = workspace.join("plugins").join(plugin);
        println!("cargo::rerun-if-changed={}", folder.join("src").display());
        println!("cargo::rerun-if-changed={}", folder.join("Cargo.toml").display());
    }
}

/// Asked first, because without it the inner cargo fails with a screen of "can't find crate for `core`".
fn target_is_installed() -> bool {
    let answer = Command::new(variable("RUSTC"))
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null())
        .output();
    answer.is_ok_and(|answer| {
        answer.status.success() && Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir()
    })
}

/// Two outer builds at once (tests in one terminal, clippy in the other) take turns: cargo guards its own writing, but
/// not our reading of what it wrote.
fn lock(guests: &Path) -> File {
    fs::create_dir_all(guests).unwrap_or_else(|error| fail(&format!("creating {}: {error}", guests.display())));
    let path = guests.join("palisade.lock");
    let file = File::create(&path).unwrap_or_else(|error| fail(&format!("creating {}: {error}", path.display())));
    file.lock().unwrap_or_else(|error| fail(&format!("locking {}: {error}", path.display())));
    file
}

/// `cargo rustc --crate-type cdylib` instead of `cargo build`: the crates are also libraries for their tests, and cargo
/// leaves link-time optimisation out as soon as one crate type cannot have it.
fn build(workspace: &Path, guests: &Path, plugin: &str) {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(workspace)
        .args(["rustc", "--quiet", "--profile", "guest", "--target", TARGET, "--lib", "--crate-type", "cdylib"])
        .args(["--package", &format!("palisade-plugin-{plugin}")])
        .args(features(plugin))
        .arg("--target-dir")
        .arg(guests)
        .stdout(Stdio::null());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_the_outer_build) {
            cargo.env_remove(name);
        }
    }
    // A build directory from the user's own configuration would be the outer build's, and locked.
    cargo.env("CARGO_BUILD_BUILD_DIR", guests);
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(_) => fail(&format!("the plugin {plugin} does not build for {TARGET}; its errors stand below")),
        Err(error) => fail(&format!("starting cargo for the plugin {plugin}: {error}")),
    }
}

/// A part that is also a library exports its component's functions only where it is built as one.
fn features(plugin: &str) -> &'static [&'static str] {
    if plugin == "opa-builtins" { &["--features", "component"] } else { &[] }
}

/// Flags, wrappers (clippy's), profiles and target directories of the outer build would change or block the inner one.
/// What says where crates come from stays.
fn belongs_to_the_outer_build(name: &str) -> bool {
    const STAYS: [&str; 8] = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
        "CARGO_INSTALL_ROOT",
        "CARGO_CACHE_",
    ];
    const GOES: [&str; 11] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "MAKEFLAGS",
        "MFLAGS",
        "OUT_DIR",
        "TARGET",
        "CLIPPY_ARGS",
        "CLIPPY_CONF_DIR",
    ];
    GOES.contains(&name) || name.starts_with("CARGO") && !STAYS.iter().any(|stays| name.starts_with(stays))
}

/// Copies the components and writes the lists that the library includes.
fn publish(guests: &Path) {
    let out = PathBuf::from(variable("OUT_DIR"));
    for (file, names) in [("first_party.rs", PLUGINS.as_slice()), ("parts.rs", PARTS.as_slice())] {
        let mut list = String::from("[\n");
        for name in names {
            // Cargo writes an underscore for a hyphen.
            let built = format!("palisade_plugin_{}.wasm", name.replace('-', "_"));
            let built = guests.join(TARGET).join("guest").join(built);
            let copy = out.join(format!("{name}.wasm"));
            if let Err(error) = fs::copy(&built, &copy) {
                fail(&format!("copying {}: {error}", built.display()));
            }
            list += &format!("    FirstParty {{ name: {name:?}, wasm: include_bytes!({copy:?}) }},\n");
        }
        list += "]\n";
        if let Err(error) = fs::write(out.join(file), list) {
            fail(&format!("writing the list {file}: {error}"));
        }
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

/// One line for a person; cargo shows it in front of everything else.
fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
