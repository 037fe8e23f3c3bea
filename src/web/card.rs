//! One post as a card: the picture with its boxes, the verdict, and a row for each face.

use maud::{Markup, html};

use super::{Lang, security, words};
use crate::domain::{FaceId, Judgement, PostId, Score, Skip, Stars, Verdict};
use crate::pipeline::{FaceView, PictureView, PostState, PostView};

/// How large a post is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// In the gallery: the thumbnail, the first few faces open.
    Card,
    /// On its own page: the picture itself, all faces.
    Large,
}

/// Faces that a card shows before "more".
const FACES_ON_CARD: usize = 3;

/// The whole card; the script replaces it by its id when something changed.
pub(super) fn post(lang: Lang, post: &PostView, view: View) -> Markup {
    let gated = is_gated(post);
    let large = view == View::Large;
    let class = format!("post{}{}", if large { " large" } else { "" }, if gated { " gated" } else { "" });
    html! {
        article id={ "post-" (post.id.0) } class=(class) data-post=(post.id.0) data-settled=(post.state.is_final()) {
            @match &post.picture {
                Some(picture) => (frame(lang, post, picture, view)),
                None if post.state == PostState::Failed => {}
                None => div class="frame waiting" {},
            }
            div class="about" {
                (heading(lang, post, view))
                (verdict(lang, post))
                @if !post.state.is_final() && post.faces.is_empty() {
                    div class="face skeleton" aria-hidden="true" { span class="crop" {} span class="line" {} }
                }
                (faces(lang, post, view))
            }
        }
    }
}

/// Blurred until clicked: over the age gate, or its source said so.
pub(super) fn is_gated(post: &PostView) -> bool {
    let marked = matches!(post.verdict, Some(Verdict::Skip(Skip::MarkedAgeRestricted)));
    marked || post.picture.as_ref().is_some_and(|p| p.over_age_gate)
}

fn frame(lang: Lang, post: &PostView, picture: &PictureView, view: View) -> Markup {
    let title = words::title(lang, post);
    let kind = if view == View::Card { "thumb" } else { "picture" };
    let src = format!("/media/{kind}/{}", picture.id);
    let alt = tr!(lang, "post.alt", title = title, faces = post.faces.len());
    let image = html! {
        img src=(src) width=(picture.size.width) height=(picture.size.height) alt=(alt) loading="lazy" decoding="async";
    };
    html! {
        div class={ "frame" @if !post.state.is_final() { " waiting" } } {
            @if view == View::Card {
                a href={ "/picture/" (post.id.0) } { (image) }
            } @else {
                (image)
            }
            (boxes(lang, post, picture, view))
            @if is_gated(post) { (reveal(lang, &format!("reveal-{}", post.id.0))) }
        }
    }
}

/// A checkbox that lifts the blur: needs no script, and the keyboard reaches it.
pub(super) fn reveal(lang: Lang, id: &str) -> Markup {
    html! {
        input type="checkbox" class="reveal" id=(id);
        label for=(id) { (tr!(lang, "gate.show")) }
    }
}

/// The boxes over the picture, in its own pixels: the same viewBox and fit as the image, so they stay on the faces.
fn boxes(lang: Lang, post: &PostView, picture: &PictureView, view: View) -> Markup {
    let (width, height) = (picture.size.width as f32, picture.size.height as f32);
    // Signs are sized against the frame, which fits the picture's longer side.
    let unit = width.max(height * 4.0 / 3.0) / if view == View::Card { 34.0 } else { 60.0 };
    let sign = |at: f32, end: f32| at.clamp(unit.min(end), (end - unit).max(unit.min(end)));
    html! {
        svg class="boxes" viewBox={ "0 0 " (picture.size.width) " " (picture.size.height) } {
            @for (i, face) in post.faces.iter().enumerate() {
                @let r = face.bounds.clamp_to(picture.size);
                @let (x, y) = (sign(r.x1, width), sign(r.y1, height));
                a href={ "#" (face_dom_id(post.id, face.id)) } data-face=(face.id.0) class=(tone(face.score.as_ref())) {
                    title { (box_title(lang, i + 1, face)) }
                    @for class in ["halo", "line"] {
                        rect class=(class) x=(px(r.x1)) y=(px(r.y1)) width=(px(r.width())) height=(px(r.height()))
                            rx=(px(unit * 0.35)) {}
                    }
                    circle cx=(px(x)) cy=(px(y)) r=(px(unit)) {}
                    text x=(px(x)) y=(px(y + unit * 0.42)) font-size=(px(unit * 1.2)) text-anchor="middle" { (i + 1) }
                }
            }
        }
    }
}

