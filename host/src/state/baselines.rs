//! The newest evidence of branches, one entry for each workflow of a branch: which run it is, in front of the packed
//! reports, so that nothing is unpacked to compare ages. JSON of findings repeats itself: 1,000 of them take 30 KB
//! packed, 20,000 600 KB.

use super::{State, StoreError};
use crate::model::RepositoryName;
use crate::model::baseline::{Baseline, BaselineRun};
use crate::model::evidence::SourcedReport;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::time::Duration;

/// A branch that nothing happens on for longer is asked for again.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// What became of evidence that was handed over to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// There is newer evidence of this workflow.
    Older,
    /// The store takes no entry of this size.
    TooLarge,
}

/// GitHub was asked for a branch's evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sought {
    pub found: bool,
}

impl State {
    /// The newest evidence of a branch, as far as it is remembered; none where there is none.
    pub async fn baseline(&self, repository: &RepositoryName, branch: &str) -> Result<Option<Baseline>, StoreError> {
        let mut baseline = Baseline::default();
        for key in self.baselines.keys(&branch_prefix(repository, branch)).await? {
            let Some(entry) = self.baselines.get(&key).await? else { continue };
            let (run, reports) = unpack(&key, &entry)?;
            baseline.runs.push(run);
            baseline.reports.extend(reports);
        }
        Ok((!baseline.runs.is_empty()).then_some(baseline))
    }

    /// Which runs the remembered evidence of a branch stems from, in the order of their workflows.
    pub async fn baseline_runs(
        &self,
        repository: &RepositoryName,
        branch: &str,
    ) -> Result<Vec<BaselineRun>, StoreError> {
        let mut runs = Vec::new();
        for key in self.baselines.keys(&branch_prefix(repository, branch)).await? {
            let Some(entry) = self.baselines.get(&key).await? else { continue };
            runs.push(head(&key, &entry)?.0);
        }
        Ok(runs)
    }

    /// Keeps the evidence of a run unless there is a newer one of its workflow. The reports are reduced ones.
    pub async fn remember_baseline(
        &self,
        (repository, branch): (&RepositoryName, &str),
        run: &BaselineRun,
        reports: &[SourcedReport],
    ) -> Result<Kept, StoreError> {
        let key = format!("{}{}", branch_prefix(repository, branch), run.workflow_path);
        if let Some(known) = self.baselines.get(&key).await? {
            let known = head(&key, &known)?.0;
            if (known.created_at, known.id, known.attempt) > (run.created_at, run.id, run.attempt) {
                return Ok(Kept::Older);
            }
        }
        let entry = pack(&key, run, reports)?;
        match self.baselines.set(&key, entry, Some(KEPT_FOR)).await {
            Err(error @ StoreError::TooLarge { .. }) => {
                tracing::warn!(%error, "a branch's evidence is not kept");
                Ok(Kept::TooLarge)
            }
            kept => kept.map(|()| Kept::Yes),
        }
    }

    /// Notes that GitHub was asked for a branch's evidence, so that it is not asked again for a while.
    pub async fn remember_sought(
        &self,
        (repository, branch): (&RepositoryName, &str),
        sought: Sought,
        for_how_long: Duration,
    ) -> Result<(), StoreError> {
        let key = sought_key(repository, branch);
        let bytes = serde_json::to_vec(&sought).map_err(|_| StoreError::Type(key.clone()))?;
        self.baselines.set(&key, bytes.into(), Some(for_how_long)).await
    }

    /// Whether a branch is protected, as far as somebody asked lately.
    pub async fn protection(&self, repository: &RepositoryName, branch: &str) -> Result<Option<bool>, StoreError> {
        super::read(&self.baselines, &protection_key(repository, branch)).await
    }

    pub async fn remember_protection(
        &self,
        (repository, branch): (&RepositoryName, &str),
        protected: bool,
        for_how_long: Duration,
    ) -> Result<(), StoreError> {
        let key = protection_key(repository, branch);
        let value = Bytes::from_static(if protected { b"true" } else { b"false" });
        self.baselines.set(&key, value, Some(for_how_long)).await
    }

