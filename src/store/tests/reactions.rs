//! Reactions as a set, and the judgements that follow from them.

mod model;

use super::*;
use crate::domain::{GuildSettings, MessageKey, Person, Place, ReactionChange, emoji_key, meaning};

const GUILD: Scope = Scope::Guild(7);
const POSTER: u64 = 5;
/// Posted just now, as Discord's ids tell the time.
const SOURCE: MessageKey = MessageKey { channel: 20, message: snowflake(1) };
const REPLY: MessageKey = MessageKey { channel: 20, message: snowflake(2) };
const PICK: MessageKey = MessageKey { channel: 70, message: snowflake(3) };

const fn snowflake(n: u64) -> u64 {
    // 2026-11-24 12:00 UTC
    ((375_451_200_000u64) << 22) + n
}

fn added(message: MessageKey, person: u64, emoji: &str) -> ReactionChange {
    ReactionChange::Add { message, person, emoji: emoji.into() }
}

fn removed(message: MessageKey, person: u64, emoji: &str) -> ReactionChange {
    ReactionChange::Remove { message, person, emoji: emoji.into() }
}

impl Home {
    /// A message of two pictures with a reply, and a pick of the first.
    async fn message(&self) -> [PictureId; 2] {
        let shown = [picture(1, 0, &[0.9]), picture(2, u64::MAX, &[0.8])];
        for (part, shown) in (0..).zip(&shown) {
            let post = self.place(part, shown.picture.id).await;
            self.store.set_fetched(post, shown.picture.id).await.expect("writes");
            assert!(self.store.set_analysed(post, shown).await.expect("writes"));
        }
        self.sent("reply", 0, REPLY, 60).await;
        self.sent("pick", 1, PICK, 120).await;
        shown.map(|s| s.picture.id)
    }

    async fn place(&self, part: u32, picture: PictureId) -> PostId {
        let post = NewPost {
            external_id: format!("{SOURCE}/{part}"),
            scope: GUILD,
            place: Some(Place { message: SOURCE, part, author: Rater::discord(POSTER), asked: false }),
            ..new_post(PostSource::Discord, picture)
        };
        self.store.claim(&post).await.expect("claims").post()
    }

    async fn sent(&self, kind: &str, post: i64, key: MessageKey, seconds: i64) {
        sqlx::query(
            "INSERT INTO sends (kind, scope, source, post, channel, state, message, claimed_at, sent_at) \
             VALUES (?, 'guild:7', ?, ?, ?, 'sent', ?, 0, ?)",
        )
        .bind(kind)
        .bind(SOURCE.to_string())
        .bind(post)
        .bind(key.channel.cast_signed())
        .bind(key.message.cast_signed())
        .bind(((NOW + Duration::seconds(seconds)).unix_timestamp_nanos() / 1_000_000) as i64)
        .execute(&self.store.pool)
        .await
        .expect("writes");
    }

    async fn react(&self, seconds: i64, changes: &[ReactionChange]) -> usize {
        self.store.apply_reactions(changes, NOW + Duration::seconds(seconds)).await.expect("writes").len()
    }

    async fn stands(&self, scope: Scope, person: u64, picture: PictureId) -> Option<String> {
        let own = self.store.own_rating(scope, &Rater::discord(person), picture).await.expect("reads");
        own.map(|j| j.to_string())
    }

    async fn press(&self, person: u64, picture: PictureId, judgement: Option<&str>, seconds: i64) {
        let rating = Rating {
            scope: GUILD,
            rater: Rater::discord(person),
            target: Target::Picture(picture),
            judgement: judgement.map(|j| j.parse().expect("a judgement")),
            source: RatingSource::Interaction,
            at: NOW + Duration::seconds(seconds),
            score_visible: true,
        };
        assert!(self.store.add_rating(&rating).await.expect("writes"));
    }

    /// (judgement, source, score in sight, why it was seen), as the ledger has them.
    async fn lines(&self) -> Vec<(Option<String>, String, bool, Option<String>)> {
        sqlx::query_as("SELECT judgement, source, score_visible, shown FROM ratings ORDER BY id")
            .fetch_all(&self.store.pool)
            .await
            .expect("reads")
    }
}

