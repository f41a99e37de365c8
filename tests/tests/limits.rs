//! Every limit has a test that reaches it: the limits as `runtime/limits.rs` declares them, held against this table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const GUESTS: &str = "tests/tests/hostile_guests.rs";
const COMPONENTS: &str = "tests/tests/hostile_components.rs";
const POLICIES: &str = "tests/tests/hostile_policies.rs";
const LIMITS: &str = "host/src/runtime/limits.rs";

/// Which test reaches which limit. A limit of a call by its key, a fixed one by its constant.
const REACHED: &[(&str, &str, &[&str])] = &[
    (GUESTS, "an_endless_loop_is_a_timeout_that_names_the_key", &["wall", "TICK"]),
    (GUESTS, "a_memory_bomb_is_refused_by_the_sum_of_its_memory", &["memory"]),
    (GUESTS, "deep_recursion_ends_in_the_stack", &["WASM_STACK", "ASYNC_STACK"]),
    (GUESTS, "a_result_of_24_mib_is_too_much_for_one_crossing", &["hostcall_bytes"]),
    (GUESTS, "a_megabyte_of_random_bytes_is_too_much", &["random_bytes"]),
    (GUESTS, "a_flood_of_handles_fills_the_resource_table", &["resources"]),
    (GUESTS, "with_a_larger_table_the_handles_of_the_component_run_out", &["handles"]),
    (GUESTS, "a_sleeping_host_call_ends_after_its_own_limit", &["host_call"]),
    (GUESTS, "many_short_sleeps_end_after_the_limit_for_all_of_them", &["host_calls"]),
    (GUESTS, "a_call_that_had_no_cpu_time_is_tried_once_more_per_job", &["OWN_TIME_SHARE", "RETRY_PATIENCE"]),
    (
        GUESTS,
        "floods_of_text_and_violations_are_cut_and_not_an_error",
        &["output", "violations", "verdict", "texts.summary"],
    ),
    (
        GUESTS,
        "five_malformed_files_stop_nobody_and_five_traps_stop_their_own_installation",
        &["BREAKER_CALLS", "BREAKER_OPEN"],
    ),
    (
        GUESTS,
        "a_normalizer_over_its_limits_gives_a_cut_report",
        &["findings", "components", "dependencies", "vex", "attestations", "documents", "report"],
    ),
    (
        GUESTS,
        "texts_and_lists_over_their_caps_are_shortened_or_cost_the_entry",
        &[
            "texts.title",
            "texts.description",
            "texts.message",
            "texts.id",
            "texts.version",
            "texts.purl",
            "texts.path",
            "texts.licence",
            "texts.property",
            "texts.reference",
            "texts.aliases",
            "texts.ratings",
            "texts.references",
            "texts.locations",
            "texts.properties",
            "texts.others",
            "texts.diagnostics",
            "texts.documents",
        ],
    ),
    (GUESTS, "a_page_holds_no_more_than_a_thousand_items_whatever_is_asked_for", &["PAGE"]),
    (GUESTS, "reads_stay_inside_the_file_and_below_their_cap", &["READ"]),
    (GUESTS, "files_that_are_no_plugins_are_refused_with_a_reason", &["PLUGIN_SIZE"]),
    (COMPONENTS, "tables_that_grow_beyond_their_elements_are_refused_by_their_sum", &["table_elements"]),
    (COMPONENTS, "what_takes_too_long_to_compile_is_given_up_and_others_are_compiled_beside_it", &["compile"]),
    (
        COMPONENTS,
        "components_that_are_too_large_are_refused_by_name_before_they_are_compiled",
        &[
            "CORE_INSTANCES",
            "COMPONENT_INSTANCES",
            "NESTING",
            "MEMORIES",
            "TABLES",
            "FUNCTIONS",
            "FUNCTION_SIZE",
            "MAX_MEMORY",
            "MAX_TABLE_ELEMENTS",
        ],
    ),
    (
        "host/src/runtime/compile.rs",
        "places_that_are_never_given_back_are_not_waited_for_without_end",
        &["COMPILES_AT_ONCE", "COMPILE_TURN"],
    ),
    (
        POLICIES,
        "a_module_that_does_not_come_to_an_end_or_eats_memory_is_refused_while_it_is_wrapped",
        &["PROBE_FUEL", "PROBE_MEMORY"],
    ),
    (
        POLICIES,
        "lists_that_lie_are_refused_while_the_module_is_wrapped",
        &["PROBE_ANSWER", "PROBE_NAMES", "PROBE_NAME"],
    ),
    (POLICIES, "data_that_is_too_much_for_a_snapshot_is_left_to_each_instance_and_its_limits", &["DATA_FUEL_PER_BYTE"]),
    (POLICIES, "data_that_takes_too_much_memory_is_loaded_in_each_instance", &["SNAPSHOT_SIZE"]),
    ("host/src/documents/tests.rs", "documents_that_do_not_fit_are_refused_and_not_cut", &["EVIDENCE_DOCUMENTS"]),
    ("host/src/runtime/functions.rs", "no_more_is_kept_than_there_is_room_for", &["COMPILED_FUNCTIONS"]),
    ("host/src/runtime/cache.rs", "the_oldest_entries_go_where_the_cache_is_full", &["CACHE_SIZE"]),
];