    pub async fn sought(&self, repository: &RepositoryName, branch: &str) -> Result<Option<Sought>, StoreError> {
        super::read(&self.baselines, &sought_key(repository, branch)).await
    }
}

/// No branch's name holds a colon, so none is the beginning of another's keys.
fn branch_prefix(repository: &RepositoryName, branch: &str) -> String {
    format!("{}:{}:baseline:{branch}:", repository.owner(), repository.name())
}

fn sought_key(repository: &RepositoryName, branch: &str) -> String {
    format!("{}:{}:sought:{branch}", repository.owner(), repository.name())
}

fn protection_key(repository: &RepositoryName, branch: &str) -> String {
    format!("{}:{}:protection:{branch}", repository.owner(), repository.name())
}

/// JSON, deflated.
pub fn packed(value: &impl Serialize) -> std::io::Result<Bytes> {
    deflated(Vec::new(), value)
}

pub fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> std::io::Result<T> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

fn deflated(before: Vec<u8>, value: &impl Serialize) -> std::io::Result<Bytes> {
    let mut encoder = ZlibEncoder::new(before, Compression::fast());
    serde_json::to_writer(&mut encoder, value)?;
    encoder.flush()?;
    encoder.finish().map(Bytes::from)
}

/// The run as one line of JSON, then the reports, packed.
fn pack(key: &str, run: &BaselineRun, reports: &[SourcedReport]) -> Result<Bytes, StoreError> {
    let broken = || StoreError::Type(key.to_owned());
    let mut entry = serde_json::to_vec(run).map_err(|_| broken())?;
    entry.push(b'\n');
    deflated(entry, &reports).map_err(|_| broken())
}

fn head<'a>(key: &str, entry: &'a [u8]) -> Result<(BaselineRun, &'a [u8]), StoreError> {
    let broken = || StoreError::Type(key.to_owned());
    let end = entry.iter().position(|&byte| byte == b'\n').ok_or_else(broken)?;
    let run = serde_json::from_slice(&entry[..end]).map_err(|_| broken())?;
    Ok((run, &entry[end + 1..]))
}

