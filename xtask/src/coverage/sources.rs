//! Reads which tests name which ids: a doc line `/// Proves R1, W02.` on a function that libtest runs.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// How the line begins.
pub const MARK: &str = "Proves ";

/// Where tests are written.
const ROOTS: [&str; 6] = ["host", "plugins", "sdk", "tests", "examples", "xtask"];

/// A test that names ids.
#[derive(Debug, PartialEq, Eq)]
pub struct TaggedTest {
    pub file: String,
    /// As libtest may call it; the first is the one that is shown.
    pub paths: Vec<String>,
    pub ids: Vec<String>,
}

impl TaggedTest {
    pub fn name(&self) -> &str {
        &self.paths[0]
    }
}

/// All sources in which a test may stand, in order.
pub fn files(workspace: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for root in ROOTS {
        collect(&workspace.join(root), &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", directory.display()))?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The tests of a file that name ids, and what else names some.
pub fn tagged(file: &str, text: &str) -> Result<(Vec<TaggedTest>, Vec<String>)> {
    let syntax = syn::parse_file(text).with_context(|| format!("reading {file}"))?;
    let mut reader = Reader { file, modules: modules(file), tests: Vec::new(), problems: Vec::new(), elsewhere: 0 };
    reader.visit_file(&syntax);
    let Reader { tests, mut problems, elsewhere, .. } = reader;
    if elsewhere > 0 {
        problems.push(format!("{file}: {elsewhere} lines `/// {MARK}…` stand on something that is no test"));
    }
    Ok((tests, problems))
}

/// The modules that a file stands for, by where it lies: below `src` and `tests` the path is the module's. A file
/// directly below `tests` may be a crate of its own, so that the first part may be left out.
fn modules(file: &str) -> Vec<String> {
    let parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    // The first folder counts below its crate's own: modules and crates may be called `tests` too.
    let folders = &parts[1..parts.len().saturating_sub(1).max(1)];
    let root = folders.iter().position(|part| matches!(*part, "src" | "tests")).map_or(0, |at| at + 2);
    let mut below: Vec<&str> = parts[root..].to_vec();
    if matches!(below.last(), Some(&("lib" | "main" | "mod"))) {
        below.pop();
    }
    let in_tests = root > 0 && parts[root - 1] == "tests";
    let without_first = (in_tests && !below.is_empty()).then(|| below[1..].join("::"));
    std::iter::once(below.join("::")).chain(without_first).collect()
}

struct Reader<'a> {
    file: &'a str,
    modules: Vec<String>,
    tests: Vec<TaggedTest>,
    problems: Vec<String>,
    /// Lines that begin with the mark and stand on no function.
    elsewhere: usize,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let outer = self.modules.clone();
        for path in &mut self.modules {
            *path = joined(path, &module.ident.to_string());
        }
        syn::visit::visit_item_mod(self, module);
        self.modules = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let claims: Vec<String> = function.attrs.iter().filter_map(claim).collect();
        let name = function.sig.ident.to_string();
        let named = format!("{}: `{name}`", self.file);
        match (claims.as_slice(), function.attrs.iter().any(is_test)) {
            ([], _) => {}
            ([claim], true) => match ids(claim) {
                Ok(ids) => self.tests.push(TaggedTest {
                    file: self.file.to_owned(),
                    paths: self.modules.iter().map(|module| joined(module, &name)).collect(),
                    ids,
                }),
                Err(problem) => self.problems.push(format!("{named}: {problem}")),
            },
            (claims, true) => {
                self.problems.push(format!("{named} has {} lines `/// {MARK}…`; write one", claims.len()));
            }
            (_, false) => self.problems.push(format!("{named} names ids and is no test")),
        }
        // Not the attributes, which are counted where they stand on something else.
        self.visit_block(&function.block);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.elsewhere += usize::from(claim(attribute).is_some());
    }
}

fn joined(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// What stands behind the mark in a doc line.
fn claim(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    let line = text.value();
    line.trim().strip_prefix(MARK).filter(|_| pair.path.is_ident("doc")).map(str::to_owned)
}

/// `#[test]`, `#[tokio::test(…)]`, and whatever else ends so.
fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
}

/// `R1, W02.`: letters and numbers between commas, and a full stop.
fn ids(claim: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{claim:?} is not a list of ids such as `R1, W02.`");
    let list = claim.trim_end().strip_suffix('.').ok_or_else(wrong)?;
    let ids: Vec<String> = list.split(',').map(|id| id.trim().to_owned()).collect();
    let sound = |id: &String| {
        id.starts_with(['R', 'W', 'C']) && id.len() > 1 && id[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    if ids.iter().all(sound) { Ok(ids) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_known_by_the_path_that_libtest_prints() {
        let of = |file: &str| modules(file);
        assert_eq!(of("host/src/webhook/tests.rs"), ["webhook::tests"]);
        assert_eq!(of("host/src/lib.rs"), [""]);
        assert_eq!(of("tests/src/lib.rs"), [""]);
        assert_eq!(of("host/src/state/records/directory/tests.rs"), ["state::records::directory::tests"]);
        assert_eq!(of("tests/tests/corpus/archives.rs"), ["corpus::archives", "archives"]);
        assert_eq!(of("plugins/opa-builtins/tests/vectors.rs"), ["vectors", ""]);
    }

    #[test]
    fn ids_are_read_from_the_line_above_a_test_s_attributes() {
        let text = r#"
            /// Proves R1, W02.
            #[test]
            fn plain() {}

            mod inner {
                /// A word before it.
                ///
                /// Proves C3.
                #[tokio::test(flavor = "multi_thread")]
                async fn asynchronous() {}
            }

            #[test]
            fn without() {}
        "#;
        let (tests, problems) = tagged("host/src/webhook.rs", text).expect("Rust");
        let found: Vec<_> = tests.iter().map(|test| (test.name(), test.ids.join(" "))).collect();
        assert_eq!(found, [("webhook::plain", "R1 W02".to_owned()), ("webhook::inner::asynchronous", "C3".to_owned())]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn ids_on_what_is_no_test_are_refused() {
        let problems = |text: &str| tagged("host/src/webhook.rs", text).expect("Rust").1.join("\n");
        assert_eq!(
            problems("/// Proves R1.\nfn helper() {}"),
            "host/src/webhook.rs: `helper` names ids and is no test"
        );
        assert!(problems("/// Proves R1.\nstruct Thing;").contains("1 lines `/// Proves …` stand on something"));
        assert!(problems("/// Proves R1.\n/// Proves R2.\n#[test]\nfn twice() {}").contains("has 2 lines"));
    }

    #[test]
    fn a_line_that_is_no_list_of_ids_is_refused() {
        for line in ["R1", "R1 and R2.", "X1.", "R.", "R1,, R2."] {
            let text = format!("/// Proves {line}\n#[test]\nfn odd() {{}}");
            let (tests, problems) = tagged("host/src/webhook.rs", &text).expect("Rust");
            assert!(tests.is_empty() && problems[0].contains("is not a list of ids"), "{line}: {problems:?}");
        }
    }
}
