//! A guild and its people: learning, deciding and reacting by scope, with the real models.

use super::*;
use crate::domain::{
    FaceId, GuildSettings, Judgement, MessageKey, NewPost, Origin, Person, Place, ReactionChange, Skip, Stars,
};
use crate::pipeline::ToAsk;

const GUILD: u64 = 7;
const POSTER: u64 = 5;
const RATER: u64 = 8;

fn message(seed: u64) -> MessageKey {
    // 2026-11-24 12:00 UTC
    MessageKey { channel: 20, message: (375_451_200_000u64 << 22) + seed }
}

fn stars(n: u8) -> Judgement {
    Judgement::Stars(Stars::try_from(n).expect("stars"))
}

impl Home {
    /// A drawn picture posted in a watched channel, taken to its end.
    async fn posted(&self, seed: u64, marked_restricted: bool) -> (PostId, Vec<FaceId>) {
        let post = NewPost {
            source: PostSource::Discord,
            external_id: format!("{}/a", message(seed)),
            origin: Origin::Drawing { seed },
            title: None,
            author: Author::default(),
            link: None,
            posted_at: self.clock.now(),
            marked_restricted,
            scope: Scope::Guild(GUILD),
            place: Some(Place { message: message(seed), part: 0, author: Rater::discord(POSTER), asked: false }),
        };
        let post = self.pipeline.store().claim(&post).await.expect("claims").post();
        self.pipeline.finish(post).await;
        assert_eq!(self.state(post).await, PostState::Published);
        let picture = self.pipeline.store().work_item(post).await.expect("reads").and_then(|i| i.picture);
        let faces = self.pipeline.store().faces(picture.expect("is known")).await.expect("reads");
        (post, faces.into_iter().map(|f| f.id).collect())
    }

    async fn verdict(&self, post: PostId) -> Verdict {
        self.pipeline.store().verdict(Scope::Guild(GUILD), post).await.expect("reads").expect("decided").0
    }

    async fn guild(&self, settings: GuildSettings) {
        self.pipeline.set_guild(GUILD, &settings).await.expect("writes");
    }

    async fn pick_sends(&self) -> usize {
        let mut sends = 0;
        for seed in 0..40 {
            let of = self.pipeline.sends_of(message(seed)).await.expect("reads");
            sends += of.iter().filter(|s| s.kind == crate::domain::SendKind::Pick).count();
        }
        sends
    }
}

/// A guild with eight posts, the first of them restricted, whose faces two people rated: one wants a taste of their own.
struct Taught {
    home: Home,
    posts: Vec<PostId>,
    faces: Vec<(PostId, FaceId)>,
}

impl Taught {
    async fn new() -> Self {
        let home = Home::seeing().await;
        let settings =
            GuildSettings { curated: Some(70), threshold: 1.0, picks_per_hour: 2, ..GuildSettings::default() };
        home.guild(settings).await;
        let (mut faces, mut posts) = (Vec::new(), Vec::new());
        for seed in 0..8 {
            let (post, found) = home.posted(seed, seed == 0).await;
            faces.extend(found.into_iter().map(|face| (post, face)));
            posts.push(post);
        }
        assert!(faces.len() >= 10, "{} faces are too few for this test", faces.len());
        assert_eq!(home.verdict(posts[0]).await, Verdict::Skip(Skip::MarkedAgeRestricted));
        assert_eq!(home.verdict(posts[1]).await, Verdict::Skip(Skip::Uncalibrated { ratings: 0 }));
        let pipeline = &home.pipeline;
        pipeline.ratings.take();
        pipeline.set_person(RATER, &Person { personal_taste: true, ..Person::default() }).await.expect("writes");
        assert!(pipeline.ratings.take().anywhere);
        for (i, &(post, face)) in faces.iter().enumerate() {
            let person = if i % 2 == 0 { RATER } else { 9 };
            let n = if i % 3 == 0 { 5 } else { 1 };
            let vote = pipeline.vote_on_face(post, face, person, Stars::try_from(n).expect("stars")).await;
            assert!(!vote.expect("writes").expect("is there").own);
        }
        let heard = pipeline.ratings.take();
        assert_eq!((heard.scopes, heard.anywhere), ([Scope::Guild(GUILD), Scope::User(RATER)].into(), false));
        home.clock.advance(Duration::SECOND);
        let taught = Self { home, posts, faces };
        assert_eq!(taught.learn(Scope::Guild(GUILD)).await, taught.faces.len());
        assert_eq!(taught.learn(Scope::User(RATER)).await, taught.faces.len().div_ceil(2));
        taught
    }

    /// Ratings that a fit learnt from.
    async fn learn(&self, scope: Scope) -> usize {
        match self.home.pipeline.learn(scope).await.expect("fits") {
            Learnt::Fitted { ratings, .. } => ratings as usize,
            Learnt::Nothing => 0,
        }
    }
}

