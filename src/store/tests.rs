//! The store on a real file.

use std::collections::HashSet;
use std::time::Instant;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::domain::{
    Author, COLOUR_DIMS, Calibration, Candidate, Confidence, DeskRules, EMBEDDING_DIMS, FaceId, Features, Judgement,
    NewPost, Origin, PerceptualHash, PictureBox, PictureId, PostId, PostSource, PostState, Rater, Rating, RatingSource,
    Safety, Scope, Score, Size, Skip, Stars, Target, Verdict,
};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("mekiki.db")).await.expect("opens");
        Self { folder, store }
    }

    async fn reopen(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.folder.path().join("mekiki.db")).await.expect("opens again");
        Self { store, ..self }
    }

    /// A post of a picture, analysed, with one face a confidence.
    async fn analysed(&self, source: PostSource, picture: &AnalysedPicture) -> PostId {
        let post = self.store.claim(&new_post(source, picture.id)).await.expect("claims").post();
        self.store.set_fetched(post, picture.id).await.expect("writes");
        assert!(self.store.set_analysed(post, picture, NOW).await.expect("writes"));
        post
    }

    async fn decide(&self, post: PostId, picture: &AnalysedPicture, mean: f32, now: OffsetDateTime) -> Verdict {
        let case = case(post, picture, mean);
        self.store.decide_posts(&[case], &RULES, now).await.expect("decides")[0].expect("the post is there")
    }

    async fn rate(&self, rater: &str, target: Target, judgement: Option<&str>, at: OffsetDateTime) {
        let rating = Rating {
            scope: Scope::Local,
            rater: Rater(rater.into()),
            target,
            judgement: judgement.map(|j| j.parse().expect("a judgement")),
            source: RatingSource::Local,
            at,
            score_visible: false,
        };
        assert!(self.store.add_rating(&rating).await.expect("writes"), "the target is there");
    }

    async fn faces(&self, picture: &AnalysedPicture) -> Vec<FaceId> {
        self.store.faces(picture.id).await.expect("reads").iter().map(|f| f.id).collect()
    }

    async fn judgements(&self) -> Vec<String> {
        let rated = self.store.rated_faces(Scope::Local).await.expect("reads");
        rated.iter().map(|r| r.judgement.to_string()).collect()
    }
}

const RULES: DeskRules = DeskRules { threshold: 4.0, picks_per_hour: 2, repeat_after: Duration::days(90) };

fn new_post(source: PostSource, picture: PictureId) -> NewPost {
    NewPost {
        source,
        external_id: picture.to_string(),
        origin: Origin::Spool { picture },
        title: None,
        author: Author::default(),
        link: None,
        posted_at: NOW,
        marked_restricted: false,
    }
}

fn features(value: f32) -> Features {
    Features { embedding: vec![value; EMBEDDING_DIMS], colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] }
}

/// A picture whose crops nobody shares, with a face for each confidence.
fn picture(n: u8, hash: u64, faces: &[f32]) -> AnalysedPicture {
    AnalysedPicture {
        id: PictureId([n; 32]),
        size: Size::new(100, 80),
        format: "png".into(),
        hash: PerceptualHash(hash),
        safety: Safety { drawing: 1.0, explicit_drawing: 0.0, neutral: 0.0, explicit_photo: 0.0, suggestive: 0.0 },
        features: features(0.5),
        preview: BlobId::of(&[n, 0]),
        models: "face-v0+embed-v0".into(),
        faces: (1..)
            .zip(faces)
            .map(|(i, &confidence)| AnalysedFace {
                bounds: PictureBox::new(1.0, 2.0, 30.0, 40.0),
                confidence: Confidence(confidence),
                features: features(confidence),
                crop: BlobId::of(&[n, i]),
            })
            .collect(),
    }
}

fn case(post: PostId, picture: &AnalysedPicture, mean: f32) -> Case {
    Case {
        scope: Scope::Local,
        post,
        candidate: Candidate {
            picture: picture.id,
            best: Some(Score::new(mean, 0.2, Calibration::from_ratings(20))),
            marked_restricted: false,
            restricted_probability: 0.0,
            over_age_gate: false,
        },
        hash: picture.hash,
        taste: None,
    }
}

