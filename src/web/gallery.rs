//! The first page: bring pictures, see what became of them.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::card::{self, View};
use super::failure::Failure;
use super::{AppState, Lang, Visitor, layout};
use crate::domain::PostId;
use crate::pipeline::{GalleryFilter, PostView};

/// Posts on one page.
pub(super) const PAGE: u32 = 24;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Ask {
    #[serde(default)]
    filter: GalleryFilter,
    before: Option<PostId>,
}

/// `GET /?filter=&before=`
pub(super) async fn page(
    State(app): State<AppState>,
    visitor: Visitor,
    Query(ask): Query<Ask>,
) -> Result<Markup, Failure> {
    let lang = visitor.lang;
    // One more than shown tells whether there are older ones.
    let mut posts = app.backend.gallery(ask.filter, ask.before, PAGE + 1).await?;
    let has_older = posts.len() > PAGE as usize;
    posts.truncate(PAGE as usize);
    let standing = app.backend.standing().await?;
    let first_page = ask.before.is_none();
    let nothing_at_all = posts.is_empty() && first_page && ask.filter == GalleryFilter::All;
    let main = html! {
        @if first_page { (drop_zone(lang, nothing_at_all)) }
        div class="bar" {
            (filters(lang, ask.filter))
            (layout::standing(lang, &standing))
        }
        @if posts.is_empty() { (nothing(lang, ask.filter)) }
        div id="cards" class="cards" data-view="card" data-live=[(first_page && ask.filter == GalleryFilter::All).then_some("")] {
            @for post in &posts { (card::post(lang, post, View::Card)) }
        }
        nav class="pager" aria-label=(tr!(lang, "gallery.pages")) {
            @if !first_page { a rel="first" href=(address(ask.filter, None)) { (tr!(lang, "gallery.newest")) } }
            @if has_older && let Some(last) = posts.last() {
                a rel="next" href=(address(ask.filter, Some(last.id))) { (tr!(lang, "gallery.older")) }
            }
        }
    };
    Ok(layout::refreshing_page(&visitor, &tr!(lang, "nav.gallery"), &main, is_under_way(&posts)))
}

pub(super) fn is_under_way(posts: &[PostView]) -> bool {
    posts.iter().any(|p| !p.state.is_final())
}

fn name(filter: GalleryFilter) -> &'static str {
    match filter {
        GalleryFilter::All => "all",
        GalleryFilter::Picked => "picked",
        GalleryFilter::Skipped => "skipped",
        GalleryFilter::Failed => "failed",
    }
}

fn address(filter: GalleryFilter, before: Option<PostId>) -> String {
    match (filter, before) {
        (GalleryFilter::All, None) => "/".to_owned(),
        (_, None) => format!("/?filter={}", name(filter)),
        (_, Some(id)) => format!("/?filter={}&before={}", name(filter), id.0),
    }
}

fn filters(lang: Lang, current: GalleryFilter) -> Markup {
    let choices = [
        (GalleryFilter::All, tr!(lang, "filter.all")),
        (GalleryFilter::Picked, tr!(lang, "filter.picked")),
        (GalleryFilter::Skipped, tr!(lang, "filter.skipped")),
        (GalleryFilter::Failed, tr!(lang, "filter.failed")),
    ];
    html! {
        nav class="filters" aria-label=(tr!(lang, "filter.label")) {
            @for (filter, label) in choices {
                a href=(address(filter, None)) aria-current=[(filter == current).then_some("true")] { (label) }
            }
        }
    }
}

fn nothing(lang: Lang, filter: GalleryFilter) -> Markup {
    let words = match filter {
        GalleryFilter::All => tr!(lang, "gallery.empty"),
        GalleryFilter::Picked => tr!(lang, "gallery.empty_picked"),
        GalleryFilter::Skipped => tr!(lang, "gallery.empty_skipped"),
        GalleryFilter::Failed => tr!(lang, "gallery.empty_failed"),
    };
    html! { p class="nothing" { (words) } }
}

fn drop_zone(lang: Lang, tall: bool) -> Markup {
    html! {
        form id="drop" class={ "drop" @if tall { " tall" } } method="post" action="/upload" enctype="multipart/form-data" {
            // The credit comes first, so that it is known when the files stream in.
            label class="choose" for="files" {
                b { (tr!(lang, "upload.choose")) }
                span class="quiet" { (tr!(lang, "upload.ways")) }
            }
            details class="credit" {
                summary { (tr!(lang, "upload.credit")) }
                label { (tr!(lang, "upload.author")) input name="author" maxlength="200" autocomplete="off"; }
                label { (tr!(lang, "upload.author_link")) input name="author_link" type="url" maxlength="2000" placeholder="https://"; }
                label { (tr!(lang, "upload.link")) input name="link" type="url" maxlength="2000" placeholder="https://"; }
            }
            input id="files" name="picture" type="file" accept="image/*" multiple required;
            button class="primary" { (tr!(lang, "upload.send")) }
            div id="uploads" hidden {
                div class="total" { label for="total" {} progress id="total" max="1" value="0" {} }
                ul {}
            }
        }
    }
}
