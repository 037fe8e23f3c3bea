//! "Why?": what a score rests on, in words and as a card. Pure; [`super::buttons`] reads what there is to tell.

use crate::card::{CardFace, Neighbour, why as card};
use crate::domain::{CALIBRATED_AT, Calibration, Held, Judgement, Score, Skip, Verdict};
use crate::pipeline::{Alike, MadeOf};

use super::Lang;
use super::words::sentences;

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Told {
    pub(super) score: Option<Score>,
    pub(super) made_of: Option<MadeOf>,
    /// What a pick needs here, where there are picks.
    pub(super) threshold: Option<f32>,
    pub(super) liked: Option<Alike>,
    pub(super) disliked: Option<Alike>,
    pub(super) verdict: Option<Verdict>,
    /// There is no card beside the words.
    pub(super) hidden: bool,
}

pub(super) fn words(lang: Lang, told: &Told) -> String {
    let mut lines = vec![match &told.score {
        Some(score) => score_words(lang, score),
        None => tr!(lang, "discord.why.no_taste").into_owned(),
    }];
    lines.extend(told.made_of.as_ref().map(|made_of| made_of_words(lang, made_of)));
    let numbers = numbers(told);
    match told.liked {
        Some(alike) => lines.push(alike_words(lang, numbers.0, &alike, true)),
        None => lines.push(tr!(lang, "discord.why.none_liked").into_owned()),
    }
    match told.disliked {
        Some(alike) => lines.push(alike_words(lang, numbers.1, &alike, false)),
        None => lines.push(tr!(lang, "discord.why.none_disliked").into_owned()),
    }
    lines.extend(told.verdict.as_ref().map(|v| verdict(lang, v)));
    lines.extend(told.score.filter(|_| !told.hidden).map(|_| scale_words(lang, told.threshold)));
    lines.join("\n")
}

/// Places of the liked and the disliked face on the card; the face itself is the first.
fn numbers(told: &Told) -> (usize, usize) {
    (2, if told.liked.is_some() { 3 } else { 2 })
}

fn score_words(lang: Lang, score: &Score) -> String {
    // Four in five of a normal distribution lie within 1.28 deviations.
    let reach = 1.28 * score.spread();
    let tenths = |x: f32| format!("{:.1}", x.clamp(1.0, 5.0));
    let (low, high) = (tenths(score.mean() - reach), tenths(score.mean() + reach));
    let mean = format!("**{:.1}**", score.mean());
    let said =
        tr!(lang, "discord.why.score", score = mean, spread = format!("{:.1}", score.spread()), low = low, high = high);
    let rests_on = match score.calibration() {
        Calibration::Calibrated { ratings } => tr!(lang, "discord.why.rests_on", ratings = ratings),
        Calibration::Uncalibrated { ratings } => {
            tr!(lang, "discord.why.uncalibrated", ratings = ratings, of = CALIBRATED_AT)
        }
    };
    sentences(lang, &[said, rests_on])
}

/// What the scale below the faces shows.
fn scale_words(lang: Lang, threshold: Option<f32>) -> String {
    let words = if let Some(needed) = threshold {
        tr!(lang, "discord.why.scale_with_threshold", needed = format!("{needed:.1}"))
    } else {
        tr!(lang, "discord.why.scale")
    };
    words.into_owned()
}

fn made_of_words(lang: Lang, made_of: &MadeOf) -> String {
    let part = |stars: f32| {
        let tenths = format!("{:.1}", stars.abs());
        match tenths.as_str() {
            "0.0" => "±0".to_owned(),
            _ if stars < 0.0 => format!("−{tenths}"),
            _ => format!("+{tenths}"),
        }
    };
    tr!(
        lang,
        "discord.why.made_of",
        typical = format!("{:.1}", made_of.typical.clamp(1.0, 5.0)),
        face = part(made_of.face),
        picture = part(made_of.picture),
        colour = part(made_of.colour)
    )
    .into_owned()
}

