//! One post large, and what can be done with it by plain forms.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;

use super::card::{self, View};
use super::failure::Failure;
use super::{AppState, Visitor, layout, security, words};
use crate::domain::{FaceId, Judgement, PostId};

/// `GET /picture/{post}`
pub(super) async fn page(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<PostId>,
) -> Result<Markup, Failure> {
    let lang = visitor.lang;
    let post = app.backend.post(id).await?.ok_or(Failure::NotFound)?;
    let standing = app.backend.standing().await?;
    let main = html! {
        div class="bar" {
            nav class="filters" { a href="/" { "← " (tr!(lang, "nav.gallery")) } }
            (layout::standing(lang, &standing))
        }
        div id="cards" class="single" data-view="large" { (card::post(lang, &post, View::Large)) }
    };
    Ok(layout::refreshing_page(&visitor, &words::title(lang, &post), &main, !post.state.is_final()))
}

#[derive(Deserialize)]
pub(super) struct RatingForm {
    /// `up`, `down`, `1` … `5`, or `none` to take it back.
    judgement: String,
    #[serde(default)]
    score_visible: bool,
    post: Option<PostId>,
}

/// `POST /faces/{face}/rating`: rates, then shows the face where it was.
pub(super) async fn rate(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(face): Path<FaceId>,
    Form(form): Form<RatingForm>,
) -> Result<Redirect, Failure> {
    let judgement: Option<Judgement> = match form.judgement.as_str() {
        "none" => None,
        text => Some(text.parse().map_err(|_| Failure::BadInput)?),
    };
    app.backend.rate(face, judgement, form.score_visible).await?;
    let place = form.post.map_or_else(String::new, |post| format!("#face-{}-{}", post.0, face.0));
    Ok(Redirect::to(&format!("{}{place}", security::back(&headers))))
}

/// `POST /posts/{post}/remove`
pub(super) async fn remove(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(post): Path<PostId>,
) -> Result<Redirect, Failure> {
    if !app.backend.remove(post).await? {
        return Err(Failure::NotFound);
    }
    let back = security::back(&headers);
    Ok(Redirect::to(if back.starts_with("/picture/") { "/" } else { &back }))
}
