//! An evaluator that misbehaves as its settings say: `{"do": "loop"}`. Written against the raw contract, because the SDK
//! would not let it. Natively it is empty.
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, clippy::all)] // reason: generated exports

wit_bindgen::generate!({ path: "../../../wit", world: "palisade:plugin/evaluator", generate_all });

use exports::palisade::plugin::plugin::{PluginInfo, SettingProblem};
use palisade::plugin::evidence::ItemRef;
use palisade::plugin::types::{Failure, FindingParts};
use palisade::plugin::verdicts::{Effect, EvidenceRef, Outcome, Verdict, Violation};
use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

struct Hostile;

impl exports::palisade::plugin::plugin::Guest for Hostile {
    fn describe() -> PluginInfo {
        PluginInfo {
            name: "hostile-evaluator".to_owned(),
            version: "0.1.0".to_owned(),
            description: "Misbehaves as its settings say".to_owned(),
            homepage: None,
            settings_schema: Some("{\"type\": \"object\"}".to_owned()),
            formats: Vec::new(),
            reads: Vec::new(),
            properties: Vec::new(),
        }
    }
    fn validate_settings(settings: String) -> Result<(), Vec<SettingProblem>> {
        match deed(&settings) {
            "nonsense" => {
                Err(vec![SettingProblem { pointer: "/do".to_owned(), message: "nobody can do that".to_owned() }])
            }
            "loop-in-validation" => endless(),
            _ => Ok(()),
        }
    }
}

impl exports::palisade::plugin::evaluate::Guest for Hostile {
    fn evaluate(evidence: &palisade::plugin::evidence::CommitEvidence, settings: String) -> Result<Verdict, Failure> {
        Ok(match deed(&settings) {
            "loop" => endless(),
            "memory" => verdict(&format!("{}", hoard())),
            "recursion" => verdict(&format!("{}", descend(0))),
            "log-flood" => flood(),
            "huge-result" => Verdict { summary: "x".repeat(24 << 20), ..verdict("huge") },
            "long-result" => Verdict { summary: "é".repeat(200_000), ..verdict(&"t".repeat(5_000)) },
            "many-violations" => {
                let violations = (0..6_000).map(|_| violation(Effect::Deny)).collect();
                Verdict { outcome: Outcome::Fail, violations, ..verdict("many") }
            }
            "handle-flood" => loop {
                evidence.reports().into_iter().for_each(std::mem::forget);
            },
            "sleep" => {
                std::thread::sleep(Duration::from_secs(3_600));
                verdict("slept")
            }
            "naps" => loop {
                std::thread::sleep(Duration::from_millis(20));
            },
            "gamble" => verdict(&format!("{}", gamble(1 << 20))),
            "trap" => core::arch::wasm32::unreachable(),
            "panic" => panic!("the policy lost its way"),
            "exit" => std::process::exit(3),
            "contradiction" => Verdict { violations: vec![violation(Effect::Deny)], ..verdict("a pass that denies") },
            "bad-reference" => {
                let at = ItemRef { report: 7, index: 7 };
                let lost = Violation { evidence: vec![EvidenceRef::Finding(at)], ..violation(Effect::Deny) };
                Verdict { outcome: Outcome::Fail, violations: vec![lost], ..verdict("lost") }
            }
            "malformed" => return Err(Failure::Malformed("line 3 is torn".to_owned())),
            "spy" => verdict(&spy()),
            "chance" => verdict(&chance()),
            "greedy-page" => {
                let page = evidence.reports()[0].findings(0, u32::MAX, FindingParts::empty());
                verdict(&format!("{} findings at once", page.len()))
            }
            "huge-verdict" => {
                let message = "m".repeat(4_000);
                let violations =
                    (0..2_000).map(|_| Violation { message: message.clone(), ..violation(Effect::Deny) }).collect();
                Verdict { outcome: Outcome::Fail, violations, ..verdict("huge") }
            }
            "document" => {
                let documents = evidence.documents("evidence");
                let head = documents[0].read(0, 1);
                verdict(&format!("{} {} {}", documents[0].name(), documents[0].media_type(), head == b"{"))
            }
            _ => verdict("nothing to complain about"),
        })
    }
}

/// The word after `"do":`.
fn deed(settings: &str) -> &str {
    settings.split('"').nth(3).unwrap_or("")
}

fn verdict(title: &str) -> Verdict {
    Verdict {
        outcome: Outcome::Pass,
        title: title.to_owned(),
        summary: String::new(),
        violations: Vec::new(),
        judged: Vec::new(),
        valid_until: None,
        properties: Vec::new(),
    }
}

fn violation(effect: Effect) -> Violation {
    Violation {
        rule: "rule".to_owned(),
        effect,
        severity: None,
        message: "because".to_owned(),
        subject: None,
        evidence: Vec::new(),
        waivable: true,
        how_to_fix: None,
        location: None,
        properties: Vec::new(),
    }
}

fn endless() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn hoard() -> usize {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(black_box(vec![1; 1 << 20]));
        if hoard.len() > 100_000 {
            return hoard.len();
        }
    }
}

/// No array in the frame: that would overflow the guest's own stack in its memory first, and look like any bad pointer.
#[allow(unconditional_recursion)] // reason: that is the point
fn descend(depth: u64) -> u64 {
    black_box(descend(depth + 1)) + depth
}

fn flood() -> Verdict {
    let line = "all work and no play ".repeat(50);
    for _ in 0..2_000 {
        println!("{line}");
        eprintln!("{line}");
        palisade::plugin::logging::log(palisade::plugin::logging::Level::Info, &line);
    }
    verdict("said it all")
}

/// More random bytes at once than anybody needs: what `getrandom` comes down to, without its chunks.
fn gamble(bytes: u64) -> usize {
    unsafe extern "C" {
        fn random_get_random_bytes(length: u64, list: *mut [usize; 2]);
    }
    let mut list = [0; 2];
    // SAFETY: the C library's own binding of `wasi:random/random`; it writes a pointer and a length.
    unsafe { random_get_random_bytes(bytes, &mut list) };
    list[1]
}

/// What of the host can be seen.
fn spy() -> String {
    format!(
        "variables {}, arguments {}, directory {}, file {}, network {}",
        std::env::vars().count(),
        std::env::args().count(),
        std::fs::read_dir("/").is_ok(),
        std::fs::read("/etc/passwd").is_ok(),
        std::net::TcpStream::connect("127.0.0.1:80").is_ok(),
    )
}

/// Everything that could differ from run to run.
fn chance() -> String {
    let seed = std::collections::hash_map::RandomState::new().hash_one(1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("{seed} {now} {:?}", Instant::now().elapsed())
}

export!(Hostile);
