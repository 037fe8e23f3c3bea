//! What is kept of a person or an artist, and goes at their word; what is no face; the best; what is asked.

use super::*;
use crate::domain::{ArtistLink, MessageKey, Person, Place, ReactionChange};
use crate::store::{JudgedBoxes, ScopeStats};

const GUILD: Scope = Scope::Guild(7);
const AUTHOR: u64 = 5_000_000_000_000_000_001;
const RATER: u64 = 8;

fn message(n: u64) -> MessageKey {
    // 2026-11-24 12:00 UTC
    MessageKey { channel: 20, message: (375_451_200_000u64 << 22) + n }
}

impl Home {
    /// A post with two faces.
    async fn drawn(&self, n: u8, restricted: bool) -> (PostId, AnalysedPicture) {
        let shown = picture(n, u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15), &[0.9, 0.8]);
        let key = message(n.into());
        let post = NewPost {
            external_id: format!("{key}/a"),
            origin: Origin::Link { url: format!("https://pics.example/artist{n}/1.png") },
            title: Some("絵.png".into()),
            author: Author { name: Some("Poster".into()), link: Some(format!("https://x.com/poster{n}")) },
            marked_restricted: restricted,
            scope: GUILD,
            place: Some(Place { message: key, part: 0, author: Rater::discord(AUTHOR), asked: false }),
            ..new_post(PostSource::Discord, shown.picture.id)
        };
        let post = self.store.claim(&post).await.expect("claims").post();
        self.store.set_fetched(post, shown.picture.id).await.expect("writes");
        assert!(self.store.set_analysed(post, &shown).await.expect("writes"));
        let case = Case { scope: GUILD, ..case(post, &shown, 2.0 + f32::from(n) * 0.2) };
        self.store.decide_posts(&[case], &DeskRules::default(), NOW).await.expect("decides");
        self.store.publish_post(post, NOW).await.expect("publishes");
        (post, shown)
    }

    async fn judged(&self, rater: u64, face: FaceId) {
        let rating = Rating {
            scope: GUILD,
            rater: Rater::discord(rater),
            target: Target::Face(face),
            judgement: Some(Judgement::Up),
            source: RatingSource::Interaction,
            at: NOW,
            score_visible: false,
        };
        assert!(self.store.add_rating(&rating).await.expect("writes"));
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.store.pool).await.expect("counts")
    }
}

#[tokio::test]
async fn a_person_gets_all_of_it_and_then_none_of_it_is_left() {
    let home = Home::new().await;
    let (_, shown) = home.drawn(1, false).await;
    let faces = home.faces(&shown).await;
    let store = &home.store;
    store.set_person(AUTHOR, &Person { personal_taste: true, opted_out: false }).await.expect("writes");
    home.judged(AUTHOR, faces[0]).await;
    home.judged(RATER, faces[0]).await;
    let added = ReactionChange::Add { message: message(1), person: AUTHOR, emoji: "👎".into() };
    store.apply_reactions(&[added], NOW).await.expect("writes");
    store.report_face(faces[1], &Rater::discord(AUTHOR), NOW).await.expect("writes");
    let asked = Asking { face: faces[0], by_lot: true, propensity: Some(0.25) };
    store.add_ask(GUILD, AUTHOR, &[asked], NOW).await.expect("writes");
    for scope in [GUILD, Scope::User(AUTHOR), Scope::Guild(9)] {
        store.add_taste(&FittedTaste { scope, ..taste(3, true) }).await.expect("writes");
    }
    let export = store.export_person(AUTHOR).await.expect("exports");
    let of = |name: &str| export[name].as_array().expect("a list").clone();
    assert_eq!(export["person"], AUTHOR.to_string());
    assert_eq!(of("settings")[0]["personal_taste"], 1);
    assert_eq!(of("ratings").len(), 2);
    assert_eq!(of("ratings")[0]["judgement"], "up");
    assert_eq!(of("ratings")[0]["at"], "2026-11-24T12:00:00Z");
    assert_eq!(of("reactions")[0]["message"], message(1).to_string());
    assert_eq!(of("posts")[0]["title"], "絵.png");
    assert_eq!(of("not_a_face").len(), 1);
    assert_eq!(of("asked")[0]["propensity"], 0.25);
    assert_eq!(of("taste_versions").len(), 1);
    let scopes = store.forget_person(AUTHOR).await.expect("forgets");
    assert!(scopes.contains(&GUILD) && scopes.contains(&Scope::User(AUTHOR)) && !scopes.contains(&Scope::Guild(9)));
    let export = store.export_person(AUTHOR).await.expect("exports");
    for (name, left) in export.as_object().expect("an object").iter().filter(|(name, _)| *name != "person") {
        assert_eq!(left.as_array().map(Vec::len), Some(0), "{name}");
    }
    // The picture stays, its poster is nobody; what others said stays; what had learnt from them went.
    assert_eq!(home.count("SELECT count(*) FROM posts WHERE author_name IS NULL AND author_link IS NULL").await, 1);
    assert_eq!(home.count("SELECT count(*) FROM ratings").await, 1);
    assert_eq!(home.count("SELECT count(*) FROM tastes").await, 1);
    assert_eq!(home.faces(&shown).await.len(), 2, "the report went, too");
}