/// A coordinate with one decimal.
fn px(at: f32) -> String {
    format!("{at:.1}")
}

fn box_title(lang: Lang, number: usize, face: &FaceView) -> String {
    let confidence = words::percent(face.confidence.0);
    match &face.score {
        Some(score) => {
            tr!(lang, "face.box", number = number, score = words::score(score), confidence = confidence).into_owned()
        }
        None => tr!(lang, "face.box_unscored", number = number, confidence = confidence).into_owned(),
    }
}

/// Class that colours by score; "t0" is for a score that means nothing yet.
pub(super) fn tone(score: Option<&Score>) -> String {
    let known = score.filter(|s| s.calibration().is_calibrated());
    format!("t{}", known.map_or(0, |s| s.mean().round() as u8))
}

fn heading(lang: Lang, post: &PostView, view: View) -> Markup {
    let title = words::title(lang, post);
    html! {
        header {
            @if view == View::Card {
                h2 { a href={ "/picture/" (post.id.0) } { (title) } }
            } @else {
                h1 { (title) }
            }
            (credit(lang, post))
            p class="quiet" {
                (words::source(lang, post.source)) " · "
                time datetime=(words::rfc3339(post.posted_at)) { (words::when(post.posted_at)) }
            }
            details class="more" {
                summary aria-label=(tr!(lang, "post.more")) { "⋯" }
                div class="menu" {
                    @if let Some(picture) = &post.picture {
                        a href={ "/boxes/" (picture.id) } { (tr!(lang, "post.boxes")) }
                    }
                    form method="post" action={ "/posts/" (post.id.0) "/remove" } {
                        button class="danger" { (tr!(lang, "post.remove")) }
                    }
                }
            }
        }
    }
}

/// "by NAME · the work", with links where known and safe; nothing when nothing is known.
pub(super) fn credit(lang: Lang, post: &PostView) -> Markup {
    let author_link = post.author.link.as_deref().and_then(security::web_link);
    let author = post.author.name.as_deref().or(author_link);
    let work = post.link.as_deref().and_then(security::web_link);
    html! {
        @if author.is_some() || work.is_some() {
            p class="quiet credit" {
                @if let Some(name) = author {
                    (tr!(lang, "credit.by")) " "
                    @if let Some(link) = author_link {
                        a href=(link) rel="noopener noreferrer author" { (name) }
                    } @else {
                        b { (name) }
                    }
                }
                @if author.is_some() && work.is_some() { " · " }
                @if let Some(link) = work { a href=(link) rel="noopener noreferrer" { (tr!(lang, "credit.work")) } }
            }
        }
    }
}

fn verdict(lang: Lang, post: &PostView) -> Markup {
    if post.state == PostState::Failed {
        let (code, detail) = (post.error_code.as_deref(), post.error.as_deref());
        let why = words::error(lang, code.unwrap_or_default(), detail.unwrap_or_default());
        return html! { p class="verdict failed" { (tr!(lang, "verdict.failed", why = why)) } };
    }
    html! {
        @match &post.verdict {
            Some(verdict) => p class={ "verdict" @if verdict.is_pick() { " picked" } } {
                @match post.picked_score.filter(|_| *verdict == Verdict::Repost) {
                    // The faces' scores may have moved since.
                    Some(score) => (tr!(lang, "verdict.repost_at", score = words::tenths(score))),
                    None => (words::verdict(lang, verdict)),
                }
                @if let Verdict::Skip(Skip::NearDuplicate { of }) = verdict {
                    " " a href={ "/media/picture/" (of) } { (tr!(lang, "verdict.see_other")) }
                }
            },
            None => p class="verdict waiting" role="status" { (words::progress(lang, post.state)) },
        }
    }
}

