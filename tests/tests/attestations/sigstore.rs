//! A Sigstore of the test's own: an authority that certifies workflows, a transparency log that promises and proves, and
//! the root of trust that names both. Each statement can be false in one way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SigningKey,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NO_FAILURE: &str = "keys and certificates of tests can be made";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The arc of Fulcio's extensions.
const FULCIO: [u64; 8] = [1, 3, 6, 1, 4, 1, 57264, 1];

pub struct Sigstore {
    authority: CertifiedIssuer<'static, KeyPair>,
    log: KeyPair,
}

/// What a workflow says when it signs. `Default` names nobody.
#[derive(Clone, Default)]
pub struct Claims {
    pub issuer: String,
    /// Without the host: `acme/shop/.github/workflows/ci.yml@refs/heads/main`.
    pub signer: String,
    pub signer_sha: String,
    pub runner: String,
    pub repository: String,
    pub repository_id: u64,
    pub sha: String,
    pub run: u64,
}

/// What is odd about a bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    Nothing,
    /// Neither a log nor a timestamp says when, and the certificate ended an hour ago.
    ExpiredWithoutTime,
    /// The log says a time at which the certificate had ended.
    ExpiredAtThatTime,
    /// The statement is another one than what was signed.
    Tampered,
    /// The log's entry was made with another key than the root names.
    OwnLog,
    /// The statement is of another kind than build provenance.
    OtherPredicate,
}

impl Sigstore {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect(NO_FAILURE);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "An authority of a test");
        let key = KeyPair::generate().expect(NO_FAILURE);
        let authority = CertifiedIssuer::self_signed(params, key).expect(NO_FAILURE);
        Self { authority, log: KeyPair::generate().expect(NO_FAILURE) }
    }

    /// The document that an operator names in `provenance.trusted_root`.
    pub fn trusted_root(&self) -> Value {
        let log = self.log.subject_public_key_info();
        let since = json!({ "start": "2020-01-01T00:00:00Z" });
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(&log),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": { "keyId": STANDARD.encode(Sha256::digest(&log)) },
            }],
            "certificateAuthorities": [{
                "subject": { "organization": "example", "commonName": "authority" },
                "uri": "https://authority.example",
                "certChain": { "certificates": [{ "rawBytes": STANDARD.encode(self.authority.der()) }] },
                "validFor": since,
            }],
            "ctlogs": [],
            "timestampAuthorities": [],
        })
    }

    /// A bundle, version 0.3, with a statement about what has this SHA-256.
    pub fn sign(&self, sha256: &str, claims: &Claims, odd: Odd) -> Value {
        let ended = matches!(odd, Odd::ExpiredWithoutTime | Odd::ExpiredAtThatTime);
        let begun = now() - if ended { 3600 } else { 60 };
        let key = KeyPair::generate().expect(NO_FAILURE);
        let certificate = self.certify(&key, claims, begun);
        let payload = statement(sha256, odd);
        let signature = key.sign(&pae(&payload)).expect(NO_FAILURE);
        let shown = if odd == Odd::Tampered { payload.replace("builder", "other builder") } else { payload.clone() };
        let entries = match odd {
            Odd::ExpiredWithoutTime => json!([]),
            Odd::OwnLog => json!([entry(&Sigstore::new().log, (&payload, &signature), &certificate.pem())]),
            _ => json!([entry(&self.log, (&shown, &signature), &certificate.pem())]),
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(certificate.der()) },
                "tlogEntries": entries,
                "timestampVerificationData": { "rfc3161Timestamps": [] },
            },
            "dsseEnvelope": {
                "payload": STANDARD.encode(&shown),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{ "sig": STANDARD.encode(&signature) }],
            },
        })
    }

    /// A certificate for ten minutes, as Fulcio gives them to workflows.
    fn certify(&self, key: &KeyPair, claims: &Claims, begun: u64) -> rcgen::Certificate {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect(NO_FAILURE);
        params.distinguished_name = DistinguishedName::new();
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(begun);
        params.not_after = epoch + Duration::from_secs(begun + 600);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let signer = format!("https://github.com/{}", claims.signer);
        params.subject_alt_names = vec![SanType::URI(signer.clone().try_into().expect("an address"))];
        let repository = format!("https://github.com/{}", claims.repository);
        let run = format!("{repository}/actions/runs/{}/attempts/1", claims.run);
        let claimed = [
            (8, claims.issuer.clone()),
            (9, signer),
            (10, claims.signer_sha.clone()),
            (11, claims.runner.clone()),
            (12, repository),
            (13, claims.sha.clone()),
            (15, claims.repository_id.to_string()),
            (21, run),
        ];
        params.custom_extensions = claimed.iter().map(|(number, text)| extension(*number, text)).collect();
        params.signed_by(key, &self.authority).expect(NO_FAILURE)
    }
}

fn extension(number: u64, text: &str) -> CustomExtension {
    const UTF8_STRING: u8 = 0x0c;
    let mut content = vec![UTF8_STRING];
    match u8::try_from(text.len()).expect("claims are short") {
        short @ ..0x80 => content.push(short),
        long => content.extend([0x81, long]),
    }
    content.extend(text.as_bytes());
    CustomExtension::from_oid_content(&[&FULCIO[..], &[number]].concat(), content)
}

fn statement(sha256: &str, odd: Odd) -> String {
    let kind = if odd == Odd::OtherPredicate { "https://spdx.dev/Document" } else { "https://slsa.dev/provenance/v1" };
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "report", "digest": { "sha256": sha256 } }],
        "predicateType": kind,
        "predicate": { "runDetails": { "builder": { "id": "builder" } } },
    })
    .to_string()
}

/// What a DSSE signature is over.
fn pae(payload: &str) -> Vec<u8> {
    format!("DSSEv1 {} {PAYLOAD_TYPE} {} {payload}", PAYLOAD_TYPE.len(), payload.len()).into_bytes()
}

/// The only entry of a log: promised, and proven to be all of it.
fn entry(log: &KeyPair, (payload, signature): (&str, &[u8]), certificate: &str) -> Value {
    let body = json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": hex::encode(Sha256::digest(payload)) },
            "payloadHash": { "algorithm": "sha256", "value": hex::encode(Sha256::digest(payload)) },
            "signatures": [{ "signature": STANDARD.encode(signature), "verifier": STANDARD.encode(certificate) }],
        },
    });
    let body = body.to_string();
    let id = Sha256::digest(log.subject_public_key_info());
    let root = STANDARD.encode(Sha256::digest([&[0][..], body.as_bytes()].concat()));
    let note = format!("log.example\n1\n{root}\n");
    let by_log = [&id[..4], log.sign(note.as_bytes()).expect(NO_FAILURE).as_slice()].concat();
    let body = STANDARD.encode(body);
    let time = now();
    // The members in the order of their names, without blanks, as the promise is over canonical JSON.
    let promise = format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{}","logIndex":0}}"#, hex::encode(id));
    json!({
        "logIndex": "0",
        "logId": { "keyId": STANDARD.encode(id) },
        "kindVersion": { "kind": "dsse", "version": "0.0.1" },
        "integratedTime": time.to_string(),
        "inclusionPromise": {
            "signedEntryTimestamp": STANDARD.encode(log.sign(promise.as_bytes()).expect(NO_FAILURE)),
        },
        "inclusionProof": {
            "logIndex": "0",
            "rootHash": root,
            "treeSize": "1",
            "hashes": [],
            "checkpoint": { "envelope": format!("{note}\n\u{2014} log.example {}\n", STANDARD.encode(by_log)) },
        },
        "canonicalizedBody": body,
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