fn alike_words(lang: Lang, number: usize, alike: &Alike, liked: bool) -> String {
    let percent = format!("{:.0}", alike.likeness.clamp(0.0, 1.0) * 100.0);
    let judged = judgement(alike.judgement);
    if liked {
        tr!(lang, "discord.why.liked", number = number, judged = judged, percent = percent).into_owned()
    } else {
        tr!(lang, "discord.why.disliked", number = number, judged = judged, percent = percent).into_owned()
    }
}

fn judgement(judgement: Judgement) -> String {
    match judgement {
        Judgement::Up => "👍".into(),
        Judgement::Down => "👎".into(),
        Judgement::Stars(stars) => format!("★{}", stars.get()),
    }
}

/// What the desk said, each reason.
pub(super) fn verdict(lang: Lang, verdict: &Verdict) -> String {
    let tenths = |score: &f32| format!("{score:.1}");
    match verdict {
        Verdict::Repost => tr!(lang, "discord.verdict.repost"),
        Verdict::Explore { propensity } => {
            tr!(lang, "discord.verdict.explore", percent = format!("{:.1}", propensity * 100.0))
        }
        Verdict::Skip(skip) => match skip {
            Skip::NoFace => tr!(lang, "discord.verdict.no_face"),
            Skip::Asked => tr!(lang, "discord.verdict.asked"),
            Skip::NoCuratedChannel => tr!(lang, "discord.verdict.no_curated_channel"),
            Skip::OptedOut { artist: true } => tr!(lang, "discord.verdict.opted_out_artist"),
            Skip::OptedOut { artist: false } => tr!(lang, "discord.verdict.opted_out_poster"),
            Skip::Held { why: Held::Unlisted } => tr!(lang, "discord.verdict.held_unlisted"),
            Skip::Held { why: Held::Protected } => tr!(lang, "discord.verdict.held_protected"),
            Skip::Held { why: Held::Hidden } => tr!(lang, "discord.verdict.held_hidden"),
            Skip::Muted => tr!(lang, "discord.verdict.muted"),
            Skip::NotInAccountShare { rank, of, share } => {
                let percent = format!("{:.0}", share * 100.0);
                tr!(lang, "discord.verdict.not_in_account_share", rank = rank, of = of, percent = percent)
            }
            Skip::Uncalibrated { ratings } => {
                tr!(lang, "discord.verdict.uncalibrated", ratings = ratings, of = CALIBRATED_AT)
            }
            Skip::BelowThreshold { best, threshold } => {
                tr!(lang, "discord.verdict.below", best = tenths(best), threshold = tenths(threshold))
            }
            Skip::NotInTopShare { rank, of, share } => {
                let percent = format!("{:.0}", share * 100.0);
                tr!(lang, "discord.verdict.not_in_top_share", rank = rank, of = of, percent = percent)
            }
            Skip::AgeGate { probability } => {
                tr!(lang, "discord.verdict.looks_restricted", percent = format!("{:.0}", probability * 100.0))
            }
            Skip::MarkedAgeRestricted => tr!(lang, "discord.verdict.restricted"),
            Skip::AlreadyPosted => tr!(lang, "discord.verdict.already"),
            Skip::NearDuplicate { .. } => tr!(lang, "discord.verdict.near"),
            Skip::HourlyLimit { limit } => tr!(lang, "discord.verdict.hourly_limit", limit = limit),
        },
    }
    .into_owned()
}

/// The card's neighbours with their crops as JPEG, where those are still kept; PNG.
pub(super) fn draw(told: &Told, face: Option<&[u8]>, liked: Option<&[u8]>, disliked: Option<&[u8]>) -> Vec<u8> {
    let crop = |jpeg: Option<&[u8]>| {
        let crop = image::load_from_memory_with_format(jpeg?, image::ImageFormat::Jpeg).ok()?;
        Some(crop.into_rgb8())
    };
    let neighbour = |alike: Alike, jpeg, liked| Neighbour {
        crop: crop(jpeg),
        judgement: alike.judgement,
        likeness: alike.likeness,
        liked,
    };
    let neighbours: Vec<Neighbour> = [
        told.liked.map(|alike| neighbour(alike, liked, true)),
        told.disliked.map(|alike| neighbour(alike, disliked, false)),
    ]
    .into_iter()
    .flatten()
    .collect();
    card(&CardFace { number: 1, crop: crop(face), score: told.score }, &neighbours, told.threshold)
}

