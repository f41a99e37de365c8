//! The rules of a run and how results refer to them.

use std::collections::HashMap;

use palisade_plugin::Severity;
use palisade_plugin::lenient::{Maybe, Number, Text};

use crate::document::{DescriptorReference, Message, Messages, ResultEntry, Rule, Tool};
use crate::finding::add_distinct;

/// All rules: the driver's, then those of each extension.
#[derive(Debug, Default)]
pub struct Rulebook {
    rules: Vec<Vec<Maybe<Rule>>>,
    place_by_id: HashMap<String, (usize, usize)>,
    global_messages: Vec<Messages>,
}

impl Rulebook {
    pub fn of(mut tool: Tool) -> Rulebook {
        let mut book = Rulebook::default();
        let extensions = tool.extensions.0.iter_mut().flatten();
        for component in std::iter::once(&mut tool.driver).chain(extensions) {
            let component = component.0.take().unwrap_or_default();
            book.global_messages.extend(component.global_message_strings.0);
            book.add(component.rules.0.unwrap_or_default());
        }
        book
    }

    fn add(&mut self, rules: Vec<Maybe<Rule>>) {
        for (index, rule) in rules.iter().enumerate() {
            if let Some(id) = rule.as_ref().and_then(|rule| rule.id.as_filled()) {
                self.place_by_id.entry(id.to_owned()).or_insert((self.rules.len(), index));
            }
        }
        self.rules.push(rules);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().flatten().filter_map(|rule| rule.as_ref())
    }

    /// By the id, else by the longest part of it in front of a slash, else by the index.
    pub fn find(&self, result: &ResultEntry) -> Option<&Rule> {
        let by_id = stated_id(result).and_then(|id| self.by_id(id));
        by_id.or_else(|| self.by_index(result.rule_index.0, result.rule.as_ref()))
    }

    fn by_id(&self, id: &str) -> Option<&Rule> {
        let prefixes = std::iter::successors(Some(id), |id| id.rsplit_once('/').map(|(prefix, _)| prefix));
        let (component, index) = prefixes.into_iter().find_map(|id| self.place_by_id.get(id))?;
        self.rules[*component][*index].as_ref()
    }

    fn by_index(&self, rule_index: Option<Number>, reference: Option<&DescriptorReference>) -> Option<&Rule> {
        let extension = reference.and_then(|reference| reference.tool_component.as_ref()).and_then(|tool| tool.index.0);
        let component = extension.and_then(Number::as_u32).map_or(0, |extension| extension as usize + 1);
        let index = reference.and_then(|reference| reference.index.0).or(rule_index)?.as_u32()?;
        self.rules.get(component)?.get(index as usize)?.as_ref()
    }

    /// The message's text, with its arguments in place.
    pub fn text(&self, message: Message, rule: Option<&Rule>) -> Option<String> {
        let looked_up = || {
            let id = message.id.as_filled()?;
            let own = rule.and_then(|rule| rule.message_strings.as_ref());
            let text = own.into_iter().chain(&self.global_messages).find_map(|messages| messages.get(id)?.as_ref())?;
            text.text.as_filled().or(text.markdown.as_filled()).map(str::to_owned)
        };
        let text = message.text.filled().or_else(looked_up).or(message.markdown.filled())?;
        Some(if message.arguments.is_empty() { text } else { filled_in(&text, &message.arguments) })
    }
}

/// What the result itself calls its rule.
pub fn stated_id(result: &ResultEntry) -> Option<&str> {
    result.rule_id.as_filled().or_else(|| result.rule.as_ref().and_then(|rule| rule.id.as_filled()))
}

/// `{0}` is an argument, `{{` a brace; in texts that have arguments, because few producers escape in others.
fn filled_in(text: &str, arguments: &[Text]) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        whole.push_str(&rest[..at]);
        let brace = &rest[at..];
        let placeholder = brace.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let argument =
            placeholder.and_then(|(number, behind)| Some((arguments.get(number.parse::<usize>().ok()?)?, behind)));
        rest = match argument {
            Some((argument, behind)) => {
                whole.push_str(argument);
                behind
            }
            None => {
                whole.push_str(&brace[..1]);
                brace[1..].strip_prefix(&brace[..1]).unwrap_or(&brace[1..])
            }
        };
    }
    whole + rest
}

/// A severity, the word or number that it comes from, and where that stands if it is no level.
#[derive(Debug, Default, PartialEq)]
pub struct Judgement {
    pub severity: Option<Severity>,
    pub raw: Option<String>,
    pub source: Option<String>,
}

