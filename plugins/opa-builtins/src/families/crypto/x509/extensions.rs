//! What the extensions of a certificate say, under Go's names.

use std::{collections::BTreeMap, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use x509_parser::{
    asn1_rs::{FromDer, Oid, SequenceOf},
    extensions::{DistributionPointName, GeneralName, NameConstraints, ParsedExtension, X509Extension},
};

use super::uri;
use crate::{Fault, Number, Value};

/// Purposes of keys; their place is Go's number for them.
pub const KEY_PURPOSES: [(&str, &str); 14] = [
    ("KeyUsageAny", "2.5.29.37.0"),
    ("KeyUsageServerAuth", "1.3.6.1.5.5.7.3.1"),
    ("KeyUsageClientAuth", "1.3.6.1.5.5.7.3.2"),
    ("KeyUsageCodeSigning", "1.3.6.1.5.5.7.3.3"),
    ("KeyUsageEmailProtection", "1.3.6.1.5.5.7.3.4"),
    ("KeyUsageIPSECEndSystem", "1.3.6.1.5.5.7.3.5"),
    ("KeyUsageIPSECTunnel", "1.3.6.1.5.5.7.3.6"),
    ("KeyUsageIPSECUser", "1.3.6.1.5.5.7.3.7"),
    ("KeyUsageTimeStamping", "1.3.6.1.5.5.7.3.8"),
    ("KeyUsageOCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ("KeyUsageMicrosoftServerGatedCrypto", "1.3.6.1.4.1.311.10.3.3"),
    ("KeyUsageNetscapeServerGatedCrypto", "2.16.840.1.113730.4.1"),
    ("KeyUsageMicrosoftCommercialCodeSigning", "1.3.6.1.4.1.311.2.1.22"),
    ("KeyUsageMicrosoftKernelCodeSigning", "1.3.6.1.4.1.311.61.1.1"),
];

pub type Members = BTreeMap<&'static str, Value>;

const LISTS: [&str; 22] = [
    "AuthorityKeyId",
    "CRLDistributionPoints",
    "DNSNames",
    "EmailAddresses",
    "ExcludedDNSDomains",
    "ExcludedEmailAddresses",
    "ExcludedIPRanges",
    "ExcludedURIDomains",
    "ExtKeyUsage",
    "IPAddresses",
    "IssuingCertificateURL",
    "OCSPServer",
    "PermittedDNSDomains",
    "PermittedEmailAddresses",
    "PermittedIPRanges",
    "PermittedURIDomains",
    "Policies",
    "PolicyIdentifiers",
    "PolicyMappings",
    "SubjectKeyId",
    "UnhandledCriticalExtensions",
    "UnknownExtKeyUsage",
];

/// As they are where a certificate has no extension.
pub fn nothing() -> Members {
    let mut members: Members = LISTS.iter().map(|name| (*name, Value::Null)).collect();
    for name in ["InhibitAnyPolicy", "InhibitPolicyMapping", "KeyUsage", "MaxPathLen", "RequireExplicitPolicy"] {
        members.insert(name, 0_i64.into());
    }
    for name in [
        "BasicConstraintsValid",
        "InhibitAnyPolicyZero",
        "InhibitPolicyMappingZero",
        "IsCA",
        "MaxPathLenZero",
        "PermittedDNSDomainsCritical",
        "RequireExplicitPolicyZero",
    ] {
        members.insert(name, false.into());
    }
    members.insert("URIs", Value::Null);
    members
}

pub fn base64(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

/// Null where there is none.
pub fn list(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

pub fn oid(oid: &Oid<'_>) -> Value {
    let arcs = oid.to_id_string();
    Value::Array(arcs.split('.').filter_map(Number::parse).map(Value::Number).collect())
}

pub fn listed(extensions: &[X509Extension<'_>]) -> Value {
    let shown = |extension: &X509Extension<'_>| {
        Value::object([
            ("Critical", extension.critical.into()),
            ("Id", oid(&extension.oid)),
            ("Value", base64(extension.value)),
        ])
    };
    list(extensions.iter().map(shown).collect())
}

pub fn shown(extensions: &[X509Extension<'_>]) -> Result<Members, Fault> {
    let mut members = nothing();
    let mut unhandled = Vec::new();
    for extension in extensions {
        if !handle(extension, &mut members)? && extension.critical {
            unhandled.push(oid(&extension.oid));
        }
    }
    members.insert("UnhandledCriticalExtensions", list(unhandled));
    Ok(members)
}

/// Whether Go would know the extension too.
fn handle(extension: &X509Extension<'_>, members: &mut Members) -> Result<bool, Fault> {
    match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(constraints) => {
            let length = constraints.path_len_constraint.map_or(-1, i64::from);
            members.extend([
                ("BasicConstraintsValid", true.into()),
                ("IsCA", constraints.ca.into()),
                ("MaxPathLen", length.into()),
                ("MaxPathLenZero", (length == 0).into()),
            ]);
        }
        ParsedExtension::KeyUsage(usage) => drop(members.insert("KeyUsage", i64::from(usage.flags).into())),
        ParsedExtension::SubjectAlternativeName(names) => {
            alternative_names(&names.general_names, members)?;
            return Ok(["DNSNames", "EmailAddresses", "IPAddresses", "URIs"].iter().any(|n| members[n] != Value::Null));
        }
        ParsedExtension::NameConstraints(constraints) => {
            name_constraints(constraints, members)?;
            members.insert("PermittedDNSDomainsCritical", extension.critical.into());
        }
        ParsedExtension::CRLDistributionPoints(points) => {
            let names = points.points.iter().filter_map(|point| match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => Some(names),
                _ => None,
            });
            members.insert("CRLDistributionPoints", list(names.flatten().filter_map(uri_text).collect()));
        }
        ParsedExtension::AuthorityKeyIdentifier(key) => {
            let id = key.key_identifier.as_ref().map_or(Value::Null, |id| base64(id.0));
            members.insert("AuthorityKeyId", id);
        }
        ParsedExtension::SubjectKeyIdentifier(id) => drop(members.insert("SubjectKeyId", base64(id.0))),
        ParsedExtension::ExtendedKeyUsage(_) => key_purposes(extension.value, members)?,
        ParsedExtension::CertificatePolicies(policies) => {
            let ids = || policies.iter().map(|policy| &policy.policy_id);
            members.insert("Policies", list(ids().map(|id| id.to_id_string().into()).collect()));
            members.insert("PolicyIdentifiers", list(ids().map(oid).collect()));
        }
        ParsedExtension::PolicyMappings(mappings) => {
            let shown = mappings.mappings.iter().map(|mapping| {
                Value::object([
                    ("IssuerDomainPolicy", mapping.issuer_domain_policy.to_id_string().into()),
                    ("SubjectDomainPolicy", mapping.subject_domain_policy.to_id_string().into()),
                ])
            });
            members.insert("PolicyMappings", list(shown.collect()));
        }
        ParsedExtension::PolicyConstraints(constraints) => {
            let (explicit, mapping) = (constraints.require_explicit_policy, constraints.inhibit_policy_mapping);
            skips(members, ("RequireExplicitPolicy", "RequireExplicitPolicyZero"), explicit);
            skips(members, ("InhibitPolicyMapping", "InhibitPolicyMappingZero"), mapping);
        }
        ParsedExtension::InhibitAnyPolicy(inhibit) => {
            skips(members, ("InhibitAnyPolicy", "InhibitAnyPolicyZero"), Some(inhibit.skip_certs));
        }
        ParsedExtension::AuthorityInfoAccess(access) => {
            let by = |method: &str| {
                let described = access.accessdescs.iter().filter(|d| d.access_method.to_id_string() == method);
                list(described.filter_map(|description| uri_text(&description.access_location)).collect())
            };
            members.insert("OCSPServer", by("1.3.6.1.5.5.7.48.1"));
            members.insert("IssuingCertificateURL", by("1.3.6.1.5.5.7.48.2"));
        }
        ParsedExtension::ParseError { .. } => return Err(Fault::new("an extension of the certificate cannot be read")),
        _ => return Ok(false),
    }
    Ok(true)
}

fn skips(members: &mut Members, (name, zero): (&'static str, &'static str), skips: Option<u32>) {
    if let Some(skips) = skips {
        members.insert(name, i64::from(skips).into());
        members.insert(zero, (skips == 0).into());
    }
}

fn uri_text(name: &GeneralName<'_>) -> Option<Value> {
    match name {
        GeneralName::URI(text) => Some((*text).into()),
        _ => None,
    }
}

pub fn alternative_names(names: &[GeneralName<'_>], members: &mut Members) -> Result<(), Fault> {
    let (mut hosts, mut emails, mut addresses, mut uris) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match name {
            GeneralName::DNSName(host) => hosts.push((*host).into()),
            GeneralName::RFC822Name(email) => emails.push((*email).into()),
            GeneralName::URI(text) => uris.push(uri::shown(text)?),
            GeneralName::IPAddress(bytes) => {
                let address = address(bytes).ok_or("an address of the certificate has neither 4 nor 16 bytes")?;
                addresses.push(address.to_string().into());
            }
            GeneralName::Invalid(..) => return Err(Fault::new("a name of the certificate cannot be read")),
            _ => {}
        }
    }
    members.insert("DNSNames", list(hosts));
    members.insert("EmailAddresses", list(emails));
    members.insert("IPAddresses", list(addresses));
    members.insert("URIs", list(uris));
    Ok(())
}

pub fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn name_constraints(constraints: &NameConstraints<'_>, members: &mut Members) -> Result<(), Fault> {
    const PERMITTED: [&str; 4] =
        ["PermittedDNSDomains", "PermittedEmailAddresses", "PermittedIPRanges", "PermittedURIDomains"];
    const EXCLUDED: [&str; 4] =
        ["ExcludedDNSDomains", "ExcludedEmailAddresses", "ExcludedIPRanges", "ExcludedURIDomains"];
    for (names, subtrees) in [(PERMITTED, &constraints.permitted_subtrees), (EXCLUDED, &constraints.excluded_subtrees)]
    {
        let mut lists: [Vec<Value>; 4] = Default::default();
        for subtree in subtrees.iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(domain) => lists[0].push((*domain).into()),
                GeneralName::RFC822Name(email) => lists[1].push((*email).into()),
                GeneralName::IPAddress(range) => lists[2].push(address_range(range)?),
                GeneralName::URI(domain) => lists[3].push((*domain).into()),
                _ => {}
            }
        }
        members.extend(names.into_iter().zip(lists.map(list)));
    }
    Ok(())
}

fn address_range(range: &[u8]) -> Result<Value, Fault> {
    let (network, mask) = range.split_at(range.len() / 2);
    let network = address(network).filter(|_| network.len() == mask.len());
    let network = network.ok_or("a range of addresses in the certificate has a wrong length")?;
    Ok(Value::object([("IP", network.to_string().into()), ("Mask", base64(mask))]))
}

fn key_purposes(der: &[u8], members: &mut Members) -> Result<(), Fault> {
    let (_, ids) =
        SequenceOf::<Oid<'_>>::from_der(der).map_err(|_| Fault::new("the purposes of the key cannot be read"))?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for id in ids.iter() {
        let text = id.to_id_string();
        match KEY_PURPOSES.iter().position(|(_, purpose)| *purpose == text) {
            Some(number) => known.push(number.into()),
            None => unknown.push(oid(id)),
        }
    }
    members.insert("ExtKeyUsage", list(known));
    members.insert("UnknownExtKeyUsage", list(unknown));
    Ok(())
}