#[tokio::test]
async fn a_guild_learns_from_its_people_and_they_from_themselves() {
    let taught = Taught::new().await;
    let (home, pipeline) = (&taught.home, &taught.home.pipeline);
    assert_eq!(taught.learn(Scope::User(9)).await, 0, "they did not ask for one");
    assert_eq!(taught.learn(Scope::Local).await, 0);
    // The desk looked again: two picks an hour, each with what is sent of it; the rest is held back.
    assert_eq!(home.pick_sends().await, 2);
    let mut held_back = Vec::new();
    for &post in &taught.posts[1..] {
        if matches!(home.verdict(post).await, Verdict::Skip(Skip::HourlyLimit { limit: 2 })) {
            held_back.push(post);
        }
    }
    assert!(!held_back.is_empty());
    pipeline.look_at_held_back().await.expect("looks");
    assert_eq!(home.pick_sends().await, 2, "the hour has no room");
    home.clock.advance(Duration::HOUR);
    pipeline.look_at_held_back().await.expect("looks");
    assert_eq!(home.pick_sends().await, 2 + held_back.len().min(2), "no fit was needed");
    // Another start knows both tastes, and has nothing to learn.
    let restarted = build(home.folder.path(), &home.clock, Engine::stopped()).await;
    restarted.load_tastes().await.expect("reads");
    for scope in [Scope::Guild(GUILD), Scope::User(RATER)] {
        assert_eq!(restarted.taste(scope).map(|t| t.id), pipeline.taste(scope).map(|t| t.id), "{scope}");
    }
    restarted.catch_up().await.expect("looks");
    assert!(restarted.ratings.take().scopes.is_empty());
}

#[tokio::test]
async fn a_persons_taste_stands_upon_their_guilds_and_without_one_it_is_the_guilds() {
    let taught = Taught::new().await;
    let (home, pipeline) = (&taught.home, &taught.home.pipeline);
    let (guild, own) = (Scope::Guild(GUILD), Scope::User(RATER));
    let upon = async || pipeline.store().newest_taste(own).await.expect("reads").expect("fitted").fit.upon;
    assert_eq!(upon().await, None, "the others said too little");
    assert_eq!(pipeline.taste(Scope::User(99)).map(|t| t.id), None, "of a stranger nothing is known");
    // Person 9 never asked for a taste of their own, and has the guild's.
    assert_eq!(pipeline.taste(Scope::User(9)).map(|t| t.id), pipeline.taste(guild).map(|t| t.id));
    assert_ne!(pipeline.taste(own).map(|t| t.id), pipeline.taste(guild).map(|t| t.id));
    home.clock.advance(Duration::SECOND);
    for &(post, face) in &taught.faces {
        pipeline.vote_on_face(post, face, 9, Stars::try_from(4).expect("stars")).await.expect("writes");
    }
    assert!(!pipeline.has_news(own).await.expect("reads"), "nothing of their own");
    taught.learn(own).await;
    let others = taught.faces.len() as u32;
    assert_eq!(upon().await, Some((guild, others)));
    assert!(pipeline.taste(own).expect("fitted").taste.calibration().is_calibrated());
    assert!(!pipeline.has_news(own).await.expect("reads"));
    // What it stands upon is gone with who taught it.
    pipeline.forget_person(9).await.expect("forgets");
    assert!(pipeline.store().newest_taste(own).await.expect("reads").is_none());
    assert!(pipeline.has_news(own).await.expect("reads"));
    taught.learn(own).await;
    assert_eq!(upon().await, None);
}

#[tokio::test]
async fn a_taste_says_why_and_forgets_who_wants_to_be_forgotten() {
    let taught = Taught::new().await;
    let (pipeline, faces, scope) = (&taught.home.pipeline, &taught.faces, Scope::Guild(GUILD));
    let why = pipeline.why(scope, faces[3].1, false).await.expect("reads").expect("is there");
    assert!(why.score.is_some() && !why.liked.is_empty() && !why.disliked.is_empty());
    let shown: Vec<FaceId> = why.liked.iter().chain(&why.disliked).map(|a| a.face).collect();
    let restricted: Vec<FaceId> = faces.iter().filter(|f| f.0 == taught.posts[0]).map(|f| f.1).collect();
    assert!(shown.iter().all(|f| !restricted.contains(f)), "{shown:?} of {restricted:?}");
    // What is no face is shown no more.
    let (post, face) = faces[0];
    let viewer = Rater::discord(9);
    assert!(pipeline.report_not_a_face(face, &viewer).await.expect("writes").expect("is there"));
    let view = pipeline.post_view(scope, &viewer, post).await.expect("reads").expect("is there");
    assert!(view.faces.iter().all(|f| f.id != face));
    // Both tastes go; the guild's comes back without them.
    pipeline.forget_person(RATER).await.expect("forgets");
    assert!(pipeline.taste(scope).is_none() && pipeline.taste(Scope::User(RATER)).is_none());
    assert!(pipeline.ratings.take().anywhere);
    assert_eq!(pipeline.scopes_with_news().await.expect("reads"), [scope]);
    assert_eq!(taught.learn(scope).await, faces.len() / 2);
}

