//! The taste in words and pictures: how much it was taught, how well it ranks, and what it likes best and least.

use axum::extract::State;
use maud::{Markup, html};

use super::failure::Failure;
use super::{AppState, Lang, Visitor, asking, card, layout, words};
use crate::domain::Judgement;
use crate::pipeline::{FaceInPost, NotPromoted, ScoresByRating, TasteView};

/// `GET /taste`
pub(super) async fn page(State(app): State<AppState>, visitor: Visitor) -> Result<Markup, Failure> {
    let lang = visitor.lang;
    let taste = app.backend.taste().await?;
    let main = html! {
        div class="intro" {
            h1 { (tr!(lang, "taste.title")) }
            p { (words::calibration(lang, taste.calibration)) }
            (asking::milestone(lang, taste.calibration.ratings()))
            p { a href="/rate" { (tr!(lang, "taste.rate")) } }
        }
        div class="panels" {
            section { h2 { (tr!(lang, "taste.ratings")) } (ratings(lang, &taste)) }
            section { h2 { (tr!(lang, "taste.agreement")) } (agreement(lang, &taste)) }
            section class="wide" { h2 { (tr!(lang, "taste.by_rating")) } (by_rating(lang, &taste.by_rating)) }
            section class="wide" { h2 { (tr!(lang, "taste.histogram")) } (histogram(lang, &taste.histogram)) }
            section { h2 { (tr!(lang, "taste.best")) } (faces(lang, "best", &taste.best)) }
            section { h2 { (tr!(lang, "taste.worst")) } (faces(lang, "worst", &taste.worst)) }
        }
    };
    Ok(layout::page(&visitor, &tr!(lang, "taste.title"), &main))
}

fn ratings(lang: Lang, taste: &TasteView) -> Markup {
    let rows = [(tr!(lang, "rate.up"), taste.ups), (tr!(lang, "rate.down"), taste.downs)];
    let stars = taste.stars.iter().zip(1..=5_u8).rev().map(|(n, stars)| (tr!(lang, "rate.stars", stars = stars), *n));
    let rows: Vec<_> = rows.into_iter().chain(stars).collect();
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    html! {
        table class="counts" {
            @for (label, n) in rows {
                tr {
                    th scope="row" { (label) }
                    td class="number" { (n) }
                    td { svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                        rect width=(n * 100 / most) height="8" rx="1" {}
                    } }
                }
            }
        }
    }
}

fn agreement(lang: Lang, taste: &TasteView) -> Markup {
    let words = taste.held_out.map(|(rank, n)| {
        let how = if rank >= 0.7 {
            tr!(lang, "taste.rank.strong")
        } else if rank >= 0.4 {
            tr!(lang, "taste.rank.fair")
        } else if rank >= 0.2 {
            tr!(lang, "taste.rank.weak")
        } else {
            tr!(lang, "taste.rank.none")
        };
        (how, tr!(lang, "taste.rank.number", rank = format!("{rank:.2}"), n = n))
    });
    html! {
        @match words {
            Some((how, number)) => { p { (how) } p class="quiet" { (number) } },
            None => p { (tr!(lang, "taste.rank.unknown")) },
        }
        @if let Some(version) = taste.version {
            p class="quiet" { (tr!(lang, "taste.version", version = version.0)) }
        }
        @if let Some(NotPromoted { refused, in_use, ratings }) = taste.not_promoted {
            p class="verdict" {
                (tr!(lang, "taste.not_promoted", refused = format!("{refused:.2}"), in_use = format!("{in_use:.2}"), n = ratings))
            }
        }
    }
}

