//! Who may talk to the page, and what its answers may do in a browser.
//!
//! *DNS rebinding.* A stranger's page can point its own name at 127.0.0.1 and read what is there. So a request is
//! answered only when its Host is loopback or the public URL's; with a token set also any IP address, since a name that
//! was rebound is never an address.
//!
//! *Cross-site request forgery.* A request that changes something must come from our own page: `Sec-Fetch-Site` says
//! so in every current browser, and `Origin` where that is not sent (plain http on a LAN). A client that sends neither
//! is no browser and carries no cookies of one. This needs no state, unlike a token in each form.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::failure::Failure;
use super::{AppState, WebSettings};

/// No inline script or style, nothing from elsewhere; `blob:` shows a picture before it is uploaded.
const CSP: &str = "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds what every answer carries.
pub(super) async fn response_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: that would make browsers send `Origin: null` with our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses foreign hosts, and changes that another site asks for.
pub(super) async fn same_site_only(
    State(app): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if !is_our_host(host(request.headers()), &app.settings) {
        return Err(Failure::ForeignHost);
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_our_page(request.headers(), app.settings.public_url.as_deref()) {
        return Err(Failure::CrossSite);
    }
    Ok(next.run(request).await)
}

/// The Host header, with port if it has one.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// `host:port` without the port and the brackets of an IPv6 address.
fn name_of(host: &str) -> &str {
    if let Some(v6) = host.strip_prefix('[') {
        return v6.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn is_our_host(host: Option<&str>, settings: &WebSettings) -> bool {
    let Some(name) = host.map(name_of) else { return false };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        let address = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        if address.is_loopback() || settings.token.is_some() {
            return true;
        }
    }
    let public = settings.public_url.as_deref().and_then(authority);
    public.is_some_and(|p| name_of(&p).eq_ignore_ascii_case(name))
}

/// `host[:port]` of an absolute URL.
fn authority(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.authority().map(ToString::to_string)
}

fn is_our_page(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let Some(from) = authority(origin) else { return false };
    let public = public_url.and_then(authority);
    host(headers).is_some_and(|host| host.eq_ignore_ascii_case(&from))
        || public.is_some_and(|p| p.eq_ignore_ascii_case(&from))
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// Where a form sends its user back to: the page it was on, by the Referer, if that is ours; else the gallery.
pub(super) fn back(headers: &HeaderMap) -> String {
    let page = || {
        let uri: Uri = headers.get(header::REFERER)?.to_str().ok()?.parse().ok()?;
        let ours = uri.authority()?.as_str().eq_ignore_ascii_case(host(headers)?);
        // "//elsewhere" as a path would lead away.
        let path = uri.path_and_query().map(ToString::to_string).filter(|p| !p.starts_with("//"));
        path.filter(|_| ours)
    };
    page().unwrap_or_else(|| "/".to_owned())
}

/// Where our links start when they must be absolute: the public URL, else the Host that was asked (already checked).
pub(super) fn base_url(headers: &HeaderMap, settings: &WebSettings) -> String {
    match &settings.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", host(headers).unwrap_or("localhost")),
    }
}

/// A link that may be shown: http or https only, never `javascript:` and the like.
pub(super) fn web_link(link: &str) -> Option<&str> {
    let lower = link.get(..8).unwrap_or(link).to_ascii_lowercase();
    let ok = lower.starts_with("http://") || lower.starts_with("https://");
    let plain = !link.chars().any(|c| c.is_control() || c.is_whitespace());
    (ok && plain).then_some(link)
}
