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
/// All data of a policy as text, with the bundle's manifest and signature. As much as the code of a plugin: each instance
/// of the policy holds it, and while it is read it takes several times its size.
pub const DATA_BYTES: u64 = 32 << 20;
/// Values in one document. One takes some 60 bytes while it is read, however short its text: 250 MB for so many. Lists of
/// all known vulnerabilities stay below a million.
pub const DATA_VALUES: usize = 4_000_000;
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
/// All requests of one policy together, a document each: four that take all their time. A job that waits longer keeps
/// others from being judged.
pub const REMOTE_POLICY_TIME: Duration = Duration::from_secs(120);
/// All answers about the documents of one policy: four of the largest. They are held until all are there.
pub const REMOTE_ANSWERS_BYTES: usize = 64 << 20;
/// The longest answer that a record keeps whole: the verdict of 10,000 violations. Of a longer one it keeps the digest.
pub const REMOTE_ANSWER_KEPT_BYTES: usize = 4 << 20;
/// How many answers a record keeps of one policy: the first, in the order of the documents. A build matrix uploads dozens.
pub const REMOTE_ANSWERS_KEPT: usize = 256;
/// All answers that a record keeps of one policy: two of the longest. A record stays small beside its files.
pub const REMOTE_ANSWERS_KEPT_BYTES: usize = 8 << 20;
