//! Verdicts and picks.

use super::*;

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
    assert_eq!(decide(2, 4.5, NOW).await, Verdict::Skip(Skip::NearDuplicate { of: pictures[0].picture.id }));
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
    let again = home.store.claim(&new_post(PostSource::File, pictures[0].picture.id)).await.expect("claims").post();
    home.store.set_fetched(again, pictures[0].picture.id).await.expect("writes");
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

/// The desk looks again at 500 posts and 100 picks after each fit: prints what that costs on this disk.
#[tokio::test]
async fn five_hundred_decisions_take_one_commit_a_hundred() {
    let home = Home::new().await;
    let mut cases = Vec::new();
    for n in 0..600u64 {
        let bytes = n.to_le_bytes();
        let shown = AnalysedPicture {
            picture: Picture {
                id: PictureId::of(&bytes),
                hash: PerceptualHash(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                ..picture(1, 0, &[]).picture
            },
            faces: Vec::new(),
        };
        let post = home.store.claim(&new_post(PostSource::Upload, shown.picture.id)).await.expect("claims").post();
        home.store.set_fetched(post, shown.picture.id).await.expect("writes");
        home.store.set_analysed(post, &shown).await.expect("writes");
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

#[tokio::test]
async fn a_pick_by_lot_says_its_chance_and_so_does_a_rating_of_it() {
    let home = Home::new().await;
    let rules = DeskRules { exploration: 0.1, picks_per_hour: 1000, ..RULES };
    let decide = async |n: u8, mean: f32| {
        let hash = u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let shown = picture(n, hash, &[0.9]);
        let post = home.analysed(PostSource::Upload, &shown).await;
        let case = [case(post, &shown, mean)];
        let first = home.store.decide_posts(&case, &rules, NOW).await.expect("decides")[0].expect("is there");
        let again = home.store.decide_posts(&case, &rules, NOW).await.expect("decides")[0].expect("is there");
        if first.is_pick() {
            assert_eq!(again, first, "looking again is no second draw");
        }
        (shown, first)
    };
    let mut picked = 0;
    for n in 0..40 {
        picked += usize::from(decide(n, 4.5).await.1 == Verdict::Repost);
    }
    assert!(picked > 30, "{picked}: unlike each other, but for chance");
    let mut drawn = Vec::new();
    for n in 40..120 {
        let (shown, verdict) = decide(n, 3.5).await;
        drawn.extend(verdict.propensity().map(|chance| (shown, chance)));
    }
    // At first every fourth, then fewer the more there are.
    assert!((2..=25).contains(&drawn.len()), "{}", drawn.len());
    assert!(drawn.iter().all(|(_, chance)| (0.0..=0.25).contains(chance)) && drawn[0].1 > drawn[drawn.len() - 1].1);
    let rows: Vec<f32> = sqlx::query_scalar("SELECT propensity FROM picks WHERE propensity IS NOT NULL ORDER BY id")
        .fetch_all(&home.store.pool)
        .await
        .expect("reads");
    assert_eq!(rows, drawn.iter().map(|d| d.1).collect::<Vec<_>>());
    home.rate("owner", Target::Picture(drawn[0].0.picture.id), Some("up"), NOW).await;
    home.rate("owner", Target::Picture(picture(0, 0, &[0.9]).picture.id), Some("up"), NOW).await;
    let rated = home.store.rated_faces(Scope::Local, &RatingSource::ALL).await.expect("reads");
    assert_eq!(rated.iter().map(|r| r.by_lot).collect::<Vec<_>>(), [true, false]);
}
