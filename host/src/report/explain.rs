//! How a result came about, for those who ask: who judged, by which settings, from which bytes, when and how long it took.

use super::conclude::row;
use super::escape;
use super::limits::{Page, floor};
use super::page::result_word;
use crate::correlate::date;
use crate::model::record::{CheckRecord, Record};

/// Settings are shown in part: they are the operator's, and the whole of them stands in the Record.
const SETTINGS_BYTES: usize = 300;

/// The explanation, then the text that the result has anyway.
pub fn explanation(record: &Record, check: &CheckRecord, text: &str) -> String {
    let mut page = Page::default();
    page.paragraph("### How this result came about");
    page.paragraph(&format!("Decision {}, judged as of {}.", escape::code(&record.job.0), date(record.now)));
    let planned = record.plan.checks.iter().find(|planned| planned.name == check.check);
    let policies = planned.map(|planned| &planned.policies[..]).unwrap_or_default();
    let policy = |(place, policy): (usize, &crate::model::plan::PolicyPlan)| {
        let reads = check.reads.get(place).map_or(&[][..], Vec::as_slice);
        let result = check.judgements.get(place).map_or("not asked", |judged| result_word(row(judged, reads, record)));
        let digest = policy.plugin_digest.map(|digest| digest.to_string()).unwrap_or_default();
        let (settings, cut) = floor(&policy.settings, SETTINGS_BYTES);
        let more = if cut { " …" } else { "" };
        format!(
            "| {} | {} | {result} | {}{more} |\n",
            escape::code_cell(policy.plugin.as_str()),
            escape::code_cell(&digest),
            escape::code_cell(settings)
        )
    };
    page.entries(
        "| Policy | Digest | Result | Settings |\n|---|---|---|---|\n",
        policies.iter().enumerate().map(policy),
        "policies",
    );
    let input = |input: &crate::model::record::InputRecord| {
        let run = input.run.as_ref().map(|run| format!("run {} attempt {}", run.id, run.attempt)).unwrap_or_default();
        format!(
            "| {} | {} | {} | {} | {run} |\n",
            escape::code_cell(&input.path),
            escape::code_cell(&input.digest.to_string()),
            escape::code_cell(&input.normalizer),
            input.provenance.map(|tier| tier.to_string()).unwrap_or_default(),
        )
    };
    page.entries(
        "| Report | Digest | Read by | Trust | From |\n|---|---|---|---|---|\n",
        record.inputs.iter().map(input),
        "reports",
    );
    let steps: Vec<String> = record.timings_ms.iter().map(|(step, ms)| format!("{step} {ms} ms")).collect();
    page.paragraph(&format!("Steps: {}.", escape::text(&steps.join(", "))));
    page.markdown(text);
    page.finish()
}