#[tokio::test]
async fn who_wants_to_be_left_alone_has_no_reactions_logged() {
    let home = Home::new().await;
    let (_, shown) = home.drawn(1, false).await;
    let faces = home.faces(&shown).await;
    let store = &home.store;
    let added = |person, emoji: &str| ReactionChange::Add { message: message(1), person, emoji: emoji.into() };
    store.apply_reactions(&[added(RATER, "👍"), added(9, "👎")], NOW).await.expect("writes");
    home.judged(RATER, faces[0]).await;
    for scope in [GUILD, Scope::Guild(9)] {
        store.add_taste(&FittedTaste { scope, ..taste(3, true) }).await.expect("writes");
    }
    let out = Person { personal_taste: false, opted_out: true };
    assert_eq!(store.set_person(RATER, &out).await.expect("writes"), [GUILD, Scope::User(RATER)]);
    // What they pressed they said to the bot, and it stays; so does what others reacted.
    assert_eq!(home.count("SELECT count(*) FROM ratings WHERE rater = 'discord:8'").await, 1);
    assert_eq!(store.reactions_on(message(1)).await.expect("reads").len(), 1);
    assert_eq!(home.count("SELECT count(*) FROM tastes").await, 1, "what had learnt from them is learnt anew");
    // Neither heard nor found later.
    assert!(store.apply_reactions(&[added(RATER, "❤️")], NOW).await.expect("writes").is_empty());
    let standing = [(RATER, "👍".to_owned()), (9, "👎".to_owned())];
    assert!(store.sync_reactions(message(1), &standing, NOW).await.expect("writes").is_empty());
    assert_eq!(store.reactions_on(message(1)).await.expect("reads").len(), 1);
    // Forgotten, they are left alone all the same; and can come back.
    store.forget_person(RATER).await.expect("forgets");
    assert!(store.person(RATER).await.expect("reads").opted_out);
    store.set_person(RATER, &Person::default()).await.expect("writes");
    assert_eq!(store.apply_reactions(&[added(RATER, "❤️")], NOW).await.expect("writes").len(), 1);
}

#[tokio::test]
async fn what_is_no_face_is_neither_shown_nor_learnt_from_and_is_a_label() {
    let home = Home::new().await;
    let (post, shown) = home.drawn(1, false).await;
    let faces = home.faces(&shown).await;
    home.judged(RATER, faces[1]).await;
    sqlx::query("INSERT INTO sends (kind, scope, source, channel, state, message, claimed_at) VALUES ('reply', 'guild:7', ?, 20, 'sent', 1, 0)")
        .bind(message(1).to_string())
        .execute(&home.store.pool)
        .await
        .expect("writes");
    let report = async |face, person| home.store.report_face(face, &Rater::discord(person), NOW).await.expect("writes");
    assert_eq!(report(faces[1], 8).await, Some(true));
    assert_eq!(report(faces[1], 8).await, Some(false));
    assert_eq!(report(faces[1], 9).await, Some(true));
    assert_eq!(report(FaceId(99), 9).await, None);
    assert_eq!(home.faces(&shown).await, faces[..1]);
    let found = home.store.found_faces(shown.picture.id).await.expect("reads");
    assert_eq!(found.iter().map(|f| f.id).collect::<Vec<_>>(), faces, "an export counts them all");
    let reporters = home.store.reporters(faces[1]).await.expect("reads");
    assert_eq!(reporters, [Rater::discord(8), Rater::discord(9)]);
    assert_eq!(home.store.learnable_ratings(GUILD, &RatingSource::ALL).await.expect("counts"), 0);
    assert_eq!(home.count("SELECT count(*) FROM sends WHERE changed = 1").await, 1, "the reply shows it no more");
    let labels = home.store.face_reports().await.expect("reads");
    assert_eq!((labels.len(), labels[0].people, labels[0].picture), (1, 2, shown.picture.id));
    assert!(serde_json::to_string(&labels[0]).expect("writes").contains("\"bounds\""));
    let stats = home.store.scope_stats(GUILD).await.expect("counts");
    assert_eq!(stats, ScopeStats { posts: 1, faces: 1, ratings: 1, raters: 1, ..ScopeStats::default() });
    let detector = shown.picture.models.split('+').next().expect("a name").to_owned();
    home.judged(RATER, faces[0]).await;
    let judged = home.store.judged_boxes(&detector).await.expect("reads");
    assert_eq!((judged.reported.len(), judged.rated.len()), (1, 1), "the reported one was rated, too");
    let others = home.store.judged_boxes("face").await.expect("reads");
    assert_eq!(others, JudgedBoxes::default(), "another detector's confidences mean other things");
    assert!(home.store.post(post).await.expect("reads").is_some());
}

