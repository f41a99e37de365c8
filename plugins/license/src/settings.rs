//! What an operator may set, in the words of the configuration file. Every key has a default; `policy` turns the
//! whole into what is judged by. Nothing is judged here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which licences are allowed. While none of `allowed`, `conditional` and `denied` is set, built-in lists stand:
/// permissive licences are allowed, weak copyleft is conditional, strong copyleft and non-commercial terms are denied,
/// and anything else is a warning. Setting any of the three replaces all of them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Licences that pass: SPDX ids (`MIT`, `GPL-2.0-or-later`, `Apache-2.0+`), ids with an exception
    /// (`Apache-2.0 WITH LLVM-exception`) or references (`LicenseRef-Corp`). An entry matches if it and the package's
    /// licence have a version in common.
    pub allowed: Option<Vec<String>>,
    /// Licences that pass with a note for each package: ids as above, or tables with `license` and `condition`.
    pub conditional: Option<Vec<ConditionalLicense>>,
    /// Licences that block. An entry matches if the lowest version that the package may be used under is in it. Wins
    /// over the other lists.
    pub denied: Option<Vec<String>>,
    /// What a licence on none of the lists does.
    pub unlisted: Unlisted,
    /// What a package without any licence claim does.
    pub absent: Knob,
    /// What a package does whose licence the producer does not assert (SPDX `NOASSERTION`).
    pub no_assertion: Knob,
    /// What a package does of which the producer says that it has no licence (SPDX `NONE`).
    pub none_stated: Knob,
    /// What a claim does that cannot be read, such as prose, or a name that could mean several licences.
    pub unparsed: Knob,
    /// Which claim counts: the first of these that says something known. A claim that does not say where it comes from
    /// counts as declared.
    pub claim_order: Vec<ClaimSource>,
    /// Lets `GPL-2.0` in the denied list hit `GPL-2.0 WITH Classpath-exception-2.0` as well.
    pub deny_ignores_exceptions: bool,
    /// Packages of which scopes are judged. Where reports disagree about a package, the most exposed scope wins.
    pub scopes: Vec<Scope>,
    /// What holds for single packages instead.
    pub exceptions: Vec<PackageException>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed: None,
            conditional: None,
            denied: None,
            unlisted: Unlisted::Auto,
            absent: Knob::Warn,
            no_assertion: Knob::Warn,
            none_stated: Knob::Warn,
            unparsed: Knob::Warn,
            claim_order: vec![ClaimSource::Concluded, ClaimSource::Declared, ClaimSource::Detected],
            deny_ignores_exceptions: false,
            scopes: vec![Scope::Runtime, Scope::Optional, Scope::Unknown],
            exceptions: Vec::new(),
        }
    }
}

/// A licence that passes under a condition.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ConditionalLicense {
    /// Only the licence.
    License(String),
    /// The licence and what has to be kept in mind, in a sentence that people are shown.
    WithCondition {
        /// As in the other lists.
        license: String,
        /// Such as `ship the source of changed files`.
        condition: String,
    },
}

/// What not knowing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Knob {
    /// Blocks.
    Deny,
    /// Is shown, and does not block.
    Warn,
    /// Is counted, nothing more.
    Ignore,
}

/// What a known licence on no list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// Denies if the settings name allowed licences, allows if they name other lists only, and warns with the built-in
    /// lists.
    Auto,
    /// Blocks.
    Deny,
    /// Is shown, and does not block.
    Warn,
    /// Passes.
    Allow,
}

/// Who claims a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    /// The author of the report, after looking at the package.
    Concluded,
    /// The package itself.
    Declared,
    /// A scanner that read the files.
    Detected,
}

/// Where a package is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Unknown,
    Runtime,
    Optional,
    Development,
    Test,
    Build,
    Excluded,
}

/// What holds for packages of one name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageException {
    /// Package URL: type and name are needed, `*` stands for a whole name or namespace (`pkg:npm/%40corp/*`), without
    /// a version every version matches.
    pub package: String,
    /// Licences that these packages may have as well, whatever the lists say.
    pub allowed: Vec<String>,
    /// An SPDX expression that replaces what the reports claim. Needs a version in `package`.
    pub license: Option<String>,
    /// Why. Shown to people, and needed.
    pub reason: String,
    /// RFC 3339 date or instant at which this ends; a date ends at 00:00 UTC of that day.
    pub until: Option<String>,
}

/// Permissive licences that nearly every organisation allows.
pub const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-1.0+",
    "Apache-2.0 WITH LLVM-exception",
    "Apache-2.0 WITH Swift-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-2-Clause-Views",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSD-Source-Code",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "FTL",
    "HPND",
    "ICU",
    "IJG",
    "ISC",
    "Libpng",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "NCSA",
    "PostgreSQL",
    "PSF-2.0",
    "Python-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "UPL-1.0",
    "W3C",
    "X11",
    "Zlib",
    "curl",
    "libpng-2.0",
    "zlib-acknowledgement",
];

/// Weak copyleft, strong copyleft softened by an exception, and attribution terms for works that are no code.
pub const CONDITIONAL: &[(&str, &str)] = &[
    ("Artistic-1.0+", MODIFIED_FILES),
    ("CC-BY-1.0+", ATTRIBUTION),
    ("CC-BY-ND-1.0+", "name the author, and pass the work on unchanged"),
    ("CDDL-1.0+", MODIFIED_FILES),
    ("EPL-1.0+", MODIFIED_FILES),
    ("EUPL-1.0+", MODIFIED_FILES),
    ("GPL-1.0-or-later WITH Autoconf-exception-2.0", EXCEPTION),
    ("GPL-1.0-or-later WITH Autoconf-exception-3.0", EXCEPTION),
    ("GPL-1.0-or-later WITH Bison-exception-2.2", EXCEPTION),
    ("GPL-1.0-or-later WITH Classpath-exception-2.0", EXCEPTION),
    ("GPL-1.0-or-later WITH GCC-exception-2.0", EXCEPTION),
    ("GPL-1.0-or-later WITH GCC-exception-3.1", EXCEPTION),
    ("GPL-1.0-or-later WITH Libtool-exception", EXCEPTION),
    ("LGPL-2.0-or-later", LIBRARY),
    ("LGPL-2.0-or-later WITH OCaml-LGPL-linking-exception", LIBRARY),
    ("MPL-1.0+", MODIFIED_FILES),
    ("OFL-1.0+", ATTRIBUTION),
];

const ATTRIBUTION: &str = "name the author and the licence";
const EXCEPTION: &str = "stay within what the exception permits";
const LIBRARY: &str = "link dynamically or let users relink, and offer the library's source";
const MODIFIED_FILES: &str = "offer the source of the files that you change";

/// Strong copyleft, and terms that forbid commercial use or hosting.
pub const DENIED: &[&str] = &[
    "AGPL-1.0-or-later",
    "BUSL-1.1",
    "CC-BY-NC-1.0+",
    "CC-BY-NC-ND-1.0+",
    "CC-BY-NC-SA-1.0+",
    "CC-BY-SA-1.0+",
    "Elastic-2.0",
    "GPL-1.0-or-later",
    "OSL-1.0+",
    "SSPL-1.0",
];
