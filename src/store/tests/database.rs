//! The file: opened again, migrated, damaged.

use super::*;

#[tokio::test]
async fn opened_again_the_database_holds_what_it_held() {
    let home = Home::new().await;
    let shown = picture(1, u64::MAX, &[0.5, 0.9]);
    let post = home.analysed(PostSource::Upload, &shown).await;
    home.rate("owner", Target::Face(home.faces(&shown).await[0]), Some("5"), NOW).await;
    home.store.restore_pick(Scope::Local, post, shown.picture.id, 4.5, NOW - Duration::DAY).await.expect("writes");
    home.store.restore_pick(Scope::Local, post, shown.picture.id, 1.0, NOW).await.expect("twice changes nothing");
    let home = home.reopen().await;
    let row = home.store.picture(shown.picture.id).await.expect("reads").expect("is there");
    assert_eq!(
        (row.size, row.hash, row.features, row.analysed_at),
        (shown.picture.size, shown.picture.hash, shown.picture.features, NOW)
    );
    let faces = home.store.faces(shown.picture.id).await.expect("reads");
    assert_eq!(faces.iter().map(|f| f.face.confidence.0).collect::<Vec<_>>(), [0.9, 0.5], "surest first");
    assert_eq!(faces[0].face.bounds, shown.faces[1].face.bounds);
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
    assert_eq!(store.rated_faces(Scope::Local, &RatingSource::ALL).await.expect("reads").len(), 1);
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
