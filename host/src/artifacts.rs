//! What workflow runs uploaded: fetched once, unpacked safely, kept by digest and shared read-only.
//! Never extracts under an archive's own names, never trusts a declared size, never runs a plugin.

mod archive;
mod caps;
mod fetch;
mod outline;
mod store;
#[cfg(test)]
mod tests;

pub use caps::Caps;
pub use fetch::{Fetched, FetchedFile, Fetcher, UnopenedArtifact};
pub use outline::outline;
pub use store::ArtifactStore;
