//! OPA modules that do everything wrong: each ends in a named answer, while it is wrapped or when it is called. Made by
//! hand, because OPA's compiler makes no such modules; no OPA tool is needed.

mod module;

use crate::hostile_guests::{call, evidence, load, quick, roomy, runtime};
use module::{
    ABORT, BUILTIN, BUILTINS_AT, COUNT, DENY_AT, ENTRYPOINTS_AT, HEAP, PAGES, PASS_AT, PRINTLN, Policy, WORDS_AT,
    harmless,
};
use palisade::model::{Broken, BrokenKind, Outcome, PluginName, Verdict};
use palisade::rego::{self, Built, DataLoading, Parts, RegoError};
use palisade::runtime::{LimitOverrides, PluginOptions, Runtime};
use wasm_encoder::BlockType;

/// For what is refused before any part is needed.
const NO_PARTS: Parts<'_> = Parts { glue: b"", builtins: b"", builtin_names: &["time.now_ns"] };

fn build(policy: &Policy, loading: DataLoading) -> Result<Built, RegoError> {
    let names: Vec<&str> = palisade_first_party::builtin_names().collect();
    let parts = palisade_first_party::parts();
    let parts = Parts { glue: parts.opa_glue, builtins: parts.opa_builtins, builtin_names: &names };
    let data = Some(b"{}".to_vec());
    rego::component(&parts, &rego::Policy { wasm: policy.wasm(), data }, loading)
}

fn built(policy: &Policy) -> Built {
    build(policy, DataLoading::Snapshot).expect("a policy that can be wrapped")
}

/// What a person is told of a policy that cannot be wrapped.
fn refused(policy: &Policy) -> (BrokenKind, String) {
    let broken = build(policy, DataLoading::Snapshot).expect_err("a policy that is refused").broken("policy");
    (broken.kind, broken.message)
}

async fn evaluate(runtime: &Runtime, policy: &Policy, limits: LimitOverrides) -> Result<Verdict, Broken> {
    let plugin = load(runtime, "policy", &built(policy).component, limits).await;
    runtime.evaluate(&call(), &plugin, &evidence(), "{}").await
}