#[tokio::test]
async fn a_reaction_speaks_of_each_picture_of_its_message_and_goes_with_it() {
    let home = Home::new().await;
    let [first, second] = home.message().await;
    let both = async |person| (home.stands(GUILD, person, first).await, home.stands(GUILD, person, second).await);
    let one = |j: &str| (Some(j.to_owned()), Some(j.to_owned()));
    assert_eq!(home.react(1, &[added(SOURCE, 8, "👍🏽")]).await, 1);
    assert_eq!(both(8).await, one("up"));
    assert_eq!(home.react(2, &[added(SOURCE, 8, "👍🏽")]).await, 0, "it may come twice");
    assert_eq!(home.react(3, &[added(SOURCE, 8, "😀"), removed(SOURCE, 8, "👎")]).await, 0, "says nothing");
    // On the reply, later: the newest of a person stands, wherever it was.
    home.react(4, &[added(REPLY, 8, "❤️")]).await;
    assert_eq!(both(8).await, one("5"));
    // A pick shows one of them.
    home.react(5, &[added(PICK, 8, "2️⃣")]).await;
    assert_eq!(both(8).await, (Some("2".into()), Some("5".into())));
    home.react(6, &[removed(PICK, 8, "2⃣")]).await;
    assert_eq!(both(8).await, one("5"));
    home.react(7, &[removed(REPLY, 8, "❤")]).await;
    assert_eq!(both(8).await, one("up"), "what was said before stands still");
    home.react(8, &[ReactionChange::Clear { message: SOURCE }]).await;
    assert_eq!(both(8).await, (None, None));
    // All of one emoji, of everybody.
    home.react(9, &[added(REPLY, 8, "👎"), added(REPLY, 9, "👎"), added(REPLY, 9, "1️⃣")]).await;
    assert_eq!((both(8).await, both(9).await), (one("down"), one("1")));
    home.react(10, &[ReactionChange::ClearEmoji { message: REPLY, emoji: "👎".into() }]).await;
    assert_eq!((both(8).await, both(9).await), ((None, None), one("1")));
    assert_eq!(home.store.posts_of(SOURCE).await.expect("reads"), home.store.posts_of(REPLY).await.expect("reads"));
    assert_eq!(home.store.posts_of(PICK).await.expect("reads"), [PostId(1)]);
    // The forward beside a pick shows the same.
    let forward = MessageKey { channel: PICK.channel, message: snowflake(4) };
    sqlx::query("UPDATE sends SET companion = ? WHERE kind = 'pick'")
        .bind(forward.message.cast_signed())
        .execute(&home.store.pool)
        .await
        .expect("writes");
    assert_eq!(home.store.posts_of(forward).await.expect("reads"), [PostId(1)]);
    home.react(11, &[added(forward, 8, "4️⃣")]).await;
    assert_eq!(both(8).await, (Some("4".into()), None));
}

#[tokio::test]
async fn a_row_says_where_it_was_said_and_whether_the_score_was_in_sight() {
    let home = Home::new().await;
    home.message().await;
    home.react(59, &[added(SOURCE, 8, "👍")]).await;
    home.react(60, &[added(SOURCE, 9, "👍")]).await;
    home.react(61, &[added(PICK, 10, "👍")]).await;
    let line = |visible, shown: &str| (Some("up".to_owned()), "channel".to_owned(), visible, Some(shown.to_owned()));
    let expected =
        [line(false, "post"), line(false, "post"), line(true, "post"), line(true, "post"), line(true, "pick")];
    assert_eq!(home.lines().await, expected, "the reply came in the 60th second");
}

#[tokio::test]
async fn the_posters_vote_is_for_their_own_taste() {
    let home = Home::new().await;
    let [first, _] = home.message().await;
    home.react(1, &[added(PICK, POSTER, "👍")]).await;
    assert_eq!(home.stands(GUILD, POSTER, first).await, None);
    assert_eq!(home.stands(Scope::User(POSTER), POSTER, first).await.as_deref(), Some("up"));
    home.react(2, &[removed(PICK, POSTER, "👍")]).await;
    assert_eq!(home.stands(Scope::User(POSTER), POSTER, first).await, None);
}

#[tokio::test]
async fn of_a_button_and_a_reaction_the_newer_stands() {
    let home = Home::new().await;
    let [first, second] = home.message().await;
    home.react(1, &[added(SOURCE, 8, "👍")]).await;
    home.press(8, first, Some("down"), 2).await;
    assert_eq!(home.stands(GUILD, 8, first).await.as_deref(), Some("down"));
    // The older reaction goes: nothing changes where the button spoke.
    home.react(3, &[removed(SOURCE, 8, "👍")]).await;
    assert_eq!(home.stands(GUILD, 8, first).await.as_deref(), Some("down"));
    assert_eq!(home.stands(GUILD, 8, second).await, None);
    // A newer one counts, and when it goes the button's word is left.
    home.react(4, &[added(REPLY, 8, "5️⃣")]).await;
    assert_eq!(home.stands(GUILD, 8, first).await.as_deref(), Some("5"));
    home.react(5, &[removed(REPLY, 8, "5️⃣")]).await;
    assert_eq!(home.stands(GUILD, 8, first).await.as_deref(), Some("down"));
    // Taken back by the button, an older reaction does not come back.
    home.react(6, &[added(REPLY, 8, "5️⃣")]).await;
    home.press(8, first, None, 7).await;
    home.react(8, &[added(REPLY, 8, "😀"), removed(REPLY, 8, "😀")]).await;
    assert_eq!(home.stands(GUILD, 8, first).await, None);
}