fn faces(lang: Lang, post: &PostView, view: View) -> Markup {
    let shown = if view == View::Card { FACES_ON_CARD.min(post.faces.len()) } else { post.faces.len() };
    let (first, rest) = post.faces.split_at(shown);
    html! {
        @if !first.is_empty() {
            ol class="faces" { @for (i, f) in first.iter().enumerate() { (face(lang, post.id, i + 1, f)) } }
        }
        @if !rest.is_empty() {
            details class="rest" id={ "rest-" (post.id.0) } {
                summary { (tr!(lang, "post.more_faces", n = rest.len())) }
                ol class="faces" start=(shown + 1) {
                    @for (i, f) in rest.iter().enumerate() { (face(lang, post.id, shown + i + 1, f)) }
                }
            }
        }
    }
}

/// Two posts may show the same face, so its place in the page is named by both.
fn face_dom_id(post: PostId, face: FaceId) -> String {
    format!("face-{}-{}", post.0, face.0)
}

fn face(lang: Lang, post: PostId, number: usize, face: &FaceView) -> Markup {
    html! {
        li id=(face_dom_id(post, face.id)) class="face" data-face=(face.id.0) tabindex="-1" {
            (crop(lang, number, face))
            div class="reading" {
                p class={ "score " (tone(face.score.as_ref())) } {
                    span class="number" { (number) }
                    (reading(lang, face.score.as_ref()))
                }
                (buttons(lang, post, face))
            }
        }
    }
}

pub(super) fn crop(lang: Lang, number: usize, face: &FaceView) -> Markup {
    html! {
        @if face.has_crop {
            img class="crop" src={ "/media/crop/" (face.id.0) } width="96" height="96" loading="lazy"
                alt=(tr!(lang, "face.alt", number = number));
        } @else {
            span class="crop" title=(tr!(lang, "face.crop_gone")) {}
        }
    }
}

/// "★★★★☆ 4.2 ± 0.4", with "uncalibrated (3 of 10)" when so.
pub(super) fn reading(lang: Lang, score: Option<&Score>) -> Markup {
    html! {
        @match score {
            Some(score) => {
                (stars(lang, score.mean()))
                b { (words::tenths(score.mean())) }
                span class="spread" { "± " (words::tenths(score.spread())) }
                @if let Some(why) = words::uncalibrated(lang, score.calibration()) { span class="chip" { (why) } }
            }
            None => span class="chip" { (tr!(lang, "score.none")) },
        }
    }
}

/// Five stars, filled to the score's exact share: the inner svg cuts the lit ones off.
pub(super) fn stars(lang: Lang, score: f32) -> Markup {
    html! {
        svg class="stars" viewBox="0 0 100 20" role="img" aria-label=(tr!(lang, "score.stars", score = words::tenths(score))) {
            use href="#five-stars" class="off" {}
            svg width=(words::tenths(score * 20.0)) height="20" { use href="#five-stars" class="on" {} }
        }
    }
}

/// A thumb, up or down.
pub(super) fn thumb(down: bool) -> Markup {
    html! {
        svg class={ "icon" @if down { " down" } } viewBox="0 0 24 24" aria-hidden="true" { use href="#thumb" {} }
    }
}

/// 👍, 👎 and 1–5 as one form; the pressed one takes itself back.
fn buttons(lang: Lang, post: PostId, face: &FaceView) -> Markup {
    let choices = [Judgement::Down, Judgement::Up]
        .into_iter()
        .chain((1..=5).filter_map(|n| Stars::try_from(n).ok().map(Judgement::Stars)));
    html! {
        form class="rating" method="post" action={ "/faces/" (face.id.0) "/rating" } role="group"
            aria-label=(tr!(lang, "rate.label")) data-face=(face.id.0) data-standing=[face.rating.map(|r| r.to_string())] {
            input type="hidden" name="score_visible" value=(face.score.is_some());
            input type="hidden" name="post" value=(post.0);
            @for choice in choices {
                @let pressed = face.rating == Some(choice);
                button id={ "rate-" (post.0) "-" (face.id.0) "-" (choice) } name="judgement"
                    value=(if pressed { "none".to_owned() } else { choice.to_string() }) data-judgement=(choice)
                    aria-pressed=(if pressed { "true" } else { "false" }) aria-label=(words::judgement(lang, choice))
                    title=(words::judgement(lang, choice)) {
                    @match choice {
                        Judgement::Up => (thumb(false)),
                        Judgement::Down => (thumb(true)),
                        Judgement::Stars(stars) => (stars.get()),
                    }
                }
            }
        }
    }
}
