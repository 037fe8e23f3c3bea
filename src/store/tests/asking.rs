//! What may be asked for, and labels of boxes.

use super::*;
use crate::domain::BoxLabels;

async fn open(home: &Home) -> Vec<FaceId> {
    let faces = home.store.open_faces(Scope::Local, &Rater::owner(), 100).await.expect("reads");
    faces.iter().map(|f| f.row.id).collect()
}

#[tokio::test]
async fn faces_are_open_until_their_rater_has_judged_them() {
    let home = Home::new().await;
    let analysed = picture(1, 0, &[0.9, 0.6]);
    let post = home.analysed(PostSource::Upload, &analysed).await;
    let faces = home.faces(&analysed).await;
    assert_eq!(open(&home).await, [faces[1], faces[0]], "newest first");
    assert_eq!(home.store.post_of_face(faces[0]).await.expect("reads"), Some(post));

    home.rate("owner", Target::Face(faces[0]), Some("4"), NOW).await;
    home.rate("discord:5", Target::Face(faces[1]), Some("up"), NOW).await;
    assert_eq!(open(&home).await, [faces[1]], "other people's ratings do not count");
    home.rate("owner", Target::Face(faces[0]), None, NOW).await;
    assert_eq!(open(&home).await, [faces[1], faces[0]], "taken back, it may be asked for again");
    let judged = home.store.judged_pictures(Scope::Local, &Rater::owner()).await.expect("reads");
    assert_eq!(judged, [(analysed.picture.id, analysed.picture.hash)]);
}

#[tokio::test]
async fn what_was_asked_is_known_with_its_chance() {
    let home = Home::new().await;
    let analysed = picture(1, 0, &[0.9, 0.6]);
    home.analysed(PostSource::Upload, &analysed).await;
    let faces = home.faces(&analysed).await;
    let asked = [
        Asking { face: faces[1], by_lot: false, propensity: Some(0.96) },
        Asking { face: faces[0], by_lot: true, propensity: Some(0.04) },
    ];
    let gone = Asking { face: FaceId(99), by_lot: false, propensity: Some(1.0) };
    let owner = Rater::owner();
    home.store.add_asked(Scope::Local, &owner, &[asked[0], gone, asked[1]], NOW).await.expect("writes");
    let expected = asked.map(|one| (one, NOW));
    assert_eq!(home.store.asked(Scope::Local, &owner).await.expect("reads"), expected);
    assert_eq!(home.store.asked(Scope::Guild(1), &owner).await.expect("reads"), []);
}

#[tokio::test]
async fn restricted_pictures_and_those_no_post_shows_are_not_asked_for() {
    let home = Home::new().await;
    let mut gated = picture(1, 0, &[0.9]);
    gated.picture.safety = Safety { drawing: 0.3, explicit_drawing: 0.7, ..gated.picture.safety };
    home.analysed(PostSource::Upload, &gated).await;
    let marked = picture(2, 7, &[0.9]);
    let post = NewPost { marked_restricted: true, ..new_post(PostSource::Upload, marked.picture.id) };
    let post = home.store.claim(&post).await.expect("claims").post();
    home.store.set_fetched(post, marked.picture.id).await.expect("writes");
    assert!(home.store.set_analysed(post, &marked).await.expect("writes"));
    home.store.add_picture(&picture(3, 9, &[0.9])).await.expect("writes");
    assert_eq!(open(&home).await, []);
}

#[tokio::test]
async fn the_newest_save_of_a_pictures_boxes_stands() {
    let home = Home::new().await;
    let analysed = [picture(1, 0, &[0.9, 0.5]), picture(2, 7, &[0.6]), picture(3, 9, &[])];
    for one in &analysed {
        home.analysed(PostSource::Upload, one).await;
    }
    let [first, second, third] = [0, 1, 2].map(|i: usize| analysed[i].picture.id);
    let store = &home.store;
    assert_eq!(store.unlabelled_pictures(9).await.expect("reads"), [first, second, third], "the least sure face first");
    assert_eq!(store.unlabelled_pictures(1).await.expect("reads"), [first]);

    let save = async |picture, boxes: &[[f32; 4]]| {
        let labels = BoxLabels { boxes: boxes.iter().map(|b| (*b).into()).collect(), ignore: vec![] };
        let labelled = LabelledPicture { picture, labels, by: Rater::owner(), at: NOW };
        store.add_box_labels(&labelled).await.expect("writes").then_some(labelled)
    };
    save(second, &[[1.0, 2.0, 3.0, 4.0]]).await.expect("is there");
    let one = save(first, &[]).await.expect("is there");
    let two = save(second, &[[0.1, 2.0 / 3.0, 30.0, 40.0], [5.0, 6.0, 7.0, 8.0]]).await.expect("is there");
    assert_eq!(save(PictureId([9; 32]), &[]).await, None, "no such picture");
    assert_eq!(store.box_labels(second).await.expect("reads"), Some(two.clone()), "to the bit");
    assert_eq!(store.labelled_pictures().await.expect("reads"), [two, one]);
    assert_eq!(store.unlabelled_pictures(9).await.expect("reads"), [third]);
    assert_eq!(store.label_counts().await.expect("reads"), LabelCounts { labelled: 2, waiting: 1 });
}

#[tokio::test]
async fn a_rating_on_the_page_says_what_it_answers() {
    let home = Home::new().await;
    let analysed = picture(1, 0, &[0.9, 0.6]);
    home.analysed(PostSource::Upload, &analysed).await;
    let faces = home.faces(&analysed).await;
    let owner = Rater::owner();
    let lot = |propensity| Asking { face: faces[0], by_lot: true, propensity: Some(propensity) };
    home.store.add_asked(Scope::Local, &owner, &[lot(0.1)], NOW).await.expect("writes");
    home.store.add_asked(Scope::Local, &owner, &[lot(0.2)], NOW).await.expect("writes");
    home.rate("owner", Target::Face(faces[0]), Some("4"), NOW).await;
    home.rate("owner", Target::Face(faces[1]), Some("4"), NOW).await;
    let rows: Vec<(i64, Option<String>, Option<f64>)> =
        sqlx::query_as("SELECT score_visible, shown, propensity FROM ratings ORDER BY id")
            .fetch_all(&home.store.pool)
            .await
            .expect("reads");
    assert_eq!(rows, [(0, Some("lot".to_owned()), Some(0.2)), (0, None, None)], "the newest question is answered");
}
