//! Files of messages, behind links that are signed and expire, and pictures elsewhere.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{Inner, rest};

pub(super) async fn handle(inner: &Arc<Inner>, uri: &Uri) -> Response {
    let path = uri.path().to_owned();
    inner.record("GET", path.trim_start_matches('/'));
    let fault = inner.fault("GET", "cdn", &path);
    inner.touch();
    if let Some(fault) = fault {
        return rest::broken(inner, fault).await;
    }
    let query = uri.query().unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
    let found = inner.world(|world| {
        if let Some(bytes) = world.elsewhere.get(&path) {
            return Some((Arc::clone(bytes), "image/png".to_owned()));
        }
        let file = path.split('/').nth(3)?.parse().ok()?;
        let file = world.signed_file(file, value("ex="), value("hm="))?;
        Some((Arc::clone(&file.bytes), file.content_type.clone()))
    });
    match found {
        Some((bytes, kind)) => ([(header::CONTENT_TYPE, kind)], Body::from(bytes.to_vec())).into_response(),
        None => (StatusCode::NOT_FOUND, "This content is no longer available.").into_response(),
    }
}