fn taste(ratings: u32, promoted: bool) -> NewTaste {
    NewTaste {
        scope: Scope::Local,
        fitted_at: NOW,
        ratings,
        seen: 0,
        model: vec![1, 2, 3],
        held_out: None,
        incumbent_spearman: (!promoted).then_some(0.5),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_post_is_claimed_once_however_many_try() {
    let home = Home::new().await;
    let claims: Vec<_> = (0..12)
        .map(|_| {
            let store = home.store.clone();
            tokio::spawn(async move { store.claim(&new_post(PostSource::Upload, PictureId([1; 32]))).await })
        })
        .collect();
    let mut new = 0;
    let mut posts = HashSet::new();
    for claim in claims {
        let claim = claim.await.expect("no panic").expect("claims");
        new += usize::from(matches!(claim, Claim::New(_)));
        posts.insert(claim.post());
    }
    assert_eq!((new, posts.len()), (1, 1));
    // The same from another source is another post.
    let other = home.store.claim(&new_post(PostSource::File, PictureId([1; 32]))).await.expect("claims");
    assert!(matches!(other, Claim::New(id) if !posts.contains(&id)));
}

#[tokio::test]
async fn first_posts_come_once_and_not_back_after_they_were_removed() {
    let home = Home::new().await;
    let first = [1, 2].map(|n| new_post(PostSource::Sample, PictureId([n; 32])));
    assert!(home.store.claim_first(&first).await.expect("claims"));
    assert!(!home.store.claim_first(&first).await.expect("looks"));
    for post in home.store.posts(PostFilter::All, None, 9).await.expect("reads") {
        home.store.remove_post(post.id).await.expect("removes");
    }
    assert!(!home.store.claim_first(&first).await.expect("looks"));
    assert!(home.store.posts(PostFilter::All, None, 9).await.expect("reads").is_empty());
}

#[tokio::test]
async fn of_a_raters_judgements_of_one_face_the_newest_stands() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[0.9, 0.8]);
    home.analysed(PostSource::Upload, &shown).await;
    let faces = home.faces(&shown).await;
    let (first, second) = (Target::Face(faces[0]), Target::Face(faces[1]));
    let at = |s| NOW + Duration::seconds(s);
    home.rate("owner", first, Some("2"), at(1)).await;
    home.rate("owner", first, Some("5"), at(3)).await;
    // Written last, said first: an import of an older ledger.
    home.rate("owner", first, Some("1"), at(2)).await;
    assert_eq!(home.judgements().await, ["5"]);
    // In the same millisecond the last line written wins.
    home.rate("owner", first, Some("4"), at(3)).await;
    assert_eq!(home.judgements().await, ["4"]);
    // Another rater and another face have their own.
    home.rate("discord:7", first, Some("down"), at(4)).await;
    home.rate("owner", second, Some("up"), at(5)).await;
    assert_eq!(home.judgements().await, ["4", "down", "up"]);
    let counts = home.store.rating_counts(Scope::Local).await.expect("counts");
    assert_eq!(counts, RatingCounts { ups: 1, downs: 1, stars: [0, 0, 0, 1, 0] });
    let own = home.store.own_ratings(Scope::Local, &Rater::owner(), shown.id).await.expect("reads");
    let stars = |n| Judgement::Stars(Stars::try_from(n).expect("stars"));
    assert_eq!((own.len(), own[&faces[0]], own[&faces[1]]), (2, stars(4), Judgement::Up));
    // Taken back, nothing of that rater stands on that face; the earlier lines do not come back.
    home.rate("owner", first, None, at(6)).await;
    assert_eq!(home.judgements().await, ["down", "up"]);
    assert_eq!(home.store.ledger().await.expect("reads").len(), 7, "the ledger forgets nothing");
}

