//! Every limit of a plugin call, in one place: what it is, where the number comes from, what the operator may write.
//! Nothing is enforced here. All are on by default; each is overridable per plugin under `plugins.<name>.limits`.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The most memory that any plugin may be given: what a pool slot is sized for. Half of a small host.
pub const MAX_MEMORY: u64 = 1024 * MIB;
/// What a pool's table slot holds.
pub const MAX_TABLE_ELEMENTS: u64 = 20_000;
/// A plugin's code. The largest known guest (Python) is 18.6 MB.
pub const PLUGIN_SIZE: u64 = 32 * MIB;
/// The compiler is parallel inside and takes hundreds of MB for large guests.
pub const COMPILES_AT_ONCE: usize = 2;
/// Compiled functions that are kept while plugins load, to be shared between those that carry the same code. The builtins
/// of OPA policies and their glue take about 25 MiB.
pub const COMPILED_FUNCTIONS: u64 = 128 * MIB;
/// How long a plugin waits until others are compiled: twenty large ones, two at a time, take 200 s.
pub const COMPILE_TURN: Duration = Duration::from_secs(300);
/// Functions of a plugin, over all its modules: the JavaScript runtime has 20,000. 50,000 empty ones take 8 s and 300 MB
/// to compile.
pub const FUNCTIONS: u32 = 100_000;
/// Code of one function. The largest of the JavaScript runtime has 172 KB. A compiler cannot be interrupted in a
/// function, and takes more than linear time: 300 KB written to annoy it took 40 s and 800 MB.
pub const FUNCTION_SIZE: u64 = 512 * KIB;
/// A Rust std component is 3 core instances, 1 memory, 2 tables; a composed policy about 13, 3, 6.
pub const CORE_INSTANCES: u32 = 32;
pub const MEMORIES: u32 = 8;
pub const TABLES: u32 = 16;
/// Each exported interface is a nested component of its own, times the parts of a composed policy. Twenty levels of
/// two instances each, in 1,200 bytes, took 8 s and 800 MB before they were counted.
pub const COMPONENT_INSTANCES: u32 = 64;
/// Components and modules inside each other: a composed policy has a handful of levels.
pub const NESTING: u32 = 16;
/// Host functions run in the difference between the two stacks; overflowing that one would abort the process.
pub const WASM_STACK: usize = 512 * KIB as usize;
pub const ASYNC_STACK: usize = 2 * MIB as usize;
/// Finer ticks buy nothing: the scheduler's delay dominates.
pub const TICK: Duration = Duration::from_millis(10);
/// How much of the wall time the guest itself must have computed for its timeout to count. The rest of 100 % is
/// what one tick and the scheduler take on an idle machine.
pub const OWN_TIME_SHARE: f64 = 0.85;
/// How much longer than its limit a retried call may last, so that a loaded machine gives it its CPU time.
pub const RETRY_PATIENCE: u32 = 5;
/// One `read` of an artifact or document, as the contract says.
pub const READ: u64 = MIB;
/// All documents of one shape of a job's evidence. The largest artifact has 64 MiB, and its records are shorter than itself.
pub const EVIDENCE_DOCUMENTS: u64 = 64 * MIB;
/// Items per page, as the contract says.
pub const PAGE: u32 = 1_000;
/// Broken calls in a row until the circuit opens, and for how long: DESIGN, section 3.
pub const BREAKER_CALLS: u32 = 5;
pub const BREAKER_OPEN: Duration = Duration::from_secs(60);
/// Compiled code is about four times its wasm; twenty large plugins fit.
pub const CACHE_SIZE: u64 = 1024 * MIB;
/// What an OPA module may compute in the interpreter before it is a plugin. Naming its entrypoints and builtins takes a
/// million steps where there are hundreds of them.
pub const PROBE_FUEL: u64 = 100_000_000;
/// More of the same for each byte of a policy's data: OPA's parser takes about 200 steps, growing tables some more.
pub const DATA_FUEL_PER_BYTE: u64 = 2_000;
/// What an OPA module may use there: as much as any plugin gets by default.
pub const PROBE_MEMORY: u64 = 128 * MIB;
/// The longest answer about entrypoints or builtins, the most names in one and the longest name. OPA has 220 builtins.
pub const PROBE_ANSWER: usize = MIB as usize;
pub const PROBE_NAMES: usize = 2_000;
pub const PROBE_NAME: usize = 256;
/// A policy with its data loaded, as code. Half of what a plugin may have: glue and builtins want room too.
pub const SNAPSHOT_SIZE: u64 = PLUGIN_SIZE / 2;

