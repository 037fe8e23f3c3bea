//! Every answer of the commands, in both languages.

use std::time::Duration;

use poise::serenity_prelude::{ChannelId, Permissions};

use super::look;
use super::*;
use crate::discord::permissions::Lack;
use crate::domain::{
    Account, AccountRules, Author, Calibration, Feed, FeedId, GuildSettings, PickStyle, PostId, Scope, Score, Stars,
};
use crate::pipeline::{
    AskError, FeedError, FeedRow, FollowRow, Money, Pause, PostSource, PostState, PostView, ScopeStats, Since,
    SourceState, TasteView, TopPost,
};

/// Every message with its name.
fn messages(lang: Lang) -> Vec<(&'static str, Answer)> {
    let missing = Permissions::SEND_MESSAGES | Permissions::ATTACH_FILES;
    let lacks = [Lack::InChannel { channel: ChannelId::new(21), missing }, Lack::NoChannel(ChannelId::new(22))];
    let score = Score::new(3.6, 0.84, Calibration::Calibrated { ratings: 40 });
    let four = Stars::try_from(4).unwrap();
    let link = Some("https://discord.com/channels/10/20/30");
    let curated = GuildSettings { curated: Some(30), ..GuildSettings::default() };
    let announced = GuildSettings { curated_announces: true, subscribers: Some(40), ..curated.clone() };
    let feed = look::Feed::At("https://mekiki.example.org/guild/10/feed.xml?key=0f".into());
    let fresh = taste(0);
    let counts = ScopeStats {
        posts: 412,
        asked: 31,
        failed: 2,
        without_face: 40,
        faces: 655,
        picks: 18,
        ratings: 139,
        raters: 12,
    };
    let answers: Vec<(&str, Answer)> = vec![
        ("help", about::help_words(lang, "!").into()),
        ("ping before the first heartbeat", about::ping_words(lang, Duration::ZERO).into()),
        ("ping", about::ping_words(lang, Duration::from_micros(41_500)).into()),
        ("privacy", own_data::privacy_words(lang, 180).into()),
        ("watch list", channels::list_words(lang, &[20, 21, 22], &lacks).into()),
        ("watch list, empty", channels::list_words(lang, &[], &[]).into()),
        ("taste, nothing yet", taste::taste_words(lang, Scope::Guild(10), &fresh, None).into()),
        ("taste", taste::taste_words(lang, Scope::Guild(10), &taste(34), Some(9)).into()),
        ("taste of one's own", taste::taste_words(lang, Scope::User(7), &taste(1200), None).into()),
        ("taste mine on", tr!(lang, "discord.taste.mine_on", n = 4, of = 10).into()),
        ("taste mine off", tr!(lang, "discord.taste.mine_off").into()),
        ("taste reset, a moderator", taste::reset_question(lang, true)),
        ("taste reset", taste::reset_question(lang, false)),
        ("taste reset, done", tr!(lang, "discord.reset.done").into()),
        ("rate", rate::example(lang)),
        ("rate, after a vote", rate::verdict(lang, four, Some(&score), link).into()),
        ("rate, after a vote without a score", rate::verdict(lang, four, None, None).into()),
        ("rate, twice today", tr!(lang, "discord.ask_rate.enough").into()),
        ("rate, nothing left", tr!(lang, "discord.ask_rate.nothing").into()),
        ("rate, somebody else's", tr!(lang, "discord.ask_rate.not_yours").into()),
        ("rate, gone", tr!(lang, "discord.ask_rate.gone").into()),
        ("rate, done", tr!(lang, "discord.ask_rate.thanks").into()),
        ("top", look::top_words(lang, Since::Week, &[top(4.6, true), top(4.1, false)]).into()),
        ("top of a day", look::top_words(lang, Since::Day, &[top(4.1, false)]).into()),
        ("top of a month", look::top_words(lang, Since::Month, &[top(4.1, false)]).into()),
        ("top of all time", look::top_words(lang, Since::All, &[top(4.1, false)]).into()),
        ("top, nothing", look::top_words(lang, Since::Week, &[]).into()),
        ("stats", look::stats_words(lang, &counts).into()),
        ("subscribe", look::subscribe_words(lang, &announced, Some(look::Toggled::Given), &feed).into()),
        ("subscribe, again", look::subscribe_words(lang, &announced, Some(look::Toggled::Taken), &feed).into()),
        (
            "subscribe, refused",
            look::subscribe_words(lang, &announced, Some(look::Toggled::Refused), &look::Feed::Untold).into(),
        ),
        ("subscribe, no role", look::subscribe_words(lang, &curated, None, &look::Feed::NoAddress).into()),
        ("subscribe, no picks", look::subscribe_words(lang, &GuildSettings::default(), None, &feed).into()),
        ("export", tr!(lang, "discord.export.here").into()),
        ("export, too large", tr!(lang, "discord.export.too_large").into()),
        ("forget", own_data::forget_question(lang)),
        ("forget, done", tr!(lang, "discord.forget.done").into()),
        ("forget, kept", tr!(lang, "discord.forget.kept").into()),
    ];
    answers.into_iter().chain(short(lang)).chain(follows(lang)).collect()
}

