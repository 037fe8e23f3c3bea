//! The desk decides what becomes of a picture, and says why.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{Calibration, GuildSettings, Held, PictureId, Score, TopShare};

/// What the desk decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    Repost,
    /// Below the bar, but not far, and drawn by lot: what is only ever picked by its score cannot show where the score is
    /// wrong.
    Explore {
        /// The chance it had, 0.0–1.0.
        propensity: f32,
    },
    Skip(Skip),
}

impl Verdict {
    pub fn is_pick(self) -> bool {
        matches!(self, Self::Repost | Self::Explore { .. })
    }

    /// The chance that a pick drawn by lot had.
    pub fn propensity(self) -> Option<f32> {
        match self {
            Self::Explore { propensity } => Some(propensity),
            Self::Repost | Self::Skip(_) => None,
        }
    }
}

/// Why a picture was not reposted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Skip {
    NoFace,
    /// A command asked for it: it is answered, not picked.
    Asked,
    /// The guild has no channel for picks.
    NoCuratedChannel,
    /// The poster, or the artist, wants to be left alone.
    OptedOut {
        artist: bool,
    },
    /// Where it was posted, it is not to be shown elsewhere.
    Held {
        why: Held,
    },
    /// Nothing of its account is wanted here.
    Muted,
    /// Its place among `of` pictures of its account, of which the best `share` are picks.
    NotInAccountShare {
        rank: u32,
        of: u32,
        share: f32,
    },
    Uncalibrated {
        ratings: u32,
    },
    BelowThreshold {
        best: f32,
        threshold: f32,
    },
    /// Its place among `of` pictures of the last days, of which the best `share` are picks.
    NotInTopShare {
        rank: u32,
        of: u32,
        share: f32,
    },
    AgeGate {
        probability: f32,
    },
    MarkedAgeRestricted,
    AlreadyPosted,
    NearDuplicate {
        of: PictureId,
    },
    HourlyLimit {
        limit: u32,
    },
}

impl Skip {
    /// Whether a new taste could change the answer, so that the picture is worth deciding again.
    pub fn depends_on_taste(&self) -> bool {
        matches!(
            self,
            Self::Uncalibrated { .. }
                | Self::BelowThreshold { .. }
                | Self::NotInTopShare { .. }
                | Self::NotInAccountShare { .. }
                | Self::HourlyLimit { .. }
        )
    }
}

/// Where picks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlet {
    /// The page's feed.
    Feed,
    /// A channel on Discord.
    Channel(u64),
}

/// The rules of one curated outlet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeskRules {
    /// `None`: nothing is picked.
    pub outlet: Option<Outlet>,
    /// Best face's mean score from which a picture is a pick, 1.0–5.0.
    pub threshold: f32,
    pub top_share: Option<TopShare>,
    pub picks_per_hour: u32,
    /// How long a picture and its near-duplicates are not picked again.
    pub repeat_after: Duration,
    /// Hold back what the models find explicit or suggestive.
    pub age_gate: bool,
    /// The outlet is age-restricted itself: what is restricted may go there.
    pub outlet_restricted: bool,
    /// Part of the picks that is drawn by lot among those below the bar, 0.0–0.1.
    pub exploration: f32,
}

impl Default for DeskRules {
    fn default() -> Self {
        Self {
            outlet: Some(Outlet::Feed),
            threshold: 4.0,
            top_share: None,
            picks_per_hour: 60,
            repeat_after: REPEAT_AFTER,
            age_gate: true,
            outlet_restricted: false,
            exploration: 0.0,
        }
    }
}

/// How far below the threshold a score may lie, in stars, for its picture to be drawn by lot.
pub const WITHIN_REACH: f32 = 1.0;
/// More than this chance a picture below the bar never has.
const LIKELIEST: f32 = 0.25;

/// How long a picture and its near-duplicates are not picked again.
const REPEAT_AFTER: Duration = Duration::days(90);

