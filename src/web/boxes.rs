//! The box editor: the faces found are shown, and put right by hand. What is saved teaches the detector.

use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use axum::{Form, Json};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{AppState, Lang, Visitor, card, layout, words};
use crate::domain::{BoxLabels, PictureId};
use crate::pipeline::BoxesView;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Ask {
    /// The picture after this one.
    after: Option<PictureId>,
}

/// `GET /boxes?after=`: the picture that needs it most.
pub(super) async fn next(
    State(app): State<AppState>,
    visitor: Visitor,
    Query(ask): Query<Ask>,
) -> Result<Markup, Failure> {
    let view = match app.backend.next_to_label(ask.after).await? {
        Some(id) => app.backend.boxes(id).await?,
        None => None,
    };
    Ok(whole(&visitor, view.as_ref()))
}

/// `GET /boxes/{picture}`
pub(super) async fn page(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Markup, Failure> {
    let id: PictureId = id.parse().map_err(|_| Failure::NotFound)?;
    let view = app.backend.boxes(id).await?.ok_or(Failure::NotFound)?;
    Ok(whole(&visitor, Some(&view)))
}

fn whole(visitor: &Visitor, view: Option<&BoxesView>) -> Markup {
    let lang = visitor.lang;
    let main = html! {
        div class="intro close" {
            h1 { (tr!(lang, "boxes.title")) }
            p { b { (tr!(lang, "boxes.convention")) } }
            p class="quiet" { (tr!(lang, "boxes.what_for")) }
        }
        @match view {
            Some(view) if view.has_preview => (editor(lang, view)),
            Some(_) => p class="nothing" { (tr!(lang, "boxes.gone")) " " a href="/boxes" { (tr!(lang, "boxes.next")) } },
            None => p class="nothing" { (tr!(lang, "boxes.nothing")) " " a href="/" { (tr!(lang, "failure.home")) } },
        }
    };
    layout::page(visitor, &tr!(lang, "boxes.title"), &main)
}

fn editor(lang: Lang, view: &BoxesView) -> Markup {
    let (id, size) = (view.picture.id, view.picture.size);
    let title = view.post.as_ref().map(|post| words::title(lang, post));
    let labels = view.saved.clone().unwrap_or_else(|| BoxLabels { boxes: view.found.clone(), ignore: vec![] });
    let gated = view.post.as_ref().map_or(view.picture.over_age_gate, card::is_gated);
    let unit = size.long_side() as f32 / 400.0;
    let counts = tr!(lang, "boxes.counts", labelled = view.counts.labelled, waiting = view.counts.waiting);
    html! {
        form id="editor" class="editor" method="post" action={ "/boxes/" (id) } data-picture=(id)
            data-found=(json!(view.found)) data-box=(tr!(lang, "boxes.box")) data-ignored=(tr!(lang, "boxes.ignored"))
            data-leave=(tr!(lang, "boxes.unsaved")) {
            input type="hidden" name="labels" value=(json!(labels));
            div class={ "canvas" @if gated { " gated" } } {
                img src={ "/media/picture/" (id) } width=(size.width) height=(size.height) draggable="false"
                    alt=(title.as_deref().unwrap_or_default());
                svg id="drawing" viewBox={ "0 0 " (size.width) " " (size.height) } role="group" aria-label=(tr!(lang, "boxes.drawing")) {
                    // Without the script they can be seen, not changed.
                    @for (boxes, class) in [(&labels.boxes, "box"), (&labels.ignore, "box ignored")] {
                        @for b in boxes {
                            rect class=(class) x=(b.x1) y=(b.y1) width=(b.width()) height=(b.height()) rx=(unit) {}
                        }
                    }
                }
                @if gated { (card::reveal(lang, "reveal-boxes")) }
            }
            div class="tools" {
                div {
                    @if let (Some(post), Some(title)) = (&view.post, &title) {
                        p { a href={ "/picture/" (post.id.0) } { (title) } }
                        (card::credit(lang, post))
                    }
                    p class="quiet" { (counts) }
                    p id="saved-before" class="quiet" hidden[view.saved.is_none()] { (tr!(lang, "boxes.saved_before")) }
                }
                noscript { p class="quiet" { (tr!(lang, "boxes.no_script")) } }
                div class="changes" {
                    @for (what, label, key) in changes(lang) {
                        button type="button" data-do=(what) { (label) " " kbd { (key) } }
                    }
                }
                div class="finish" {
                    button class="primary" data-do="save" { (tr!(lang, "boxes.save")) " " kbd { "Enter" } }
                    a id="later" href={ "/boxes?after=" (id) } { (tr!(lang, "boxes.later")) }
                }
            }
        }
    }
}

/// What can be done to a box by button: its name for the script, its words and its key.
fn changes(lang: Lang) -> [(&'static str, String, &'static str); 5] {
    [
        ("add", tr!(lang, "boxes.add").into_owned(), "a"),
        ("remove", tr!(lang, "boxes.remove").into_owned(), "Del"),
        ("ignore", tr!(lang, "boxes.ignore").into_owned(), "i"),
        ("undo", tr!(lang, "ask.undo").into_owned(), "z"),
        ("reset", tr!(lang, "boxes.reset").into_owned(), "r"),
    ]
}

async fn keep(app: &AppState, id: &str, labels: &BoxLabels) -> Result<PictureId, Failure> {
    let id: PictureId = id.parse().map_err(|_| Failure::NotFound)?;
    let view = app.backend.boxes(id).await?.ok_or(Failure::NotFound)?;
    let labels = labels.checked(view.picture.size).map_err(|_| Failure::BadInput)?;
    if app.backend.save_boxes(id, labels).await? { Ok(id) } else { Err(Failure::NotFound) }
}

#[derive(Deserialize)]
pub(super) struct Drawn {
    /// [`BoxLabels`] as JSON.
    labels: String,
}

/// `POST /boxes/{picture}`: saves, then shows the next picture.
pub(super) async fn save(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Form(drawn): Form<Drawn>,
) -> Result<Redirect, Failure> {
    let labels = serde_json::from_str(&drawn.labels).map_err(|_| Failure::BadInput)?;
    keep(&app, &id, &labels).await?;
    Ok(Redirect::to("/boxes"))
}

/// `PUT /api/boxes/{picture}` with `{"boxes": [[x1, y1, x2, y2]], "ignore": […]}` in the picture's pixels: `{"next"}`, the
/// path of what to label next.
pub(super) async fn save_by_script(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Json(labels): Json<BoxLabels>,
) -> Result<Json<Value>, Failure> {
    keep(&app, &id, &labels).await?;
    Ok(Json(json!({ "next": "/boxes" })))
}
