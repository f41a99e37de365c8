//! Who asks and what they may: the App by JWT, its installations by token, and their limits.

use crate::registration::HookSettings;
use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::State;
use crate::wire;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// GitHub refuses JWTs that live longer than ten minutes.
const JWT_LIFETIME_SECONDS: i64 = 600;
/// Installation tokens live for one hour.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// GitHub narrows a token to at most so many repositories.
const REPOSITORIES_PER_TOKEN: usize = 500;

/// The GitHub App whose life the fake imitates.
#[derive(Debug)]
pub(crate) struct App {
    pub id: u64,
    pub client_id: String,
    pub slug: String,
    pub permissions: BTreeMap<String, String>,
    /// What it hears, check runs and suites apart.
    pub events: Vec<String>,
    pub hook: HookSettings,
    /// Versions of the API that are taken.
    pub api_versions: Vec<String>,
    /// One for each private key that was handed out and not deleted.
    pub public_key_pems: Vec<String>,
    pub private_key_pem: String,
    pub long_tokens: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub id: u64,
    pub account: String,
    pub suspended: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub id: u64,
    pub secret: String,
    pub installation: u64,
    pub expires_at: Timestamp,
    /// `None` is all repositories of the installation.
    pub repositories: Option<BTreeSet<u64>>,
    pub permissions: BTreeMap<String, String>,
}

/// The one who asks.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Nobody,
    App,
    Token(Box<Token>),
    /// A person, by a personal access token.
    Person(String),
}

/// Primary limits by bucket, and the secondary limit.
#[derive(Debug)]
pub(crate) struct Limits {
    pub limit: u64,
    /// Requests left by installation; 0 is the App's own bucket.
    pub remaining: BTreeMap<u64, u64>,
    pub reset_at: Timestamp,
    /// Until when every request is refused, with which status.
    pub secondary: Option<(Timestamp, u16)>,
}

impl Default for Limits {
    fn default() -> Self {
        let reset_at = Timestamp::now() + SignedDuration::from_hours(1);
        // The options say how many.
        Self { limit: 0, remaining: BTreeMap::new(), reset_at, secondary: None }
    }
}

impl Limits {
    pub fn remaining(&self, bucket: u64) -> u64 {
        self.remaining.get(&bucket).copied().unwrap_or(self.limit)
    }

