//! The page that registers the App: one form, which posts the manifest to GitHub when somebody presses its button, and the
//! address to which GitHub sends the browser back. Takes a code only with the state that the form carries; asks GitHub
//! nothing itself.

use super::decisions::page::{page, style_hash};
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Where GitHub sends the browser, below the page's own address.
pub const RETURN_PATH: &str = "/registered";

/// What the form posts, and where to.
#[derive(Clone, Debug)]
pub struct Form {
    /// GitHub's page for new Apps, without a query.
    pub action: String,
    pub manifest: Value,
    /// Comes back with the code. Random: whoever does not know it cannot have us take an App of theirs.
    pub state: String,
}

/// The page as a document of its own, for `--print`.
pub fn document(form: &Form) -> String {
    shown(form).into_string()
}

fn shown(form: &Form) -> Markup {
    page(
        "Register Palisade on GitHub",
        &html! {
            h1 { "Register Palisade on GitHub" }
            p { "GitHub shows what the App may do and asks you to confirm it. Nothing is sent before you press the button." }
            form action={ (form.action) "?state=" (form.state) } method="post" {
                input type="hidden" name="manifest" value=(form.manifest.to_string());
                button type="submit" { "Register the App" }
            }
            p.faint { "The form goes to " code { (form.action) } "." }
        },
    )
}

/// `GET /` is the page, `GET /registered` takes the code and hands it over. Nothing is answered to a browser that was led
/// to this address by another name.
pub fn router(form: Form, address: SocketAddr, codes: mpsc::Sender<String>) -> Router {
    Router::new()
        .route("/", get(ask))
        .route(RETURN_PATH, get(receive))
        .with_state(Arc::new(Registering { form, codes }))
        .layer(middleware::from_fn_with_state(address, under_its_own_name))
}

/// A page elsewhere whose name is made to lead here would read the form's state, and with it hand us an App of theirs.
async fn under_its_own_name(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_name_of(address, host)) {
        return next.run(request).await;
    }
    let told = format!("This page has no other address than http://{address}/\n");
    (StatusCode::MISDIRECTED_REQUEST, told).into_response()
}

fn is_name_of(address: SocketAddr, host: &str) -> bool {
    // Browsers leave out the port that HTTP has anyway.
    let host = if address.port() == 80 { host.strip_suffix(":80").unwrap_or(host) } else { host };
    let port = if address.port() == 80 { String::new() } else { format!(":{}", address.port()) };
    let number = if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() };
    [number.as_str(), "localhost"].iter().any(|name| host.eq_ignore_ascii_case(&format!("{name}{port}")))
}

struct Registering {
    form: Form,
    codes: mpsc::Sender<String>,
}

#[derive(Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
}

async fn ask(State(registering): State<Arc<Registering>>) -> Response {
    guarded(&registering.form, (StatusCode::OK, Html(document(&registering.form))).into_response())
}

async fn receive(State(registering): State<Arc<Registering>>, Query(returned): Query<Returned>) -> Response {
    let (status, told) = match returned {
        Returned { state, .. } if state.as_deref() != Some(registering.form.state.as_str()) => {
            (StatusCode::BAD_REQUEST, "This did not come from the page that was opened here. Nothing was taken.")
        }
        Returned { code: Some(code), .. } if !code.is_empty() => match registering.codes.try_send(code) {
            Ok(()) => {
                (StatusCode::OK, "GitHub has registered the App. The terminal tells the rest; this page can be closed.")
            }
            Err(_) => (StatusCode::CONFLICT, "A code was received before. The terminal tells the rest."),
        },
        _ => (StatusCode::BAD_REQUEST, "GitHub sent no code. Open the page again and press its button."),
    };
    let body = page("Register Palisade on GitHub", &html! { h1 { "Register Palisade on GitHub" } p { (told) } });
    guarded(&registering.form, (status, Html(body.into_string())).into_response())
}

/// Nothing is loaded, run, framed or kept, no address leaks, and the form goes to GitHub only.
fn guarded(form: &Form, mut response: Response) -> Response {
    // Scheme and host of the form's address: what follows is a path.
    let target = form.action.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let policy = format!(
        "default-src 'none'; style-src '{}'; base-uri 'none'; form-action {target}; frame-ancestors 'none'",
        style_hash()
    );
    let policy = HeaderValue::from_str(&policy).expect("hash and address are ASCII: the address was parsed");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_itself_and_localhost_are_its_names() {
        for (address, host, expected) in [
            ("127.0.0.1:7420", "127.0.0.1:7420", true),
            ("127.0.0.1:7420", "LocalHost:7420", true),
            ("127.0.0.1:7420", "127.0.0.1", false),
            ("127.0.0.1:7420", "localhost:7421", false),
            ("127.0.0.1:7420", "attacker.example:7420", false),
            ("127.0.0.1:7420", "127.0.0.1.attacker.example:7420", false),
            ("127.0.0.1:80", "127.0.0.1", true),
            ("127.0.0.1:80", "localhost:80", true),
            ("[::1]:7420", "[::1]:7420", true),
            ("127.0.0.1:7420", "", false),
        ] {
            assert_eq!(is_name_of(address.parse().unwrap(), host), expected, "{address} {host}");
        }
    }
}