#[tokio::test]
async fn a_rating_of_a_picture_speaks_of_its_surest_face() {
    let home = Home::new().await;
    let (two, none) = (picture(1, 0, &[0.6, 0.9]), picture(2, u64::MAX, &[]));
    home.analysed(PostSource::Upload, &two).await;
    home.analysed(PostSource::Upload, &none).await;
    home.rate("owner", Target::Picture(two.id), Some("5"), NOW).await;
    home.rate("owner", Target::Picture(none.id), Some("1"), NOW).await;
    let rated = home.store.rated_faces(Scope::Local).await.expect("reads");
    assert_eq!(rated.len(), 1, "a picture without faces teaches nothing");
    assert_eq!((rated[0].picture, rated[0].features.clone()), (two.id, features(0.9)));
    let learnable =
        async |sources: &[RatingSource]| home.store.learnable_ratings(Scope::Local, sources).await.expect("counts");
    assert_eq!(learnable(&RatingSource::ALL).await, 1);
    assert_eq!(learnable(&[RatingSource::Channel]).await, 0);
    // A rating of a face of that picture stands beside it.
    home.rate("owner", Target::Face(home.faces(&two).await[0]), Some("4"), NOW).await;
    assert_eq!(home.judgements().await.len(), 2);
    // What is not there cannot be rated.
    let nobody = Rating {
        scope: Scope::Local,
        rater: Rater::owner(),
        target: Target::Face(FaceId(999)),
        judgement: Some(Judgement::Up),
        source: RatingSource::Local,
        at: NOW,
        score_visible: false,
    };
    assert!(!home.store.add_rating(&nobody).await.expect("answers"));
}

