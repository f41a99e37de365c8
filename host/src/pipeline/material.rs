//! From a case to what its record keeps of it, and back. Every member of a case is named here, so that a new one has to be
//! decided about: what a record lacks, a replay cannot judge by.

use super::judge::{Case, Inputs};
use super::remember::globs;
use super::reports::Readings;
use crate::artifacts;
use crate::model::evidence::Context;
use crate::model::material::{JudgedFile, Material, Unclaimed};
use crate::model::provenance::Acceptance;
use crate::model::{Artifact, CheckName, Digest, Plan, Record, UnreadableArtifact};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// What was handed to the judge, before it is known what of it decided something.
pub(super) struct Offered {
    context: Context,
    tenant: String,
    unclaimed: Unclaimed,
    accepted: BTreeMap<CheckName, Acceptance>,
    files: Vec<JudgedFile>,
    unopened: Vec<(String, UnreadableArtifact)>,
    unlisted: Vec<UnreadableArtifact>,
    changed_paths: Option<Vec<String>>,
}

/// Why a record cannot be judged again.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    #[error("its record does not say what was judged: a host before this version wrote it")]
    Material,
    #[error("the files that it was judged from are not kept: {0}")]
    Files(String),
    #[error("of the files that it was judged from these are gone: {}", .0.join(", "))]
    Evicted(Vec<String>),
}

impl Offered {
    pub fn of(case: &Case<'_>) -> Self {
        let Case {
            job: _,
            commit: _,
            context,
            plan: _,
            runs: _,
            inputs,
            comparison: _,
            unclaimed,
            tenant,
            accepted,
            changed_paths,
        } = case;
        let Inputs { artifacts, unreadable, unlisted, listed: _, fetch_time: _ } = inputs;
        let file = |artifact: &Artifact| JudgedFile {
            source: artifact.source.clone(),
            digest: artifact.digest,
            size_bytes: artifact.bytes.len() as u64,
        };
        let mut files: Vec<JudgedFile> = artifacts.iter().map(file).collect();
        files.sort_by(|a, b| a.order().cmp(&b.order()));
        Self {
            context: context.clone(),
            tenant: tenant.clone(),
            unclaimed: *unclaimed,
            accepted: accepted.clone(),
            files,
            unopened: unreadable.clone(),
            unlisted: unlisted.clone(),
            changed_paths: changed_paths.clone(),
        }
    }

    /// A file that nobody claims, in an artifact that no name calls evidence, decided nothing: a build's output would push
    /// every other decision out of the store.
    pub fn material(mut self, plan: &Plan, readings: &Readings) -> Material {
        let evidence = globs(&plan.evidence_globs);
        let unclaimed: HashSet<_> = readings.unclaimed.iter().map(|file| (file.run, file.path.as_str())).collect();
        let offered = self.files.len();
        self.files.retain(|file| {
            let path = file.source.path.as_str();
            let artifact = path.split_once('/').map_or(path, |(artifact, _)| artifact);
            let run = file.source.run.as_ref().map(|run| run.id);
            self.unclaimed == Unclaimed::IsUnreadable
                || evidence.is_match(artifact)
                || !unclaimed.contains(&(run, path))
        });
        Material {
            host: env!("CARGO_PKG_VERSION").to_owned(),
            context: self.context,
            tenant: self.tenant,
            unclaimed: self.unclaimed,
            accepted: self.accepted,
            passed_over: (offered - self.files.len()) as u32,
            files: self.files,
            unopened: self.unopened,
            unlisted: self.unlisted,
            changed_paths: self.changed_paths,
            standpoints: None,
            files_missing: None,
        }
    }
}

impl<'a> Case<'a> {
    /// The bytes of its files, shared.
    pub fn files(&self) -> HashMap<Digest, Bytes> {
        self.inputs.artifacts.iter().map(|artifact| (artifact.digest, artifact.bytes.clone())).collect()
    }

    /// The case that a record was made from.
    pub fn of_record(record: &'a Record, file: impl Fn(&Digest) -> Option<Bytes>) -> Result<Self, Gone> {
        let material = record.material.as_ref().ok_or(Gone::Material)?;
        if let Some(why) = &material.files_missing {
            return Err(Gone::Files(why.clone()));
        }
        let (mut artifacts, mut gone) = (Vec::new(), Vec::new());
        for judged in &material.files {
            match file(&judged.digest) {
                Some(bytes) => artifacts.push(Artifact {
                    source: judged.source.clone(),
                    digest: judged.digest,
                    outline: artifacts::outline(&bytes),
                    bytes,
                }),
                None => gone.push(format!("{} ({})", judged.source.path, judged.digest)),
            }
        }
        if !gone.is_empty() {
            return Err(Gone::Evicted(gone));
        }
        Ok(Self {
            job: record.job.clone(),
            commit: record.commit.clone(),
            context: material.context.clone(),
            plan: &record.plan,
            runs: record.runs.clone(),
            inputs: Inputs {
                artifacts,
                unreadable: material.unopened.clone(),
                unlisted: material.unlisted.clone(),
                listed: record.runs.artifacts,
                fetch_time: Duration::ZERO,
            },
            // What it was compared with is kept for each base: see `bases`.
            comparison: None,
            unclaimed: material.unclaimed,
            accepted: material.accepted.clone(),
            changed_paths: material.changed_paths.clone(),
            tenant: material.tenant.clone(),
        })
    }
}
