//! Components that no compiler would write, through the command line and the runtime's own door: too large to be
//! compiled or instantiated, or greedy in a way that no language offers. Each is refused by name before it costs
//! anything, and the host goes on.

mod written;

use palisade::model::evidence::{Context, Evidence};
use palisade::model::{Broken, BrokenKind, Outcome, PluginName, Verdict};
use palisade::runtime::{Call, LimitOverrides, Plugin, PluginOptions, Runtime, RuntimeOptions};
use palisade_tests::{TestHost, evidence};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn runtime() -> Runtime {
    Runtime::new(RuntimeOptions { concurrency: 2, ..RuntimeOptions::default() }).expect("a runtime starts here")
}

async fn load(runtime: &Runtime, wasm: &[u8], limits: LimitOverrides) -> Result<Plugin, Broken> {
    let name = PluginName::parse("hostile").expect("a plugin's name");
    runtime.load(&name, wasm, &PluginOptions { limits, ..PluginOptions::default() }).await
}

async fn evaluate(runtime: &Runtime, plugin: &Plugin) -> Result<Verdict, Broken> {
    let evidence = Arc::new(Evidence {
        context: Context::default(),
        reports: Vec::new(),
        unreadable: Vec::new(),
        findings: Vec::new(),
        groups: 0,
        live_groups: 0,
        baseline: None,
        changed_paths: None,
        notices: Vec::new(),
    });
    runtime.evaluate(&Call::new(None, "test"), plugin, &evidence, "{}").await
}

/// Nothing of a hostile component is left: a plain one loads and answers.
async fn goes_on(runtime: &Runtime) {
    let plain = load(runtime, &written::evaluator("", ""), LimitOverrides::default()).await.expect("a plain plugin");
    assert_eq!(evaluate(runtime, &plain).await.expect("a verdict").outcome, Outcome::Pass);
}

/// Adds so many elements to a table, twice over two tables, and traps where it is refused.
fn growing(elements: u32) -> Vec<u8> {
    let grow = |table: &str| {
        format!(
            "(if (i32.eq (table.grow {table} (ref.null func) (i32.const {elements})) (i32.const -1))
               (then unreachable))"
        )
    };
    let tables = "(table $first 1 funcref) (table $second 1 funcref)";
    written::evaluator(tables, &(grow("$first") + &grow("$second")))
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_grow_beyond_their_elements_are_refused_by_their_sum() {
    let runtime = runtime();
    let modest = load(&runtime, &growing(5_000), LimitOverrides::default()).await.expect("a plugin");
    assert_eq!(evaluate(&runtime, &modest).await.expect("a verdict").outcome, Outcome::Pass);
    let greedy = load(&runtime, &growing(12_000), LimitOverrides::default()).await.expect("a plugin");
    let broken = evaluate(&runtime, &greedy).await.expect_err("too many elements");
    assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Memory, Some("table_elements")));
    assert_eq!(broken.message, "`hostile` wanted more than 20000 table elements");
    assert_eq!(broken.hint.as_deref(), Some("raise `plugins.hostile.limits.table_elements`"));
    let limits = LimitOverrides { table_elements: Some(1_000), ..LimitOverrides::default() };
    let broken = load(&runtime, &written::evaluator("(table 1001 funcref)", ""), limits).await.expect_err("at start");
    assert_eq!(broken.limit.as_deref(), Some("table_elements"));
    goes_on(&runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_whose_policy_grows_its_table_says_so_beside_one_that_is_judged() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("hostile.wasm");
    std::fs::write(&file, growing(12_000)).expect("writing the plugin");
    let text = format!(
        "[plugins.hostile]\nfile = \"{}\"\n[checks.\"Hostile Check\"]\npolicies = [\"hostile\"]\n\
         [checks.\"License Check\"]\npolicies = [\"license\"]\n",
        file.display()
    );
    let palisade = TestHost::with(&text).await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    let broken = pull_request.check_run_completed("Hostile Check").await;
    assert_eq!(broken.to_string(), "failure: Hostile Check - Policy Error");
    let said = format!("{} {}", broken.summary.unwrap_or_default(), broken.text.unwrap_or_default());
    assert!(said.contains("20000 table elements") && said.contains("limits.table_elements"), "{said}");
    let beside = pull_request.check_run_completed("License Check").await;
    assert_eq!(beside.to_string(), "success: License Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_to_compile_is_given_up_and_others_are_compiled_beside_it() {
    let runtime = runtime();
    // Some seconds of one core, in a function that no compiler can be stopped in.
    let slow = written::evaluator(&written::long_function(200_000), "");
    let limits = LimitOverrides { compile: Some(Duration::from_millis(100)), ..LimitOverrides::default() };
    let broken = load(&runtime, &slow, limits).await.expect_err("too slow");
    assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Timeout, Some("compile")));
    assert_eq!(broken.message, "`hostile` took longer than 100 ms to compile");
    assert!(broken.hint.expect("a hint").contains("`plugins.hostile.limits.compile`"));
    goes_on(&runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_with_as_many_memories_and_tables_as_it_may_have_leaves_its_neighbours_theirs() {
    let runtime = runtime();
    let fields = "(memory 1)".repeat(7) + &"(table 1 funcref)".repeat(14);
    let greedy = written::evaluator(&fields, "(loop $again (br $again))");
    let greedy = load(&runtime, &greedy, LimitOverrides::default()).await.expect("a plugin within its limits");
    let name = PluginName::parse("healthy").expect("a plugin's name");
    let healthy = runtime.load(&name, palisade_guests::EVALUATOR, &PluginOptions::default()).await.expect("a guest");
    let busy = {
        let runtime = runtime.clone();
        tokio::spawn(async move { evaluate(&runtime, &greedy).await })
    };
    while runtime.statistics().calls_in_flight == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        assert_eq!(evaluate(&runtime, &healthy).await.expect("a verdict").outcome, Outcome::Pass);
    }
    let broken = busy.await.expect("the host survives").expect_err("a timeout");
    assert_eq!(broken.limit.as_deref(), Some("wall"), "{broken}");
}

