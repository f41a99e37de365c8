//! Fetches GitHub's schemas through npm, checks what came, and keeps only the files that are used.

use super::convert;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use sha2::{Digest, Sha512};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory under `target` that holds the files.
pub(super) const DIRECTORY: &str = "github-schemas";
const STAMP: &str = "stamp";
/// Raised when the conversion or the list of endpoints changes, so that old results are made anew.
const CONVERSION: u32 = 3;

/// One file out of one pinned package.
struct Package {
    name: &'static str,
    version: &'static str,
    integrity: &'static str,
    file: &'static str,
    kept_as: &'static str,
}

/// The integrity values are the registry's own, written down when the versions were chosen.
const PACKAGES: [Package; 3] = [
    Package {
        name: "@octokit/openapi",
        version: "23.0.2",
        integrity: "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
        file: "package/generated/api.github.com.json",
        kept_as: "openapi.json",
    },
    Package {
        name: "@octokit/openapi-webhooks",
        version: "12.1.0",
        integrity: "Z5eDsLCUNbx1zHpZb1LNQirADqdMTvWJQ/deahi0ws+tWWnwHXB+Pr4jfmM9OrETS9Y5iW8ZRu1fdbudObhLrg==",
        file: "package/generated/api.github.com.json",
        kept_as: "webhooks.json",
    },
    Package {
        name: "@octokit/webhooks-examples",
        version: "7.6.1",
        integrity: "De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
        file: "package/api.github.com/index.json",
        kept_as: "examples.json",
    },
];

/// Fetches the schemas into `target/github-schemas`, unless they are there already; returns that directory.
///
/// Needs `npm` and its registry, about 31 MB once. Fails with the reason, so that a caller can name what it skips.
pub fn fetch(target: &Path) -> Result<PathBuf> {
    let directory = target.join(DIRECTORY);
    if is_fetched(&directory) {
        return Ok(directory);
    }
    // Built aside and moved into place whole: two test processes may fetch at the same time.
    let aside = target.join(format!("{DIRECTORY}.{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&aside).with_context(|| format!("creating {}", aside.display()))?;
    let made =
        PACKAGES.iter().try_for_each(|package| fetch_one(package, &aside)).and_then(|()| convert::convert(&aside));
    let moved = made.and_then(|()| put_into_place(&aside, &directory));
    // A leftover of a failed fetch is of no use to anybody; if it cannot be removed, it does no harm either.
    let _ = std::fs::remove_dir_all(&aside);
    moved.map(|()| directory)
}

/// Whether the directory holds these very versions.
pub fn is_fetched(directory: &Path) -> bool {
    std::fs::read_to_string(directory.join(STAMP)).is_ok_and(|found| found == stamp())
}

fn stamp() -> String {
    let packages = PACKAGES.iter().map(|p| format!("{}@{} {}\n", p.name, p.version, p.integrity));
    format!("conversion {CONVERSION}\n{}", packages.collect::<String>())
}

fn put_into_place(aside: &Path, directory: &Path) -> Result<()> {
    std::fs::write(aside.join(STAMP), stamp()).context("writing the stamp")?;
    // An older set stands in the way. When another process was faster, its result is as good as ours.
    if directory.exists() && !is_fetched(directory) {
        std::fs::remove_dir_all(directory).with_context(|| format!("removing {}", directory.display()))?;
    }
    match std::fs::rename(aside, directory) {
        Err(_) if is_fetched(directory) => Ok(()),
        outcome => outcome.with_context(|| format!("moving the schemas to {}", directory.display())),
    }
}

fn fetch_one(package: &Package, into: &Path) -> Result<()> {
    let wanted = format!("{}@{}", package.name, package.version);
    let output = Command::new("npm")
        .args(["pack", &wanted, "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(into)
        .output()
        .context("running npm; install Node.js or put npm on the PATH")?;
    if !output.status.success() {
        bail!("npm pack {wanted} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let file_name = format!("{}-{}.tgz", package.name.trim_start_matches('@').replace('/', "-"), package.version);
    let archive = into.join(file_name);
    let bytes = std::fs::read(&archive).with_context(|| format!("reading what npm packed for {wanted}"))?;
    let found = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&bytes));
    ensure!(found == package.integrity, "{wanted} has the wrong integrity: sha512-{found}");
    let content = extract(&bytes, package.file).with_context(|| format!("unpacking {wanted}"))?;
    std::fs::write(into.join(package.kept_as), content).with_context(|| format!("writing {}", package.kept_as))?;
    std::fs::remove_file(&archive).context("removing the packed archive")
}

/// One file out of a package: unpacking everything would take 400 MB.
fn extract(archive: &[u8], wanted: &str) -> Result<Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in archive.entries().context("reading the archive")? {
        let mut entry = entry.context("reading an entry")?;
        if entry.path().context("reading an entry's name")?.as_ref() == Path::new(wanted) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).context("reading the wanted file")?;
            return Ok(content);
        }
    }
    bail!("there is no {wanted} in it")
}
