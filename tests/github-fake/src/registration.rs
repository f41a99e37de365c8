//! How an App comes to be and what GitHub has on record about it: the page that takes a manifest, the code that is good
//! once, the webhook's configuration, and the versions of the API that are taken.

use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::{Shared, State};
use crate::wire;
use axum::extract::{Path, Query, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What GitHub knows as permissions of a repository; a manifest that names another is refused.
const PERMISSIONS: [&str; 16] = [
    "actions",
    "administration",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "issues",
    "members",
    "merge_queues",
    "metadata",
    "packages",
    "pull_requests",
    "secrets",
    "security_events",
    "statuses",
    "workflows",
];

/// The permission without which GitHub refuses a subscription.
const PERMISSION_BY_EVENT: [(&str, &str); 8] = [
    ("check_run", "checks"),
    ("check_suite", "checks"),
    ("issue_comment", "issues"),
    ("merge_group", "merge_queues"),
    ("pull_request", "pull_requests"),
    ("push", "contents"),
    ("repository", "metadata"),
    ("workflow_run", "actions"),
];

/// The App's webhook, as its settings have it.
#[derive(Clone, Debug)]
pub struct HookSettings {
    pub url: String,
    /// `json` or `form`.
    pub content_type: String,
    pub insecure_ssl: bool,
    pub has_secret: bool,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            url: "https://palisade.example.com/webhook".to_owned(),
            content_type: "json".to_owned(),
            insecure_ssl: false,
            has_secret: true,
        }
    }
}

/// A manifest that somebody confirmed and nobody has converted.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    code: String,
    manifest: Value,
    /// `None` for a person's own App.
    organisation: Option<String>,
}

/// The pages that a browser posts the manifest to, beside the API.
pub(crate) fn pages(shared: &Arc<Shared>) -> Router {
    let (own, organisation) = (shared.clone(), shared.clone());
    let for_oneself =
        move |Query(query): Parameters, request: Request| async move { confirmed(&own, None, query, request).await };
    let for_organisation = move |Path(name): Path<String>, Query(query): Parameters, request: Request| async move {
        confirmed(&organisation, Some(name), query, request).await
    };
    Router::new()
        .route("/settings/apps/new", post(for_oneself))
        .route("/organizations/{organisation}/settings/apps/new", post(for_organisation))
}

type Parameters = Query<BTreeMap<String, String>>;

/// As if somebody looked at the page and pressed the button: the browser goes where the manifest says, with a code.
async fn confirmed(
    shared: &Shared,
    organisation: Option<String>,
    query: BTreeMap<String, String>,
    request: Request,
) -> Response {
    use axum::extract::FromRequest as _;
    let form = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
    let manifest = form.ok().and_then(|Form(mut form)| form.remove("manifest"));
    let manifest: Value = manifest.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if let Err(wrong) = check(&manifest) {
        return (StatusCode::UNPROCESSABLE_ENTITY, format!("Error: {wrong}")).into_response();
    }
    let redirect = manifest["redirect_url"].as_str().unwrap_or_default().to_owned();
    let code = uuid::Uuid::new_v4().simple().to_string();
    let pending = Pending { code: code.clone(), manifest, organisation };
    shared.change(|state| state.manifests.push(pending));
    let state = query.get("state").map(|state| format!("&state={state}")).unwrap_or_default();
    (StatusCode::FOUND, [(header::LOCATION, format!("{redirect}?code={code}{state}"))]).into_response()
}

fn check(manifest: &Value) -> Result<(), String> {
    for address in ["/url", "/hook_attributes/url", "/redirect_url"] {
        let given = manifest.pointer(address).and_then(Value::as_str).unwrap_or_default();
        if !given.starts_with("http://") && !given.starts_with("https://") {
            return Err(format!("{address} is no address"));
        }
    }
    let permissions = manifest["default_permissions"].as_object().cloned().unwrap_or_default();
    if let Some(unknown) = permissions.keys().find(|name| !PERMISSIONS.contains(&name.as_str())) {
        return Err(format!("Default permission records resource {unknown} is not included in the list"));
    }
    for event in manifest["default_events"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let needed = PERMISSION_BY_EVENT.iter().find(|(name, _)| *name == event).map(|(_, permission)| *permission);
        if !needed.is_some_and(|needed| permissions.contains_key(needed)) {
            return Err(format!("Default events are not supported by permissions: {event}"));
        }
    }
    Ok(())
}

/// Good once: the App is then as the manifest says.
pub(crate) fn convert(state: &mut State, call: &Call) -> Reply {
    let place = state.manifests.iter().position(|pending| pending.code == call.param("code"));
    let pending = state.manifests.remove(place.ok_or_else(Refusal::not_found)?);
    let texts = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let permissions = pending.manifest["default_permissions"].as_object().cloned().unwrap_or_default();
    state.app.permissions = permissions.iter().map(|(name, level)| (name.clone(), texts(level))).collect();
    state.app.events = pending.manifest["default_events"].as_array().into_iter().flatten().map(texts).collect();
    state.app.hook =
        HookSettings { url: texts(&pending.manifest["hook_attributes"]["url"]), ..HookSettings::default() };
    if let Some(organisation) = &pending.organisation {
        state.user_id(organisation);
    }
    let mut app = wire::registered_app(state);
    app["name"] = pending.manifest["name"].clone();
    app["client_secret"] = json!(uuid::Uuid::new_v4().simple().to_string());
    app["webhook_secret"] = json!(state.outbox.secret);
    app["pem"] = json!(state.app.private_key_pem);
    Ok(Answer::created(app))
}

pub(crate) fn hook(state: &mut State, _: &Call) -> Reply {
    let hook = &state.app.hook;
    let mut config = json!({
        "url": hook.url,
        "content_type": hook.content_type,
        "insecure_ssl": if hook.insecure_ssl { "1" } else { "0" },
    });
    if hook.has_secret {
        config["secret"] = json!("********");
    }
    Ok(Answer::ok(config))
}

/// The person whose token it is.
pub(crate) fn user(state: &mut State, call: &Call) -> Reply {
    let login = call.caller.login().ok_or_else(Refusal::not_found)?.to_owned();
    let mut user = wire::user(state, &login);
    for absent in ["company", "location", "email", "hireable", "bio"] {
        user[absent] = Value::Null;
    }
    for (name, value) in [("name", json!(login)), ("blog", json!("")), ("user_view_type", json!("public"))] {
        user[name] = value;
    }
    for count in ["public_repos", "public_gists", "followers", "following"] {
        user[count] = json!(0);
    }
    for time in ["created_at", "updated_at"] {
        user[time] = json!("2024-01-01T00:00:00Z");
    }
    Ok(Answer::ok(user))
}