#[tokio::test]
async fn reactions_that_come_before_the_picture_or_the_reply_are_counted_then() {
    let home = Home::new().await;
    home.react(1, &[added(SOURCE, 8, "👍"), added(REPLY, 9, "👎")]).await;
    // On an old message that shows nothing they are not kept.
    let old = MessageKey { channel: 20, message: 17 };
    home.react(1, &[added(old, 8, "👍")]).await;
    assert!(home.store.reactions_on(old).await.expect("reads").is_empty());
    let [first, _] = home.message().await;
    assert_eq!(home.stands(GUILD, 8, first).await, None);
    for message in [SOURCE, REPLY] {
        let settle = async || home.store.settle_reactions(message, NOW).await.expect("settles").len();
        assert_eq!((settle().await, settle().await), (1, 0));
    }
    assert_eq!(home.stands(GUILD, 8, first).await.as_deref(), Some("up"));
    assert_eq!(home.stands(GUILD, 9, first).await.as_deref(), Some("down"));
    // What shows nothing is forgotten after a while, the rest is not.
    let nobody = MessageKey { channel: 20, message: snowflake(99) };
    home.react(2, &[added(nobody, 8, "👍")]).await;
    assert_eq!(home.store.purge_reactions(NOW + Duration::minutes(10)).await.expect("purges"), 0);
    assert_eq!(home.store.purge_reactions(NOW + Duration::minutes(11)).await.expect("purges"), 1);
    assert_eq!(home.store.reactions_on(SOURCE).await.expect("reads").len(), 1);
}

/// A thousand reactions on one pick within a second.
#[tokio::test]
async fn a_thousand_shuffled_changes_on_one_pick_end_with_the_truth() {
    let home = Home::new().await;
    let [first, _] = home.message().await;
    let emoji = ["👍", "👎", "❤️", "3️⃣", "😀"];
    // 100 people, each adding and taking back, in an order that a simple generator mixes.
    let mut state = 1u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let changes: Vec<ReactionChange> = (0..1000)
        .map(|_| {
            let (person, emoji) = (100 + next(100), emoji[next(5) as usize]);
            if next(3) == 0 { removed(PICK, person, emoji) } else { added(PICK, person, emoji) }
        })
        .collect();
    let mut truth: Vec<(u64, String)> = Vec::new();
    for change in &changes {
        match change {
            ReactionChange::Add { person, emoji, .. } => {
                let key = (*person, emoji_key(emoji));
                if !truth.contains(&key) {
                    truth.push(key);
                }
            }
            ReactionChange::Remove { person, emoji, .. } => truth.retain(|t| *t != (*person, emoji_key(emoji))),
            _ => unreachable!("none were made"),
        }
    }
    let started = Instant::now();
    // One by one, in batches as they queue up, and each twice.
    for change in &changes[..100] {
        home.react(1, &[change.clone(), change.clone()]).await;
    }
    for batch in changes[100..].chunks(75) {
        home.react(2, batch).await;
    }
    println!("1,000 changes, 100 of them with a commit each: {:?}", started.elapsed());
    assert_eq!(home.store.reactions_on(PICK).await.expect("reads"), truth.iter().cloned().collect());
    let guild = GuildSettings::default();
    let (mut judged, mut silent) = (0, 0);
    for person in 100..200 {
        let newest = truth.iter().rev().filter(|t| t.0 == person).find_map(|t| meaning(&t.1, &guild));
        assert_eq!(home.stands(GUILD, person, first).await, newest.map(|j| j.to_string()), "{person}");
        *if newest.is_some() { &mut judged } else { &mut silent } += 1;
    }
    assert!(judged > 50 && silent > 0, "the test must try both: {judged}, {silent}");
}

#[tokio::test]
async fn only_what_was_agreed_to_is_learnt_from() {
    let home = Home::new().await;
    home.message().await;
    home.react(1, &[added(SOURCE, 8, "👍")]).await;
    home.react(1, &[added(SOURCE, POSTER, "👎")]).await;
    let all = RatingSource::ALL;
    let learnable = async |scope, sources: &[RatingSource]| {
        let n = home.store.learnable_ratings(scope, sources).await.expect("counts");
        assert_eq!(home.store.rated_faces(scope, sources).await.expect("reads").len() as u32, n);
        n
    };
    let set = async |learn| {
        let settings = GuildSettings { learn_from_reactions: learn, ..GuildSettings::default() };
        home.store.set_guild(7, &settings).await.expect("writes");
    };
    let counts = async |sources: &[RatingSource]| {
        [
            learnable(GUILD, sources).await,
            learnable(Scope::User(8), sources).await,
            learnable(Scope::User(POSTER), sources).await,
        ]
    };
    assert_eq!(counts(&all).await, [0, 0, 0], "the guild never said a word");
    set(false).await;
    assert_eq!(counts(&all).await, [0, 0, 0]);
    set(true).await;
    assert_eq!(counts(&all).await, [2, 2, 2]);
    assert_eq!(counts(&[RatingSource::Local, RatingSource::Interaction]).await, [0, 0, 0], "the operator's word");
    // A button needs no moderator.
    set(false).await;
    let [first, _] = [PictureId([1; 32]), PictureId([2; 32])];
    home.press(9, first, Some("5"), 1).await;
    assert_eq!(learnable(GUILD, &all).await, 1);
    // Scopes that may have a taste: the guild, and who asked for one.
    home.store.set_person(8, &Person { personal_taste: true, ..Person::default() }).await.expect("writes");
    assert_eq!(home.store.scopes().await.expect("reads"), [GUILD, Scope::User(8)].into());
}
