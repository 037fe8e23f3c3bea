//! Pictures come in: as a plain form, or one by one from the script. Each file is received with a cap and claimed
//! before the next one is read, so that a request of many files holds one in memory.

use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde_json::{Value, json};

use super::backend::Upload;
use super::failure::{self, Failure};
use super::{AppState, Lang, Visitor, layout, security};
use crate::domain::{Author, PostId};

/// Bytes of one file: 64 MiB.
pub(super) const FILE_LIMIT: usize = 64 << 20;
/// Bytes of one request, with all its files.
const REQUEST_LIMIT: usize = 16 * FILE_LIMIT;
/// Characters of a name, and of a link.
const NAME_LIMIT: usize = 200;
const LINK_LIMIT: usize = 2000;

pub(super) fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(REQUEST_LIMIT)
}

/// What became of one file.
struct Outcome {
    name: Option<String>,
    result: Result<PostId, Failure>,
}

/// `POST /upload`: back to the gallery when all went well, else a page that says which file did not and why.
pub(super) async fn by_form(
    State(app): State<AppState>,
    visitor: Visitor,
    form: Multipart,
) -> Result<Response, Failure> {
    let lang = visitor.lang;
    let outcomes = receive(&app, form).await?;
    let failed: Vec<_> = outcomes.iter().filter_map(|o| Some((o, o.result.as_ref().err()?))).collect();
    let Some((_, first)) = failed.first() else { return Ok(Redirect::to("/").into_response()) };
    let taken = outcomes.len() - failed.len();
    let main = html! {
        section class="plain" {
            h1 { (tr!(lang, "upload.some_failed")) }
            ul { @for (outcome, failure) in &failed {
                li { @if let Some(name) = &outcome.name { b { (name) } ": " } (failure.message(lang)) }
            } }
            @if taken > 0 { p { (tr!(lang, "upload.taken_count", n = taken)) } }
            p { a href="/" { (tr!(lang, "failure.home")) } }
        }
    };
    Ok((first.status(), layout::page(&visitor, &tr!(lang, "upload.some_failed"), &main)).into_response())
}

/// `POST /api/pictures`: `{"results": [{"name", "post"} or {"name", "error": {"code", "message"}}]}`.
/// 201 when all were taken, the failure's own status when none was, 207 in between.
pub(super) async fn by_script(
    State(app): State<AppState>,
    visitor: Visitor,
    form: Multipart,
) -> Result<Response, Failure> {
    let outcomes = receive(&app, form).await?;
    let taken = outcomes.iter().filter(|o| o.result.is_ok()).count();
    let status = match outcomes.iter().find_map(|o| o.result.as_ref().err()) {
        None => StatusCode::CREATED,
        Some(failure) if taken == 0 => failure.status(),
        Some(_) => StatusCode::MULTI_STATUS,
    };
    let results: Vec<_> = outcomes.iter().map(|o| as_json(o, visitor.lang)).collect();
    Ok((status, Json(json!({ "results": results }))).into_response())
}

fn as_json(outcome: &Outcome, lang: Lang) -> Value {
    let mut value = match &outcome.result {
        Ok(post) => json!({ "post": post }),
        Err(failure) => failure::as_json(failure, lang),
    };
    value["name"] = json!(outcome.name);
    value
}

async fn receive(app: &AppState, mut form: Multipart) -> Result<Vec<Outcome>, Failure> {
    let _turn = app.uploads.acquire().await.map_err(|_| Failure::Busy)?;
    let (mut author, mut link) = (Author::default(), None);
    let mut outcomes = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "author" => author.name = text(field, NAME_LIMIT).await?,
            "author_link" => author.link = web_link(field).await?,
            "link" => link = web_link(field).await?,
            "picture" => {
                let name = field.file_name().map(base_name).filter(|n| !n.is_empty());
                let bytes = match capped(field).await? {
                    // A form sent without a file has one empty, nameless part.
                    Some(bytes) if bytes.is_empty() && name.is_none() => continue,
                    Some(bytes) => bytes,
                    None => {
                        outcomes.push(Outcome { name, result: Err(Failure::TooLarge) });
                        continue;
                    }
                };
                let upload = Upload { title: name.clone(), author: author.clone(), link: link.clone(), bytes };
                let result = app.backend.submit(upload).await.map_err(Failure::from);
                if let Err(Failure::Internal(error)) = &result {
                    tracing::error!(error = format!("{error:#}"), "an upload could not be claimed");
                }
                outcomes.push(Outcome { name, result });
            }
            _ => {}
        }
    }
    if outcomes.is_empty() { Err(Failure::NoFile) } else { Ok(outcomes) }
}

/// The field's bytes, or nothing when there are more than [`FILE_LIMIT`]. The rest is read and dropped, since a browser
/// hears the answer only after it has sent everything.
async fn capped(mut field: Field<'_>) -> Result<Option<Bytes>, Failure> {
    let mut bytes = Vec::new();
    let mut fits = true;
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        fits = fits && bytes.len() + chunk.len() <= FILE_LIMIT;
        if fits {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    Ok(fits.then(|| bytes.into()))
}

/// A short text; nothing when empty.
async fn text(mut field: Field<'_>, limit: usize) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        // Four bytes a character at most.
        if bytes.len() + chunk.len() > 4 * limit {
            return Err(Failure::BadInput);
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::BadInput)?;
    let text = text.trim();
    if text.chars().count() > limit {
        return Err(Failure::BadInput);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

async fn web_link(field: Field<'_>) -> Result<Option<String>, Failure> {
    let link = text(field, LINK_LIMIT).await?;
    match link {
        Some(link) if security::web_link(&link).is_none() => Err(Failure::BadLink),
        link => Ok(link),
    }
}

/// The last part of a file's path (some browsers send whole paths), cut to a length that can be shown.
fn base_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    base.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect::<String>().trim().to_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "a map_err function")]
fn broken(e: MultipartError) -> Failure {
    if e.status() == StatusCode::PAYLOAD_TOO_LARGE { Failure::TooLarge } else { Failure::BadInput }
}
