//! The page's plain words: scores, verdicts, states, times.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Lang;
use crate::domain::{Calibration, Held, Judgement, Score, Skip, Verdict};
use crate::pipeline::{PostSource, PostState, PostView};

/// Why a picture was or was not picked.
pub(super) fn verdict(lang: Lang, verdict: &Verdict) -> String {
    let skip = match verdict {
        Verdict::Repost => return tr!(lang, "verdict.repost").into_owned(),
        Verdict::Explore { propensity } => {
            return tr!(lang, "verdict.explore", percent = percent_exactly(*propensity)).into_owned();
        }
        Verdict::Skip(skip) => skip,
    };
    match skip {
        Skip::NoFace => tr!(lang, "verdict.no_face"),
        Skip::Asked => tr!(lang, "verdict.asked"),
        Skip::NoCuratedChannel => tr!(lang, "verdict.no_curated_channel"),
        Skip::OptedOut { artist: true } => tr!(lang, "verdict.opted_out_artist"),
        Skip::OptedOut { artist: false } => tr!(lang, "verdict.opted_out_poster"),
        Skip::Held { why: Held::Unlisted } => tr!(lang, "verdict.held_unlisted"),
        Skip::Held { why: Held::Protected } => tr!(lang, "verdict.held_protected"),
        Skip::Held { why: Held::Hidden } => tr!(lang, "verdict.held_hidden"),
        Skip::Muted => tr!(lang, "verdict.muted"),
        Skip::NotInAccountShare { rank, of, share } => {
            tr!(lang, "verdict.not_in_account_share", rank = rank, of = of, percent = percent(*share))
        }
        Skip::Uncalibrated { ratings } => {
            tr!(lang, "verdict.uncalibrated", ratings = ratings, of = crate::domain::CALIBRATED_AT)
        }
        Skip::BelowThreshold { best, threshold } => {
            tr!(lang, "verdict.below_threshold", best = below(*best, *threshold), threshold = tenths(*threshold))
        }
        Skip::NotInTopShare { rank, of, share } => {
            tr!(lang, "verdict.not_in_top_share", rank = rank, of = of, percent = percent(*share))
        }
        Skip::AgeGate { probability } => tr!(lang, "verdict.age_gate", percent = percent(*probability)),
        Skip::MarkedAgeRestricted => tr!(lang, "verdict.marked_age_restricted"),
        Skip::AlreadyPosted => tr!(lang, "verdict.already_posted"),
        Skip::NearDuplicate { .. } => tr!(lang, "verdict.near_duplicate"),
        Skip::HourlyLimit { limit } => tr!(lang, "verdict.hourly_limit", limit = limit),
    }
    .into_owned()
}

/// A chance, which may be below one in a hundred.
fn percent_exactly(chance: f32) -> String {
    format!("{:.1}", chance * 100.0)
}

/// The best score with one decimal, or two where rounding would hide that it is below the threshold.
fn below(best: f32, threshold: f32) -> String {
    if tenths(best) == tenths(threshold) { format!("{best:.2}") } else { tenths(best) }
}

/// Why a picture could not be scored, by the error's code. Where the English `detail` has numbers or names that the
/// code does not tell, it is shown along with the translation; it is all there is for a code that is not known here.
pub(super) fn error(lang: Lang, code: &str, detail: &str) -> String {
    match code {
        "empty" => tr!(lang, "error.empty"),
        "too_many_bytes" => tr!(lang, "error.too_many_bytes", detail = detail),
        "not_supported" => tr!(lang, "error.not_supported", detail = detail),
        "not_a_picture" => tr!(lang, "error.not_a_picture", detail = detail),
        "unknown" => tr!(lang, "error.unknown"),
        "too_small" => tr!(lang, "error.too_small", detail = detail),
        "too_many_pixels" => tr!(lang, "error.too_many_pixels", detail = detail),
        "too_much_memory" => tr!(lang, "error.too_much_memory", detail = detail),
        "cut_off" => tr!(lang, "error.cut_off", detail = detail),
        "damaged" => tr!(lang, "error.damaged", detail = detail),
        "unsupported_kind" => tr!(lang, "error.unsupported_kind", detail = detail),
        "crashed" => tr!(lang, "error.crashed", detail = detail),
        "original_gone" => tr!(lang, "error.original_gone"),
        "poison" => tr!(lang, "error.poison"),
        "model" => tr!(lang, "error.model"),
        "internal" => tr!(lang, "error.internal"),
        _ => return detail.to_owned(),
    }
    .into_owned()
}

