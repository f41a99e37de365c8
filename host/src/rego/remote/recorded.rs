//! A conversation out of a record, in place of one with a server: nobody is called.

use super::{Conversation, OpaServer, Reading, conclude};
use crate::documents::JsonDocument;
use crate::model::record::{RemoteAnswer, RemoteFailure};
use crate::model::{Broken, BrokenKind, Digest, Evidence, Verdict};
use std::sync::Arc;

/// What a policy's server answered when it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    pub plugin: &'a str,
    /// Of all policies; others' are left out.
    pub answers: &'a [RemoteAnswer],
}

impl OpaServer {
    /// The verdict that the recorded answers lead to. An answer that the record lacks is an error that names it.
    pub async fn judge_again(
        &self,
        reading: &Reading,
        inputs: &[JsonDocument],
        evidence: &Arc<Evidence>,
        recorded: Recorded<'_>,
    ) -> (Result<Verdict, Broken>, Vec<RemoteAnswer>) {
        let mut conversation = match repeated(inputs, recorded) {
            Ok(conversation) => conversation,
            Err(broken) => return (Err(broken), Vec::new()),
        };
        let record = std::mem::take(&mut conversation.record);
        let (reading, evidence) = (reading.clone(), Arc::clone(evidence));
        let concluded = tokio::task::spawn_blocking(move || conclude(&reading, conversation, &evidence)).await;
        (concluded.unwrap_or_else(|error| Err(self.unread(&error))), record)
    }
}

fn repeated(inputs: &[JsonDocument], recorded: Recorded<'_>) -> Result<Conversation, Broken> {
    let mut conversation = Conversation::default();
    for input in inputs {
        let given = answer(input, recorded)?;
        conversation.record.push(given.clone());
        match (&given.failure, &given.error, &given.text, given.answer) {
            (Some(RemoteFailure::Document(broken)), ..) => {
                conversation.problems.push((input.name.clone(), broken.clone()));
            }
            (Some(RemoteFailure::Bound(broken)), ..) => {
                conversation.problems.push((input.name.clone(), broken.clone()));
                break;
            }
            (Some(RemoteFailure::Outage(broken)), ..) => {
                conversation.outage = Some(broken.clone());
                break;
            }
            (None, Some(error), ..) => return Err(lacking(input, recorded, &format!("only that {error}"))),
            (None, None, Some(text), _) => conversation.answers.push((input.name.clone(), Some(text.clone()))),
            (None, None, None, Some(digest)) => {
                let why = format!("only the digest {digest} of the answer, which was too long to be kept");
                return Err(lacking(input, recorded, &why));
            }
            (None, None, None, None) => conversation.answers.push((input.name.clone(), None)),
        }
    }
    Ok(conversation)
}

fn answer<'a>(input: &JsonDocument, recorded: Recorded<'a>) -> Result<&'a RemoteAnswer, Broken> {
    let about = |answer: &&RemoteAnswer| answer.plugin == recorded.plugin && answer.document == input.name;
    let given = recorded.answers.iter().find(about).ok_or_else(|| lacking(input, recorded, "no answer about it"))?;
    if given.input != Digest::of(&input.json) {
        return Err(lacking(input, recorded, "an answer about another content of it"));
    }
    Ok(given)
}

fn lacking(input: &JsonDocument, recorded: Recorded<'_>, what: &str) -> Broken {
    let message = format!("the record of `{}` about the document `{}` holds {what}", recorded.plugin, input.name);
    Broken::new(BrokenKind::Host, message).hint("a server's policy can be judged again only by what it answered then")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn document(name: &str) -> JsonDocument {
        JsonDocument { name: name.to_owned(), json: Bytes::from_static(b"{}") }
    }

    fn given(document: &str, text: Option<&str>) -> RemoteAnswer {
        RemoteAnswer {
            plugin: "ours".to_owned(),
            document: document.to_owned(),
            input: Digest::of(b"{}"),
            answer: text.map(|text| Digest::of(text.as_bytes())),
            text: text.map(str::to_owned),
            error: None,
            failure: None,
        }
    }

    fn conversation(answers: &[RemoteAnswer]) -> Result<Conversation, String> {
        let recorded = Recorded { plugin: "ours", answers };
        repeated(&[document("sbom/0"), document("sbom/1")], recorded).map_err(|broken| broken.message)
    }

    #[test]
    fn answers_are_given_again_by_policy_document_and_content() {
        let others = RemoteAnswer { plugin: "theirs".to_owned(), ..given("sbom/0", Some("[1]")) };
        let again =
            conversation(&[others, given("sbom/1", None), given("sbom/0", Some("[]"))]).expect("both are there");
        let answers: Vec<_> = again.answers.iter().map(|(name, text)| (name.as_str(), text.as_deref())).collect();
        assert_eq!(answers, [("sbom/0", Some("[]")), ("sbom/1", None)]);
    }

    #[test]
    fn an_outage_ends_the_conversation_as_it_did() {
        let away = Broken::new(BrokenKind::Host, "away");
        let failure = Some(RemoteFailure::Outage(away.clone()));
        let again = conversation(&[RemoteAnswer { failure, ..given("sbom/0", None) }]).expect("nothing more was asked");
        assert_eq!((again.outage, again.answers.len()), (Some(away), 0));
    }

    #[test]
    fn what_the_record_lacks_is_named() {
        let missing = conversation(&[given("sbom/0", Some("[]"))]).expect_err("sbom/1 is missing");
        assert_eq!(missing, "the record of `ours` about the document `sbom/1` holds no answer about it");
        let other = RemoteAnswer { input: Digest::of(b"[]"), ..given("sbom/0", Some("[]")) };
        assert!(conversation(&[other]).expect_err("another content").contains("another content"));
        let long = RemoteAnswer { text: None, ..given("sbom/0", Some("[]")) };
        assert!(conversation(&[long]).expect_err("too long").contains("too long to be kept"));
    }
}