#[tokio::test]
async fn the_desk_keeps_the_hour_and_the_ninety_days() {
    let home = Home::new().await;
    // Hashes far from each other, but the third is near the first.
    let pictures = [(1, 0), (2, 0xFFFF_FFFF), (3, 0b111), (4, 0xFFFF_0000_FFFF_0000), (5, u64::MAX)]
        .map(|(n, hash)| picture(n, hash, &[0.9]));
    let mut posts = Vec::new();
    for picture in &pictures {
        posts.push(home.analysed(PostSource::Upload, picture).await);
    }
    let decide = async |i: usize, mean, now| home.decide(posts[i], &pictures[i], mean, now).await;
    assert_eq!(decide(0, 4.5, NOW).await, Verdict::Repost);
    assert_eq!(decide(1, 4.5, NOW).await, Verdict::Repost);
    assert_eq!(decide(2, 4.5, NOW).await, Verdict::Skip(Skip::NearDuplicate { of: pictures[0].id }));
    assert_eq!(decide(3, 4.5, NOW).await, Verdict::Skip(Skip::HourlyLimit { limit: 2 }));
    assert_eq!(decide(4, 3.5, NOW).await, Verdict::Skip(Skip::BelowThreshold { best: 3.5, threshold: 4.0 }));
    // A pick stays one, whatever a later taste says.
    assert_eq!(decide(0, 1.0, NOW).await, Verdict::Repost);
    // An hour later there is room again; the near-duplicate has to wait for 90 days.
    let later = NOW + Duration::HOUR;
    assert_eq!(decide(3, 4.5, later).await, Verdict::Repost);
    let days = |n| NOW + Duration::days(n);
    assert!(matches!(decide(2, 4.5, days(90) - Duration::SECOND).await, Verdict::Skip(Skip::NearDuplicate { .. })));
    assert_eq!(decide(2, 4.5, days(90)).await, Verdict::Repost);
    // The same picture by another source.
    let again = home.store.claim(&new_post(PostSource::File, pictures[0].id)).await.expect("claims").post();
    home.store.set_fetched(again, pictures[0].id).await.expect("writes");
    home.store.set_analysed_before(again).await.expect("writes");
    assert_eq!(home.decide(again, &pictures[0], 4.5, NOW).await, Verdict::Skip(Skip::AlreadyPosted));
    // Nothing is in the feed before it is published.
    let feed = async || home.store.picks(Scope::Local, None, 9).await.expect("reads");
    assert!(feed().await.is_empty());
    for &post in &posts {
        home.store.publish_post(post, days(91)).await.expect("publishes");
        home.store.publish_post(post, days(92)).await.expect("publishing twice changes nothing");
    }
    let picked: Vec<_> = feed().await.iter().map(|p| p.post).collect();
    assert_eq!(picked, [posts[2], posts[3], posts[1], posts[0]], "newest first");
    let rest = home.store.picks(Scope::Local, Some(posts[3]), 9).await.expect("reads");
    assert_eq!(rest.iter().map(|p| p.post).collect::<Vec<_>>(), [posts[1], posts[0]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn near_duplicates_decided_at_the_same_time_give_one_pick() {
    let home = Home::new().await;
    let mut running = Vec::new();
    for n in 0..8 {
        let shown = picture(n, u64::from(n) % 2, &[0.9]);
        let post = home.analysed(PostSource::Upload, &shown).await;
        let store = home.store.clone();
        running.push(tokio::spawn(async move { store.decide_posts(&[case(post, &shown, 4.9)], &RULES, NOW).await }));
    }
    let mut picks = 0;
    for verdicts in running {
        picks += usize::from(verdicts.await.expect("no panic").expect("decides") == [Some(Verdict::Repost)]);
    }
    assert_eq!(picks, 1);
}

#[tokio::test]
async fn a_new_taste_finds_the_skips_of_others_also_before_they_are_published() {
    let home = Home::new().await;
    let pictures =
        [(1, 0), (2, 0xFFFF_FFFF), (3, 0xFFFF_0000_FFFF_0000), (4, u64::MAX)].map(|(n, hash)| picture(n, hash, &[0.9]));
    let mut posts = Vec::new();
    for picture in &pictures {
        posts.push(home.analysed(PostSource::Upload, picture).await);
    }
    let (old, new) = (home.store.add_taste(&taste(10, true)).await, home.store.add_taste(&taste(11, true)).await);
    let (old, new) = (old.expect("writes"), new.expect("writes"));
    let with = |i: usize, mean, taste| Case { taste: Some(taste), ..case(posts[i], &pictures[i], mean) };
    let cases = [with(0, 3.0, old), with(1, 3.0, old), with(2, 3.0, new), with(3, 4.5, old)];
    home.store.decide_posts(&cases, &RULES, NOW).await.expect("decides");
    home.store.publish_post(posts[0], NOW).await.expect("publishes");
    let skipped = home.store.skipped_by_other_taste(Scope::Local, Some(new), NOW - Duration::DAY).await;
    assert_eq!(skipped.expect("reads"), [posts[0], posts[1]]);
    let later = home.store.skipped_by_other_taste(Scope::Local, Some(new), NOW + Duration::SECOND).await;
    assert!(later.expect("reads").is_empty(), "old posts are left alone");
    // The published one is a pick now and has to be published again; a removed one does not hurt the others.
    home.store.remove_post(posts[1]).await.expect("removes");
    let verdicts = home.store.decide_posts(&[with(1, 4.5, new), with(0, 4.5, new)], &RULES, NOW).await;
    assert_eq!(verdicts.expect("decides"), [None, Some(Verdict::Repost)]);
    let item = home.store.work_item(posts[0]).await.expect("reads").expect("is there");
    assert_eq!(item.state, PostState::Decided);
}

#[tokio::test]
async fn a_removed_post_takes_its_picture_along_unless_another_shows_it() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[0.9]);
    let upload = home.analysed(PostSource::Upload, &shown).await;
    let file = home.store.claim(&new_post(PostSource::File, shown.id)).await.expect("claims").post();
    home.store.set_fetched(file, shown.id).await.expect("writes");
    home.rate("owner", Target::Face(home.faces(&shown).await[0]), Some("5"), NOW).await;
    assert_eq!(home.decide(upload, &shown, 4.5, NOW).await, Verdict::Repost);
    // The other post waits for the same picture: it stays.
    assert_eq!(home.store.remove_post(upload).await.expect("removes"), Some(Vec::new()));
    assert_eq!(home.judgements().await, ["5"]);
    assert!(home.store.pick(Scope::Local, upload).await.expect("reads").is_none());
    // Another picture with the same pixels has the same crop files.
    let twin = AnalysedPicture { id: PictureId([2; 32]), preview: BlobId::of(b"own"), ..shown.clone() };
    home.analysed(PostSource::Upload, &twin).await;
    assert_eq!(home.store.remove_post(file).await.expect("removes"), Some(vec![shown.preview]));
    assert!(home.store.picture(shown.id).await.expect("reads").is_none());
    assert!(home.judgements().await.is_empty());
    assert_eq!(home.faces(&twin).await.len(), 1);
    assert_eq!(home.store.remove_post(file).await.expect("answers"), None);
}

#[tokio::test]
async fn an_analysis_that_comes_after_the_post_was_removed_writes_nothing() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[0.9]);
    let post = home.store.claim(&new_post(PostSource::Upload, shown.id)).await.expect("claims").post();
    home.store.set_fetched(post, shown.id).await.expect("writes");
    home.store.remove_post(post).await.expect("removes");
    assert!(!home.store.set_analysed(post, &shown, NOW).await.expect("answers"));
    assert!(home.store.picture_ids().await.expect("reads").is_empty());
    assert_eq!(home.store.unreferenced(&[shown.preview]).await.expect("reads"), [shown.preview]);
}

