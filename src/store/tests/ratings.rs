//! The ledger and the tastes fitted on it.

use super::*;

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
    let own = home.store.own_ratings(Scope::Local, &Rater::owner(), shown.picture.id).await.expect("reads");
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
    home.rate("owner", Target::Picture(two.picture.id), Some("5"), NOW).await;
    home.rate("owner", Target::Picture(none.picture.id), Some("1"), NOW).await;
    let rated = home.store.rated_faces(Scope::Local, &RatingSource::ALL).await.expect("reads");
    assert_eq!(rated.len(), 1, "a picture without faces teaches nothing");
    assert_eq!((rated[0].picture, rated[0].features.clone()), (two.picture.id, features(0.9)));
    let learnable =
        async |sources: &[RatingSource]| home.store.learnable_ratings(Scope::Local, sources).await.expect("counts");
    assert_eq!(learnable(&RatingSource::ALL).await, 1);
    assert_eq!(learnable(&[RatingSource::Channel]).await, 0);
    // What is said later of that very face replaces it; what is said of another stands beside it.
    home.rate("owner", Target::Face(home.faces(&two).await[0]), Some("4"), NOW).await;
    assert_eq!(home.judgements().await, ["4"]);
    home.rate("owner", Target::Face(home.faces(&two).await[1]), Some("2"), NOW).await;
    assert_eq!(home.judgements().await, ["4", "2"]);
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
    assert_eq!((current.id, newest.fit.ratings), (in_use, 19));
    home.store.clear_tastes(Scope::Local).await.expect("clears");
    assert!(home.store.newest_taste(Scope::Local).await.expect("reads").is_none());
}

#[tokio::test]
async fn an_older_version_is_put_into_use_and_taken_back() {
    let home = Home::new().await;
    let store = &home.store;
    let scope = Scope::Local;
    let in_use = async || store.current_taste(scope).await.expect("reads").map(|row| (row.id, row.by_hand));
    assert_eq!(store.roll_taste_back(scope).await.expect("answers"), None);
    let first = store.add_taste(&taste(10, true)).await.expect("writes");
    assert_eq!(store.roll_taste_back(scope).await.expect("answers"), None, "nothing was before it");
    let refused = store.add_taste(&taste(11, false)).await.expect("writes");
    let third = store.add_taste(&taste(12, true)).await.expect("writes");
    assert_eq!(in_use().await, Some((third, false)), "of the same moment the newer");
    assert_eq!(store.roll_taste_back(scope).await.expect("answers"), Some(first));
    assert_eq!(in_use().await, Some((first, true)));
    assert!(store.promote_taste(scope, refused, NOW).await.expect("answers"));
    assert_eq!(in_use().await, Some((refused, true)), "even one that was not promoted");
    assert!(!store.promote_taste(Scope::Guild(1), refused, NOW).await.expect("answers"), "of another scope");
    assert_eq!(store.roll_taste_back(scope).await.expect("answers"), Some(first), "what was in use before");
    // The next fit that is promoted takes over, whatever the clock says.
    store.promote_taste(scope, refused, NOW).await.expect("answers");
    let later = FittedTaste { fitted_at: NOW + Duration::SECOND, ..taste(13, true) };
    let fourth = store.add_taste(&later).await.expect("writes");
    assert_eq!(in_use().await, Some((fourth, false)));
    assert_eq!(store.prune_tastes(scope, 1).await.expect("prunes"), 3);
}
