//! The curated feed as a page: the picks, big, with credit.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use maud::{Markup, html};
use serde::Deserialize;

use super::failure::Failure;
use super::{AppState, Lang, Visitor, access, card, layout, security, words};
use crate::domain::PostId;
use crate::pipeline::PickView;

const PAGE: u32 = 12;

#[derive(Debug, Deserialize)]
pub(super) struct Ask {
    before: Option<PostId>,
}

/// `GET /feed?before=`
pub(super) async fn page(
    State(app): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(ask): Query<Ask>,
) -> Result<Markup, Failure> {
    let lang = visitor.lang;
    let mut picks = app.backend.picks(ask.before, PAGE + 1).await?;
    let has_older = picks.len() > PAGE as usize;
    picks.truncate(PAGE as usize);
    let path = access::shared_path(app.keys.as_deref(), "/feed.xml");
    let address = format!("{}{path}", security::base_url(&headers, &app.settings));
    let main = html! {
        div class="intro" {
            h1 { (tr!(lang, "feed.title")) }
            p class="quiet" { (tr!(lang, "feed.claim")) }
            details class="subscribe" {
                summary { (tr!(lang, "feed.subscribe")) }
                p { (tr!(lang, "feed.how")) }
                p { a class="address" href=(path) { (address) } }
                @if app.keys.is_some() { p class="quiet" { (tr!(lang, "feed.key")) } }
            }
        }
        @if picks.is_empty() { p class="nothing" { (tr!(lang, "feed.empty")) } }
        div class="picks" { @for pick in &picks { (entry(lang, pick)) } }
        nav class="pager" aria-label=(tr!(lang, "gallery.pages")) {
            @if ask.before.is_some() { a rel="first" href="/feed" { (tr!(lang, "gallery.newest")) } }
            @if has_older && let Some(last) = picks.last() {
                a rel="next" href={ "/feed?before=" (last.post.id.0) } { (tr!(lang, "gallery.older")) }
            }
        }
    };
    Ok(layout::page(&visitor, &tr!(lang, "feed.title"), &main))
}

fn entry(lang: Lang, pick: &PickView) -> Markup {
    let post = &pick.post;
    let title = words::title(lang, post);
    let gated = card::is_gated(post);
    html! {
        article class={ "pick" @if gated { " gated" } } {
            @if let Some(picture) = &post.picture {
                div class="frame" {
                    a href={ "/picture/" (post.id.0) } {
                        img src={ "/media/picture/" (picture.id) } width=(picture.size.width) height=(picture.size.height)
                            alt=(tr!(lang, "post.alt", title = title, faces = post.faces.len())) loading="lazy" decoding="async";
                    }
                    @if gated { (card::reveal(lang, &format!("reveal-{}", post.id.0))) }
                }
            }
            div class="caption" {
                h2 { a href={ "/picture/" (post.id.0) } { (title) } }
                p class="score" { (card::stars(lang, pick.score)) b { (words::tenths(pick.score)) } }
                (card::credit(lang, post))
                p class="quiet" {
                    (tr!(lang, "feed.picked")) " "
                    time datetime=(words::rfc3339(pick.picked_at)) { (words::when(pick.picked_at)) }
                }
            }
        }
    }
}