#[tokio::test]
async fn originals_are_waited_for_until_they_are_analysed() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[]);
    let waited = async || {
        let all = home.store.waiting_originals().await.expect("reads");
        assert_eq!(home.store.is_original_waited_for(shown.id).await.expect("reads"), all.contains(&shown.id));
        all.len()
    };
    assert_eq!(waited().await, 0);
    let post = home.store.claim(&new_post(PostSource::Upload, shown.id)).await.expect("claims").post();
    let drawing = NewPost {
        external_id: "scene:1".into(),
        origin: Origin::Drawing { seed: 1 },
        ..new_post(PostSource::Sample, shown.id)
    };
    home.store.claim(&drawing).await.expect("claims");
    assert_eq!(waited().await, 1);
    home.store.set_fetched(post, shown.id).await.expect("writes");
    assert_eq!(waited().await, 1);
    home.store.set_analysed(post, &shown, NOW).await.expect("writes");
    assert_eq!(waited().await, 0);
}

#[tokio::test]
async fn old_tastes_go_but_never_the_one_in_use() {
    let home = Home::new().await;
    let in_use = home.store.add_taste(&taste(10, true)).await.expect("writes");
    for n in 11..20 {
        home.store.add_taste(&taste(n, false)).await.expect("writes");
    }
    assert_eq!(home.store.prune_tastes(Scope::Local, 3).await.expect("prunes"), 6);
    assert_eq!(home.store.prune_tastes(Scope::Local, 3).await.expect("prunes"), 0);
    let current = home.store.current_taste(Scope::Local).await.expect("reads").expect("is there");
    let newest = home.store.newest_taste(Scope::Local).await.expect("reads").expect("is there");
    assert_eq!((current.id, newest.ratings), (in_use, 19));
    home.store.clear_tastes(Scope::Local).await.expect("clears");
    assert!(home.store.newest_taste(Scope::Local).await.expect("reads").is_none());
}

#[tokio::test]
async fn opened_again_the_database_holds_what_it_held() {
    let home = Home::new().await;
    let shown = picture(1, u64::MAX, &[0.5, 0.9]);
    let post = home.analysed(PostSource::Upload, &shown).await;
    home.rate("owner", Target::Face(home.faces(&shown).await[0]), Some("5"), NOW).await;
    home.store.restore_pick(Scope::Local, post, shown.id, 4.5, NOW - Duration::DAY).await.expect("writes");
    home.store.restore_pick(Scope::Local, post, shown.id, 1.0, NOW).await.expect("twice changes nothing");
    let home = home.reopen().await;
    let row = home.store.picture(shown.id).await.expect("reads").expect("is there");
    assert_eq!((row.size, row.hash, row.features, row.analysed_at), (shown.size, shown.hash, shown.features, NOW));
    let faces = home.store.faces(shown.id).await.expect("reads");
    assert_eq!(faces.iter().map(|f| f.confidence.0).collect::<Vec<_>>(), [0.9, 0.5], "surest first");
    assert_eq!(faces[0].bounds, shown.faces[1].bounds);
    let pick = home.store.pick(Scope::Local, post).await.expect("reads").expect("is there");
    assert_eq!((pick.score, pick.picked_at), (4.5, NOW - Duration::DAY));
    assert_eq!(home.judgements().await, ["5"]);
    home.store.check().await.expect("not damaged");
}