#[tokio::test]
async fn reactions_before_the_picture_count_when_it_is_known_and_teach_where_all_agreed() {
    let home = Home::seeing().await;
    let pipeline = &home.pipeline;
    let scope = Scope::Guild(GUILD);
    let added = |person| ReactionChange::Add { message: message(0), person, emoji: "👍".into() };
    pipeline.react(&[added(RATER), added(POSTER)]).await.expect("writes");
    assert!(pipeline.ratings.take().scopes.is_empty());
    let (post, _) = home.posted(0, false).await;
    assert_eq!(pipeline.ratings.take().scopes, [scope, Scope::User(POSTER)].into());
    let picture = pipeline.store().work_item(post).await.expect("reads").and_then(|i| i.picture).expect("is known");
    let stands = async |scope, person| {
        pipeline.store().own_rating(scope, &Rater::discord(person), picture).await.expect("reads")
    };
    assert_eq!(stands(scope, RATER).await, Some(Judgement::Up));
    assert_eq!((stands(scope, POSTER).await, stands(Scope::User(POSTER), POSTER).await), (None, Some(Judgement::Up)));
    // Neither the guild nor the operator agreed.
    assert_eq!(pipeline.calibration(scope).await.expect("counts").ratings(), 0);
    home.guild(GuildSettings { learn_from_reactions: true, ..GuildSettings::default() }).await;
    assert!(pipeline.ratings.take().anywhere, "its word may change what is learnt from");
    assert_eq!(pipeline.calibration(scope).await.expect("counts").ratings(), 0, "LEARN_FROM has no 'channel' here");
    // A button says the same, and the same again takes it back, with all that stood.
    let vote = async || pipeline.vote(&[post], RATER, Judgement::Up).await.expect("writes").expect("is there");
    assert!(vote().await.taken_back);
    assert_eq!(stands(scope, RATER).await, None);
    home.clock.advance(Duration::SECOND);
    assert!(!vote().await.taken_back);
    assert_eq!(pipeline.calibration(scope).await.expect("counts").ratings(), 1);
    let own = pipeline.vote(&[post], POSTER, stars(2)).await.expect("writes").expect("is there");
    assert!(own.own && own.scope == Scope::User(POSTER));
    assert_eq!(pipeline.vote(&[PostId(99)], RATER, Judgement::Up).await.expect("answers"), None);
}

#[tokio::test]
async fn who_opts_out_leaves_nothing_and_who_removes_is_not_picked() {
    let home = Home::seeing().await;
    let pipeline = &home.pipeline;
    home.guild(GuildSettings { curated: Some(70), threshold: 1.0, ..GuildSettings::default() }).await;
    let (first, faces) = home.posted(0, false).await;
    let (_, more) = home.posted(1, false).await;
    pipeline.withdraw_message(message(0)).await.expect("writes");
    let all: Vec<FaceId> = faces.iter().chain(&more).copied().collect();
    for n in 0..10 {
        // Ten people say the same of what there is.
        for &face in &all {
            let rated = pipeline.vote_on_face(first, face, 100 + n, Stars::try_from(5).expect("stars")).await;
            assert!(rated.expect("writes").is_some());
        }
    }
    home.clock.advance(Duration::SECOND);
    pipeline.learn(Scope::Guild(GUILD)).await.expect("fits");
    assert_eq!(home.verdict(first).await, Verdict::Skip(Skip::OptedOut { artist: false }));
    assert_eq!(home.pick_sends().await, 1, "the other one");
    let opted_out = Person { opted_out: true, ..Person::default() };
    pipeline.set_person(POSTER, &opted_out).await.expect("writes");
    assert!(pipeline.store().picture_ids().await.expect("reads").is_empty());
    assert_eq!(home.files("crops"), 0);
    assert!(pipeline.is_opted_out(Some(&Rater::discord(POSTER)), &[]).await.expect("reads"));
    assert!(!pipeline.is_opted_out(Some(&Rater::discord(RATER)), &["https://x.com/a"]).await.expect("reads"));
}

#[tokio::test]
async fn people_are_asked_twice_a_day_and_never_the_same() {
    let home = Home::seeing().await;
    let pipeline = &home.pipeline;
    let scope = Scope::Guild(GUILD);
    assert_eq!(pipeline.ask(scope, RATER, false, &[], 1).await.expect("reads"), ToAsk::NothingLeft);
    for seed in 0..12 {
        home.posted(seed, false).await;
    }
    let mut asked = Vec::new();
    for seed in 0..2 {
        let ToAsk::Faces(faces) = pipeline.ask(scope, RATER, false, &[], seed).await.expect("reads") else {
            panic!("there is enough to ask about")
        };
        assert!(!faces.is_empty());
        asked.extend(faces);
    }
    let different: std::collections::HashSet<FaceId> = asked.iter().map(|a| a.face).collect();
    assert_eq!(different.len(), asked.len());
    assert_eq!(pipeline.ask(scope, RATER, false, &[], 3).await.expect("reads"), ToAsk::Enough);
    assert_ne!(pipeline.ask(scope, 9, false, &[], 3).await.expect("reads"), ToAsk::Enough, "another person");
    home.clock.advance(Duration::DAY);
    assert_ne!(pipeline.ask(scope, RATER, false, &[], 4).await.expect("reads"), ToAsk::Enough);
}