/// What one call of one plugin may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Until the code is compiled: 18 MB take about 20 s on one busy core; the rest is room.
    pub compile: Duration,
    /// Wall time of a call. 21 MB of Trivy JSON take 0.3 s.
    pub wall: Duration,
    /// One call of a host function that waits: nothing that a plugin may wait for takes a second.
    pub host_call: Duration,
    /// All waiting of one call: a few slow answers, not a queue of them.
    pub host_calls: Duration,
    /// Linear memory, summed over all memories of the call: a 64 MiB artifact in one buffer, and as much again.
    pub memory: u64,
    /// Elements, summed over all tables of the call: debug builds of C# were seen with more than 10,000.
    pub table_elements: u64,
    /// Bytes that the guest hands over in one crossing: a page of 1,000 fat findings is 5 MB.
    pub hostcall_bytes: u64,
    /// Entries of the host's resource table: 200 reports with their documents, twenty times.
    pub resources: u64,
    /// Handles that a component holds. More than `resources`, so that the clearer limit is reached first.
    pub handles: u64,
    /// Random bytes per request: a key or a seed, not a stream.
    pub random_bytes: u64,
    /// What is kept of stdout, of stderr and of `log`, each: the head of a panic and what led there.
    pub output: u64,
    /// Per report. Large public examples have 4,000 results and 4,000 packages (`formats.md` 6).
    pub findings: u32,
    pub components: u32,
    /// Per report: about four edges per component of the largest SBOMs.
    pub dependencies: u32,
    /// Per report (`formats.md` 6).
    pub vex: u32,
    pub attestations: u32,
    /// All documents of a report together: the artifact itself is at most 64 MiB, a projection half of it.
    pub documents: u64,
    /// All texts of a report together: twice the largest artifact.
    pub report: u64,
    /// Per verdict: more than GitHub shows in any form.
    pub violations: u32,
    /// A whole verdict: what a page and the record can carry.
    pub verdict: u64,
    /// Lengths of single texts and lists.
    pub texts: Texts,
}

/// Longest texts in bytes, longest lists in items (`formats.md` 6). Titles, descriptions, messages and lists of
/// references, locations, ratings and properties are shortened; any other over-long value costs the entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Texts {
    pub title: usize,
    pub description: usize,
    pub message: usize,
    /// A verdict's summary: as much as GitHub takes in one field.
    pub summary: usize,
    /// Ids, names, words without a cap of their own.
    pub id: usize,
    pub version: usize,
    pub purl: usize,
    pub path: usize,
    /// The longest real SPDX expression seen has 1.5 KB.
    pub licence: usize,
    pub property: usize,
    pub reference: usize,
    pub aliases: usize,
    pub ratings: usize,
    pub references: usize,
    pub locations: usize,
    pub properties: usize,
    /// Any other list of an entry: hashes, CPEs, versions, licences, the way in.
    pub others: usize,
    /// Diagnostics that are kept; the rest is counted.
    pub diagnostics: usize,
    /// Documents of one report.
    pub documents: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            title: 300,
            description: 4096,
            message: 4096,
            summary: 65_535,
            id: 1024,
            version: 256,
            purl: 2048,
            path: 1024,
            licence: 4096,
            property: 1024,
            reference: 2048,
            aliases: 64,
            ratings: 16,
            references: 20,
            locations: 20,
            properties: 64,
            others: 256,
            diagnostics: 100,
            documents: 64,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compile: Duration::from_secs(60),
            wall: Duration::from_secs(2),
            host_call: Duration::from_secs(1),
            host_calls: Duration::from_secs(5),
            memory: 128 * MIB,
            table_elements: MAX_TABLE_ELEMENTS,
            hostcall_bytes: 16 * MIB,
            resources: 4_096,
            handles: 10_000,
            random_bytes: 64 * KIB,
            output: 64 * KIB,
            findings: 50_000,
            components: 50_000,
            dependencies: 200_000,
            vex: 20_000,
            attestations: 1_000,
            documents: 32 * MIB,
            report: 128 * MIB,
            violations: 5_000,
            verdict: 4 * MIB,
            texts: Texts::default(),
        }
    }
}