/// Describes the card to those who do not see it.
pub(super) fn alt(lang: Lang, told: &Told) -> String {
    match (told.liked.is_some(), told.disliked.is_some()) {
        (true, true) => tr!(lang, "discord.why.alt_both"),
        (true, false) => tr!(lang, "discord.why.alt_liked"),
        (false, true) => tr!(lang, "discord.why.alt_disliked"),
        (false, false) => tr!(lang, "discord.why.alt"),
    }
    .into_owned()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::domain::{FaceId, PictureId};

    fn alike(judgement: &str, likeness: f32) -> Alike {
        Alike { face: FaceId(1), judgement: judgement.parse().expect("a judgement"), likeness }
    }

    fn said(lang: Lang) -> String {
        let score = |n| Some(Score::new(4.23, 0.62, Calibration::from_ratings(n)));
        let below = Verdict::Skip(Skip::BelowThreshold { best: 4.23, threshold: 4.5 });
        let all = Told {
            score: score(120),
            made_of: Some(MadeOf { typical: 3.18, face: 0.84, picture: -0.12, colour: 0.01 }),
            threshold: Some(4.5),
            liked: Some(alike("5", 0.834)),
            disliked: Some(alike("down", 0.2)),
            verdict: Some(below),
            hidden: false,
        };
        let young = Told {
            score: score(4),
            made_of: None,
            threshold: None,
            liked: None,
            disliked: Some(alike("2", 0.4)),
            verdict: None,
            hidden: false,
        };
        let none = Told {
            score: None,
            made_of: None,
            threshold: None,
            liked: None,
            disliked: None,
            verdict: Some(Verdict::Skip(Skip::Uncalibrated { ratings: 0 })),
            hidden: true,
        };
        let told = [all, young, none];
        told.iter().map(|t| format!("{}\n<{}>", words(lang, t), alt(lang, t))).collect::<Vec<_>>().join("\n---\n")
    }

    #[test]
    fn what_a_score_rests_on_is_said_in_plain_words() {
        assert_snapshot!(said(Lang::En));
        assert_snapshot!(said(Lang::Ja));
    }

    #[test]
    fn each_verdict_has_its_words() {
        let verdicts = [
            Verdict::Repost,
            Verdict::Explore { propensity: 0.023 },
            Verdict::Skip(Skip::NoFace),
            Verdict::Skip(Skip::Asked),
            Verdict::Skip(Skip::NoCuratedChannel),
            Verdict::Skip(Skip::OptedOut { artist: true }),
            Verdict::Skip(Skip::OptedOut { artist: false }),
            Verdict::Skip(Skip::Held { why: Held::Unlisted }),
            Verdict::Skip(Skip::Held { why: Held::Protected }),
            Verdict::Skip(Skip::Held { why: Held::Hidden }),
            Verdict::Skip(Skip::Muted),
            Verdict::Skip(Skip::NotInAccountShare { rank: 5, of: 40, share: 0.1 }),
            Verdict::Skip(Skip::Uncalibrated { ratings: 3 }),
            Verdict::Skip(Skip::BelowThreshold { best: 3.1, threshold: 4.0 }),
            Verdict::Skip(Skip::NotInTopShare { rank: 12, of: 100, share: 0.05 }),
            Verdict::Skip(Skip::AgeGate { probability: 0.8 }),
            Verdict::Skip(Skip::MarkedAgeRestricted),
            Verdict::Skip(Skip::AlreadyPosted),
            Verdict::Skip(Skip::NearDuplicate { of: PictureId([7; 32]) }),
            Verdict::Skip(Skip::HourlyLimit { limit: 10 }),
        ];
        let say = |lang| verdicts.iter().map(|v| verdict(lang, v)).collect::<Vec<_>>().join("\n");
        assert_snapshot!(say(Lang::En));
        assert_snapshot!(say(Lang::Ja));
    }
}
