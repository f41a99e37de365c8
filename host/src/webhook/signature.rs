//! HMAC-SHA256 over the raw body, compared in constant time. SHA-1 is never looked at.

use crate::model::{Secret, Slot, Unix};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The position of the secret that made this signature (`sha256=<64 hex digits>`), if it still counts.
pub(super) fn matching(secrets: &[Slot<Secret>], now: Unix, given: &[u8], raw: &[u8]) -> Option<usize> {
    let mut signature = [0; 32];
    hex::decode_to_slice(given.strip_prefix(b"sha256=")?, &mut signature).ok()?;
    secrets.iter().position(|slot| {
        let secret = &slot.value;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("any length of key is fine");
        mac.update(raw);
        // An empty secret is a slip in somebody's configuration, and everybody knows it.
        !secret.is_empty() && slot.holds(now) && mac.verify_slice(&signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn slot(secret: &str, not_after: Option<Unix>) -> Slot<Secret> {
        Slot { origin: "a test".to_owned(), value: Secret::new(secret), not_after }
    }

    fn check(given: &str, raw: &[u8]) -> Option<usize> {
        let secrets = [slot("another", None), slot("It's a Secret to Everybody", None)];
        matching(&secrets, 1_000, given.as_bytes(), raw)
    }

    fn sign(raw: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"It's a Secret to Everybody").unwrap();
        mac.update(raw);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn github_s_own_example_verifies_and_the_slot_is_known() {
        assert_eq!(check(SIGNATURE, b"Hello, World!"), Some(1));
    }

    #[test]
    fn any_bytes_can_be_signed() {
        for raw in ["{\"title\": \"🦀\"}".as_bytes(), b"a\r\nb", b"", b"\xff\0"] {
            assert_eq!(check(&sign(raw), raw), Some(1));
        }
    }

    /// Proves R2.
    #[test]
    fn what_is_not_exactly_the_signature_is_refused() {
        let flipped = SIGNATURE.replace("757", "747");
        let cases = [
            flipped.as_str(),
            &SIGNATURE[7..],
            &SIGNATURE[..70],
            &format!("{SIGNATURE}00"),
            "sha256=",
            "",
            "sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
        ];
        for case in cases {
            assert_eq!(check(case, b"Hello, World!"), None, "{case}");
        }
        assert_eq!(check(SIGNATURE, b"Hello, World?"), None);
        // The same document, written anew, is another body.
        let body = b"{\"a\": 1}";
        assert_eq!(check(&sign(body), b"{\"a\":1}"), None);
    }

    #[test]
    fn an_empty_secret_matches_nothing() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"x");
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        assert_eq!(matching(&[slot("", None)], 1_000, signature.as_bytes(), b"x"), None);
    }

    /// Proves R2.
    #[test]
    fn a_secret_counts_through_its_last_second_and_never_after_it() {
        let secrets = [slot("It's a Secret to Everybody", Some(1_000))];
        let at = |now| matching(&secrets, now, SIGNATURE.as_bytes(), b"Hello, World!");
        assert_eq!((at(1_000), at(1_001)), (Some(0), None));
    }
}
