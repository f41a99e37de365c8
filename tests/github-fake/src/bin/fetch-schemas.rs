//! Fetches GitHub's schemas and example payloads out of npm packages into `target/github-schemas`, for `cargo xtask`.

use palisade_github_fake::schemas;

fn main() -> anyhow::Result<()> {
    let directory = schemas::fetch(&schemas::default_target())?;
    println!("GitHub's schemas are in {}", directory.display());
    Ok(())
}