/// Of followed timelines.
fn follows(lang: Lang) -> Vec<(&'static str, Answer)> {
    use crate::discord::follow_words::{Listing, ask_failed, followed, rules_words};

    let at = time::macros::datetime!(2026-11-24 12:00 UTC);
    let ada = Account {
        id: "did:plc:ada".into(),
        handle: "ada_draws.example".into(),
        name: Some("Ada *draws*".into()),
        link: "https://bsky.app/profile/ada_draws.example".into(),
        bot: true,
        protected: false,
        unlisted: true,
    };
    let row = |source: PostSource, feed: Feed| {
        let account = matches!(feed, Feed::Author(_)).then(|| ada.clone());
        let feed = FeedRow {
            id: FeedId(1),
            source,
            feed,
            cursor: None,
            next_poll: at,
            polls: 3,
            failures: 0,
            last_post: account.as_ref().map(|_| at),
            error: None,
        };
        let rules = AccountRules { muted: false, share: account.as_ref().map(|_| 0.2), whole: false };
        FollowRow { feed, account, rules, posts: 12, picks: 3, added_by: "discord:5".into() }
    };
    let failing = |mut row: FollowRow| {
        row.feed.error = Some(FeedError { code: "answer".into(), words: "it is no feed: `x`".into() });
        row
    };
    let mut all = vec![
        row(PostSource::Bluesky, Feed::Author("did:plc:ada".into())),
        row(PostSource::Bluesky, Feed::Home),
        failing(row(PostSource::Rss, Feed::Author("https://a.example/rss".into()))),
        row(PostSource::X, Feed::List("84839422".into())),
    ];
    let pause = |source, code: &str| Pause {
        source,
        since: at,
        until: at + time::Duration::HOUR,
        failures: 1,
        code: code.into(),
        error: "the app password is not known".into(),
    };
    let state = |source, code| SourceState { source, pause: Some(pause(source, code)), feeds: 1, failing: 0 };
    let states = [
        state(PostSource::Bluesky, "sign_in"),
        state(PostSource::X, "budget"),
        state(PostSource::Mastodon, "wait"),
        state(PostSource::Rss, "service"),
    ];
    let money = [(PostSource::X, Money { spent: 4_200_000, budget: 5_000_000, by_end: 6_100_000 })];
    let listing =
        |follows: &[FollowRow], page| follow::paged(lang, &Listing { follows, states: &states, money: &money }, page);
    let one_page = listing(&all, 0);
    all.extend((0..10).map(|_| row(PostSource::Mastodon, Feed::Home)));
    let no_such = AskError::NoSuchAccount("there is no [such] account".into());
    let home = (&Feed::Home, None);
    let author = Feed::Author(ada.id.clone());
    vec![
        ("follow", followed(lang, PostSource::Bluesky, (&author, Some(&ada)), true, true).into()),
        ("follow, again, without a channel", followed(lang, PostSource::X, home, false, false).into()),
        ("follow, no such account", ask_failed(lang, PostSource::X, &no_such).into()),
        ("follow, not set up", ask_failed(lang, PostSource::X, &AskError::NotSetUp).into()),
        ("follow, signed out", ask_failed(lang, PostSource::X, &AskError::SignIn("no token".into())).into()),
        ("follow, no money", ask_failed(lang, PostSource::X, &AskError::Budget).into()),
        ("follow, later", ask_failed(lang, PostSource::X, &AskError::Later("HTTP 500".into())).into()),
        ("follow without a name", tr!(lang, "discord.follow.no_name").into()),
        ("follow somebody who opted out", tr!(lang, "discord.follow.opted_out").into()),
        ("follow import", tr!(lang, "discord.follow.imported", n = 3, of = 40, source = "X").into()),
        ("following, nobody", listing(&[], 0)),
        ("following", one_page),
        ("following, the last page", listing(&all, 7)),
        ("unfollow", tr!(lang, "discord.unfollow.done", name = "Ada").into()),
        ("unfollow, unknown", tr!(lang, "discord.unfollow.unknown").into()),
        (
            "account",
            rules_words(lang, PostSource::Bluesky, &ada, &AccountRules { muted: true, share: Some(0.05), whole: true })
                .into(),
        ),
        ("account, nothing", rules_words(lang, PostSource::Bluesky, &ada, &AccountRules::default()).into()),
        ("account, unknown", tr!(lang, "discord.account.unknown").into()),
        ("how artists reach the operator", about::contact_words(lang, "art@mekiki.example").into()),
    ]
}