async fn broken(policy: &Policy, limits: LimitOverrides) -> (BrokenKind, Option<String>, String) {
    let broken = evaluate(&runtime(), policy, limits).await.expect_err("a broken call");
    (broken.kind, broken.limit, broken.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_module_that_keeps_the_abi_is_a_plugin() {
    let built = built(&harmless());
    assert_eq!((built.abi.to_string().as_str(), built.loading), ("1.3", DataLoading::Snapshot));
    assert_eq!(built.builtins, ["time.now_ns"]);
    assert_eq!(built.entrypoints.into_iter().collect::<Vec<_>>(), [("test/deny".to_owned(), 0)]);
    let verdict = evaluate(&runtime(), &harmless(), roomy()).await.expect("a verdict");
    assert_eq!(verdict.outcome, Outcome::Pass);
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    assert_eq!(built(&harmless()), built(&harmless()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_evaluation_is_a_timeout() {
    let policy = harmless().with("opa_eval", |code| {
        code.loop_(BlockType::Empty).br(0).end().unreachable();
    });
    let (kind, limit, message) = broken(&policy, quick()).await;
    assert_eq!((kind, limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
    assert_eq!(message, "`policy` ran longer than 100 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_refused_by_the_sum_of_its_memory() {
    let policy = harmless().with("opa_eval", |code| {
        code.loop_(BlockType::Empty).i32_const(16).memory_grow(0).i32_const(-1).i32_ne().br_if(0).end().unreachable();
    });
    let (kind, limit, message) = broken(&policy, roomy()).await;
    assert_eq!((kind, limit.as_deref()), (BrokenKind::Memory, Some("memory")));
    assert_eq!(message, "`policy` wanted more than 128 MiB of memory");
}

/// The first two calls are for the data; the third is the host's, for the input.
fn malloc_that_turns(address: i32) -> Policy {
    harmless().with("opa_malloc", move |code| {
        code.global_get(COUNT).i32_const(1).i32_add().global_set(COUNT);
        code.global_get(COUNT).i32_const(3).i32_ge_u().if_(BlockType::Empty).i32_const(address).return_().end();
        code.global_get(HEAP).global_get(HEAP).local_get(0).i32_add().i32_const(8).i32_add().global_set(HEAP);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_outside_of_the_memory_breaks_the_calling_convention() {
    for address in [-8, i32::MIN, i32::MAX, 1 << 20] {
        let (kind, _, message) = broken(&malloc_that_turns(address), roomy()).await;
        assert_eq!(kind, BrokenKind::Abi, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heap_pointer_outside_of_the_memory_harms_nobody() {
    for pointer in [-1, i32::MIN, i32::MAX] {
        let policy = harmless().with("opa_heap_ptr_get", move |code| {
            code.i32_const(pointer);
        });
        assert_eq!(evaluate(&runtime(), &policy, roomy()).await.expect("a verdict").outcome, Outcome::Pass);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_an_end_traps_at_the_end_of_the_memory() {
    let last_page = i32::try_from((PAGES - 1) * 65_536).expect("a small memory");
    let policy = harmless().with("opa_eval", move |code| {
        code.i32_const(last_page).i32_const(i32::from(b'[')).i32_const(65_536).memory_fill(0).i32_const(last_page);
    });
    let (kind, _, message) = broken(&policy, roomy()).await;
    assert_eq!((kind, message.as_str()), (BrokenKind::Trap, "`policy` trapped: out of bounds memory access"));
    let outside = harmless().with("opa_eval", |code| {
        code.i32_const(-1);
    });
    assert_eq!(broken(&outside, roomy()).await.0, BrokenKind::Trap);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_no_result_set_is_an_answer_that_says_so() {
    for text in ["", "{", "[1]", "[{}]", "[{\"result\": \u{1}}]"] {
        let policy = harmless().text(PASS_AT, [text.as_bytes(), &[0]].concat());
        let (kind, _, message) = broken(&policy, roomy()).await;
        assert_eq!(kind, BrokenKind::Other, "{text}: {message}");
        assert!(message.contains("no result set"), "{text}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_aborts_is_quoted() {
    let policy = harmless().with("opa_eval", |code| {
        code.i32_const(WORDS_AT).call(ABORT).unreachable();
    });
    let (kind, _, message) = broken(&policy, roomy()).await;
    assert_eq!(kind, BrokenKind::Trap);
    assert!(message.ends_with("it last wrote: the policy has had enough"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_last_words_are_cut_between_two_characters() {
    let policy = harmless().text(WORDS_AT, [b"x".as_slice(), "ü".repeat(5_000).as_bytes(), &[0]].concat()).with(
        "opa_eval",
        |code| {
            code.i32_const(WORDS_AT).call(PRINTLN).i32_const(WORDS_AT).call(ABORT).unreachable();
        },
    );
    let (kind, _, message) = broken(&policy, roomy()).await;
    assert_eq!(kind, BrokenKind::Trap, "{message}");
    assert!(message.contains("xüüü") && message.len() < 1_000, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_utf_8_is_still_an_abort() {
    let policy = harmless().text(WORDS_AT, [0xff, 0xfe, 0]).with("opa_eval", |code| {
        code.i32_const(WORDS_AT).call(ABORT).unreachable();
    });
    let (kind, _, message) = broken(&policy, roomy()).await;
    assert!(matches!(kind, BrokenKind::Trap | BrokenKind::Abi), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builtin_that_was_never_listed_is_named_as_such() {
    for id in [-1, 0, 8, i32::MAX] {
        let policy = harmless().with("opa_eval", move |code| {
            code.i32_const(id).i32_const(0).call(BUILTIN);
        });
        let (kind, _, message) = broken(&policy, roomy()).await;
        assert_eq!(kind, BrokenKind::Trap);
        assert!(message.ends_with("the policy calls a builtin that it does not list"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_builtin_calls_are_a_timeout_and_not_a_memory_bomb() {
    let policy = harmless().with("opa_eval", |code| {
        code.loop_(BlockType::Empty).i32_const(7).i32_const(0).call(BUILTIN).drop().i32_const(1 << 17);
        code.global_set(HEAP).br(0).end().unreachable();
    });
    let (kind, limit, _) = broken(&policy, quick()).await;
    assert_eq!((kind, limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_of_builtin_calls_are_freed() {
    // Counts what is allocated and not freed; more than a handful after 1,000 calls is a leak.
    let policy = harmless()
        .with("opa_malloc", |code| {
            code.global_get(COUNT).i32_const(1).i32_add().global_set(COUNT).i32_const(1 << 17);
        })
        .with("opa_free", |code| {
            code.global_get(COUNT).i32_const(1).i32_sub().global_set(COUNT);
        })
        .with("opa_eval", |code| {
            let calls = 7;
            code.loop_(BlockType::Empty).i32_const(7).i32_const(0).call(BUILTIN).drop();
            code.local_get(calls).i32_const(1).i32_add().local_tee(calls).i32_const(1_000).i32_lt_u().br_if(0).end();
            code.i32_const(DENY_AT).i32_const(PASS_AT).global_get(COUNT).i32_const(8).i32_gt_s().select();
        });
    assert_eq!(evaluate(&runtime(), &policy, roomy()).await.expect("a verdict").outcome, Outcome::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_calls_out_while_it_is_asked_for_room_may_not() {
    let policy = harmless().with("opa_malloc", |code| {
        code.global_get(COUNT).i32_const(1).i32_add().global_set(COUNT);
        code.global_get(COUNT).i32_const(3).i32_eq().if_(BlockType::Empty);
        code.i32_const(7).i32_const(0).call(BUILTIN).drop().end();
        code.global_get(HEAP).global_get(HEAP).local_get(0).i32_add().i32_const(8).i32_add().global_set(HEAP);
    });
    assert_eq!(broken(&policy, roomy()).await.0, BrokenKind::Abi);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_evaluation_is_there_in_the_next() {
    // Denies where the mark of an earlier evaluation is in a global or in memory.
    let policy = harmless().with("opa_eval", |code| {
        let found = 7;
        code.global_get(COUNT).i32_const(1 << 18).i32_load(module::word()).i32_or().local_set(found);
        code.i32_const(1).global_set(COUNT).i32_const(1 << 18).i32_const(1).i32_store(module::word());
        code.i32_const(DENY_AT).i32_const(PASS_AT).local_get(found).select();
    });
    let runtime = runtime();
    let plugin = load(&runtime, "policy", &built(&policy).component, roomy()).await;
    for _ in 0..3 {
        let verdict = runtime.evaluate(&call(), &plugin, &evidence(), "{}").await.expect("a verdict");
        assert_eq!(verdict.outcome, Outcome::Pass, "{verdict:?}");
    }
}

#[test]
fn a_wrapped_policy_imports_nothing_that_the_contract_does_not_offer() {
    let inspection = runtime().inspect(&built(&harmless()).component).expect("an inspection");
    let words: Vec<_> = inspection.imports.0.iter().map(|(name, class)| (class.word(), name.as_str())).collect();
    assert!(words.iter().all(|(class, _)| ["palisade", "baseline", "closed"].contains(class)), "{words:?}");
    assert!(words.iter().all(|(_, name)| !name.contains("http") && !name.contains("palisade:opa")), "{words:?}");
}

#[test]
fn a_module_that_does_not_come_to_an_end_or_eats_memory_is_refused_while_it_is_wrapped() {
    let endless = harmless().with("entrypoints", |code| {
        code.loop_(BlockType::Empty).br(0).end().unreachable();
    });
    let said = (BrokenKind::Timeout, "`policy`: asking for its entrypoints: it did not come to an end".to_owned());
    assert_eq!(refused(&endless), said);
    let bomb = harmless().with("builtins", |code| {
        code.loop_(BlockType::Empty).i32_const(16).memory_grow(0).i32_const(-1).i32_ne().br_if(0).end().unreachable();
    });
    let said = "`policy`: asking for its builtins: it wanted more than 128 MiB of memory".to_owned();
    assert_eq!(refused(&bomb), (BrokenKind::Memory, said));
    let aborting = harmless().with("builtins", |code| {
        code.i32_const(WORDS_AT).call(ABORT).unreachable();
    });
    let said = "`policy`: asking for its builtins: it aborted: the policy has had enough".to_owned();
    assert_eq!(refused(&aborting), (BrokenKind::Trap, said));
    let unfit = harmless().with("opa_json_parse", |code| {
        code.i32_const(0);
    });
    let said = "`policy`: loading its data: it aborted: the policy cannot read its data".to_owned();
    assert_eq!(refused(&unfit), (BrokenKind::Trap, said));
}

#[test]
fn lists_that_lie_are_refused_while_the_module_is_wrapped() {
    let last = i32::try_from(PAGES * 65_536 - 4).expect("a small memory");
    let endless = harmless().text(last, *b"{\"ab").with("builtins", move |code| {
        code.i32_const(last);
    });
    assert_eq!(refused(&endless).1, "`policy`: asking for its builtins: it gave a text without an end");
    let immense = harmless().with("builtins", |code| {
        // A text of 1.5 MiB, behind the memory that the module begins with.
        let (at, length) = (1 << 20, 3 << 19);
        code.i32_const(40).memory_grow(0).drop();
        code.i32_const(at).i32_const(i32::from(b'x')).i32_const(length).memory_fill(0);
        code.i32_const(at);
    });
    assert_eq!(refused(&immense).1, "`policy`: asking for its builtins: it gave a text without an end");
    for address in [-1, i32::MIN, i32::MAX] {
        let outside = harmless().with("entrypoints", move |code| {
            code.i32_const(address);
        });
        let said = "`policy`: asking for its entrypoints: it gave an address outside of its memory";
        assert_eq!(refused(&outside), (BrokenKind::Abi, said.to_owned()));
    }
    let many = format!("{{{}}}\0", (0..3_000).map(|id| format!("\"e{id}\":{id}")).collect::<Vec<_>>().join(","));
    let many = harmless().text(1 << 17, many.into_bytes()).with("entrypoints", |code| {
        code.i32_const(1 << 17);
    });
    assert_eq!(refused(&many).1, "`policy`: asking for its entrypoints: it lists 3000, the most is 2000");
    let long = harmless().text(BUILTINS_AT, [b"{\"", [b'x'; 300].as_slice(), b"\": 1}\0"].concat());
    assert!(refused(&long).1.contains("is too long"), "{}", refused(&long).1);
    let odd = harmless().text(ENTRYPOINTS_AT, *b"[1, 2]\0");
    assert_eq!(refused(&odd).0, BrokenKind::Abi);
}

#[test]
fn an_address_outside_is_refused_while_the_data_is_loaded() {
    let policy = harmless().with("opa_malloc", |code| {
        code.i32_const(-8);
    });
    let said = "`policy`: loading its data: it gave an address outside of its memory".to_owned();
    assert_eq!(refused(&policy), (BrokenKind::Abi, said));
}

#[test]
fn every_missing_builtin_is_named_at_once_and_those_that_reach_out_apart() {
    let list = br#"{"http.send": 0, "time.now_ns": 1, "my.own": 2, "opa.runtime": 3, "another.one": 4}"#;
    let missing = harmless().text(BUILTINS_AT, [list.as_slice(), &[0]].concat());
    let broken = build(&missing, DataLoading::Snapshot).expect_err("a refusal").broken("policy");
    assert_eq!(broken.kind, BrokenKind::Unsupported);
    assert_eq!(
        broken.message,
        "`policy`: the policy needs builtins that it does not get here; unknown: `another.one`, `my.own`; refused: \
         `http.send`, `opa.runtime`"
    );
    assert!(broken.hint.expect("a hint").contains("`palisade policy capabilities`"));
    let reaching = harmless().text(BUILTINS_AT, *b"{\"opa.runtime\": 3}\0");
    assert_eq!(refused(&reaching).0, BrokenKind::Denied);
}

#[test]
fn other_abis_and_other_shapes_are_refused_by_name() {
    for (major, minor) in [(1, 4), (2, 0), (0, 1), (-1, 0)] {
        let said = format!("`policy`: this is an OPA module of ABI {major}.{minor}; this host reads 1.0 to 1.3");
        assert_eq!(refused(&harmless().abi(major, minor)), (BrokenKind::Abi, said));
    }
    let said = |name| format!("`policy`: this module does not keep OPA's ABI: it exports no function `{name}`");
    assert_eq!(refused(&harmless().without("opa_eval")), (BrokenKind::Abi, said("opa_eval")));
    assert_eq!(refused(&harmless().abi(1, 1).without("eval")), (BrokenKind::Abi, said("eval")));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_abi_1_2_a_policy_is_evaluated_step_by_step() {
    for minor in [0, 1] {
        let policy = harmless().abi(1, minor).without("opa_eval");
        let verdict = evaluate(&runtime(), &policy, roomy()).await.expect("a verdict");
        assert_eq!(verdict.outcome, Outcome::Pass);
        let denying = policy.with("opa_eval_ctx_get_result", |code| {
            code.i32_const(DENY_AT);
        });
        assert_eq!(evaluate(&runtime(), &denying, roomy()).await.expect("a verdict").outcome, Outcome::Fail);
        let failing = denying.with("eval", |code| {
            code.i32_const(1);
        });
        assert_eq!(broken(&failing, roomy()).await.0, BrokenKind::Trap);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_too_much_for_a_snapshot_is_left_to_each_instance_and_its_limits() {
    let policy = harmless().with("opa_json_parse", |code| {
        code.loop_(BlockType::Empty).br(0).end().unreachable();
    });
    let built = built(&policy);
    assert_eq!(built.loading, DataLoading::PerInstance);
    let name = PluginName::parse("policy").expect("a name");
    let options = PluginOptions { limits: quick(), ..PluginOptions::default() };
    let broken = runtime().load(&name, &built.component, &options).await.expect_err("a timeout");
    assert_eq!((broken.kind, broken.limit.as_deref()), (BrokenKind::Timeout, Some("wall")));
}

#[test]
fn data_that_takes_too_much_memory_is_loaded_in_each_instance() {
    let policy = harmless().with("opa_json_parse", |code| {
        // 17 MiB that are not zero: more than a snapshot may have.
        let (at, length) = (1 << 20, 17 << 20);
        code.i32_const(300).memory_grow(0).drop();
        code.i32_const(at).i32_const(1).i32_const(length).memory_fill(0);
        code.local_get(0);
    });
    assert_eq!(built(&policy).loading, DataLoading::PerInstance);
}

#[test]
fn data_that_is_no_json_object_is_refused() {
    for data in ["", "[1]", "{\"a\": 1} x"] {
        let policy = rego::Policy { wasm: harmless().wasm(), data: Some(data.as_bytes().to_vec()) };
        let error = rego::component(&NO_PARTS, &policy, DataLoading::Snapshot).expect_err("a refusal");
        assert!(matches!(error, RegoError::Data(_)), "{data}: {error}");
    }
}

#[test]
fn any_cut_or_bent_file_is_refused_and_nothing_panics() {
    let wasm = harmless().wasm();
    for at in 0..wasm.len() {
        let mut bent = wasm.clone();
        bent[at] ^= 0x55;
        for wasm in [wasm[..at].to_vec(), bent] {
            // What still keeps the ABI fails at the parts, which are empty here.
            let policy = rego::Policy { wasm, data: None };
            rego::component(&NO_PARTS, &policy, DataLoading::PerInstance).expect_err("a refusal");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_may_be_loaded_in_each_instance_too() {
    let built = build(&harmless(), DataLoading::PerInstance).expect("a policy that can be wrapped");
    assert_eq!(built.loading, DataLoading::PerInstance);
    let runtime = runtime();
    let plugin = load(&runtime, "policy", &built.component, roomy()).await;
    let verdict = runtime.evaluate(&call(), &plugin, &evidence(), "{}").await.expect("a verdict");
    assert_eq!(verdict.outcome, Outcome::Pass);
}
