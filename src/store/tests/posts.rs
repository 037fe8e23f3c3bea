//! Claims, originals and removals.

use super::*;

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
async fn a_removed_post_takes_its_picture_along_unless_another_shows_it() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[0.9]);
    let upload = home.analysed(PostSource::Upload, &shown).await;
    let file = home.store.claim(&new_post(PostSource::File, shown.picture.id)).await.expect("claims").post();
    home.store.set_fetched(file, shown.picture.id).await.expect("writes");
    home.rate("owner", Target::Face(home.faces(&shown).await[0]), Some("5"), NOW).await;
    assert_eq!(home.decide(upload, &shown, 4.5, NOW).await, Verdict::Repost);
    // The other post waits for the same picture: it stays.
    assert_eq!(home.store.remove_post(upload).await.expect("removes"), Some(Vec::new()));
    assert_eq!(home.judgements().await, ["5"]);
    assert!(home.store.pick(Scope::Local, upload).await.expect("reads").is_none());
    // Another picture with the same pixels has the same crop files.
    let mut twin = shown.clone();
    (twin.picture.id, twin.picture.preview) = (PictureId([2; 32]), BlobId::of(b"own"));
    home.analysed(PostSource::Upload, &twin).await;
    assert_eq!(home.store.remove_post(file).await.expect("removes"), Some(vec![shown.picture.preview]));
    assert!(home.store.picture(shown.picture.id).await.expect("reads").is_none());
    assert!(home.judgements().await.is_empty());
    assert_eq!(home.faces(&twin).await.len(), 1);
    assert_eq!(home.store.remove_post(file).await.expect("answers"), None);
}

#[tokio::test]
async fn an_analysis_that_comes_after_the_post_was_removed_writes_nothing() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[0.9]);
    let post = home.store.claim(&new_post(PostSource::Upload, shown.picture.id)).await.expect("claims").post();
    home.store.set_fetched(post, shown.picture.id).await.expect("writes");
    home.store.remove_post(post).await.expect("removes");
    assert!(!home.store.set_analysed(post, &shown).await.expect("answers"));
    assert!(home.store.picture_ids().await.expect("reads").is_empty());
    assert_eq!(home.store.unreferenced(&[shown.picture.preview]).await.expect("reads"), [shown.picture.preview]);
}

#[tokio::test]
async fn originals_are_waited_for_until_they_are_analysed() {
    let home = Home::new().await;
    let shown = picture(1, 0, &[]);
    let waited = async || {
        let all = home.store.waiting_originals().await.expect("reads");
        assert_eq!(
            home.store.is_original_waited_for(shown.picture.id).await.expect("reads"),
            all.contains(&shown.picture.id)
        );
        all.len()
    };
    assert_eq!(waited().await, 0);
    let post = home.store.claim(&new_post(PostSource::Upload, shown.picture.id)).await.expect("claims").post();
    let drawing = NewPost {
        external_id: "scene:1".into(),
        origin: Origin::Drawing { seed: 1 },
        ..new_post(PostSource::Sample, shown.picture.id)
    };
    home.store.claim(&drawing).await.expect("claims");
    assert_eq!(waited().await, 1);
    home.store.set_fetched(post, shown.picture.id).await.expect("writes");
    assert_eq!(waited().await, 1);
    home.store.set_analysed(post, &shown).await.expect("writes");
    assert_eq!(waited().await, 0);
}
