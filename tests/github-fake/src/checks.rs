//! Check runs and suites, with all the rules that GitHub's schemas cannot say.

use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::State;
use crate::wire;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// GitHub's limit for summary and text; documented as characters, enforced as bytes.
const TEXT_BYTES: usize = 65_535;
const ANNOTATIONS_PER_REQUEST: usize = 50;
/// Message and raw details of one annotation: 64 KB.
const ANNOTATION_BYTES: usize = 64 * 1024;
const ANNOTATION_TITLE: usize = 255;
const BUTTONS: usize = 3;
const CONCLUSIONS: [&str; 7] =
    ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"];
const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];

/// A check run as GitHub would show it.
#[derive(Clone, Debug)]
pub struct CheckRun {
    pub id: u64,
    pub name: String,
    pub head_sha: String,
    /// Who wrote it: `FakeOptions::app_id` for the App under test.
    pub app_id: u64,
    pub status: String,
    pub conclusion: Option<String>,
    pub external_id: Option<String>,
    pub details_url: Option<String>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub text: Option<String>,
    pub annotations: Vec<Annotation>,
    pub actions: Vec<Button>,
    pub suite: u64,
    /// How often it was completed.
    pub completions: usize,
    pub repository: u64,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
}

/// `failure: License Check - Failed`, or the status while there is no conclusion.
impl fmt::Display for CheckRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.conclusion.as_deref().unwrap_or(&self.status);
        write!(f, "{state}: {}", self.title.as_deref().unwrap_or(&self.name))
    }
}

/// A remark at a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub path: String,
    pub start_line: u64,
    pub end_line: u64,
    pub start_column: Option<u64>,
    pub end_column: Option<u64>,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    pub message: String,
    pub title: Option<String>,
    pub raw_details: Option<String>,
}

/// A button that a check run shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub description: String,
    pub identifier: String,
}

/// The runs of one App on one commit.
#[derive(Clone, Debug)]
pub struct CheckSuite {
    pub id: u64,
    pub head_sha: String,
    pub app_id: u64,
    /// Set back to `queued` by a re-request, which changes none of its runs.
    pub status: String,
    pub conclusion: Option<String>,
    pub(crate) repository: u64,
    pub(crate) created_at: Timestamp,
}

impl State {
    /// The suite of an App on a commit, opened if it is new.
    pub(crate) fn ensure_suite(&mut self, repository: u64, sha: &str, app_id: u64) -> u64 {
        let same = |s: &&CheckSuite| s.repository == repository && s.head_sha == sha && s.app_id == app_id;
        if let Some(suite) = self.suites.iter().find(same) {
            return suite.id;
        }
        let suite = CheckSuite {
            id: self.next_id(),
            head_sha: sha.to_owned(),
            app_id,
            status: "queued".to_owned(),
            conclusion: None,
            repository,
            created_at: self.now(),
        };
        let id = suite.id;
        self.suites.push(suite);
        id
    }

    /// Adds an empty run of any App; its fields are set by `apply`.
    pub(crate) fn open_check_run(&mut self, at: (u64, &str), name: &str, app_id: u64) -> u64 {
        let run = CheckRun {
            id: self.next_id(),
            name: name.to_owned(),
            head_sha: at.1.to_owned(),
            app_id,
            status: "queued".to_owned(),
            conclusion: None,
            external_id: None,
            details_url: None,
            title: None,
            summary: None,
            text: None,
            annotations: Vec::new(),
            actions: Vec::new(),
            suite: self.ensure_suite(at.0, at.1, app_id),
            completions: 0,
            repository: at.0,
            started_at: self.now(),
            completed_at: None,
        };
        let id = run.id;
        self.check_runs.push(run);
        id
    }