/// The rule's score, else the result's level, else the rule's, else what the specification assumes.
pub fn severity(result: &ResultEntry, rule: Option<&Rule>) -> Judgement {
    let properties = rule.and_then(|rule| rule.properties.as_ref());
    if let Some(judgement) =
        properties.and_then(|properties| properties.security_severity.as_filled()).and_then(by_score)
    {
        return judgement;
    }
    let configured = rule.and_then(|rule| rule.default_configuration.as_ref()).and_then(|rule| rule.level.as_filled());
    let levels = [result.level.as_filled(), configured];
    if let Some((severity, word)) = levels.into_iter().flatten().find_map(|word| Some((by_level(word)?, word))) {
        return Judgement { severity: Some(severity), raw: Some(word.to_owned()), source: None };
    }
    let unknown_word = levels.into_iter().flatten().next().map(str::to_owned);
    Judgement { severity: Some(Severity::Medium), raw: unknown_word, source: None }
}

/// Zero and words say nothing.
fn by_score(text: &str) -> Option<Judgement> {
    let score: f64 = text.trim().parse().ok().filter(|score| *score > 0.0)?;
    let severity = Severity::from_score(score, "")?;
    Some(Judgement {
        severity: Some(severity),
        raw: Some(text.to_owned()),
        source: Some("security-severity".to_owned()),
    })
}

fn by_level(word: &str) -> Option<Severity> {
    const LEVELS: [(&str, Severity); 4] = [
        ("error", Severity::High),
        ("warning", Severity::Medium),
        ("note", Severity::Low),
        ("none", Severity::Negligible),
    ];
    let word = word.trim();
    LEVELS.iter().find(|(level, _)| word.eq_ignore_ascii_case(level)).map(|(_, severity)| *severity)
}

/// Tags of the rule, then of the result.
pub fn tags<'a>(rule: Option<&'a Rule>, result: Option<&'a ResultEntry>) -> impl Iterator<Item = &'a str> {
    let of_rule = rule.and_then(|rule| rule.properties.as_ref()).map(|properties| &properties.tags);
    let of_result = result.and_then(|result| result.properties.as_ref()).map(|properties| &properties.tags);
    of_rule.into_iter().chain(of_result).flatten().map(|tag| &**tag)
}

/// Weaknesses hide in tags (`external/cwe/cwe-079`), in properties and in taxonomies.
pub fn cwes(result: &ResultEntry, rule: Option<&Rule>) -> Vec<u32> {
    let mut cwes = Vec::new();
    add_distinct(&mut cwes, tags(rule, Some(result)).filter_map(marked_cwe));
    let of_rule = rule.and_then(|rule| rule.properties.as_ref()).map(|properties| &properties.cwe);
    let of_result = result.properties.as_ref().map(|properties| &properties.cwe);
    add_distinct(&mut cwes, of_rule.into_iter().chain(of_result).flatten().filter_map(|text| any_cwe(text)));
    let targets =
        rule.into_iter().flat_map(|rule| &rule.relationships).filter_map(|relationship| relationship.target.as_ref());
    add_distinct(&mut cwes, result.taxa.iter().chain(targets).filter_map(taxon));
    cwes
}

fn taxon(taxon: &DescriptorReference) -> Option<u32> {
    let taxonomy = taxon.tool_component.as_ref().and_then(|component| component.name.as_filled());
    let id = taxon.id.as_filled()?;
    match taxonomy {
        Some(name) if name.trim().eq_ignore_ascii_case("cwe") => any_cwe(id),
        _ => marked_cwe(id),
    }
}

/// A number behind `cwe-`, wherever that stands.
fn marked_cwe(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let (_, behind) = lower.split_once("cwe-").or_else(|| lower.split_once("cwe:"))?;
    let digits = behind.find(|digit: char| !digit.is_ascii_digit()).map_or(behind, |end| &behind[..end]);
    digits.parse().ok().filter(|number| *number > 0)
}

fn any_cwe(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number > 0).or_else(|| marked_cwe(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_take_their_places_and_texts_without_arguments_stay() {
        let arguments = [Text::from("a"), Text::from("b")];
        assert_eq!(filled_in("{1} and {0}, {{not}} {7}", &arguments), "b and a, {not} {7}");
        assert_eq!(filled_in("ü{", &arguments), "ü{");
        let unescaped = Message { text: Maybe(Some("{0} {{".into())), ..Message::default() };
        assert_eq!(Rulebook::default().text(unescaped, None).as_deref(), Some("{0} {{"));
    }

    #[test]
    fn weaknesses_are_numbers_wherever_they_hide() {
        assert_eq!(marked_cwe("external/cwe/cwe-079"), Some(79));
        assert_eq!(marked_cwe("CWE-89: SQL injection"), Some(89));
        assert_eq!(any_cwe("22"), Some(22));
        assert_eq!(marked_cwe("NVD-CWE-noinfo"), None);
    }
}
