//! Small JSON endpoints for the page's script. Cards come as the HTML that the page itself renders, so that there is
//! one place that draws them.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::card::{self, View};
use super::failure::Failure;
use super::{AppState, Lang, Visitor, asking, gallery, layout, words};
use crate::domain::{FaceId, Judgement, PostId};
use crate::pipeline::{GalleryFilter, PostView};

/// Posts one call may ask for.
const MOST: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Ask {
    /// Post ids with commas between: what the page shows.
    #[serde(default)]
    ids: String,
    /// Also posts newer than this one.
    after: Option<PostId>,
    #[serde(default)]
    view: AskedView,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedView {
    #[default]
    Card,
    Large,
}

impl From<AskedView> for View {
    fn from(view: AskedView) -> Self {
        match view {
            AskedView::Card => Self::Card,
            AskedView::Large => Self::Large,
        }
    }
}

/// `GET /api/posts?ids=1,2&after=9&view=card`:
/// `{"standing": {"version", "ratings", "html", "milestone"}, "posts": [{"id", "settled", "html"}], "gone": [id]}`.
pub(super) async fn posts(
    State(app): State<AppState>,
    visitor: Visitor,
    Query(ask): Query<Ask>,
) -> Result<Json<Value>, Failure> {
    let ids = ask.ids.split(',').filter(|id| !id.is_empty()).take(MOST);
    let ids = ids.map(|id| id.parse().map(PostId)).collect::<Result<Vec<_>, _>>().map_err(|_| Failure::BadInput)?;
    let mut posts = Vec::new();
    let mut gone = Vec::new();
    for id in ids {
        match app.backend.post(id).await? {
            Some(post) => posts.push(post),
            None => gone.push(id),
        }
    }
    if let Some(after) = ask.after {
        let newest = app.backend.gallery(GalleryFilter::All, None, gallery::PAGE).await?;
        posts.extend(newest.into_iter().filter(|p| p.id > after));
    }
    let view = ask.view.into();
    let posts: Vec<_> = posts.iter().map(|p| fragment(visitor.lang, p, view)).collect();
    Ok(Json(json!({ "standing": standing(&app, visitor.lang).await?, "posts": posts, "gone": gone })))
}

fn fragment(lang: Lang, post: &PostView, view: View) -> Value {
    json!({ "id": post.id, "settled": post.state.is_final(), "html": card::post(lang, post, view).into_string() })
}

pub(super) async fn standing(app: &AppState, lang: Lang) -> Result<Value, Failure> {
    let standing = app.backend.standing().await?;
    Ok(json!({
        "version": standing.version,
        "ratings": standing.calibration.ratings(),
        "html": layout::standing(lang, &standing).into_string(),
        "milestone": asking::milestone(lang, standing.calibration.ratings()).into_string(),
    }))
}

/// `GET /api/posts/{post}`: the post as the pipeline sees it.
pub(super) async fn post(State(app): State<AppState>, Path(id): Path<PostId>) -> Result<Json<PostView>, Failure> {
    app.backend.post(id).await?.map(Json).ok_or(Failure::NotFound)
}

/// `DELETE /api/posts/{post}`
pub(super) async fn remove(State(app): State<AppState>, Path(id): Path<PostId>) -> Result<StatusCode, Failure> {
    if app.backend.remove(id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::NotFound) }
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    judgement: Judgement,
    #[serde(default)]
    score_visible: bool,
}

/// `PUT /api/faces/{face}/rating` with `{"judgement": "up" | "down" | "1" … "5", "score_visible"}`:
/// `{"calibration", "message", "standing", "last"}`. `last` is what had been expected, where the score was out of sight.
pub(super) async fn rate(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(face): Path<FaceId>,
    Json(said): Json<Said>,
) -> Result<Json<Value>, Failure> {
    write(&app, visitor.lang, face, Some(said.judgement), said.score_visible).await
}

/// `DELETE /api/faces/{face}/rating`: takes the rating back; the answer is that of [`rate`].
pub(super) async fn take_back(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(face): Path<FaceId>,
) -> Result<Json<Value>, Failure> {
    write(&app, visitor.lang, face, None, true).await
}

async fn write(
    app: &AppState,
    lang: Lang,
    face: FaceId,
    judgement: Option<Judgement>,
    score_visible: bool,
) -> Result<Json<Value>, Failure> {
    // Read before, since the rating itself moves the score.
    let last = match judgement {
        Some(judgement) if !score_visible => asking::after_vote(app, lang, face, judgement).await?,
        _ => None,
    };
    let calibration = app.backend.rate(face, judgement, score_visible).await?;
    Ok(Json(json!({
        "calibration": calibration,
        "message": words::calibration(lang, calibration),
        "standing": standing(app, lang).await?,
        "last": last,
    })))
}
