//! Pictures, thumbnails and crops.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::failure::Failure;
use crate::domain::{FaceId, PictureId};

/// Known by their content: they never change.
const FOR_A_YEAR: &str = "private, max-age=31536000, immutable";
/// A crop may be thrown away to keep the budget, or cut anew.
const FOR_A_DAY: &str = "private, max-age=86400";

/// `GET /media/picture/{picture}`: the picture as it came.
pub(super) async fn picture(
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let id: PictureId = id.parse().map_err(|_| Failure::NotFound)?;
    let tag = format!("\"{id}\"");
    if is_known(&headers, &tag) {
        return Ok(not_modified(tag, FOR_A_YEAR));
    }
    let media = app.backend.picture(id).await?.ok_or(Failure::NotFound)?;
    // What is no raster picture would be a document of ours: never serve it.
    if !media.content_type.starts_with("image/") || media.content_type.contains("svg") {
        return Err(Failure::NotFound);
    }
    Ok(answer(media.content_type, tag, FOR_A_YEAR, media.bytes))
}

/// `GET /media/thumb/{picture}`
pub(super) async fn thumbnail(
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let id: PictureId = id.parse().map_err(|_| Failure::NotFound)?;
    let tag = format!("\"thumb-{id}\"");
    if is_known(&headers, &tag) {
        return Ok(not_modified(tag, FOR_A_YEAR));
    }
    let bytes = app.backend.thumbnail(id).await?.ok_or(Failure::NotFound)?;
    Ok(answer("image/jpeg", tag, FOR_A_YEAR, bytes))
}

/// `GET /media/crop/{face}`
pub(super) async fn crop(
    State(app): State<AppState>,
    Path(face): Path<FaceId>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let tag = format!("\"crop-{}\"", face.0);
    let bytes = app.backend.crop(face).await?.ok_or(Failure::NotFound)?;
    if is_known(&headers, &tag) {
        return Ok(not_modified(tag, FOR_A_DAY));
    }
    Ok(answer("image/jpeg", tag, FOR_A_DAY, bytes))
}

fn answer(content_type: &'static str, tag: String, keep: &'static str, bytes: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, keep.to_owned()),
    ];
    (headers, Body::from(bytes)).into_response()
}

fn not_modified(tag: String, keep: &'static str) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::CACHE_CONTROL, keep.to_owned())]).into_response()
}

/// Whether the client says it has this version (`If-None-Match`).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    tags.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*")
}
