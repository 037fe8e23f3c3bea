//! The style sheets, the script and the icon, built into the program.
//!
//! Their addresses carry a hash of them all, so browsers keep them for a year and a new build is a new address; modules
//! of the script find each other by relative paths under the same hash.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::failure::Failure;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const ASSETS: [Asset; 9] = [
    Asset { name: "app.css", content_type: "text/css; charset=utf-8", text: include_str!("assets/app.css") },
    Asset { name: "work.css", content_type: "text/css; charset=utf-8", text: include_str!("assets/work.css") },
    Asset { name: "app.js", content_type: SCRIPT, text: include_str!("assets/app.js") },
    Asset { name: "upload.js", content_type: SCRIPT, text: include_str!("assets/upload.js") },
    Asset { name: "rating.js", content_type: SCRIPT, text: include_str!("assets/rating.js") },
    Asset { name: "asking.js", content_type: SCRIPT, text: include_str!("assets/asking.js") },
    Asset { name: "outbox.js", content_type: SCRIPT, text: include_str!("assets/outbox.js") },
    Asset { name: "boxes.js", content_type: SCRIPT, text: include_str!("assets/boxes.js") },
    Asset { name: "favicon.svg", content_type: "image/svg+xml", text: include_str!("assets/favicon.svg") },
];

/// First 16 hexadecimal digits of the SHA-256 of all assets.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = ASSETS.iter().fold(Sha256::new(), |hash, asset| hash.chain_update(asset.text));
    hex::encode(&digest.finalize()[..8])
});

/// The address of an asset.
pub(super) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// `GET /assets/{version}/{name}`
pub(super) async fn serve(Path((version, name)): Path<(String, String)>) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|a| a.name == name).ok_or(Failure::NotFound)?;
    // An old page that asks for an old version gets today's, but does not keep it.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, keep)], asset.text).into_response())
}

/// `GET /favicon.ico`, for those who ask without reading the page.
pub(super) async fn favicon() -> impl IntoResponse {
    axum::response::Redirect::temporary(&url("favicon.svg"))
}