/// What is going on with a post that has no verdict yet.
pub(super) fn progress(lang: Lang, state: PostState) -> String {
    match state {
        PostState::Claimed => tr!(lang, "state.claimed"),
        PostState::Fetched => tr!(lang, "state.fetched"),
        PostState::Analysed => tr!(lang, "state.analysed"),
        PostState::Decided | PostState::Published => tr!(lang, "state.decided"),
        PostState::Failed => tr!(lang, "state.failed"),
    }
    .into_owned()
}

/// The file's name as uploaded, else "Picture 12".
pub(super) fn title(lang: Lang, post: &PostView) -> String {
    let given = post.title.as_deref().filter(|t| !t.trim().is_empty());
    given.map_or_else(|| tr!(lang, "post.untitled", id = post.id.0).into_owned(), ToOwned::to_owned)
}

pub(super) fn source(lang: Lang, source: PostSource) -> String {
    match source {
        PostSource::Upload => tr!(lang, "source.upload"),
        PostSource::Sample => tr!(lang, "source.sample"),
        PostSource::File => tr!(lang, "source.file"),
        PostSource::Discord => tr!(lang, "source.discord"),
        PostSource::X => "X".into(),
        PostSource::Bluesky => "Bluesky".into(),
        PostSource::Mastodon => "Mastodon".into(),
        PostSource::Rss => "RSS".into(),
    }
    .into_owned()
}

/// "4.2 ± 0.4"
pub(super) fn score(score: &Score) -> String {
    format!("{:.1} ± {:.1}", score.mean(), score.spread())
}

/// "uncalibrated (3 of 10)", or nothing once calibrated.
pub(super) fn uncalibrated(lang: Lang, calibration: Calibration) -> Option<String> {
    match calibration {
        Calibration::Calibrated { .. } => None,
        Calibration::Uncalibrated { ratings } => {
            Some(tr!(lang, "score.uncalibrated", ratings = ratings, of = crate::domain::CALIBRATED_AT).into_owned())
        }
    }
}

/// How far the taste is, in a sentence.
pub(super) fn calibration(lang: Lang, calibration: Calibration) -> String {
    match calibration {
        Calibration::Uncalibrated { ratings: 0 } => tr!(lang, "taste.state.none", of = crate::domain::CALIBRATED_AT),
        Calibration::Uncalibrated { ratings } => {
            tr!(lang, "taste.state.uncalibrated", ratings = ratings, of = crate::domain::CALIBRATED_AT)
        }
        Calibration::Calibrated { ratings } => tr!(lang, "taste.state.calibrated", ratings = ratings),
    }
    .into_owned()
}

pub(super) fn judgement(lang: Lang, judgement: Judgement) -> String {
    match judgement {
        Judgement::Up => tr!(lang, "rate.up"),
        Judgement::Down => tr!(lang, "rate.down"),
        Judgement::Stars(stars) => tr!(lang, "rate.stars", stars = stars.get()),
    }
    .into_owned()
}

pub(super) fn tenths(score: f32) -> String {
    format!("{score:.1}")
}

/// 0.0–1.0 as whole percent.
pub(super) fn percent(share: f32) -> String {
    format!("{:.0}", share * 100.0)
}

/// For people; the script turns it into the visitor's own time zone.
pub(super) fn when(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.to_offset(time::UtcOffset::UTC).format(format).expect("a date has all of these parts")
}

/// For machines.
pub(super) fn rfc3339(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).expect("years of pictures have four digits")
}