#[tokio::test]
async fn an_artists_posts_are_found_by_any_link_that_leads_to_them() {
    let home = Home::new().await;
    let (first, _) = home.drawn(1, false).await;
    let (second, _) = home.drawn(2, false).await;
    let of = async |link: &str| {
        let artist: ArtistLink = link.parse().expect("is one");
        home.store.posts_of_artist(&artist).await.expect("reads")
    };
    assert_eq!(of("https://twitter.com/Poster1").await, [first]);
    assert_eq!(of("https://pics.example/artist2").await, [second]);
    assert_eq!(of("https://pics.example").await, [first, second]);
    assert!(of("https://x.com/poster").await.is_empty());
    assert_eq!(home.store.posts_by(&Rater::discord(AUTHOR)).await.expect("reads"), [first, second]);
}

#[tokio::test]
async fn the_best_come_first_and_nothing_restricted_or_doubled_among_them() {
    let home = Home::new().await;
    let mut posts = Vec::new();
    for n in 1..=5 {
        posts.push(home.drawn(n, n == 4).await.0);
    }
    let top = async |restricted, since| {
        let rows = home.store.top_posts(GUILD, since, restricted, 3).await.expect("reads");
        rows.iter().map(|r| r.post).collect::<Vec<_>>()
    };
    assert_eq!(top(false, None).await, [posts[4], posts[2], posts[1]]);
    assert_eq!(top(true, None).await, [posts[4], posts[3], posts[2]]);
    assert!(top(true, Some(NOW + Duration::SECOND)).await.is_empty());
    assert!(home.store.top_posts(Scope::Guild(8), None, true, 3).await.expect("reads").is_empty());
}

#[tokio::test]
async fn people_are_asked_about_what_they_have_not_judged_and_the_row_says_why() {
    let home = Home::new().await;
    let (_, plain) = home.drawn(1, false).await;
    let (_, marked) = home.drawn(2, true).await;
    let (plain, marked) = (home.faces(&plain).await, home.faces(&marked).await);
    let askable = async |restricted| {
        let faces = home.store.askable(GUILD, &Rater::discord(RATER), restricted, &[21], 9).await.expect("reads");
        let mut faces: Vec<_> = faces.iter().map(|a| a.row.id).collect();
        faces.sort();
        faces
    };
    assert_eq!(askable(false).await, plain);
    assert_eq!(askable(true).await, [plain.clone(), marked.clone()].concat());
    assert_eq!(home.store.source_channels(GUILD).await.expect("reads"), [20]);
    assert!(
        home.store.askable(GUILD, &Rater::discord(RATER), true, &[20], 9).await.expect("reads").is_empty(),
        "in a hidden channel"
    );
    home.store
        .add_ask(
            GUILD,
            RATER,
            &[
                Asking { face: plain[0], by_lot: true, propensity: Some(0.5) },
                Asking { face: marked[0], by_lot: false, propensity: Some(0.9) },
            ],
            NOW,
        )
        .await
        .expect("writes");
    assert_eq!(home.store.asked_since(RATER, NOW - Duration::SECOND).await.expect("counts"), 1);
    assert_eq!(home.store.asked_since(RATER, NOW).await.expect("counts"), 0);
    assert_eq!(askable(true).await, [plain[1], marked[1]]);
    for face in [plain[0], marked[0], plain[1]] {
        home.judged(RATER, face).await;
    }
    let rows: Vec<(i64, Option<String>, Option<f64>)> =
        sqlx::query_as("SELECT face, shown, propensity FROM ratings ORDER BY id")
            .fetch_all(&home.store.pool)
            .await
            .expect("reads");
    let row = |face: FaceId, shown: Option<&str>, propensity| (face.0, shown.map(ToOwned::to_owned), propensity);
    let expected =
        [row(plain[0], Some("lot"), Some(0.5)), row(marked[0], Some("asked"), Some(0.9)), row(plain[1], None, None)];
    assert_eq!(rows, expected);
    assert_eq!(askable(true).await, [marked[1]]);
}

#[tokio::test]
async fn a_taste_that_starts_over_learns_from_what_comes_after() {
    let home = Home::new().await;
    let (_, shown) = home.drawn(1, false).await;
    let faces = home.faces(&shown).await;
    home.judged(RATER, faces[0]).await;
    home.store.add_taste(&FittedTaste { scope: GUILD, ..taste(1, true) }).await.expect("writes");
    home.store.reset_taste(GUILD, NOW).await.expect("writes");
    let learnable = async |scope| home.store.learnable_ratings(scope, &RatingSource::ALL).await.expect("counts");
    assert_eq!((learnable(GUILD).await, learnable(Scope::User(RATER)).await), (0, 1));
    assert!(home.store.newest_taste(GUILD).await.expect("reads").is_none());
    let later = Rating {
        scope: GUILD,
        rater: Rater::discord(RATER),
        target: Target::Face(faces[1]),
        judgement: Some(Judgement::Down),
        source: RatingSource::Interaction,
        at: NOW + Duration::SECOND,
        score_visible: false,
    };
    assert!(home.store.add_rating(&later).await.expect("writes"));
    assert_eq!((learnable(GUILD).await, learnable(Scope::User(RATER)).await), (1, 2));
}