    pub fn headers(&self, bucket: u64) -> Vec<(String, String)> {
        let remaining = self.remaining(bucket);
        [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-used", self.limit.saturating_sub(remaining).to_string()),
            ("x-ratelimit-reset", self.reset_at.as_second().to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl Caller {
    pub fn bucket(&self) -> Option<u64> {
        match self {
            Caller::Nobody | Caller::Person(_) => None,
            Caller::App => Some(0),
            Caller::Token(token) => Some(token.installation),
        }
    }

    pub fn login(&self) -> Option<&str> {
        match self {
            Caller::Person(login) => Some(login),
            _ => None,
        }
    }
}

/// Reads the credentials of a request. A wrong one is refused, none at all is not.
pub(crate) fn identify(state: &State, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(header) = headers.get(http::header::AUTHORIZATION) else { return Ok(Caller::Nobody) };
    let text = header.to_str().map_err(|_| Refusal::new(401, "Bad credentials"))?;
    let credentials = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
        .map(|(_, credentials)| credentials.trim())
        .ok_or_else(|| Refusal::new(401, "Bad credentials"))?;
    if let Some(login) = state.people.get(credentials) {
        return Ok(Caller::Person(login.clone()));
    }
    match state.tokens.iter().find(|token| token.secret == credentials) {
        Some(token) => check_token(state, token),
        None if credentials.starts_with("ghs_") => Err(Refusal::new(401, "Bad credentials")),
        None => check_jwt(state, credentials),
    }
}

fn check_token(state: &State, token: &Token) -> Result<Caller, Refusal> {
    if token.expires_at <= state.now() {
        return Err(Refusal::new(401, "Bad credentials"));
    }
    match state.installations.iter().find(|installation| installation.id == token.installation) {
        None => Err(Refusal::new(401, "Bad credentials")),
        Some(installation) if installation.suspended => Err(suspended()),
        Some(_) => Ok(Caller::Token(Box::new(token.clone()))),
    }
}

fn suspended() -> Refusal {
    Refusal::new(403, "This installation has been suspended")
}

fn check_jwt(state: &State, jwt: &str) -> Result<Caller, Refusal> {
    let undecodable = || Refusal::new(401, "A JSON web token could not be decoded");
    let mut validation = Validation::new(Algorithm::RS256);
    // Times are checked below, with GitHub's rules instead of the library's.
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let mut keys = state.app.public_key_pems.iter().filter_map(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()).ok());
    let decoded = keys.find_map(|key| jsonwebtoken::decode::<Value>(jwt, &key, &validation).ok());
    let claims = decoded.ok_or_else(undecodable)?.claims;
    let issued_at = claims["iat"].as_i64().ok_or_else(|| Refusal::new(401, "Missing 'issued at' claim ('iat')"))?;
    let expires_at = claims["exp"].as_i64().ok_or_else(|| Refusal::new(401, "Missing 'expiration' claim ('exp')"))?;
    // The real clock too, when a test has moved ours: the client need not know of that.
    let real = check_times(issued_at, expires_at, Timestamp::now().as_second());
    real.or_else(|_| check_times(issued_at, expires_at, state.now().as_second()))?;
    let issuer = claims["iss"].as_str().map(str::to_owned).or_else(|| claims["iss"].as_u64().map(|id| id.to_string()));
    let known = [state.app.id.to_string(), state.app.client_id.clone()];
    match issuer {
        Some(issuer) if known.contains(&issuer) => Ok(Caller::App),
        _ => Err(Refusal::new(401, "Integration not found")),
    }
}

fn check_times(issued_at: i64, expires_at: i64, now: i64) -> Result<(), Refusal> {
    if issued_at > now {
        return Err(Refusal::new(401, "'Issued at' claim ('iat') must be an Integer representing a past time"));
    }
    if expires_at <= now {
        return Err(Refusal::new(401, "'Expiration time' claim ('exp') must be a numeric value in the future"));
    }
    if expires_at > now + JWT_LIFETIME_SECONDS {
        return Err(Refusal::new(401, "'Expiration time' claim ('exp') is too far in the future"));
    }
    Ok(())
}

/// Whether a credential stands where none belongs: in the address, in the body, in a header that is not for it. Tokens,
/// the webhook's secret, and whatever begins like a signed assertion or a private key.
pub(crate) fn leaks(state: &State, (uri, headers): (&http::Uri, &HeaderMap), body: &[u8]) -> bool {
    const SIGNS: [&str; 2] = ["eyJ0eXAiOiJKV1Qi", "PRIVATE KEY-----"];
    let other = headers.iter().filter(|(name, _)| *name != http::header::AUTHORIZATION);
    let body = String::from_utf8_lossy(body);
    let mut texts: Vec<String> = vec![uri.to_string(), body.into_owned()];
    texts.extend(other.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let secrets = state.tokens.iter().map(|token| token.secret.as_str());
    let secrets = secrets.chain([state.outbox.secret.as_str()]).filter(|secret| !secret.is_empty()).chain(SIGNS);
    secrets.into_iter().any(|secret| texts.iter().any(|text| text.contains(secret)))
}

/// Whether one level of access contains another.
pub(crate) fn allows(held: Option<&str>, needed: &str) -> bool {
    let rank = |level: Option<&str>| match level {
        Some("read") => 1,
        Some("write") => 2,
        Some("admin") => 3,
        _ => 0,
    };
    rank(held) >= rank(Some(needed))
}

pub(crate) fn get_app(state: &mut State, _: &Call) -> Reply {
    Ok(Answer::ok(wire::registered_app(state)))
}

pub(crate) fn list_installations(state: &mut State, call: &Call) -> Reply {
    let installations: Vec<Value> = state.installations.iter().map(|i| wire::installation(state, i)).collect();
    Ok(call.page(state, installations))
}

pub(crate) fn get_installation(state: &mut State, call: &Call) -> Reply {
    let installation = installation_of(state, call)?;
    Ok(Answer::ok(wire::installation(state, &installation)))
}

pub(crate) fn get_repository_installation(state: &mut State, call: &Call) -> Reply {
    let owner = call.param("owner");
    let installation = state.installations.iter().find(|i| i.account == owner).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(wire::installation(state, installation)))
}

fn installation_of(state: &State, call: &Call) -> Result<Installation, Refusal> {
    let id = call.number("installation_id")?;
    state.installations.iter().find(|i| i.id == id).cloned().ok_or_else(Refusal::not_found)
}

pub(crate) fn mint(state: &mut State, call: &Call) -> Reply {
    let installation = installation_of(state, call)?;
    if installation.suspended {
        return Err(suspended());
    }
    let repositories = narrowed_repositories(state, &installation, &call.body)?;
    let permissions = narrowed_permissions(state, &call.body)?;
    let id = state.next_id();
    let secret = new_secret(state, id);
    let expires_at = state.now() + TOKEN_LIFETIME;
    let token = Token { id, secret, installation: installation.id, expires_at, repositories, permissions };
    let mut body = json!({
        "token": token.secret,
        "expires_at": wire::time(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": if token.repositories.is_some() { "selected" } else { "all" },
    });
    if let Some(ids) = &token.repositories {
        let chosen = state.repositories.iter().filter(|r| ids.contains(&r.id));
        body["repositories"] = chosen.map(|r| wire::repository(state, r)).collect();
    }
    state.tokens.push(token);
    Ok(Answer::created(body))
}

/// Both forms that exist: forty characters, and since 2026 about 520 with dots.
fn new_secret(state: &State, id: u64) -> String {
    let random = || uuid::Uuid::new_v4().simple().to_string();
    if state.app.long_tokens {
        let blocks: Vec<String> = (0..3).map(|_| (0..5).map(|_| random()).collect()).collect();
        format!("ghs_{}_{}", state.app.id, blocks.join("."))
    } else {
        let digits = format!("{}{id:x}", random());
        format!("ghs_{digits:0<36}")
    }
}

fn narrowed_repositories(
    state: &State,
    installation: &Installation,
    body: &Value,
) -> Result<Option<BTreeSet<u64>>, Refusal> {
    let ids = body["repository_ids"].as_array();
    let names = body["repositories"].as_array();
    if ids.is_none() && names.is_none() {
        return Ok(None);
    }
    let own = || state.repositories.iter().filter(|r| r.owner == installation.account && r.installed);
    let unknown = || Refusal::new(422, "There is at least one repository that does not exist or is not accessible");
    let mut chosen = BTreeSet::new();
    for id in ids.into_iter().flatten() {
        chosen.insert(own().find(|r| Some(r.id) == id.as_u64()).ok_or_else(unknown)?.id);
    }
    for name in names.into_iter().flatten() {
        chosen.insert(own().find(|r| Some(r.name.as_str()) == name.as_str()).ok_or_else(unknown)?.id);
    }
    if chosen.len() > REPOSITORIES_PER_TOKEN {
        return Err(Refusal::new(422, "Too many repositories for one token"));
    }
    Ok(Some(chosen))
}

fn narrowed_permissions(state: &State, body: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(wanted) = body["permissions"].as_object() else { return Ok(state.app.permissions.clone()) };
    let mut granted = BTreeMap::from([("metadata".to_owned(), "read".to_owned())]);
    for (name, level) in wanted {
        let level = level.as_str().unwrap_or_default();
        if !allows(state.app.permissions.get(name).map(String::as_str), level) {
            return Err(Refusal::new(422, "The permissions requested are not granted to this installation."));
        }
        granted.insert(name.clone(), level.to_owned());
    }
    Ok(granted)
}

pub(crate) fn revoke(state: &mut State, call: &Call) -> Reply {
    if let Caller::Token(own) = &call.caller {
        state.tokens.retain(|token| token.id != own.id);
    }
    Ok(Answer::no_content())
}

pub(crate) fn list_repositories(state: &mut State, call: &Call) -> Reply {
    let Caller::Token(token) = &call.caller else { return Err(Refusal::not_found()) };
    let visible = state.repositories.iter().filter(|r| sees(state, token, r.id));
    let repositories: Vec<Value> = visible.map(|r| wire::repository(state, r)).collect();
    Ok(call.counted_page(state, "repositories", repositories))
}

/// Whether a token reaches a repository at all.
pub(crate) fn sees(state: &State, token: &Token, repository: u64) -> bool {
    let account = state.installations.iter().find(|i| i.id == token.installation).map(|i| i.account.as_str());
    let chosen = token.repositories.as_ref().is_none_or(|ids| ids.contains(&repository));
    let found = state.repositories.iter().find(|r| r.id == repository);
    chosen && found.is_some_and(|r| r.installed && Some(r.owner.as_str()) == account)
}

pub(crate) fn rate_limit(state: &mut State, call: &Call) -> Reply {
    let bucket = call.caller.bucket().unwrap_or_default();
    let remaining = state.limits.remaining(bucket);
    let core = json!({
        "limit": state.limits.limit,
        "remaining": remaining,
        "used": state.limits.limit.saturating_sub(remaining),
        "reset": state.limits.reset_at.as_second(),
    });
    Ok(Answer::ok(json!({ "resources": { "core": core, "search": core }, "rate": core })))
}
