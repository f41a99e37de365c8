//! Every limit on what is read as an OPA policy, with its reason. What a policy may use when it runs stands with the
//! limits of all plugins, in `runtime`.

use std::time::Duration;

/// A bundle as it lies on disk. The code of a plugin has at most 32 MiB, and WebAssembly and JSON compress well.
pub const ARCHIVE_BYTES: u64 = 32 << 20;
/// All files of a bundle together. Four times what can be used of it leaves room for sources and documentation.
pub const UNPACKED_BYTES: u64 = 128 << 20;
/// Inflated to compressed bytes. Generated data of many like entries reaches 60; deflate ends at 1,032.
pub const RATIO: u64 = 200;
/// Below so many inflated bytes the ratio is not looked at: nothing that small is a bomb.
pub const RATIO_FLOOR_BYTES: u64 = 1 << 20;
/// Files and directories of a bundle. Large rule sets have some hundred.
pub const ENTRIES: usize = 10_000;
/// A path inside a bundle: a quarter of what Linux takes.
pub const PATH_BYTES: usize = 1_024;
/// How deep data may be nested: what serde_json takes as well.
pub const DATA_DEPTH: usize = 128;
/// How deep directories of a policy may be nested.
pub const DIRECTORY_DEPTH: usize = 32;

/// One request to an OPA server: what Polly waits.
pub const REMOTE_TIME: Duration = Duration::from_secs(30);
/// The question whether an OPA server is well: what Polly's health check waits.
pub const REMOTE_HEALTH_TIME: Duration = Duration::from_secs(5);
/// An answer of an OPA server. The verdict of 10,000 violations has about 4 MiB.
pub const REMOTE_ANSWER_BYTES: usize = 16 << 20;
/// How much of an answer a record keeps, for people and for replay; its digest is of the whole.
pub const REMOTE_ANSWER_KEPT_BYTES: usize = 64 << 10;
/// How many answers a record keeps of one policy.
pub const REMOTE_ANSWERS_KEPT: usize = 32;