    fn refresh_suite(&mut self, id: u64) {
        let own: Vec<&CheckRun> = self.check_runs.iter().filter(|run| run.suite == id).collect();
        let done = own.iter().all(|run| run.status == "completed");
        let failed = own.iter().find_map(|r| r.conclusion.clone().filter(|c| c != "success"));
        let conclusion = done.then(|| failed.unwrap_or_else(|| "success".to_owned()));
        let status = if done { "completed" } else { "in_progress" };
        if let Some(suite) = self.suites.iter_mut().find(|suite| suite.id == id) {
            (suite.status, suite.conclusion) = (status.to_owned(), conclusion);
        }
    }

    pub(crate) fn apply_to_check_run(&mut self, id: u64, body: &Value) {
        let now = self.now();
        let run = self.check_runs.iter_mut().find(|run| run.id == id).expect("the caller has just found it");
        let before = run.status.clone();
        apply(run, body, now);
        let (suite, completed) = (run.suite, run.status == "completed");
        self.refresh_suite(suite);
        if completed && before != "completed" {
            self.check_run_event(id, "completed");
        }
    }
}

pub(crate) fn create(state: &mut State, call: &Call) -> Reply {
    let body = &call.body;
    let name = body["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::unprocessable("name is missing"))?;
    let sha = body["head_sha"].as_str().ok_or_else(|| Refusal::unprocessable("head_sha is missing"))?;
    check(body, Verb::Create)?;
    let known = state.commits.get(sha).is_some_and(|commit| commit.reachable_in.contains(&call.repository));
    if !known {
        return Err(Refusal::no_commit(sha));
    }
    let app_id = state.app.id;
    let id = state.open_check_run((call.repository, sha), name, app_id);
    state.check_run_event(id, "created");
    state.apply_to_check_run(id, body);
    let run = state.check_runs.last().expect("just opened");
    Ok(Answer::created(wire::check_run(state, run)))
}

pub(crate) fn update(state: &mut State, call: &Call) -> Reply {
    let run = find(state, call)?;
    if run.app_id != state.app.id {
        return Err(Refusal::new(403, "Resource not accessible by integration"));
    }
    check(&call.body, Verb::Update)?;
    let id = run.id;
    state.apply_to_check_run(id, &call.body);
    Ok(Answer::ok(wire::check_run(state, find(state, call)?)))
}

pub(crate) fn get(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::check_run(state, find(state, call)?)))
}

pub(crate) fn list_annotations(state: &mut State, call: &Call) -> Reply {
    let run = find(state, call)?;
    let entries = run.annotations.iter().map(|annotation| wire::annotation(state, run, annotation)).collect();
    Ok(call.page(state, entries))
}

fn find<'a>(state: &'a State, call: &Call) -> Result<&'a CheckRun, Refusal> {
    let id = call.number("check_run_id")?;
    state.check_runs.iter().find(|r| r.repository == call.repository && r.id == id).ok_or_else(Refusal::not_found)
}

pub(crate) fn list_for_ref(state: &mut State, call: &Call) -> Reply {
    let reference = call.param("ref");
    let commit = state.resolve(call.repository, reference).ok_or_else(|| Refusal::no_commit(reference))?;
    let here = state.check_runs.iter().filter(|r| r.repository == call.repository && r.head_sha == commit.sha);
    list(state, call, here.collect())
}

pub(crate) fn list_for_suite(state: &mut State, call: &Call) -> Reply {
    let suite = find_suite(state, call)?;
    list(state, call, state.check_runs.iter().filter(|r| r.suite == suite.id).collect())
}

fn list(state: &State, call: &Call, mut runs: Vec<&CheckRun>) -> Reply {
    let query = |name: &str| call.query.get(name).map(String::as_str);
    runs.retain(|run| {
        query("check_name").is_none_or(|name| name == run.name)
            && query("app_id").is_none_or(|id| id == run.app_id.to_string())
            && query("status").is_none_or(|status| status == run.status)
    });
    match query("filter") {
        None | Some("latest") => runs = latest(runs),
        Some("all") => {}
        Some(_) => return Err(Refusal::unprocessable("filter is not one of latest, all")),
    }
    // Newest first, as GitHub lists them.
    runs.reverse();
    let runs = runs.into_iter().map(|run| wire::check_run(state, run)).collect();
    Ok(call.counted_page(state, "check_runs", runs))
}