impl From<&GuildSettings> for DeskRules {
    fn from(guild: &GuildSettings) -> Self {
        Self {
            outlet: guild.curated.map(Outlet::Channel),
            threshold: guild.threshold,
            top_share: guild.top_share,
            picks_per_hour: guild.picks_per_hour,
            repeat_after: REPEAT_AFTER,
            age_gate: guild.age_gate,
            outlet_restricted: guild.curated_restricted,
            // Not the guild's to say: it is the operator's.
            exploration: 0.0,
        }
    }
}

/// What is known of the picture when the desk looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    pub picture: PictureId,
    /// Best face's score; `None` when no face was found.
    pub best: Option<Score>,
    /// The source said that the post is age-restricted.
    pub marked_restricted: bool,
    /// Sum of explicit and suggestive probabilities, 0.0–1.0, and whether that is over the gate.
    pub restricted_probability: f32,
    pub over_age_gate: bool,
    /// A command asked for it.
    pub asked: bool,
}

/// What else bears on a picture: what the outlet has published, what others were scored, who wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct History {
    pub picks_in_last_hour: u32,
    /// The last time this very picture was picked.
    pub same: Option<OffsetDateTime>,
    /// The last pick that looks like this one, and when.
    pub near: Option<(PictureId, OffsetDateTime)>,
    /// Its place among the pictures of the last days, the best being 1, and how many those are, itself included.
    pub rank: Option<(u32, u32)>,
    /// Who wants to be left alone: the artist (true) or the poster.
    pub opted_out: Option<bool>,
    /// From a timeline: it is not to be shown elsewhere, and why.
    pub held: Option<Held>,
    /// From a timeline: nothing of its account is wanted here.
    pub muted: bool,
    /// From an account of which only the best are wanted: its place, among how many, and what share of them.
    pub account_rank: Option<(u32, u32, f32)>,
    /// Picks of the last weeks, and pictures of that time which were below the bar but within reach.
    pub lately: (u32, u32),
    /// The picture's lot, 0.0–1.0: drawn once for a post, so that looking again is no second draw.
    pub lot: f32,
}

/// Decides, most binding reason first: whether it is up for picking at all, safety, what the picture is, repetition, pace.
pub fn decide(candidate: &Candidate, history: &History, rules: &DeskRules, now: OffsetDateTime) -> Verdict {
    let skip = |why| Verdict::Skip(why);
    let recent = |at: OffsetDateTime| now - at < rules.repeat_after;
    let Some(best) = candidate.best else { return skip(Skip::NoFace) };
    if candidate.asked {
        return skip(Skip::Asked);
    }
    if rules.outlet.is_none() {
        return skip(Skip::NoCuratedChannel);
    }
    if let Some(artist) = history.opted_out {
        return skip(Skip::OptedOut { artist });
    }
    if let Some(why) = history.held {
        return skip(Skip::Held { why });
    }
    if history.muted {
        return skip(Skip::Muted);
    }
    if candidate.marked_restricted && !rules.outlet_restricted {
        return skip(Skip::MarkedAgeRestricted);
    }
    if candidate.over_age_gate && rules.age_gate && !rules.outlet_restricted {
        return skip(Skip::AgeGate { probability: candidate.restricted_probability });
    }
    if let Calibration::Uncalibrated { ratings } = best.calibration() {
        return skip(Skip::Uncalibrated { ratings });
    }
    let below = below_the_bar(best.mean(), history, rules);
    let chance = chance(best.mean(), history, rules);
    if let Some(why) = below
        && history.lot >= chance
    {
        return skip(why);
    }
    if let Some((rank, of, share)) = history.account_rank
        && !is_in_top(rank, of, share)
    {
        return skip(Skip::NotInAccountShare { rank, of, share });
    }
    if history.same.is_some_and(recent) {
        return skip(Skip::AlreadyPosted);
    }
    if let Some((of, at)) = history.near
        && recent(at)
    {
        return skip(Skip::NearDuplicate { of });
    }
    if history.picks_in_last_hour >= rules.picks_per_hour {
        return skip(Skip::HourlyLimit { limit: rules.picks_per_hour });
    }
    if below.is_some() { Verdict::Explore { propensity: chance } } else { Verdict::Repost }
}

