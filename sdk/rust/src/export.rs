//! Turns an author's type into the exports of a component.

use std::marker::PhantomData;

use crate::artifact::Artifact;
use crate::bindings::contract::{artifacts, evidence, reports, types};
use crate::bindings::{evaluate, normalize, plugin};
use crate::evaluator::Evaluator;
use crate::evidence::Evidence;
use crate::normalizer::Normalizer;
use crate::report_builder::ReportBuilder;
use crate::settings;
use crate::types::{Failure, SettingProblem, Verdict};

/// Exports a [`Normalizer`](crate::Normalizer) as a component: `export_normalizer!(Trivy);`, once per crate. Natively it
/// only checks the type.
#[macro_export]
macro_rules! export_normalizer {
    ($normalizer:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, unsafe_op_in_unsafe_fn, clippy::all)] // the canonical ABI's exports, generated
        const _: () = {
            type Exported = $crate::__private::ExportedNormalizer<$normalizer>;
    $crate::__private::plugin::__export_plugin!(Exported with_types_in $crate::__private::plugin);
    $crate::__private::normalize::__export_normalize!(Exported with_types_in $crate::__private::normalize);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: $crate::__private::ExportedNormalizer<$normalizer> = $crate::__private::ExportedNormalizer::new();
    };
}

/// Exports an [`Evaluator`](crate::Evaluator) as a component: `export_evaluator!(License);`, once per crate. Natively it
/// only checks the type.
#[macro_export]
macro_rules! export_evaluator {
    ($evaluator:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, unsafe_op_in_unsafe_fn, clippy::all)] // the canonical ABI's exports, generated
        const _: () = {
            type Exported = $crate::__private::ExportedEvaluator<$evaluator>;
    $crate::__private::plugin::__export_plugin!(Exported with_types_in $crate::__private::plugin);
    $crate::__private::evaluate::__export_evaluate!(Exported with_types_in $crate::__private::evaluate);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: $crate::__private::ExportedEvaluator<$evaluator> = $crate::__private::ExportedEvaluator::new();
    };
}

type SettingsAnswer = Result<(), Vec<plugin::exports::palisade::plugin::plugin::SettingProblem>>;

/// Stands between the generated traits and an author's normalizer.
pub struct ExportedNormalizer<N>(PhantomData<N>);

impl<N: Normalizer> ExportedNormalizer<N> {
    /// For the type check of the native build.
    pub const fn new() -> Self {
        ExportedNormalizer(PhantomData)
    }
}

impl<N: Normalizer> Default for ExportedNormalizer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Normalizer> plugin::exports::palisade::plugin::plugin::Guest for ExportedNormalizer<N> {
    fn describe() -> types::PluginInfo {
        N::describe().with_schema(settings::schema::<N::Settings>())
    }

    fn validate_settings(text: String) -> SettingsAnswer {
        answer(settings::check(&text, N::validate))
    }
}

impl<N: Normalizer> normalize::exports::palisade::plugin::normalize::Guest for ExportedNormalizer<N> {
    fn recognize(artifact: &artifacts::Artifact) -> Option<(String, Option<String>)> {
        N::recognize(&Artifact::of_host(artifact)).map(|format| (format.name, format.version))
    }

    fn normalize(artifact: &artifacts::Artifact, report: &reports::ReportBuilder, text: String) -> Result<(), Failure> {
        normalize_with::<N>(&Artifact::of_host(artifact), ReportBuilder::of_host(report), &text).map(drop)
    }
}

/// What the host calls and what tests call, but for where artifact and report live.
pub(crate) fn normalize_with<'r, N: Normalizer>(
    artifact: &Artifact,
    mut report: ReportBuilder<'r>,
    text: &str,
) -> Result<ReportBuilder<'r>, Failure> {
    let settings = settings::parse::<N::Settings>(text).map_err(settings::failure)?;
    report.share_notes(&artifact.notes);
    N::normalize(artifact, &mut report, settings)?;
    report.finish();
    Ok(report)
}

/// Stands between the generated traits and an author's evaluator.
pub struct ExportedEvaluator<E>(PhantomData<E>);

impl<E: Evaluator> ExportedEvaluator<E> {
    /// For the type check of the native build.
    pub const fn new() -> Self {
        ExportedEvaluator(PhantomData)
    }
}

impl<E: Evaluator> Default for ExportedEvaluator<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Evaluator> plugin::exports::palisade::plugin::plugin::Guest for ExportedEvaluator<E> {
    fn describe() -> types::PluginInfo {
        E::describe().with_schema(settings::schema::<E::Settings>())
    }

    fn validate_settings(text: String) -> SettingsAnswer {
        answer(settings::check(&text, E::validate))
    }
}

impl<E: Evaluator> evaluate::exports::palisade::plugin::evaluate::Guest for ExportedEvaluator<E> {
    fn evaluate(evidence: &evidence::CommitEvidence, text: String) -> Result<Verdict, Failure> {
        evaluate_with::<E>(&Evidence::of_host(evidence), &text)
    }
}

/// What the host calls and what tests call, but for where the evidence lives.
pub(crate) fn evaluate_with<E: Evaluator>(evidence: &Evidence, text: &str) -> Result<Verdict, Failure> {
    let settings = settings::parse::<E::Settings>(text).map_err(settings::failure)?;
    E::evaluate(evidence, settings)
}

fn answer(problems: Vec<SettingProblem>) -> SettingsAnswer {
    use plugin::exports::palisade::plugin::plugin::SettingProblem as Contract;
    if problems.is_empty() {
        return Ok(());
    }
    let to_contract = |problem: SettingProblem| Contract { pointer: problem.pointer, message: problem.message };
    Err(problems.into_iter().map(to_contract).collect())
}