/// The latest run per name and App. `latest` goes by `completed_at`; a run that is still going counts as newest.
fn latest(runs: Vec<&CheckRun>) -> Vec<&CheckRun> {
    let age = |run: &CheckRun| (run.completed_at.unwrap_or(Timestamp::MAX), run.id);
    let mut newest: BTreeMap<(&str, u64), &CheckRun> = BTreeMap::new();
    for run in runs {
        let kept = newest.entry((&run.name, run.app_id)).or_insert(run);
        if age(run) > age(kept) {
            *kept = run;
        }
    }
    let mut runs: Vec<&CheckRun> = newest.into_values().collect();
    runs.sort_by_key(|run| run.id);
    runs
}

pub(crate) fn get_suite(state: &mut State, call: &Call) -> Reply {
    Ok(Answer::ok(wire::check_suite(state, find_suite(state, call)?)))
}

pub(crate) fn list_suites(state: &mut State, call: &Call) -> Reply {
    let reference = call.param("ref");
    let commit = state.resolve(call.repository, reference).ok_or_else(|| Refusal::no_commit(reference))?;
    let app = call.query.get("app_id");
    let here = state.suites.iter().filter(|s| s.repository == call.repository && s.head_sha == commit.sha);
    let suites = here.filter(|s| app.is_none_or(|id| *id == s.app_id.to_string()));
    let suites = suites.map(|suite| wire::check_suite(state, suite)).collect();
    Ok(call.counted_page(state, "check_suites", suites))
}

fn find_suite<'a>(state: &'a State, call: &Call) -> Result<&'a CheckSuite, Refusal> {
    let id = call.number("check_suite_id")?;
    state.suites.iter().find(|s| s.repository == call.repository && s.id == id).ok_or_else(Refusal::not_found)
}

/// Sets what the body names. Annotations are only ever added; all else is replaced.
fn apply(run: &mut CheckRun, body: &Value, now: Timestamp) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    run.name = text(&body["name"]).unwrap_or_else(|| run.name.clone());
    run.external_id = text(&body["external_id"]).or(run.external_id.take());
    run.details_url = text(&body["details_url"]).or(run.details_url.take());
    run.started_at = time(&body["started_at"]).unwrap_or(run.started_at);
    if let Some(actions) = body["actions"].as_array() {
        run.actions = actions.iter().map(button).collect();
    }
    if let Some(output) = body["output"].as_object() {
        let field = |name: &str| output.get(name).and_then(text);
        run.title = field("title").or(run.title.take());
        run.summary = field("summary").or(run.summary.take());
        run.text = field("text").or(run.text.take());
        let added = output.get("annotations").and_then(Value::as_array);
        run.annotations.extend(added.into_iter().flatten().map(annotation));
    }
    if let Some(conclusion) = text(&body["conclusion"]) {
        run.completions += usize::from(run.status != "completed");
        run.status = "completed".to_owned();
        run.conclusion = Some(conclusion);
        run.completed_at = Some(time(&body["completed_at"]).unwrap_or(now));
    } else if let Some(status) = text(&body["status"]) {
        run.status = status;
        (run.conclusion, run.completed_at) = (None, None);
    }
}

fn button(value: &Value) -> Button {
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Button { label: field("label"), description: field("description"), identifier: field("identifier") }
}