/// A component and what is refused of it.
type Case = (&'static str, Vec<u8>, &'static str);

fn too_large() -> Vec<Case> {
    let many = |count: usize, what: &str| written::evaluator(&what.repeat(count), "");
    vec![
        ("core_instances", written::instances(2_000), "instantiates more core modules than 32"),
        ("component_instances", written::doubling(30), "instantiates more components than 64"),
        ("nesting", written::nested(1_000), "nests more than 16"),
        ("memories", many(8, "(memory 1)"), "has more memories than 8"),
        ("tables", many(17, "(table 1 funcref)"), "has more tables than 16"),
        ("functions", many(100_001, "(func)"), "has more functions than 100000"),
        (
            "function_size",
            many(1, &format!("(func {})", "nop ".repeat(513 << 10))),
            "has a function of more than 512 KiB",
        ),
        ("memory", many(1, "(memory 16385)"), "begins with a memory of more than 1024 MiB"),
        ("table_elements", many(1, "(table 20001 funcref)"), "begins with a table of more elements than 20000"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_are_too_large_are_refused_by_name_before_they_are_compiled() {
    let runtime = runtime();
    for (limit, wasm, says) in too_large() {
        let begin = Instant::now();
        let broken = load(&runtime, &wasm, LimitOverrides::default()).await.expect_err(limit);
        assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Abi, Some(limit)), "{}", broken.message);
        assert_eq!(broken.message, format!("`hostile` {says}"));
        assert!(broken.hint.expect("a hint").contains(&format!("`{limit}`")));
        assert!(begin.elapsed() < Duration::from_secs(5), "{limit} took {:?}", begin.elapsed());
    }
    goes_on(&runtime).await;
}

/// Thirty levels of two instances each are a billion, in two thousand bytes.
#[test]
fn inspect_refuses_a_component_of_a_billion_instances_and_names_the_limit() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("bomb.wasm"), written::doubling(30)).expect("writing the component");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["plugin", "inspect", "bomb.wasm"])
        .current_dir(directory.path())
        .env_clear()
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`bomb` instantiates more components than 64"), "{said}");
    assert!(said.contains("the limit `component_instances` is the same for all"), "{said}");
}
