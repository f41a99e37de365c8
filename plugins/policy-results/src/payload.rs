//! What whoever writes the compliance documents and whoever reads their answers have to agree on.

use std::borrow::Cow;

/// A component's id in the form of an SPDXID, as the `sbom` document has it: one of SPDX stays, any other gets the prefix
/// `SPDXRef-` and a hyphen for each character that SPDX does not allow.
pub fn spdx_id(id: &str) -> Cow<'_, str> {
    const PREFIX: &str = "SPDXRef-";
    if id.starts_with(PREFIX) {
        return Cow::Borrowed(id);
    }
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    Cow::Owned(PREFIX.chars().chain(id.chars().map(allowed)).collect())
}

/// The report that a document is about: 3 for `sbom/3`.
pub fn report_of(document: &str) -> Option<u32> {
    document.rsplit_once('/')?.1.parse().ok()
}