fn annotation(value: &Value) -> Annotation {
    let field = |name: &str| value[name].as_str().map(str::to_owned);
    Annotation {
        path: field("path").unwrap_or_default(),
        start_line: value["start_line"].as_u64().unwrap_or_default(),
        end_line: value["end_line"].as_u64().unwrap_or_default(),
        start_column: value["start_column"].as_u64(),
        end_column: value["end_column"].as_u64(),
        level: field("annotation_level").unwrap_or_default(),
        message: field("message").unwrap_or_default(),
        title: field("title"),
        raw_details: field("raw_details"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
}

type Checked = Result<(), Refusal>;

fn demand(holds: bool, otherwise: &str) -> Checked {
    if holds { Ok(()) } else { Err(Refusal::unprocessable(otherwise)) }
}

fn check(body: &Value, verb: Verb) -> Checked {
    demand(body.is_object(), "the body is not an object")?;
    check_status(body)?;
    for name in ["started_at", "completed_at"] {
        let valid = body[name].is_null() || body[name].as_str().is_some_and(|t| t.parse::<Timestamp>().is_ok());
        demand(valid, &format!("{name} is not a timestamp"))?;
    }
    if !body["output"].is_null() {
        check_output(&body["output"], verb)?;
    }
    match &body["actions"] {
        Value::Null => Ok(()),
        Value::Array(actions) => check_buttons(actions),
        _ => Err(Refusal::unprocessable("actions is not a list")),
    }
}

fn check_status(body: &Value) -> Checked {
    let (status, conclusion) = (body["status"].as_str(), body["conclusion"].as_str());
    demand(status.is_none_or(|s| STATUSES.contains(&s)), "status cannot be written by an App")?;
    // `stale` is among GitHub's conclusions, but only GitHub itself sets it.
    demand(conclusion.is_none_or(|c| CONCLUSIONS.contains(&c)), "conclusion cannot be written by an App")?;
    demand(status != Some("completed") || conclusion.is_some(), "conclusion is missing for status completed")
}

fn check_output(output: &Value, verb: Verb) -> Checked {
    demand(output["summary"].is_string(), "output.summary is missing")?;
    demand(verb == Verb::Update || output["title"].is_string(), "output.title is missing")?;
    for name in ["summary", "text"] {
        let length = output[name].as_str().unwrap_or_default().len();
        demand(length <= TEXT_BYTES, &format!("output.{name} is over {TEXT_BYTES} bytes"))?;
    }
    let none = Vec::new();
    let annotations = output["annotations"].as_array().unwrap_or(&none);
    demand(annotations.len() <= ANNOTATIONS_PER_REQUEST, "more than 50 annotations in one request")?;
    annotations.iter().try_for_each(check_annotation)
}

fn check_annotation(annotation: &Value) -> Checked {
    let text = |name: &str| annotation[name].as_str();
    demand(text("path").is_some_and(|path| !path.is_empty()), "an annotation has no path")?;
    demand(text("message").is_some_and(|message| !message.is_empty()), "an annotation has no message")?;
    demand(text("message").is_some_and(|m| m.len() <= ANNOTATION_BYTES), "an annotation's message is over 64 KB")?;
    demand(text("raw_details").is_none_or(|d| d.len() <= ANNOTATION_BYTES), "raw_details are over 64 KB")?;
    demand(text("title").is_none_or(|t| t.chars().count() <= ANNOTATION_TITLE), "a title is over 255 characters")?;
    let level = text("annotation_level");
    demand(level.is_some_and(|l| ["notice", "warning", "failure"].contains(&l)), "annotation_level is not valid")?;
    let line = |name: &str| annotation[name].as_u64();
    let (Some(start), Some(end)) = (line("start_line"), line("end_line")) else {
        return Err(Refusal::unprocessable("an annotation has no lines"));
    };
    demand(start <= end, "an annotation ends before it starts")?;
    let columns = !annotation["start_column"].is_null() || !annotation["end_column"].is_null();
    demand(!columns || start == end, "columns are given for more than one line")
}

fn check_buttons(actions: &[Value]) -> Checked {
    demand(actions.len() <= BUTTONS, "more than 3 actions")?;
    let limits = [("label", 20), ("description", 40), ("identifier", 20)];
    for (action, (name, limit)) in actions.iter().flat_map(|action| limits.map(|limit| (action, limit))) {
        let length = action[name].as_str().map(|text| text.chars().count());
        let valid = length.is_some_and(|length| (1..=limit).contains(&length));
        demand(valid, &format!("an action's {name} is missing or over {limit} characters"))?;
    }
    Ok(())
}

/// What a check run's and a suite's webhook say about the button that was pressed.
pub(crate) fn pressed(identifier: &str) -> Value {
    json!({ "identifier": identifier })
}
