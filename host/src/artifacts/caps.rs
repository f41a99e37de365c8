//! Every limit on what comes out of a workflow run's uploads, in one place, each with its reason.

use std::time::Duration;

/// All on by default. What hits one is unreadable, and never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Stored (compressed) bytes of one artifact. The largest reports seen in practice compress to a few MB; a
    /// build's output that lies beside them must not cost more than this before it is given up.
    pub artifact_bytes: u64,
    /// One file. The largest SBOMs and SARIF files of real monorepos are around 40 MB.
    pub entry_bytes: u64,
    /// All files of one artifact together.
    pub total_bytes: u64,
    /// All files of one run together: what one push may cost in disk.
    pub run_bytes: u64,
    /// Inflated to compressed bytes, per file and per artifact. Verbose JSON reaches 30; deflate ends at 1,032.
    pub ratio: u64,
    /// Below so many inflated bytes the ratio is not looked at: nothing that small is a bomb, and a short file of
    /// blanks legitimately exceeds any ratio.
    pub ratio_floor_bytes: u64,
    /// Files of one run, and entries of one archive. Each file costs a mapping; Linux allows 65,530 per process.
    pub entries: u64,
    /// An entry's name. Linux takes 4,096 for a path; whoever needs a quarter of it is up to something.
    pub name_bytes: usize,
    /// Artifacts looked at per run. A build matrix uploads dozens.
    pub artifacts: usize,
    /// Artifacts downloaded at once per run: enough to fill the line, few enough for a neighbour's run.
    pub parallel: usize,
    /// Fetching and unpacking of one artifact: 100 MB over a slow line.
    pub time: Duration,
    /// The store on disk. Beyond it the least recently used files go.
    pub store_bytes: u64,
    /// Files that nobody asked for in so long go, whatever the store's size.
    pub store_age: Duration,
    /// Memory for the outlines of artifacts that were unpacked before.
    pub outline_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            artifact_bytes: 100 << 20,
            entry_bytes: 64 << 20,
            total_bytes: 256 << 20,
            run_bytes: 1 << 30,
            ratio: 100,
            ratio_floor_bytes: 1 << 20,
            entries: 10_000,
            name_bytes: 1_024,
            artifacts: 256,
            parallel: 4,
            time: Duration::from_secs(60),
            store_bytes: 4 << 30,
            store_age: Duration::from_secs(24 * 3600),
            outline_bytes: 64 << 20,
        }
    }
}
