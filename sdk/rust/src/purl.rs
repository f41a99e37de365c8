//! Package URLs as producers really write them. Repairs what is known to go wrong and leaves the rest alone; never builds
//! one from a name.

use std::borrow::Cow;

/// Types that some producers name after something else than the specification does.
const RENAMED: [(&str, &str); 2] = [("alpine", "apk"), ("dotnet-core", "nuget")];

/// The package URL with its known mistakes repaired: blanks around it, slashes behind `pkg:`, upper case in the type, a
/// type of another name, a bare `@` in front of an npm scope. `None` for a text that is no package URL at all.
///
/// ```
/// # use palisade_plugin::purl::repaired;
/// assert_eq!(repaired("pkg:/npm/@scope/name@1").as_deref(), Some("pkg:npm/%40scope/name@1"));
/// ```
pub fn repaired(raw: &str) -> Option<Cow<'_, str>> {
    let text = raw.trim();
    let rest = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("pkg:")).map(|_| &text[4..])?;
    let rest = rest.trim_start_matches('/');
    let (kind, path) = rest.split_once('/')?;
    let known = RENAMED.iter().find(|(wrong, _)| kind.eq_ignore_ascii_case(wrong)).map(|(_, right)| *right);
    // A scope is a namespace that begins with `@`, which separates the version elsewhere.
    let scope = path.strip_prefix('@').filter(|_| kind.eq_ignore_ascii_case("npm"));
    let is_sound = known.is_none() && scope.is_none() && !kind.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_sound && raw.len() == "pkg:".len() + rest.len() && raw.starts_with("pkg:") {
        return Some(Cow::Borrowed(raw));
    }
    let kind = known.map_or_else(|| kind.to_ascii_lowercase(), str::to_owned);
    Some(Cow::Owned(match scope {
        Some(scoped) => format!("pkg:{kind}/%40{scoped}"),
        None => format!("pkg:{kind}/{path}"),
    }))
}

/// `npm` of `pkg:npm/…`; empty for anything else.
pub fn type_of(purl: &str) -> &str {
    purl.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_mistakes_are_repaired_and_the_rest_is_left_alone() {
        let repair = |raw| repaired(raw).map(Cow::into_owned);
        assert_eq!(repair("pkg:/npm/left-pad@1.0.0").as_deref(), Some("pkg:npm/left-pad@1.0.0"));
        assert_eq!(repair("pkg://NPM/@scope/name@1").as_deref(), Some("pkg:npm/%40scope/name@1"));
        assert_eq!(repair("PKG:npm/a@1").as_deref(), Some("pkg:npm/a@1"));
        assert_eq!(repair(" pkg:npm/a@1\n").as_deref(), Some("pkg:npm/a@1"));
        assert_eq!(repair("pkg:alpine/musl@1.2").as_deref(), Some("pkg:apk/musl@1.2"));
        assert_eq!(repair("pkg:dotnet-core/Json@1").as_deref(), Some("pkg:nuget/Json@1"));
        assert_eq!(repair("pkg:maven/org.a/b@1?type=jar#x").as_deref(), Some("pkg:maven/org.a/b@1?type=jar#x"));
        assert_eq!(repair("left-pad@1.0.0"), None);
        assert_eq!(repair("pkg:ü"), None);
        assert!(matches!(repaired("pkg:npm/a@1"), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn a_type_is_what_stands_behind_the_scheme() {
        assert_eq!((type_of("pkg:npm/a@1"), type_of("npm/a"), type_of("")), ("npm", "", ""));
    }
}
