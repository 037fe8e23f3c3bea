//! The shell around every page.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::json;

use super::backend::Standing;
use super::{Lang, Visitor, assets, upload, words};
use crate::domain::CALIBRATED_AT;

/// Drawn once, used wherever a star or a thumb is shown.
const SPRITE: &str = include_str!("assets/sprite.svg");

/// A whole page.
pub(super) fn page(visitor: &Visitor, title: &str, main: &Markup) -> Markup {
    refreshing_page(visitor, title, main, false)
}

/// A whole page that a browser without script loads again while something is under way.
pub(super) fn refreshing_page(visitor: &Visitor, title: &str, main: &Markup, under_way: bool) -> Markup {
    let lang = visitor.lang;
    html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (tr!(lang, "app.name")) }
                meta name="description" content=(tr!(lang, "app.claim"));
                link rel="icon" type="image/svg+xml" href=(assets::url("favicon.svg"));
                link rel="stylesheet" href=(assets::url("app.css"));
                link rel="stylesheet" href=(assets::url("work.css"));
                link rel="alternate" type="application/atom+xml" title=(tr!(lang, "feed.title")) href="/feed.xml";
                script type="module" src=(assets::url("app.js")) {}
                meta name="words" content=(script_words(lang));
                @if under_way { noscript { meta http-equiv="refresh" content="3"; } }
            }
            body {
                (PreEscaped(SPRITE))
                a class="skip" href="#main" { (tr!(lang, "nav.skip")) }
                (header(visitor))
                main id="main" { (main) }
                (footer(visitor))
                (help(visitor))
                div id="toast" role="status" aria-live="polite" {}
            }
        }
    }
}

fn header(visitor: &Visitor) -> Markup {
    let lang = visitor.lang;
    let here = |path: &str| (visitor.path == path).then_some("page");
    html! {
        header class="top" {
            a class="brand" href="/" {
                span class="seal" aria-hidden="true" { "目利" }
                span class="name" { (tr!(lang, "app.name")) }
            }
            nav aria-label=(tr!(lang, "nav.label")) {
                a href="/" aria-current=[here("/")] { (tr!(lang, "nav.gallery")) }
                a href="/feed" aria-current=[here("/feed")] { (tr!(lang, "nav.feed")) }
                a href="/taste" aria-current=[here("/taste")] { (tr!(lang, "nav.taste")) }
                a href="/rate" aria-current=[here("/rate")] { (tr!(lang, "nav.rate")) }
                a href="/boxes" aria-current=[visitor.path.starts_with("/boxes").then_some("page")] { (tr!(lang, "nav.boxes")) }
            }
            form class="lang" method="post" action="/lang" {
                @for other in Lang::ALL.into_iter().filter(|l| *l != lang) {
                    button name="lang" value=(other.code()) lang=(other.code()) { (other.name()) }
                }
            }
        }
    }
}

fn footer(visitor: &Visitor) -> Markup {
    let lang = visitor.lang;
    html! {
        footer class="bottom quiet" {
            span { (tr!(lang, "app.claim")) }
            @if let Some(contact) = &visitor.contact {
                span id="contact" { (tr!(lang, "app.contact", contact = contact)) }
            }
            button id="help-button" type="button" hidden { kbd { "?" } " " (tr!(lang, "help.title")) }
            @if visitor.signed_in {
                form method="post" action="/logout" { button { (tr!(lang, "login.leave")) } }
            }
        }
    }
}

/// Names of keys, and what they do.
type Key = (&'static [&'static str], Cow<'static, str>);

/// The keys of the page that the visitor is on.
fn keys(visitor: &Visitor) -> Vec<Key> {
    let lang = visitor.lang;
    if visitor.path.starts_with("/boxes") {
        return vec![
            (&["n", "p", "Tab"], tr!(lang, "help.box_choose")),
            (&["←", "→", "↑", "↓"], tr!(lang, "help.box_move")),
            (&["a"], tr!(lang, "help.box_add")),
            (&["Del"], tr!(lang, "help.box_remove")),
            (&["i"], tr!(lang, "help.box_ignore")),
            (&["z"], tr!(lang, "help.box_undo")),
            (&["r"], tr!(lang, "help.box_reset")),
            (&["Enter"], tr!(lang, "help.box_save")),
            (&["?"], tr!(lang, "help.help")),
        ];
    }
    let first: Key = if visitor.path == "/rate" {
        (&["s", "→"], tr!(lang, "help.skip"))
    } else {
        (&["←", "→", "j", "k"], tr!(lang, "help.move"))
    };
    vec![
        first,
        (&["1", "2", "3", "4", "5"], tr!(lang, "help.stars")),
        (&["u", "+"], tr!(lang, "help.up")),
        (&["d", "−"], tr!(lang, "help.down")),
        (&["z"], tr!(lang, "help.undo")),
        (&["?"], tr!(lang, "help.help")),
    ]
}

fn help(visitor: &Visitor) -> Markup {
    let lang = visitor.lang;
    html! {
        dialog id="help" aria-labelledby="help-title" {
            h2 id="help-title" { (tr!(lang, "help.title")) }
            dl {
                @for (names, does) in keys(visitor) {
                    dt { @for name in names { kbd { (name) } } }
                    dd { (does) }
                }
            }
            form method="dialog" { button class="primary" autofocus { (tr!(lang, "help.close")) } }
        }
    }
}

/// "7 of 10 ratings …" with its bar, on every page that rates; the script replaces it after a rating.
pub(super) fn standing(lang: Lang, standing: &Standing) -> Markup {
    let ratings = standing.calibration.ratings();
    html! {
        div id="standing" data-version=[standing.version.map(|v| v.0)] data-ratings=(ratings) {
            @if standing.calibration.is_calibrated() {
                p { (words::calibration(lang, standing.calibration)) " " a href="/taste" { (tr!(lang, "taste.see")) } }
            } @else {
                p { (words::calibration(lang, standing.calibration)) }
                progress max=(CALIBRATED_AT) value=(ratings) aria-label=(tr!(lang, "taste.progress")) {}
            }
        }
    }
}

/// What the script says by itself; its placeholders are `{name}` and `{n}`.
fn script_words(lang: Lang) -> String {
    json!({
        "limit": upload::FILE_LIMIT,
        "tooLarge": tr!(lang, "failure.too_large", limit = upload::FILE_LIMIT >> 20),
        "waiting": tr!(lang, "upload.waiting"),
        "sending": tr!(lang, "upload.sending"),
        "taken": tr!(lang, "upload.taken"),
        "busy": tr!(lang, "upload.busy"),
        "offline": tr!(lang, "upload.offline"),
        "total": tr!(lang, "upload.total"),
        "retry": tr!(lang, "upload.retry"),
        "dismiss": tr!(lang, "upload.dismiss"),
        "pasted": tr!(lang, "upload.pasted"),
        "remove": tr!(lang, "post.remove_sure"),
        "undone": tr!(lang, "rate.undone"),
        "nothingToUndo": tr!(lang, "rate.nothing_to_undo"),
    })
    .to_string()
}
