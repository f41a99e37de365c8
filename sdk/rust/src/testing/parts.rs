//! Leaves out the parts that a reader did not name, as the host does: a policy that forgot one fails its native test.

use crate::types::{Component, ComponentParts, Detail, Finding, FindingParts};

pub(crate) fn only_finding_parts(mut finding: Finding, parts: FindingParts) -> Finding {
    if !parts.contains(FindingParts::DESCRIPTION) {
        finding.description = None;
    }
    if !parts.contains(FindingParts::LOCATIONS) {
        finding.locations.clear();
    }
    if !parts.contains(FindingParts::REFERENCES) {
        finding.references.clear();
    }
    if !parts.contains(FindingParts::FINGERPRINTS) {
        finding.fingerprints.clear();
    }
    if !parts.contains(FindingParts::PROPERTIES) {
        finding.properties.clear();
    }
    if let (Detail::Vulnerability(vulnerability), false) = (&mut finding.detail, parts.contains(FindingParts::RATINGS))
    {
        vulnerability.ratings.clear();
    }
    finding
}

pub(crate) fn only_component_parts(mut component: Component, parts: ComponentParts) -> Component {
    if !parts.contains(ComponentParts::LICENSES) {
        component.licenses.clear();
    }
    if !parts.contains(ComponentParts::LOCATIONS) {
        component.locations.clear();
    }
    if !parts.contains(ComponentParts::HASHES) {
        component.hashes.clear();
    }
    if !parts.contains(ComponentParts::CPES) {
        component.cpes.clear();
    }
    if !parts.contains(ComponentParts::PROPERTIES) {
        component.properties.clear();
    }
    component
}
