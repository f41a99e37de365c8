//! `plugins/opa-builtins/capabilities.json`, given to the real `opa build`. That every policy of the repository compiles
//! with it is what the tests beside this one begin with.

use palisade_tests::opa;
use std::process::Command;

#[test]
fn a_policy_that_reaches_for_the_network_does_not_even_compile() {
    let Some(opa) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let policy = directory.path().join("policy.rego");
    let text = "package network\n\ndeny contains \"down\" if http.send({\"method\": \"get\", \"url\": input.url}).status_code != 200\n";
    std::fs::write(&policy, text).expect("a written file");
    let capabilities = palisade_tests::workspace().join("plugins/opa-builtins/capabilities.json");
    let mut build = Command::new(opa);
    build.args(["build", "--target", "wasm", "--entrypoint", "network/deny", "--capabilities"]).arg(capabilities);
    build.arg("--output").arg(directory.path().join("bundle.tar.gz")).arg(&policy);
    let output = build.output().expect("opa starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success() && said.contains("undefined function http.send"), "{said}");
}
