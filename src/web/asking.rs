//! The rating page: one face at a time, its score out of sight until it is judged.
//!
//! Without the script each vote is a form that comes back with the next face; with it, the next ones are there already.

use axum::extract::{Query, State};
use axum::response::Redirect;
use axum::{Form, Json};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{AppState, Lang, Visitor, api, card, layout, words};
use crate::domain::{FaceId, Judgement, Stars};
use crate::pipeline::{FaceView, Question};

/// Questions that one call may ask for, and faces that it may leave out.
const MOST: usize = 50;
const MOST_LEFT_OUT: usize = 500;

/// Numbers of ratings worth looking forward to: the taste gets visibly better at each.
const MILESTONES: [u32; 5] = [10, 30, 100, 300, 1000];

/// `FACE,FACE,…` as numbers.
fn faces(list: &str) -> Result<Vec<FaceId>, Failure> {
    let ids = list.split(',').filter(|id| !id.is_empty()).take(MOST_LEFT_OUT);
    ids.map(|id| id.parse().map(FaceId)).collect::<Result<_, _>>().map_err(|_| Failure::BadInput)
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Ask {
    /// This face and no other.
    face: Option<FaceId>,
    /// Faces that were skipped, with commas between.
    #[serde(default)]
    not: String,
    /// The face that was judged last, to be shown with its score and to be taken back.
    last: Option<FaceId>,
}

/// `GET /rate?face=&not=&last=`
pub(super) async fn page(
    State(app): State<AppState>,
    visitor: Visitor,
    Query(ask): Query<Ask>,
) -> Result<Markup, Failure> {
    let lang = visitor.lang;
    let question = match ask.face {
        // What is over the age gate is blurred elsewhere; nobody is asked for it, and nobody is led here for it.
        Some(face) => {
            let question = app.backend.question(face).await?.filter(|q| !card::is_gated(&q.post));
            Some(question.ok_or(Failure::NotFound)?)
        }
        None => app.backend.ask(1, faces(&ask.not)?).await?.pop(),
    };
    let last = match ask.last {
        Some(face) => app.backend.question(face).await?,
        None => None,
    };
    let standing = app.backend.standing().await?;
    let main = html! {
        section id="asking" class="asking" data-unsent=(tr!(lang, "ask.unsent")) data-skipped=(tr!(lang, "ask.skipped")) {
            div class="bar" {
                h1 { (tr!(lang, "ask.title")) }
                div id="milestone-box" { (milestone(lang, standing.calibration.ratings())) }
            }
            div id="stage" class="stage" {
                @if let Some(question) = &question { (article(lang, question)) }
            }
            p id="nothing-left" class="nothing" hidden[question.is_some()] {
                (tr!(lang, "ask.nothing")) " " a href="/" { (tr!(lang, "failure.home")) }
            }
            (votes(lang, question.as_ref().map(|q| q.face), &ask))
            (last_strip(lang, last.as_ref()))
            p id="unsent" class="quiet" role="status" hidden {}
        }
    };
    Ok(layout::page(&visitor, &tr!(lang, "ask.title"), &main))
}

/// How many ratings there are, on the way to the next milestone.
pub(super) fn milestone(lang: Lang, ratings: u32) -> Markup {
    html! {
        @match MILESTONES.into_iter().find(|m| *m > ratings) {
            Some(next) => div class="milestone" {
                progress id="milestone" max=(next) value=(ratings) {}
                label for="milestone" class="quiet" { (tr!(lang, "taste.next", ratings = ratings, next = next)) }
            },
            None => p class="quiet" { (tr!(lang, "taste.beyond", ratings = ratings)) },
        }
    }
}

fn face_of(question: &Question) -> Option<(usize, &FaceView)> {
    question.post.faces.iter().enumerate().find(|(_, f)| f.id == question.face)
}

/// The face as large as the preview has it, over the crop, which is there sooner and is kept longer. No score is in it.
fn article(lang: Lang, question: &Question) -> Markup {
    let post = &question.post;
    let title = words::title(lang, post);
    html! {
        @if let (Some((i, face)), Some(picture)) = (face_of(question), &post.picture) {
            @let square = face.bounds.crop_square();
            @let side = square.width();
            article class="question" data-face=(face.id.0) {
                svg class="window" role="img" aria-label=(tr!(lang, "ask.alt", title = title, number = i + 1))
                    viewBox=(format!("{:.2} {:.2} {side:.2} {side:.2}", square.x1, square.y1)) {
                    image href={ "/media/crop/" (face.id.0) } x=(square.x1) y=(square.y1) width=(side) height=(side) {}
                    image href={ "/media/picture/" (picture.id) } width=(picture.size.width) height=(picture.size.height) {}
                }
                p class="quiet" { a href={ "/picture/" (post.id.0) } { (title) } }
                (card::credit(lang, post))
            }
        }
    }
}

/// 👎, 👍, 1–5, skip and undo, as one form with the keys written on them.
fn votes(lang: Lang, face: Option<FaceId>, ask: &Ask) -> Markup {
    let thumbs = [Judgement::Down, Judgement::Up];
    let stars = (1..=5).filter_map(|n| Stars::try_from(n).ok().map(Judgement::Stars));
    html! {
        form id="votes" class="votes" method="post" action="/rate" {
            input type="hidden" name="not" value=(ask.not);
            // A field without a value would be sent as an empty text, which is no face.
            @for (name, face) in [("face", face), ("last", ask.last)] {
                @if let Some(face) = face { input type="hidden" name=(name) value=(face.0); }
            }
            @if face.is_some() {
                div class="choices" role="group" aria-label=(tr!(lang, "rate.label")) {
                    @for choice in thumbs.into_iter().chain(stars) {
                        button name="vote" value=(choice) aria-label=(words::judgement(lang, choice)) title=(words::judgement(lang, choice)) {
                            @match choice {
                                Judgement::Up => { (card::thumb(false)) kbd { "u" } },
                                Judgement::Down => { (card::thumb(true)) kbd { "d" } },
                                Judgement::Stars(stars) => b { (stars.get()) },
                            }
                        }
                    }
                }
            }
            div class="aside" {
                button name="vote" value="undo" { (tr!(lang, "ask.undo")) " " kbd { "z" } }
                @if face.is_some() { button name="vote" value="skip" { (tr!(lang, "ask.skip")) " " kbd { "s" } } }
            }
        }
    }
}

/// What was said of the last face, with its score: after the vote, so it could not sway it.
fn last_strip(lang: Lang, last: Option<&Question>) -> Markup {
    let judged = last.and_then(|q| face_of(q)).and_then(|(_, face)| Some((face, face.rating?)));
    html! {
        div id="last" class="last" hidden[judged.is_none()] {
            // Read after the vote, which has moved it.
            @if let Some((face, rating)) = judged { (last_words(lang, face, rating, &tr!(lang, "ask.score_now"))) }
        }
    }
}

/// `label` says what the score is.
fn last_words(lang: Lang, face: &FaceView, rating: Judgement, label: &str) -> Markup {
    html! {
        img class="crop" src={ "/media/crop/" (face.id.0) } width="48" height="48" alt="";
        div {
            p { (tr!(lang, "ask.yours", judgement = words::judgement(lang, rating))) }
            p class={ "score " (card::tone(face.score.as_ref())) } {
                span class="quiet" { (label) }
                (card::reading(lang, face.score.as_ref()))
            }
        }
    }
}

/// What the script shows of a face once it is judged, with what was expected of it. To be called before the vote is written.
pub(super) async fn after_vote(
    app: &AppState,
    lang: Lang,
    face: FaceId,
    rating: Judgement,
) -> Result<Option<String>, Failure> {
    let Some(question) = app.backend.question(face).await? else { return Ok(None) };
    Ok(face_of(&question).map(|(_, face)| last_words(lang, face, rating, &tr!(lang, "ask.expected")).into_string()))
}

#[derive(Deserialize)]
pub(super) struct VoteForm {
    face: Option<FaceId>,
    /// `up`, `down`, `1` … `5`, `skip` or `undo`.
    vote: String,
    #[serde(default)]
    not: String,
    last: Option<FaceId>,
}

/// `POST /rate`: one vote without the script, then the next face.
pub(super) async fn vote(State(app): State<AppState>, Form(form): Form<VoteForm>) -> Result<Redirect, Failure> {
    // Only numbers go into the address.
    let mut not: Vec<String> = faces(&form.not)?.iter().map(|f| f.0.to_string()).collect();
    let (mut show, mut last) = (None, form.last);
    match (form.vote.as_str(), form.face, form.last) {
        ("undo", _, Some(face)) => {
            app.backend.rate(face, None, false).await?;
            (show, last) = (Some(face), None);
        }
        ("undo", ..) => {}
        ("skip", Some(face), _) => not.push(face.0.to_string()),
        (judgement, Some(face), _) => {
            let judgement: Judgement = judgement.parse().map_err(|_| Failure::BadInput)?;
            app.backend.rate(face, Some(judgement), false).await?;
            last = Some(face);
        }
        (_, None, _) => return Err(Failure::BadInput),
    }
    let face = show.map(|f: FaceId| format!("face={}", f.0));
    let not = (!not.is_empty()).then(|| format!("not={}", not.join(",")));
    let last = last.map(|f| format!("last={}", f.0));
    let query: Vec<String> = [face, not, last].into_iter().flatten().collect();
    Ok(Redirect::to(format!("/rate?{}", query.join("&")).trim_end_matches('?')))
}

#[derive(Debug, Deserialize)]
pub(super) struct AskMore {
    #[serde(default)]
    n: usize,
    #[serde(default)]
    not: String,
}

/// `GET /api/ask?n=20&not=1,2`: `{"questions": [{"face", "html"}], "standing": {…}}`.
pub(super) async fn more(
    State(app): State<AppState>,
    visitor: Visitor,
    Query(ask): Query<AskMore>,
) -> Result<Json<Value>, Failure> {
    let questions = app.backend.ask(ask.n.min(MOST), faces(&ask.not)?).await?;
    let questions: Vec<_> =
        questions.iter().map(|q| json!({ "face": q.face, "html": article(visitor.lang, q).into_string() })).collect();
    Ok(Json(json!({ "questions": questions, "standing": api::standing(&app, visitor.lang).await? })))
}