fn source(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()))
}

/// The names that a source of limits declares: public constants, and the public fields of `Limits` and `Texts`.
fn declared(limits: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut prefix = None;
    for line in limits.lines() {
        match line {
            "pub struct Limits {" => prefix = Some(""),
            "pub struct Texts {" => prefix = Some("texts."),
            "}" => prefix = None,
            _ => {}
        }
        let name = |rest: &str| rest.split(':').next().unwrap_or_default().to_owned();
        if let Some(constant) = line.strip_prefix("pub const ") {
            names.insert(name(constant));
        }
        if let (Some(prefix), Some(field)) = (prefix, line.strip_prefix("    pub "))
            && name(field) != "texts"
        {
            names.insert(format!("{prefix}{}", name(field)));
        }
    }
    names
}

/// Names of the tests of a file that run by default.
fn tests(source: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut names = BTreeSet::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("async fn ").or(line.strip_prefix("fn ")) else { continue };
        let attributes: Vec<&&str> = lines[..place].iter().rev().take_while(|line| line.starts_with("#[")).collect();
        let is_test = attributes.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
        if is_test && !attributes.iter().any(|line| line.starts_with("#[ignore")) {
            names.insert(name.split('(').next().unwrap_or_default().to_owned());
        }
    }
    names
}

fn findings(limits: &BTreeSet<String>, tests_by_file: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let reached: BTreeSet<&str> = REACHED.iter().flat_map(|(.., limits)| limits.iter().copied()).collect();
    let mut findings: Vec<String> = limits
        .iter()
        .filter(|limit| !reached.contains(limit.as_str()))
        .map(|limit| format!("no test reaches the limit `{limit}`"))
        .collect();
    let gone = reached.iter().filter(|limit| !limits.contains(**limit));
    findings.extend(gone.map(|limit| format!("there is no limit `{limit}`")));
    for (file, test, _) in REACHED {
        if !tests_by_file.get(file).is_some_and(|tests| tests.contains(*test)) {
            findings.push(format!("{file} has no test `{test}` that runs"));
        }
    }
    findings
}

#[test]
fn every_limit_has_a_test_that_reaches_it() {
    let tests_by_file = REACHED.iter().map(|(file, ..)| (*file, tests(&source(file)))).collect();
    let findings = findings(&declared(&source(LIMITS)), &tests_by_file);
    assert!(findings.is_empty(), "{}\nSee the table in tests/tests/limits.rs.", findings.join("\n"));
}

#[test]
fn a_new_limit_without_a_test_a_lost_test_and_an_ignored_one_are_found() {
    let mut limits = declared(&source(LIMITS));
    assert!(limits.contains("wall") && limits.contains("texts.title") && limits.contains("READ"), "{limits:?}");
    limits.extend(declared("pub const PATIENCE: u32 = 1;\npub struct Limits {\n    pub moons: u32,\n}\n"));
    limits.remove("READ");
    let mut tests_by_file: BTreeMap<&str, BTreeSet<String>> =
        REACHED.iter().map(|(file, ..)| (*file, tests(&source(file)))).collect();
    tests_by_file.insert(COMPONENTS, tests("#[test]\n#[ignore = \"slow\"]\nfn tables_that_grow() {}\n"));
    let found = findings(&limits, &tests_by_file);
    for expected in ["`PATIENCE`", "`moons`", "there is no limit `READ`", "`tables_that_grow"] {
        assert!(found.iter().any(|finding| finding.contains(expected)), "{expected} in {found:?}");
    }
    assert_eq!(found.len(), 3 + 3, "{found:?}");
}