/// Each migration alone on what the ones before it leave, with rows in every table.
#[tokio::test]
async fn migrations_run_on_a_database_that_holds_data() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("old.db");
    let old = sqlx::migrate!();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).foreign_keys(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await.expect("opens");
    // The first release had two.
    let first = sqlx::migrate::Migrator::with_migrations(old.iter().take(2).cloned().collect());
    first.run(&pool).await.expect("migrates");
    let id = PictureId([7; 32]).to_string();
    let vectors = [vec![0u8; EMBEDDING_DIMS * 4], vec![0u8; COLOUR_DIMS * 4]];
    sqlx::query("INSERT INTO pictures VALUES (?1, 9, 9, 'png', -1, 1, 0, 0, 0, 0, ?2, ?3, ?1, 'm', 5)")
        .bind(&id)
        .bind(&vectors[0])
        .bind(&vectors[1])
        .execute(&pool)
        .await
        .expect("writes");
    sqlx::query("INSERT INTO faces VALUES (3, ?1, 0, 0, 9, 9, 0.9, ?2, ?3, ?1)")
        .bind(&id)
        .bind(&vectors[0])
        .bind(&vectors[1])
        .execute(&pool)
        .await
        .expect("writes");
    for sql in [
        "INSERT INTO posts (id, source, external_id, origin, posted_at, marked_restricted, state, picture) \
         VALUES (4, 'upload', ?1, '{\"kind\":\"spool\",\"picture\":\"' || ?1 || '\"}', 5, 0, 'published', ?1)",
        "INSERT INTO ratings VALUES (1, 'local', 'owner', ?1, 3, '5', 'local', 6, 1)",
        "INSERT INTO tastes VALUES (1, 'local', 7, 1, 1, x'00', NULL, NULL, 1, NULL)",
        "INSERT INTO verdicts VALUES (4, 'local', '{\"verdict\":\"repost\"}', 1, 8)",
        "INSERT INTO picks VALUES (1, 'local', 4, ?1, 4.5, 8, 9)",
    ] {
        sqlx::query(sql).bind(&id).execute(&pool).await.expect("writes");
    }
    pool.close().await;
    let store = Store::open(&path).await.expect("migrates what it finds");
    store.check().await.expect("not damaged");
    assert_eq!(store.rated_faces(Scope::Local).await.expect("reads").len(), 1);
    let verdict = store.verdict(Scope::Local, PostId(4)).await.expect("reads").expect("is there");
    assert_eq!((verdict.0, verdict.1.unix_timestamp_nanos()), (Verdict::Repost, 8_000_000));
    assert_eq!(store.picks(Scope::Local, None, 9).await.expect("reads").len(), 1);
    assert_eq!(store.post(PostId(4)).await.expect("reads").expect("is there").state, PostState::Published);
}

#[tokio::test]
async fn a_damaged_file_is_not_opened_or_fails_its_check() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mekiki.db");
    std::fs::write(&path, "this is no database, and long enough to be looked at as one".repeat(40)).expect("writes");
    assert!(matches!(Store::open(&path).await, Err(StoreError::Database(_))));
}

/// The desk looks again at 500 posts and 100 picks after each fit: prints what that costs on this disk.
#[tokio::test]
async fn five_hundred_decisions_take_one_commit_a_hundred() {
    let home = Home::new().await;
    let mut cases = Vec::new();
    for n in 0..600u64 {
        let bytes = n.to_le_bytes();
        let shown = AnalysedPicture {
            id: PictureId::of(&bytes),
            hash: PerceptualHash(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            ..picture(1, 0, &[])
        };
        let post = home.store.claim(&new_post(PostSource::Upload, shown.id)).await.expect("claims").post();
        home.store.set_fetched(post, shown.id).await.expect("writes");
        home.store.set_analysed(post, &shown, NOW).await.expect("writes");
        cases.push(case(post, &shown, if n < 100 { 4.5 } else { 3.9 }));
    }
    let rules = DeskRules { picks_per_hour: 1000, ..RULES };
    let started = Instant::now();
    for cases in cases.chunks(100) {
        home.store.decide_posts(cases, &rules, NOW).await.expect("decides");
    }
    let batched = started.elapsed();
    let started = Instant::now();
    for case in &cases[..100] {
        home.store.decide_posts(std::slice::from_ref(case), &rules, NOW).await.expect("decides");
    }
    println!("600 decisions, 100 a commit: {batched:?}; 100 with a commit each: {:?}", started.elapsed());
    let picks: u32 =
        sqlx::query_scalar("SELECT count(*) FROM picks").fetch_one(&home.store.pool).await.expect("counts");
    assert!((90..=100).contains(&picks), "{picks} picks: chance may make few of the hashes near each other");
}
