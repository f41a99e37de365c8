//! Plugins that do everything wrong, through the runtime's own door: each limit is reached by a guest, the answer names
//! it, and plugins beside them keep answering.

use bytes::Bytes;
use palisade::model::artifact::Source;
use palisade::model::evidence::{Context, SourcedReport};
use palisade::model::report::{Completeness, Coverage, DiagnosticLevel, Format};
use palisade::model::{
    Artifact, Broken, BrokenKind, Digest, Evidence, InstallationId, Outcome, Outline, PluginName, Report, Syntax,
    Verdict,
};
use palisade::runtime::{Call, LimitOverrides, Plugin, PluginOptions, Runtime, RuntimeOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn runtime() -> Runtime {
    runtime_with_cache(None)
}

fn runtime_with_cache(cache: Option<&Path>) -> Runtime {
    Runtime::new(RuntimeOptions { cache_dir: cache.map(Path::to_owned), concurrency: 2, ..RuntimeOptions::default() })
        .expect("a runtime starts here")
}

pub async fn load(runtime: &Runtime, name: &str, wasm: &[u8], limits: LimitOverrides) -> Plugin {
    let name = PluginName::parse(name).expect("a plugin's name");
    runtime.load(&name, wasm, &PluginOptions { limits, ..PluginOptions::default() }).await.expect("a guest that loads")
}

async fn evaluator(runtime: &Runtime, limits: LimitOverrides) -> Plugin {
    load(runtime, "hostile", palisade_guests::EVALUATOR, limits).await
}

async fn normalizer(runtime: &Runtime, limits: LimitOverrides) -> Plugin {
    load(runtime, "hostile", palisade_guests::NORMALIZER, limits).await
}

pub fn quick() -> LimitOverrides {
    LimitOverrides { wall: Some(Duration::from_millis(100)), ..LimitOverrides::default() }
}

pub fn roomy() -> LimitOverrides {
    // Debug builds of the host on a loaded machine: what is tested is never the time here.
    LimitOverrides { wall: Some(Duration::from_secs(20)), ..LimitOverrides::default() }
}

pub fn call() -> Call {
    Call::new(None, "test")
}

fn artifact(text: &str) -> Artifact {
    Artifact {
        source: Source { path: "scan/report.json".to_owned(), ..Source::default() },
        digest: Digest::of(text.as_bytes()),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        outline: Outline {
            syntax: Syntax::Text,
            encoding: "utf-8".to_owned(),
            members: Vec::new(),
            root: None,
            cut: false,
            well_formed: true,
        },
    }
}

fn report() -> Report {
    Report {
        format: Format { name: "hostile".to_owned(), version: None },
        tool: None,
        covers: vec![Coverage::Vulnerabilities],
        completeness: Completeness::Unknown,
        properties: Vec::new(),
        findings: Vec::new(),
        components: Vec::new(),
        dependencies: Vec::new(),
        vex: Vec::new(),
        attestations: Vec::new(),
        documents: Vec::new(),
        diagnostics: Vec::new(),
        diagnostics_dropped: 0,
    }
}

pub fn evidence() -> Arc<Evidence> {
    let sourced = SourcedReport {
        report: Arc::new(report()),
        source: Source::default(),
        digest: Digest::of(b"report"),
        normalizer: "hostile".to_owned(),
    };
    Arc::new(Evidence {
        context: Context { now: 1_700_000_000, ..Context::default() },
        reports: vec![sourced],
        unreadable: Vec::new(),
        findings: Vec::new(),
        groups: 0,
        live_groups: 0,
        baseline: None,
        changed_paths: None,
        notices: Vec::new(),
    })
}

fn deed(word: &str) -> String {
    format!("{{\"do\": \"{word}\"}}")
}

async fn evaluate(runtime: &Runtime, plugin: &Plugin, word: &str) -> Result<Verdict, Broken> {
    runtime.evaluate(&call(), plugin, &evidence(), &deed(word)).await
}

/// Kind, limit and sentence of what came of it.
async fn broken(limits: LimitOverrides, word: &str) -> (BrokenKind, Option<String>, String) {
    let runtime = runtime();
    let plugin = evaluator(&runtime, limits).await;
    let broken = evaluate(&runtime, &plugin, word).await.expect_err("a broken call");
    assert_eq!(evaluate(&runtime, &plugin, "pass").await.expect("the next call").outcome, Outcome::Pass);
    (broken.kind, broken.limit, broken.message)
}

fn limit(kind: BrokenKind, limit: &str, message: &str) -> (BrokenKind, Option<String>, String) {
    (kind, Some(limit.to_owned()), message.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_a_timeout_that_names_the_key() {
    let runtime = runtime();
    let plugin = evaluator(&runtime, quick()).await;
    let broken = evaluate(&runtime, &plugin, "loop").await.expect_err("a timeout");
    assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
    assert_eq!(broken.message, "`hostile` ran longer than 100 ms");
    assert!(broken.hint.expect("a hint").contains("`plugins.hostile.limits.wall`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_refused_by_the_sum_of_its_memory() {
    let expected = limit(BrokenKind::Memory, "memory", "`hostile` wanted more than 128 MiB of memory");
    assert_eq!(broken(roomy(), "memory").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_ends_in_the_stack() {
    let expected = limit(BrokenKind::Stack, "wasm_stack", "`hostile` used up its stack of 512 KiB");
    assert_eq!(broken(roomy(), "recursion").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_24_mib_is_too_much_for_one_crossing() {
    let expected = limit(BrokenKind::Memory, "hostcall_bytes", "`hostile` handed over more than 16 MiB at once");
    assert_eq!(broken(roomy(), "huge-result").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_random_bytes_is_too_much() {
    let expected = limit(BrokenKind::Memory, "random_bytes", "`hostile` asked for more than 64 KiB of random bytes");
    assert_eq!(broken(roomy(), "gamble").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_handles_fills_the_resource_table() {
    let expected = limit(BrokenKind::Memory, "resources", "`hostile` held more than 4096 host resources");
    assert_eq!(broken(roomy(), "handle-flood").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_larger_table_the_handles_of_the_component_run_out() {
    let limits = LimitOverrides { resources: Some(1_000_000), ..roomy() };
    let expected = limit(BrokenKind::Memory, "handles", "`hostile` held more than 10000 handles");
    assert_eq!(broken(limits, "handle-flood").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_host_call_ends_after_its_own_limit() {
    let limits = LimitOverrides { host_call: Some(Duration::from_millis(50)), ..roomy() };
    let expected = limit(BrokenKind::Timeout, "host_call", "`hostile` waited longer than 50 ms in one host call");
    assert_eq!(broken(limits, "sleep").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_short_sleeps_end_after_the_limit_for_all_of_them() {
    let limits = LimitOverrides { host_calls: Some(Duration::from_millis(100)), ..roomy() };
    let expected = limit(BrokenKind::Timeout, "host_calls", "`hostile` waited longer than 100 ms in host calls");
    assert_eq!(broken(limits, "naps").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_had_no_cpu_time_is_tried_once_more_per_job() {
    let runtime = runtime();
    let limits = LimitOverrides { host_calls: Some(Duration::from_secs(60)), ..quick() };
    let plugin = evaluator(&runtime, limits).await;
    let job = call();
    let mut took = Vec::new();
    for _ in 0..2 {
        let begin = Instant::now();
        let broken = runtime.evaluate(&job, &plugin, &evidence(), &deed("naps")).await.expect_err("a timeout");
        assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
        took.push(begin.elapsed());
    }
    // 100 ms and, patiently, 500 ms more; the second time the job has had its retry.
    assert!(took[0] >= Duration::from_millis(600), "{took:?}");
    assert!(took[1] < took[0], "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_a_panic_and_an_exit_are_traps_with_the_last_words() {
    let (kind, _, message) = broken(roomy(), "trap").await;
    assert_eq!(
        (kind, message.as_str()),
        (BrokenKind::Trap, "`hostile` trapped: wasm `unreachable` instruction executed")
    );
    let (kind, _, message) = broken(roomy(), "panic").await;
    assert_eq!(kind, BrokenKind::Trap);
    assert!(message.contains("the policy lost its way"), "{message}");
    let (kind, _, message) = broken(roomy(), "exit").await;
    assert_eq!((kind, message.as_str()), (BrokenKind::Trap, "`hostile` trapped: called exit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_against_the_contract_are_malformed() {
    let (kind, _, message) = broken(roomy(), "contradiction").await;
    assert_eq!(kind, BrokenKind::Malformed);
    assert!(message.contains("it says `pass` and lists a violation with effect `deny`"), "{message}");
    let (kind, _, message) = broken(roomy(), "bad-reference").await;
    assert_eq!(kind, BrokenKind::Malformed);
    assert!(message.contains("finding 7 of report 7, which does not exist"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_calls_its_input_malformed_is_quoted() {
    let (kind, limit, message) = broken(roomy(), "malformed").await;
    assert_eq!((kind, limit, message.as_str()), (BrokenKind::Malformed, None, "`hostile`: line 3 is torn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_text_and_violations_are_cut_and_not_an_error() {
    let runtime = runtime();
    let plugin = evaluator(&runtime, roomy()).await;
    assert_eq!(evaluate(&runtime, &plugin, "log-flood").await.expect("a verdict").title, "said it all");
    let long = evaluate(&runtime, &plugin, "long-result").await.expect("a verdict");
    assert!(long.title.len() <= 300 && long.summary.len() <= 65_535 && long.summary.ends_with('…'));
    let huge = evaluate(&runtime, &plugin, "huge-verdict").await.expect("a verdict");
    assert!((900..1_100).contains(&huge.violations.len()), "4 MiB of 4 KB each, not {}", huge.violations.len());
    assert_eq!(huge.violations.last().expect("what was left out").rule, "limit-reached");
    let many = evaluate(&runtime, &plugin, "many-violations").await.expect("a verdict");
    assert_eq!((many.outcome, many.violations.len()), (Outcome::Fail, 5_000));
    assert!(!many.violations[4_999].waivable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_sees_nothing_of_the_host() {
    let runtime = runtime();
    let plugin = evaluator(&runtime, roomy()).await;
    let seen = evaluate(&runtime, &plugin, "spy").await.expect("a verdict").title;
    assert_eq!(seen, "variables 0, arguments 0, directory false, file false, network false");
    let document = evaluate(&runtime, &plugin, "document").await.expect("a verdict").title;
    assert_eq!(document, "evidence application/json true");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_runs_give_the_same_answer_whatever_time_and_chance_say() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let runtime = runtime();
        let (judge, reader) = (evaluator(&runtime, roomy()).await, normalizer(&runtime, roomy()).await);
        for _ in 0..5 {
            let verdict = evaluate(&runtime, &judge, "chance").await.expect("a verdict");
            let report = runtime.normalize(&call(), &reader, &artifact("x"), "{}").await.expect("a report");
            answers.push(serde_json::to_string(&(verdict, report)).expect("JSON"));
        }
    }
    assert!(answers[0].contains("1700000000 0ns"), "{}", answers[0]);
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_plugins_answer_beside_hostile_ones() {
    let runtime = runtime();
    let hostile = evaluator(&runtime, quick()).await;
    let healthy = load(&runtime, "healthy", palisade_guests::EVALUATOR, roomy()).await;
    const DEEDS: [&str; 8] = ["loop", "memory", "recursion", "handle-flood", "huge-result", "trap", "panic", "naps"];
    let attacks = DEEDS.into_iter().cycle().take(24).map(|word| {
        let (runtime, hostile) = (runtime.clone(), hostile.clone());
        tokio::spawn(async move { evaluate(&runtime, &hostile, word).await.is_err() })
    });
    let attacks: Vec<_> = attacks.collect();
    for _ in 0..24 {
        assert_eq!(evaluate(&runtime, &healthy, "pass").await.expect("an answer").outcome, Outcome::Pass);
    }
    for attack in attacks {
        assert!(attack.await.expect("the host survives"));
    }
    let statistics = runtime.statistics();
    assert_eq!(statistics.calls_in_flight, 0);
    let healthy = statistics.calls.iter().filter(|((name, outcome), _)| name.as_str() == "healthy" && *outcome == "ok");
    assert_eq!(healthy.map(|(_, count)| count).sum::<u64>(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_malformed_files_stop_nobody_and_five_traps_stop_their_own_installation() {
    let runtime = runtime();
    let plugin = normalizer(&runtime, roomy()).await;
    let (author, neighbour) = (InstallationId(1), InstallationId(2));
    let normalize = |installation, word: &'static str| {
        let (runtime, plugin) = (runtime.clone(), plugin.clone());
        async move { runtime.normalize(&Call::new(Some(installation), "job"), &plugin, &artifact("x"), &deed(word)).await }
    };
    for _ in 0..6 {
        assert_eq!(normalize(author, "malformed").await.expect_err("malformed").kind, BrokenKind::Malformed);
    }
    assert_eq!(runtime.blocked(author, &plugin), None);
    for _ in 0..5 {
        assert_eq!(normalize(author, "trap").await.expect_err("a trap").kind, BrokenKind::Trap);
    }
    assert!(runtime.blocked(author, &plugin).is_some() && runtime.breaker_open_until(author, &plugin).is_some());
    let open = normalize(author, "report").await.expect_err("an open circuit");
    assert_eq!((open.kind, open.limit.as_deref()), (BrokenKind::Host, Some("breaker")));
    assert_eq!(runtime.blocked(neighbour, &plugin), None);
    assert_eq!(normalize(neighbour, "report").await.expect("a report").findings.len(), 1);
    assert_eq!(runtime.statistics().open_circuits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_normalizer_over_its_limits_gives_a_cut_report() {
    let runtime = runtime();
    let plugin = normalizer(&runtime, roomy()).await;
    let normalize = async |word| runtime.normalize(&call(), &plugin, &artifact("x"), &deed(word)).await;
    let many = normalize("many-findings").await.expect("a report");
    assert_eq!((many.findings.len(), many.completeness), (50_000, Completeness::Cut));
    let components = normalize("many-components").await.expect("a report");
    assert_eq!((components.components.len(), components.completeness), (50_000, Completeness::Cut));
    let dependencies = normalize("many-dependencies").await.expect("a report");
    assert_eq!((dependencies.dependencies.len(), dependencies.completeness), (200_000, Completeness::Cut));
    let statements = normalize("many-statements").await.expect("a report");
    assert_eq!((statements.vex.len(), statements.completeness), (20_000, Completeness::Cut));
    let attestations = normalize("many-attestations").await.expect("a report");
    assert_eq!((attestations.attestations.len(), attestations.completeness), (1_000, Completeness::Cut));
    let long = normalize("long-id").await.expect("a report");
    assert_eq!((long.findings.len(), long.completeness), (1, Completeness::Cut));
    assert_eq!(long.diagnostics[0].level, DiagnosticLevel::Warning);
    let documents = normalize("documents").await.expect("a report");
    assert_eq!((documents.documents[0].bytes.0.len(), documents.completeness), (32 << 20, Completeness::Cut));
    let fat = normalize("huge-report").await.expect("a report");
    assert!((25_000..33_000).contains(&fat.findings.len()), "128 MiB of some 5 KiB each, not {}", fat.findings.len());
    assert_eq!(fat.completeness, Completeness::Cut);
    let said = "only a part was read: the limit `report` (128 MiB) was reached; raise it in the limits of the plugin \
                that reads this format";
    assert_eq!(fat.diagnostics[0].message, said);
    let huge = normalize("huge-page").await.expect_err("too much at once");
    assert_eq!((huge.kind, huge.limit.as_deref()), (BrokenKind::Memory, Some("hostcall_bytes")));
}

/// What becomes of an entry over each cap: its text or list is shortened, or the entry is left out and the report cut.
#[tokio::test(flavor = "multi_thread")]
async fn texts_and_lists_over_their_caps_are_shortened_or_cost_the_entry() {
    let runtime = runtime();
    let plugin = normalizer(&runtime, roomy()).await;
    let fate = async |cap: &str| {
        let word = deed(&format!("over-{cap}"));
        let report = runtime.normalize(&call(), &plugin, &artifact("x"), &word).await.expect("a report");
        let entries = report.findings.len() + report.components.len();
        match report.diagnostics.last().map(|said| said.message.as_str()).unwrap_or_default() {
            "1 over-long texts or lists were shortened" if report.completeness != Completeness::Cut => "shortened",
            left if left.starts_with("1 entries were left out") && entries == 0 => "left out",
            cut if cut.starts_with("only a part was read") && report.completeness == Completeness::Cut => "cut",
            _ if report.diagnostics_dropped == 1 => "counted",
            other => panic!("{cap}: {other:?} {report:?}"),
        }
    };
    for cap in ["title", "description", "message", "path", "property", "reference"] {
        assert_eq!(fate(cap).await, "shortened", "{cap}");
    }
    for cap in ["ratings", "references", "locations", "properties"] {
        assert_eq!(fate(cap).await, "shortened", "{cap}");
    }
    for cap in ["id", "version", "purl", "licence", "aliases", "others"] {
        assert_eq!(fate(cap).await, "left out", "{cap}");
    }
    assert_eq!(fate("documents").await, "cut");
    assert_eq!(fate("diagnostics").await, "counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_holds_no_more_than_a_thousand_items_whatever_is_asked_for() {
    let runtime = runtime();
    let reader = normalizer(&runtime, roomy()).await;
    let report = runtime.normalize(&call(), &reader, &artifact("x"), &deed("many-findings")).await.expect("a report");
    let plugin = evaluator(&runtime, roomy()).await;
    let mut evidence = Evidence::clone(&evidence());
    evidence.reports[0].report = Arc::new(report);
    let verdict = runtime.evaluate(&call(), &plugin, &Arc::new(evidence), &deed("greedy-page")).await;
    assert_eq!(verdict.expect("a verdict").title, "1000 findings at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_normalizer_against_the_contract_is_malformed() {
    let runtime = runtime();
    let plugin = normalizer(&runtime, quick()).await;
    let silent = runtime.normalize(&call(), &plugin, &artifact("x"), &deed("no-covers")).await.expect_err("malformed");
    assert_eq!(silent.kind, BrokenKind::Malformed);
    assert!(silent.message.contains("never said what it covers"), "{}", silent.message);
    let unlisted = runtime.recognize(&call(), &plugin, &artifact("unlisted")).await.expect_err("malformed");
    assert!(unlisted.message.contains("the format \"unlisted\""), "{}", unlisted.message);
    let endless = runtime.recognize(&call(), &plugin, &artifact("loop")).await.expect_err("a timeout");
    assert_eq!((endless.kind, endless.limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
    assert_eq!(runtime.recognize(&call(), &plugin, &artifact("not mine")).await, Ok(None));
    let wrong = runtime.evaluate(&call(), &plugin, &evidence(), "{}").await.expect_err("not an evaluator");
    assert_eq!(wrong.message, "`hostile` is a normalizer, and an evaluator is needed here");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_stay_inside_the_file_and_below_their_cap() {
    let runtime = runtime();
    let plugin = normalizer(&runtime, roomy()).await;
    let big = artifact(&"b".repeat(3 << 20));
    let report = runtime.normalize(&call(), &plugin, &big, &deed("read-beyond")).await.expect("a report");
    let said: Vec<_> = report.properties.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(said, ["beyond 0", "most 1048576"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_by_the_plugin_within_the_same_limits() {
    let runtime = runtime();
    let plugin = evaluator(&runtime, quick()).await;
    let problems = runtime.validate_settings(&plugin, &deed("nonsense")).await.expect("an answer");
    assert_eq!((problems[0].pointer.as_str(), problems[0].message.as_str()), ("/do", "nobody can do that"));
    let endless = runtime.validate_settings(&plugin, &deed("loop-in-validation")).await.expect_err("a timeout");
    assert_eq!(endless.limit.as_deref(), Some("wall"));
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_is_kept_and_a_corrupt_entry_is_compiled_again() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("compiled");
    let counters = async || {
        let runtime = runtime_with_cache(Some(&directory));
        let plugin = evaluator(&runtime, roomy()).await;
        assert_eq!(evaluate(&runtime, &plugin, "pass").await.expect("a verdict").outcome, Outcome::Pass);
        let cache = runtime.statistics().cache;
        (cache.hits, cache.misses, cache.rejected)
    };
    assert_eq!(counters().await, (0, 1, 0));
    assert_eq!(counters().await, (1, 0, 0));
    for entry in std::fs::read_dir(&directory).expect("the cache") {
        let path = entry.expect("an entry").path();
        let mut bytes = std::fs::read(&path).expect("the entry's bytes");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&path, bytes).expect("a corrupt entry");
    }
    assert_eq!(counters().await, (0, 0, 1));
    assert_eq!(counters().await, (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_plugins_are_refused_with_a_reason() {
    let runtime = runtime();
    let name = PluginName::parse("scan").expect("a name");
    let refused = async |wasm: &[u8]| {
        let broken = runtime.load(&name, wasm, &PluginOptions::default()).await.expect_err("a refusal");
        (broken.kind, broken.message)
    };
    assert_eq!(refused(b"#!/bin/sh").await, (BrokenKind::Abi, "`scan` is not WebAssembly".to_owned()));
    let core = (BrokenKind::Abi, "`scan` is a core module, not a component".to_owned());
    assert_eq!(refused(b"\0asm\x01\0\0\0").await, core);
    let large = (BrokenKind::Abi, "`scan` has 33 MiB, a plugin has at most 32 MiB".to_owned());
    assert_eq!(refused(&vec![0; 33 << 20]).await, large);
    assert!(refused(b"\0asm\x0d\0\x01\0").await.1.contains("and exports nothing"));
    let (kind, message) = refused(&importing("wasi:http/types@0.2.0")).await;
    assert_eq!(kind, BrokenKind::Denied);
    assert_eq!(message, "`scan` is refused; required and not granted: wasi:http/types@0.2.0");
    let (_, message) = refused(&importing("palisade:plugin/types@0.3.0")).await;
    assert_eq!(message, "`scan` needs palisade:plugin 0.3, this host offers 0.1");
}

/// A component of one import and nothing else, in the binary format.
fn importing(name: &str) -> Vec<u8> {
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    wasm.extend([7, 3, 1, 0x42, 0]); // one type: an empty instance
    let length = u8::try_from(name.len()).expect("a short name");
    wasm.extend([10, length + 5, 1, 0, length]); // one import of a plain name
    wasm.extend(name.bytes());
    wasm.extend([5, 0]); // an instance of the first type
    wasm
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_inspected_without_loading_it() {
    let inspection = runtime().inspect(palisade_guests::EVALUATOR).expect("an inspection");
    assert_eq!(inspection.kind.map(|kind| kind.to_string()).as_deref(), Some("an evaluator"));
    assert_eq!(inspection.contract.as_deref(), Some("0.1.0"));
    let words: Vec<_> = inspection.imports.0.iter().map(|(name, class)| format!("{} {name}", class.word())).collect();
    assert!(words.contains(&"palisade palisade:plugin/evidence@0.1.0".to_owned()), "{words:?}");
    assert!(words.iter().any(|word| word.starts_with("closed wasi:filesystem/")), "{words:?}");
}

/// Not a test of a promise: prints what a fresh instance and an empty call cost here.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement; run it with --ignored --nocapture on a quiet machine"]
async fn what_an_empty_call_costs() {
    let runtime = runtime();
    let plugin = evaluator(&runtime, roomy()).await;
    let (job, evidence) = (call(), evidence());
    let mut took = Vec::new();
    for _ in 0..2_000 {
        let begin = Instant::now();
        runtime.evaluate(&job, &plugin, &evidence, "{}").await.expect("a verdict");
        took.push(begin.elapsed());
    }
    took.sort();
    println!("empty call: p50 {:?}, p99 {:?}, least {:?}", took[1_000], took[1_980], took[0]);
}