/// What `plugins.<name>.limits` may say. Durations are `"100ms"` or `"5s"`, sizes `"256MiB"` or bytes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitOverrides {
    #[serde(deserialize_with = "duration")]
    pub compile: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub wall: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub host_call: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub host_calls: Option<Duration>,
    #[serde(deserialize_with = "size")]
    pub memory: Option<u64>,
    pub table_elements: Option<u64>,
    #[serde(deserialize_with = "size")]
    pub hostcall_bytes: Option<u64>,
    pub resources: Option<u64>,
    pub handles: Option<u64>,
    #[serde(deserialize_with = "size")]
    pub random_bytes: Option<u64>,
    #[serde(deserialize_with = "size")]
    pub output: Option<u64>,
    pub findings: Option<u32>,
    pub components: Option<u32>,
    pub dependencies: Option<u32>,
    pub vex: Option<u32>,
    pub attestations: Option<u32>,
    #[serde(deserialize_with = "size")]
    pub documents: Option<u64>,
    #[serde(deserialize_with = "size")]
    pub report: Option<u64>,
    pub violations: Option<u32>,
    #[serde(deserialize_with = "size")]
    pub verdict: Option<u64>,
}

impl Limits {
    /// These limits with what the operator said about one plugin. The error names the key.
    pub fn with(&self, overrides: &LimitOverrides) -> Result<Limits, String> {
        let mut limits = self.clone();
        macro_rules! take {
            ($($field:ident),+) => { $(if let Some(value) = overrides.$field { limits.$field = value; })+ };
        }
        take!(compile, wall, host_call, host_calls, memory, table_elements, hostcall_bytes, resources, handles);
        take!(
            random_bytes,
            output,
            findings,
            components,
            dependencies,
            vex,
            attestations,
            documents,
            report,
            violations,
            verdict
        );
        if limits.memory > MAX_MEMORY {
            return Err(format!("`memory` is {}, the most is {}", show_size(limits.memory), show_size(MAX_MEMORY)));
        }
        if limits.table_elements > MAX_TABLE_ELEMENTS {
            return Err(format!("`table_elements` is {}, the most is {MAX_TABLE_ELEMENTS}", limits.table_elements));
        }
        if limits.wall < TICK {
            return Err(format!("`wall` is {:?}, the least is {TICK:?}", limits.wall));
        }
        Ok(limits)
    }
}

/// `128 MiB`, for people.
pub fn show_size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

/// `2 s`, `100 ms`, for people.
pub fn show_duration(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u64),
    Text(String),
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(quantity) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    parse_unit(&quantity, &[("ms", 1), ("s", 1000), ("m", 60_000)])
        .map(|millis| Some(Duration::from_millis(millis)))
        .ok_or_else(|| serde::de::Error::custom(format!("{quantity:?} is not a duration such as \"500ms\" or \"5s\"")))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<Quantity>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Quantity::Number(bytes)) => Ok(Some(bytes)),
        Some(Quantity::Text(text)) => parse_unit(&text, &[("KiB", KIB), ("MiB", MIB), ("GiB", 1024 * MIB)])
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a size such as \"256MiB\" or 65536"))),
    }
}

/// A whole number and one of the units; the longest unit is tried first, or `500ms` would be minutes of `500`.
fn parse_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| text.trim().strip_suffix(unit).map(|number| (number, factor)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_writes_durations_and_sizes_as_people_do() {
        let overrides: LimitOverrides =
            serde_json::from_str(r#"{"wall": "100ms", "host_calls": "7s", "memory": "256MiB", "output": 100}"#)
                .unwrap();
        let limits = Limits::default().with(&overrides).unwrap();
        assert_eq!(limits.wall, Duration::from_millis(100));
        assert_eq!(limits.host_calls, Duration::from_secs(7));
        assert_eq!(limits.memory, 256 * MIB);
        assert_eq!(limits.output, 100);
        assert_eq!(limits.findings, Limits::default().findings);
    }

    #[test]
    fn an_unknown_limit_or_a_bad_value_is_an_error_that_names_it() {
        let error = serde_json::from_str::<LimitOverrides>(r#"{"wal": "1s"}"#).unwrap_err().to_string();
        assert!(error.contains("`wal`"), "{error}");
        let error = serde_json::from_str::<LimitOverrides>(r#"{"wall": "soon"}"#).unwrap_err().to_string();
        assert!(error.contains("\"soon\" is not a duration"), "{error}");
        let too_much = LimitOverrides { memory: Some(MAX_MEMORY + 1), ..LimitOverrides::default() };
        assert!(Limits::default().with(&too_much).unwrap_err().contains("`memory`"));
    }
}