fn below_the_bar(best: f32, history: &History, rules: &DeskRules) -> Option<Skip> {
    if best < rules.threshold {
        return Some(Skip::BelowThreshold { best, threshold: rules.threshold });
    }
    match (rules.top_share, history.rank) {
        (Some(top), Some((rank, of))) if !is_in_top(rank, of, top.share) => {
            Some(Skip::NotInTopShare { rank, of, share: top.share })
        }
        _ => None,
    }
}

/// The chance of being drawn by lot: such that of the picks, going on as lately, the wanted part comes from below the bar.
fn chance(best: f32, history: &History, rules: &DeskRules) -> f32 {
    let (picks, within_reach) = history.lately;
    if best < rules.threshold - WITHIN_REACH || rules.exploration <= 0.0 {
        return 0.0;
    }
    let wanted = rules.exploration / (1.0 - rules.exploration) * picks as f32;
    (wanted / within_reach.max(1) as f32).min(LIKELIEST)
}

/// Whether this place is among the best `share` of so many; the very best one always is, however few there are.
fn is_in_top(rank: u32, of: u32, share: f32) -> bool {
    f64::from(rank) <= (f64::from(share) * f64::from(of)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const ID: PictureId = PictureId([1; 32]);
    const OTHER: PictureId = PictureId([2; 32]);

    fn good() -> Candidate {
        Candidate {
            picture: ID,
            best: Some(Score::new(4.5, 0.3, Calibration::Calibrated { ratings: 30 })),
            marked_restricted: false,
            restricted_probability: 0.02,
            over_age_gate: false,
            asked: false,
        }
    }

    fn verdict(c: &Candidate, h: &History) -> Verdict {
        decide(c, h, &DeskRules::default(), NOW)
    }

    #[test]
    fn a_good_new_picture_is_reposted() {
        assert_eq!(verdict(&good(), &History::default()), Verdict::Repost);
    }

    #[test]
    fn each_reason_is_said() {
        let h = History::default();
        assert_eq!(verdict(&Candidate { best: None, ..good() }, &h), Verdict::Skip(Skip::NoFace));
        assert_eq!(
            verdict(&Candidate { marked_restricted: true, ..good() }, &h),
            Verdict::Skip(Skip::MarkedAgeRestricted)
        );
        assert_eq!(
            verdict(&Candidate { over_age_gate: true, restricted_probability: 0.7, ..good() }, &h),
            Verdict::Skip(Skip::AgeGate { probability: 0.7 })
        );
        let young = Score::new(5.0, 1.0, Calibration::Uncalibrated { ratings: 3 });
        assert_eq!(
            verdict(&Candidate { best: Some(young), ..good() }, &h),
            Verdict::Skip(Skip::Uncalibrated { ratings: 3 })
        );
        let low = Score::new(3.9, 0.1, Calibration::Calibrated { ratings: 10 });
        assert_eq!(
            verdict(&Candidate { best: Some(low), ..good() }, &h),
            Verdict::Skip(Skip::BelowThreshold { best: 3.9, threshold: 4.0 })
        );
    }

    #[test]
    fn a_part_of_what_is_below_the_bar_is_drawn_by_lot_with_the_chance_that_is_said() {
        let scored =
            |mean| Candidate { best: Some(Score::new(mean, 0.5, Calibration::Calibrated { ratings: 30 })), ..good() };
        let rules = DeskRules { exploration: 0.08, ..DeskRules::default() };
        // 92 picks and 400 pictures within reach: 8 of those make 8 % of 100.
        let lot = |lot| History { lately: (92, 400), lot, ..History::default() };
        let decide = |mean, lot: &History, rules: &DeskRules| decide(&scored(mean), lot, rules, NOW);
        let drawn = decide(3.2, &lot(0.0199), &rules);
        assert!((drawn.propensity().expect("is drawn") - 0.02).abs() < 1e-6 && drawn.is_pick(), "{drawn:?}");
        let below = |best| Verdict::Skip(Skip::BelowThreshold { best, threshold: 4.0 });
        assert_eq!(decide(3.2, &lot(0.0201), &rules), below(3.2), "another lot");
        assert_eq!(decide(2.9, &lot(0.0), &rules), below(2.9), "out of reach");
        assert_eq!(decide(3.2, &lot(0.0), &DeskRules::default()), below(3.2), "not wanted");
        assert_eq!(decide(4.2, &lot(0.0), &rules), Verdict::Repost, "above the bar there is no lot");
        let nothing_picked = History { lately: (0, 400), ..lot(0.0) };
        assert_eq!(decide(3.2, &nothing_picked, &rules), below(3.2), "a part of nothing");
        // A few pictures: never more than every fourth.
        let few = History { lately: (92, 3), ..lot(0.2499) };
        assert_eq!(decide(3.2, &few, &rules), Verdict::Explore { propensity: 0.25 });
        // Not in the top share is below the bar, too.
        let top = DeskRules { top_share: Some(TopShare { share: 0.05, days: 7 }), ..rules };
        let ranked = History { rank: Some((10, 100)), ..lot(0.01) };
        assert!(decide(4.4, &ranked, &top).propensity().is_some());
        // Nothing that is refused for another reason is drawn.
        let repeated = History { same: Some(NOW), ..lot(0.0) };
        assert_eq!(decide(3.2, &repeated, &rules), Verdict::Skip(Skip::AlreadyPosted));
        let full = History { picks_in_last_hour: 60, ..lot(0.0) };
        assert_eq!(decide(3.2, &full, &rules), Verdict::Skip(Skip::HourlyLimit { limit: 60 }));
        let gated = Candidate { over_age_gate: true, ..scored(3.2) };
        assert!(matches!(super::decide(&gated, &lot(0.0), &rules, NOW), Verdict::Skip(Skip::AgeGate { .. })));
        let near = History { near: Some((OTHER, NOW)), ..lot(0.0) };
        assert_eq!(decide(3.2, &near, &rules), Verdict::Skip(Skip::NearDuplicate { of: OTHER }));
    }

    #[test]
    fn repetition_is_refused_for_ninety_days_and_no_longer() {
        let at = |days| Some(NOW - Duration::days(days));
        let same = |days| History { same: at(days), ..History::default() };
        assert_eq!(verdict(&good(), &same(89)), Verdict::Skip(Skip::AlreadyPosted));
        assert_eq!(verdict(&good(), &same(90)), Verdict::Repost);
        let near = |days| History { near: at(days).map(|t| (OTHER, t)), ..History::default() };
        assert_eq!(verdict(&good(), &near(1)), Verdict::Skip(Skip::NearDuplicate { of: OTHER }));
        assert_eq!(verdict(&good(), &near(91)), Verdict::Repost);
    }

    #[test]
    fn the_hour_has_a_limit() {
        let h = History { picks_in_last_hour: 60, ..History::default() };
        assert_eq!(verdict(&good(), &h), Verdict::Skip(Skip::HourlyLimit { limit: 60 }));
    }

    #[test]
    fn what_is_not_up_for_picking_is_said_first() {
        let left_alone = |artist| History { opted_out: Some(artist), ..History::default() };
        let asked = Candidate { asked: true, marked_restricted: true, ..good() };
        assert_eq!(verdict(&asked, &left_alone(true)), Verdict::Skip(Skip::Asked));
        assert_eq!(verdict(&Candidate { best: None, ..asked }, &History::default()), Verdict::Skip(Skip::NoFace));
        for artist in [true, false] {
            assert_eq!(verdict(&good(), &left_alone(artist)), Verdict::Skip(Skip::OptedOut { artist }));
        }
        let nowhere = DeskRules { outlet: None, ..DeskRules::default() };
        assert_eq!(decide(&good(), &left_alone(true), &nowhere, NOW), Verdict::Skip(Skip::NoCuratedChannel));
    }

    #[test]
    fn what_a_timeline_or_a_guild_holds_back_is_not_picked_whatever_its_score() {
        for why in Held::ALL {
            let held = History { held: Some(why), ..History::default() };
            assert_eq!(verdict(&good(), &held), Verdict::Skip(Skip::Held { why }));
        }
        let muted = History { muted: true, ..History::default() };
        assert_eq!(verdict(&good(), &muted), Verdict::Skip(Skip::Muted));
        let place = |rank, of| History { account_rank: Some((rank, of, 0.25)), ..History::default() };
        assert_eq!(verdict(&good(), &place(2, 8)), Verdict::Repost);
        assert_eq!(verdict(&good(), &place(1, 2)), Verdict::Repost, "the best always is");
        let skip = Skip::NotInAccountShare { rank: 3, of: 8, share: 0.25 };
        assert_eq!(verdict(&good(), &place(3, 8)), Verdict::Skip(skip));
        assert!(skip.depends_on_taste() && !Skip::Muted.depends_on_taste());
    }

    #[test]
    fn restricted_pictures_go_where_everything_is_restricted_and_nowhere_else() {
        let decide = |candidate: &Candidate, age_gate, outlet_restricted| {
            decide(
                candidate,
                &History::default(),
                &DeskRules { age_gate, outlet_restricted, ..DeskRules::default() },
                NOW,
            )
        };
        let marked = Candidate { marked_restricted: true, ..good() };
        let gated = Candidate { over_age_gate: true, restricted_probability: 0.7, ..good() };
        for age_gate in [true, false] {
            assert_eq!(decide(&marked, age_gate, false), Verdict::Skip(Skip::MarkedAgeRestricted), "whatever the gate");
            assert_eq!(decide(&marked, age_gate, true), Verdict::Repost);
            assert_eq!(decide(&gated, age_gate, true), Verdict::Repost);
        }
        assert_eq!(decide(&gated, true, false), Verdict::Skip(Skip::AgeGate { probability: 0.7 }));
        assert_eq!(decide(&gated, false, false), Verdict::Repost, "the guild switched the models' gate off");
    }

    #[test]
    fn of_a_share_the_best_are_picks_and_the_very_best_always() {
        let top = TopShare { share: 0.05, days: 7 };
        let rules = DeskRules { top_share: Some(top), ..DeskRules::default() };
        let at = |rank, of| decide(&good(), &History { rank: Some((rank, of)), ..History::default() }, &rules, NOW);
        assert_eq!((at(1, 1), at(1, 19), at(5, 100)), (Verdict::Repost, Verdict::Repost, Verdict::Repost));
        for (rank, of) in [(2, 2), (2, 39), (6, 100)] {
            assert_eq!(at(rank, of), Verdict::Skip(Skip::NotInTopShare { rank, of, share: 0.05 }));
        }
        let low = Candidate { best: Some(Score::new(3.0, 0.1, Calibration::from_ratings(30))), ..good() };
        assert!(matches!(decide(&low, &History::default(), &rules, NOW), Verdict::Skip(Skip::BelowThreshold { .. })));
    }

    #[test]
    fn an_age_gate_binds_before_the_score_is_even_looked_at() {
        let h = History { same: Some(NOW), ..History::default() };
        let c = Candidate { over_age_gate: true, restricted_probability: 0.9, ..good() };
        assert!(matches!(verdict(&c, &h), Verdict::Skip(Skip::AgeGate { .. })));
    }
}