/// For each rating, where the scores of the faces rated so would lie had they not been: a row of sixteen bars each, as high
/// as its fullest, in a box 480 wide, with means as a table.
fn by_rating(lang: Lang, rows: &[ScoresByRating]) -> Markup {
    if rows.is_empty() {
        return html! { p { (tr!(lang, "taste.by_rating_empty", of = crate::domain::CALIBRATED_AT)) } };
    }
    let (left, row_height, tallest, step) = (60.0, 44.0, 36.0, 26.0);
    let bottom = row_height * rows.len() as f32;
    let count = |row: &ScoresByRating| row.bins.iter().sum::<u32>();
    let label = |judgement: Judgement| match judgement {
        Judgement::Up => "👍".to_owned(),
        Judgement::Down => "👎".to_owned(),
        Judgement::Stars(stars) => stars.get().to_string(),
    };
    html! {
        p class="quiet" { (tr!(lang, "taste.by_rating_note")) }
        svg class="histogram" viewBox=(format!("0 0 480 {}", bottom + 48.0)) role="img" aria-labelledby="by-rating-title" {
            title id="by-rating-title" { (tr!(lang, "taste.by_rating_alt", n = rows.iter().map(count).sum::<u32>())) }
            @for (i, row) in rows.iter().enumerate() {
                @let base = row_height * (i + 1) as f32;
                @let most = row.bins.iter().copied().max().unwrap_or(0).max(1);
                text x=(left - 12.0) y=(base - 6.0) text-anchor="end" { (label(row.judgement)) }
                line class="axis" x1=(left) y1=(base) x2=(left + 16.0 * step) y2=(base) {}
                @for (bin, n) in row.bins.iter().enumerate().filter(|(_, n)| **n > 0) {
                    @let (from, to) = (1.0 + 0.25 * bin as f32, 1.25 + 0.25 * bin as f32);
                    @let tall = (tallest * *n as f32 / most as f32).max(2.0);
                    rect class={ "t" (f32::midpoint(from, to).round() as u8) } x=(left + step * bin as f32 + 2.0) y=(base - tall)
                        width=(step - 4.0) height=(tall) rx="2" {
                        title { (format!("{}: {from:.2}–{to:.2}: {n}", label(row.judgement))) }
                    }
                }
            }
            @for star in 0_u8..5 {
                text x=(left + 4.0 * step * f32::from(star)) y=(bottom + 18.0) text-anchor="middle" { (star + 1) }
            }
            text class="label" x=(left + 8.0 * step) y=(bottom + 38.0) text-anchor="middle" { (tr!(lang, "taste.axis")) }
        }
        details {
            summary { (tr!(lang, "taste.as_table")) }
            table class="counts" {
                thead { tr {
                    th scope="col" { (tr!(lang, "taste.rated")) }
                    th scope="col" { (tr!(lang, "taste.faces")) }
                    th scope="col" { (tr!(lang, "taste.mean")) }
                } }
                tbody { @for row in rows {
                    tr {
                        th scope="row" { (label(row.judgement)) }
                        td class="number" { (count(row)) }
                        td class="number" { @if count(row) > 0 { (format!("{:.2}", row.mean)) } @else { "–" } }
                    }
                } }
            }
        }
    }
}

/// Sixteen bars of 0.25 from 1.0 to 5.0, drawn in a box of 480 × 200, with the same numbers as a table.
fn histogram(lang: Lang, bins: &[u32; 16]) -> Markup {
    let most = bins.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return html! { p { (tr!(lang, "taste.histogram_empty")) } };
    }
    let (left, bottom, height, step) = (40.0, 160.0, 140.0, 27.0);
    let tall = |n: u32| height * n as f32 / most as f32;
    let range = |i: usize| (1.0 + 0.25 * i as f32, 1.25 + 0.25 * i as f32);
    html! {
        svg class="histogram" viewBox="0 0 480 204" role="img" aria-labelledby="histogram-title" {
            title id="histogram-title" { (tr!(lang, "taste.histogram_alt", n = bins.iter().sum::<u32>())) }
            line class="axis" x1=(left) y1=(bottom) x2=(left + 16.0 * step) y2=(bottom) {}
            line class="grid" x1=(left) y1=(bottom - height) x2=(left + 16.0 * step) y2=(bottom - height) {}
            text x=(left - 6.0) y=(bottom - height + 4.0) text-anchor="end" { (most) }
            text x=(left - 6.0) y=(bottom + 4.0) text-anchor="end" { "0" }
            @for (i, n) in bins.iter().enumerate() {
                @let (from, to) = range(i);
                rect class={ "t" (f32::midpoint(from, to).round() as u8) } x=(left + step * i as f32 + 2.0) y=(bottom - tall(*n))
                    width=(step - 4.0) height=(tall(*n)) rx="2" {
                    title { (format!("{from:.2}–{to:.2}: {n}")) }
                }
            }
            @for star in 0_u8..5 {
                text x=(left + 4.0 * step * f32::from(star)) y=(bottom + 18.0) text-anchor="middle" { (star + 1) }
            }
            text class="label" x=(left + 8.0 * step) y=(bottom + 38.0) text-anchor="middle" { (tr!(lang, "taste.axis")) }
        }
        details {
            summary { (tr!(lang, "taste.as_table")) }
            table class="counts" {
                thead { tr { th scope="col" { (tr!(lang, "taste.axis")) } th scope="col" { (tr!(lang, "taste.faces")) } } }
                tbody { @for (i, n) in bins.iter().enumerate() {
                    @let (from, to) = range(i);
                    tr { th scope="row" { (format!("{from:.2}–{to:.2}")) } td class="number" { (n) } }
                } }
            }
        }
    }
}

fn faces(lang: Lang, list: &str, faces: &[FaceInPost]) -> Markup {
    html! {
        @if faces.is_empty() { p { (tr!(lang, "taste.no_faces")) } }
        ol class="tiles" {
            @for (i, found) in faces.iter().enumerate() {
                li class=[found.over_age_gate.then_some("gated")] {
                    a href={ "/picture/" (found.post.0) "#face-" (found.post.0) "-" (found.face.id.0) } {
                        (card::crop(lang, i + 1, &found.face))
                        @match &found.face.score {
                            Some(score) => span { (words::score(score)) },
                            None => span { (tr!(lang, "score.none")) },
                        }
                    }
                    @if found.over_age_gate { (card::reveal(lang, &format!("reveal-{list}-{}", found.face.id.0))) }
                }
            }
        }
    }
}