/// Those of one text.
fn short(lang: Lang) -> Vec<(&'static str, Answer)> {
    let page = "<https://example.com/ada>";
    vec![
        ("optout me", tr!(lang, "discord.optout.on").into()),
        ("optout me, back", tr!(lang, "discord.optout.off").into()),
        ("optout artist", tr!(lang, "discord.optout.artist", artist = page).into()),
        ("optout artist, again", tr!(lang, "discord.optout.artist_already", artist = page).into()),
        ("optout artist, no link", tr!(lang, "discord.optout.no_link").into()),
        ("optout artist, a shared place", tr!(lang, "discord.optout.shared").into()),
        ("watch add", tr!(lang, "discord.watch.added", channel = 20).into()),
        ("watch add, again", tr!(lang, "discord.watch.already", channel = 20).into()),
        ("watch add, a thread", tr!(lang, "discord.watch.thread").into()),
        ("watch remove", tr!(lang, "discord.watch.removed", channel = 20).into()),
        ("watch remove, not watched", tr!(lang, "discord.watch.not_watched", channel = 20).into()),
        ("curate channel", tr!(lang, "discord.curate.channel", channel = 30).into()),
        ("curate channel, announcing", tr!(lang, "discord.curate.channel_announces", channel = 30).into()),
        (
            "curate threshold",
            tr!(lang, "discord.curate.threshold", score = "4.1", share = setup::share_words(lang, None)).into(),
        ),
        ("curate limit", tr!(lang, "discord.curate.limit", n = 10).into()),
        ("curate style", tr!(lang, "discord.curate.style", style = setup::style_name(lang, PickStyle::Crop)).into()),
        ("curate off", tr!(lang, "discord.curate.off").into()),
        ("setup, not a moderator", tr!(lang, "discord.setup.moderators_only").into()),
        ("setup, no emoji", tr!(lang, "discord.setup.no_emoji", given = "yes").into()),
        ("setup, the same emoji twice", tr!(lang, "discord.setup.same_emoji").into()),
        ("score, no picture there", tr!(lang, "discord.ask.no_picture").into()),
        ("score, none in the channel", tr!(lang, "discord.ask.nothing_here", n = 50).into()),
        ("score, may not look", tr!(lang, "discord.ask.may_not_look").into()),
        ("score, no such message", tr!(lang, "discord.ask.no_such_message").into()),
        ("score, not a link", tr!(lang, "discord.ask.not_a_link").into()),
        ("score, opted out", tr!(lang, "discord.ask.opted_out").into()),
        ("score, busy", tr!(lang, "discord.ask.busy").into()),
        ("a mention", tr!(lang, "discord.ask.hint", prefix = "!").into()),
        ("not understood", tr!(lang, "discord.failure.argument", input = "wek").into()),
        ("something is missing", tr!(lang, "discord.failure.argument_missing", command = "top").into()),
        ("an old command", tr!(lang, "discord.failure.mismatch").into()),
        (
            "the bot may not",
            tr!(
                lang,
                "discord.failure.bot_may_not",
                missing = permissions::names(lang, Permissions::SEND_MESSAGES | Permissions::ATTACH_FILES)
            )
            .into(),
        ),
        (
            "the person may not",
            tr!(lang, "discord.failure.you_may_not", missing = permissions::names(lang, Permissions::MANAGE_GUILD))
                .into(),
        ),
        ("outside of a server", tr!(lang, "discord.failure.guild_only").into()),
        ("something broke", tr!(lang, "discord.failure.internal").into()),
    ]
}

fn taste(ratings: u32) -> TasteView {
    TasteView {
        calibration: Calibration::from_ratings(ratings),
        ups: ratings / 3,
        downs: ratings / 11,
        stars: [ratings / 17, 0, ratings / 9, ratings / 8, ratings / 5],
        version: None,
        held_out: (ratings > 20).then_some((0.61, 10)),
        not_promoted: None,
        histogram: [0; 16],
        by_rating: Vec::new(),
        best: Vec::new(),
        worst: Vec::new(),
    }
}

fn top(best: f32, picked: bool) -> TopPost {
    let post = PostView {
        id: PostId(1),
        source: PostSource::Discord,
        state: PostState::Published,
        error: None,
        error_code: None,
        title: None,
        author: Author { name: Some("Ada *the* fox".into()), link: None },
        link: Some("https://discord.com/channels/10/20/30".into()),
        posted_at: time::OffsetDateTime::UNIX_EPOCH,
        picture: None,
        faces: Vec::new(),
        verdict: None,
        picked_at: None,
        picked_score: None,
    };
    TopPost { post, best, picked }
}

#[test]
fn every_answer_in_both_languages() {
    for lang in Lang::ALL {
        let shown: Vec<String> =
            messages(lang).iter().map(|(name, answer)| format!("# {name}\n\n{}", answer.shown())).collect();
        insta::assert_snapshot!(format!("answers_{}", lang.code()), shown.join("\n\n----\n\n"));
    }
}

#[test]
fn every_answer_fits_into_a_message() {
    for lang in Lang::ALL {
        for (name, answer) in messages(lang) {
            let length = answer.text.chars().count();
            assert!(length <= 2000, "{name} has {length} characters in {}", lang.code());
            assert!(!answer.text.contains("%{"), "{name} has a gap in {}", lang.code());
        }
    }
}

#[test]
fn a_choice_is_found_by_its_name_in_any_language_and_by_its_place() {
    use poise::ChoiceParameter;
    assert!(channels::Style::from_name("Forward").is_some());
    assert!(channels::Style::from_name("転送").is_some());
    assert!(channels::Style::from_name("sideways").is_none());
    assert_eq!(channels::Style::list().len(), 3);
    assert!(channels::Style::from_index(3).is_none());
}