fn unpack(key: &str, entry: &[u8]) -> Result<(BaselineRun, Vec<SourcedReport>), StoreError> {
    let (run, reports) = head(key, entry)?;
    Ok((run, unpacked(reports).map_err(|_| StoreError::Type(key.to_owned()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::artifact::Source;
    use crate::model::report::{
        Completeness, ComponentRelation, ComponentScope, Coverage, Detail, Finding, Fix, FixState, Format, Location,
        PackageRef, Report, Severity, Vulnerability,
    };
    use crate::model::{Clock, Digest, HeadSha, RunId, Unix};
    use crate::state::memory::MemoryStore;
    use crate::state::records::StoredRecords;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Noon;
    impl Clock for Noon {
        fn now(&self) -> Unix {
            43_200
        }
    }

    fn state(baseline_bytes: usize) -> State {
        let store = |bytes| Arc::new(MemoryStore::new(Arc::new(Noon), 1_000, bytes).evicting());
        let expiry = Duration::from_secs(60);
        let records = Arc::new(StoredRecords::new(store(1 << 20), expiry));
        State::new(store(1 << 20), records, store(baseline_bytes), expiry)
    }

    fn run(id: u64, workflow: &str) -> BaselineRun {
        BaselineRun {
            workflow_path: format!(".github/workflows/{workflow}"),
            id: RunId(id),
            attempt: 1,
            sha: HeadSha::parse(&"b".repeat(40)).unwrap(),
            created_at: id,
        }
    }

    fn shop() -> RepositoryName {
        RepositoryName::new("acme", "shop").unwrap()
    }

    /// As a scanner finds them: some packages with several vulnerabilities each.
    fn finding(number: usize) -> Finding {
        let package = format!("library-{}", number / 4);
        Finding {
            id: format!("CVE-2024-{number:05}"),
            severity: Some(Severity::High),
            severity_raw: None,
            severity_source: None,
            title: format!("{package}: improper handling of input number {}", number * 7919 % 1000),
            description: None,
            package: Some(PackageRef {
                name: package.clone(),
                version: Some(format!("1.{}.0", number / 4 % 50)),
                purl: Some(format!("pkg:npm/{package}@1.{}.0", number / 4 % 50)),
                component: None,
                scope: ComponentScope::Runtime,
                relation: ComponentRelation::Unknown,
                introduced_by: Vec::new(),
            }),
            locations: vec![Location { path: "package-lock.json".to_owned(), ..Location::default() }],
            detail: Detail::Vulnerability(Vulnerability {
                aliases: vec![format!("GHSA-{:04x}-{:04x}", number * 31 % 65_536, number * 17 % 65_536)],
                ratings: Vec::new(),
                epss: None,
                known_exploited: None,
                cwes: Vec::new(),
                fix: Fix {
                    state: FixState::Fixed,
                    versions: vec!["2.0.0".to_owned()],
                    suggested: None,
                    breaking: None,
                },
                published: Some("2024-01-02T03:04:05Z".to_owned()),
                modified: None,
            }),
            how_to_fix: None,
            references: Vec::new(),
            fingerprints: Vec::new(),
            tool_status: None,
            origin: None,
            properties: Vec::new(),
        }
    }

    fn scan(findings: usize) -> Vec<SourcedReport> {
        let report = Report {
            format: Format { name: "trivy-json".to_owned(), version: None },
            tool: Some(("trivy".to_owned(), Some("0.60.0".to_owned()))),
            covers: vec![Coverage::Vulnerabilities],
            completeness: Completeness::Unknown,
            properties: Vec::new(),
            findings: (0..findings).map(finding).collect(),
            components: Vec::new(),
            dependencies: Vec::new(),
            vex: Vec::new(),
            attestations: Vec::new(),
            documents: Vec::new(),
            diagnostics: Vec::new(),
            diagnostics_dropped: 0,
        };
        vec![SourcedReport {
            report: Arc::new(report),
            source: Source { path: "trivy/trivy.json".to_owned(), ..Source::default() },
            digest: Digest::of(b"trivy"),
            normalizer: "trivy".to_owned(),
        }]
    }

    #[tokio::test]
    async fn the_newest_evidence_of_each_workflow_is_kept() {
        let (state, shop) = (state(1 << 20), shop());
        assert!(state.baseline(&shop, "main").await.unwrap().is_none());
        let remember = async |run: &BaselineRun, findings| {
            state.remember_baseline((&shop, "main"), run, &scan(findings)).await.expect("the store is there")
        };
        assert_eq!(remember(&run(2, "ci.yml"), 2).await, Kept::Yes);
        assert_eq!(remember(&run(1, "ci.yml"), 1).await, Kept::Older);
        assert_eq!(remember(&run(3, "sbom.yml"), 3).await, Kept::Yes);
        let kept = state.baseline(&shop, "main").await.unwrap().expect("there is one");
        assert_eq!(kept.runs, [run(2, "ci.yml"), run(3, "sbom.yml")]);
        assert_eq!(kept.runs, state.baseline_runs(&shop, "main").await.unwrap());
        let findings: Vec<usize> = kept.reports.iter().map(|sourced| sourced.report.findings.len()).collect();
        assert_eq!(findings, [2, 3]);
        assert!(state.baseline(&shop, "mai").await.unwrap().is_none(), "no branch is the beginning of another");
        assert!(state.baseline(&shop, "release").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn evidence_that_is_too_large_is_told_and_left_out() {
        let (state, shop) = (state(1_000), shop());
        let kept = state.remember_baseline((&shop, "main"), &run(1, "ci.yml"), &scan(1_000)).await;
        assert_eq!(kept.unwrap(), Kept::TooLarge);
    }

    /// The figures at the head of this file and in ARCHITECTURE.md.
    #[test]
    fn a_baseline_is_small() {
        for (findings, most_bytes) in [(1_000, 40 << 10), (20_000, 800 << 10)] {
            let bytes = pack("", &run(1, "ci.yml"), &scan(findings)).expect("plain data").len();
            println!("{findings} findings: {bytes} bytes");
            assert!(bytes < most_bytes, "{findings} findings took {bytes} bytes");
        }
    }
}
