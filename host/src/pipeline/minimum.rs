//! Which evidence each check is judged by: all of it, or what meets the check's minimum, unless somebody accepted the
//! rest. Each distinct minimum is correlated once.

use crate::correlate::{self, View};
use crate::model::baseline::Comparison;
use crate::model::plan::{CheckPlan, PolicyPlan};
use crate::model::provenance::{Acceptance, LeftOut, digest_of};
use crate::model::report::Provenance;
use crate::model::{Evidence, Judgement, Plan};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the checks of one case see of its evidence.
#[derive(Debug, Default)]
pub struct Views(BTreeMap<Provenance, Arc<Minimum>>);

/// The evidence that meets one minimum.
#[derive(Debug)]
pub struct Minimum {
    pub evidence: Arc<Evidence>,
    provenance: Provenance,
    view: View,
}

/// What one check is judged by.
#[derive(Debug, Default)]
pub struct Trust {
    /// Absent where all evidence counts.
    pub view: Option<Arc<Minimum>>,
    pub left_out: Vec<LeftOut>,
    pub accepted: Option<Acceptance>,
}

impl Views {
    pub fn of(plan: &Plan, whole: &Evidence, comparison: Option<&Comparison>) -> Self {
        let mut minimums: Vec<Provenance> = plan.checks.iter().filter_map(|check| check.min_provenance).collect();
        minimums.sort_unstable();
        minimums.dedup();
        let view = |provenance: Provenance| {
            let (mut evidence, view) = correlate::at_least(whole, provenance, |reports, unreadable| {
                correlate::evidence(whole.context.clone(), reports, unreadable, &plan.waivers)
            });
            if let Some(comparison) = comparison {
                correlate::compare(&mut evidence, comparison.clone());
            }
            Arc::new(Minimum { evidence: Arc::new(evidence), provenance, view })
        };
        Self(minimums.into_iter().map(|provenance| (provenance, view(provenance))).collect())
    }

    /// An acceptance counts for exactly the evidence that it was given for.
    pub fn trust(&self, check: &CheckPlan, acceptance: Option<&Acceptance>) -> Trust {
        let Some(minimum) = check.min_provenance.and_then(|provenance| self.0.get(&provenance)) else {
            return Trust::default();
        };
        let left_out = minimum.view.left_out.clone();
        let accepted = acceptance.filter(|accepted| accepted.evidence == digest_of(&left_out)).cloned();
        Trust { view: accepted.is_none().then(|| minimum.clone()), left_out, accepted }
    }
}

impl Minimum {
    /// Why a policy is not asked: all that it could judge is below the minimum.
    pub fn refusal(&self, policy: &PolicyPlan) -> Option<Judgement> {
        self.view.refusal(&self.evidence, policy, self.provenance)
    }

    pub fn renumbered(&self, judgement: Judgement) -> Judgement {
        self.view.renumbered(judgement)
    }
}
