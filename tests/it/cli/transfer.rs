//! `export` and `import`: what is exported again after an import is the same, byte by byte.

use std::path::Path;

use mekiki::domain::{
    Author, BoxLabels, COLOUR_DIMS, Calibration, Candidate, Confidence, DeskRules, EMBEDDING_DIMS, Face, Features,
    Judgement, NewPost, Origin, PerceptualHash, PictureBox, PictureId, PostId, PostSource, Rater, Rating, RatingSource,
    Safety, Scope, Score, Size, Target, Verdict,
};
use mekiki::store::{AnalysedPicture, BlobKind, Blobs, Case, CroppedFace, LabelledPicture, Picture, Store};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{contents, mekiki, said};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00:00.123 UTC);

fn features(value: f32) -> Features {
    let embedding = (0..EMBEDDING_DIMS).map(|i| value / (i as f32 + 0.7)).collect();
    Features { embedding, colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] }
}

fn picture(blobs: &Blobs, n: u8, hash: u64) -> AnalysedPicture {
    let put = |bytes: &[u8]| blobs.put(BlobKind::Crop, bytes).unwrap();
    let face = |i: u8, confidence| CroppedFace {
        face: Face {
            bounds: PictureBox::new(f32::from(i) * 50.0, 2.0 / 3.0, f32::from(i) * 50.0 + 30.1, 1e-7 + 40.0),
            confidence: Confidence(confidence),
            features: features(f32::from(n) + confidence),
        },
        crop: put(&[n, i]),
    };
    let picture = Picture {
        id: PictureId([n; 32]),
        size: Size::new(640, 480),
        format: "png".into(),
        hash: PerceptualHash(hash),
        safety: Safety { drawing: 0.9, explicit_drawing: 0.05, neutral: 0.03, explicit_photo: 0.01, suggestive: 0.01 },
        features: features(0.1),
        preview: put(&[n]),
        models: "face-v2+embed-v2".into(),
        analysed_at: NOW,
    };
    AnalysedPicture { picture, faces: vec![face(1, 0.51), face(2, 0.93)] }
}

struct Home {
    store: Store,
    blobs: Blobs,
}

impl Home {
    async fn claim(&self, source: PostSource, id: &str, picture: PictureId) -> PostId {
        let post = NewPost {
            source,
            external_id: id.into(),
            origin: Origin::Spool { picture },
            title: Some(format!("「{id}」.png")),
            author: Author { name: Some("K. H.".into()), link: Some("https://example.org/~kh".into()) },
            link: None,
            posted_at: NOW,
            marked_restricted: id == "restricted",
            scope: Scope::Local,
            place: None,
        };
        let post = self.store.claim(&post).await.unwrap().post();
        self.store.set_fetched(post, picture).await.unwrap();
        post
    }

    async fn decide(&self, post: PostId, picture: &AnalysedPicture, mean: f32) -> Verdict {
        let case = Case {
            scope: Scope::Local,
            post,
            candidate: Candidate {
                picture: picture.picture.id,
                best: Some(Score::new(mean, 0.2, Calibration::from_ratings(20))),
                marked_restricted: false,
                restricted_probability: 0.07,
                over_age_gate: false,
                asked: false,
            },
            hash: picture.picture.hash,
            taste: None,
        };
        let verdict = self.store.decide_posts(&[case], &DeskRules::default(), NOW).await.unwrap()[0].unwrap();
        self.store.publish_post(post, NOW).await.unwrap();
        verdict
    }

    async fn rate(&self, rater: &str, target: Target, judgement: Option<Judgement>, minutes: i64) {
        let rating = Rating {
            scope: Scope::Local,
            rater: Rater(rater.into()),
            target,
            judgement,
            source: RatingSource::Local,
            at: NOW + Duration::minutes(minutes),
            score_visible: minutes % 2 == 0,
        };
        assert!(self.store.add_rating(&rating).await.unwrap());
    }

    /// A bit of everything that a data folder holds.
    async fn fill(&self) {
        let [first, second] = [(1, 0), (2, u64::MAX)].map(|(n, hash)| picture(&self.blobs, n, hash));
        let of_second = self.claim(PostSource::Upload, "second", second.picture.id).await;
        let of_first = self.claim(PostSource::Sample, "first", first.picture.id).await;
        // Analysed in another order than claimed.
        self.store.set_analysed(of_first, &first).await.unwrap();
        self.store.set_analysed(of_second, &second).await.unwrap();
        let again = self.claim(PostSource::File, "restricted", second.picture.id).await;
        self.store.set_analysed_before(again).await.unwrap();
        assert_eq!(self.decide(of_second, &second, 4.3).await, Verdict::Repost);
        assert!(matches!(self.decide(of_first, &first, 3.9).await, Verdict::Skip(_)));
        // Fetched, but never analysed: there is nothing to export of it.
        self.claim(PostSource::Upload, "unseen", PictureId([3; 32])).await;
        let faces = self.store.faces(first.picture.id).await.unwrap();
        let stars = "4".parse().ok();
        self.rate("owner", Target::Face(faces[0].id), stars, 1).await;
        self.rate("owner", Target::Face(faces[1].id), Some(Judgement::Down), 2).await;
        self.rate("owner", Target::Face(faces[0].id), None, 3).await;
        self.rate("discord:5", Target::Picture(second.picture.id), Some(Judgement::Up), 0).await;
        let labels = BoxLabels {
            boxes: vec![PictureBox::new(1.0, 2.0 / 3.0, 60.0, 70.1)],
            ignore: vec![PictureBox::new(0.0, 0.0, 9.0, 9.0)],
        };
        let labelled = LabelledPicture { picture: first.picture.id, labels, by: Rater::owner(), at: NOW };
        assert!(self.store.add_box_labels(&labelled).await.unwrap());
        // Rated, and shown by no post: as a sorted folder brings it in.
        let alone = picture(&self.blobs, 4, 0xffff);
        self.store.add_picture(&alone).await.unwrap();
        let faces_alone = self.store.faces(alone.picture.id).await.unwrap();
        self.rate("owner", Target::Face(faces_alone[1].id), "2".parse().ok(), 5).await;
        // A crop that is no longer kept.
        self.blobs.remove(BlobKind::Crop, faces[0].crop).unwrap();
    }
}

fn run(data: &Path, args: &[&str]) -> String {
    let output = mekiki(data, args, &[]);
    assert!(output.status.success(), "{args:?}: {}", said(&output.stderr));
    said(&output.stdout).to_owned()
}

#[tokio::test]
async fn what_was_imported_is_exported_again_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let name = |name: &str| at(name).to_str().unwrap().to_owned();
    let (here, there) = (at("here"), at("there"));
    std::fs::create_dir(&here).unwrap();
    let home = Home { store: Store::open(&here.join("mekiki.db")).await.unwrap(), blobs: Blobs::open(&here).unwrap() };
    home.fill().await;
    home.store.close().await;

    let answer = run(&here, &["export", &name("first")]);
    assert!(
        answer.contains("3 pictures, 3 posts and 5 ratings") && answer.contains("1 posts are left out"),
        "{answer}"
    );
    let first = contents(&at("first"));
    assert_eq!(first.len(), 4 + 8, "four lists, three previews and five crops: {:?}", first.keys());
    let answer = run(&there, &["import", &name("first")]);
    assert!(
        answer.contains("Imported 3 posts and 5 ratings") && answer.contains("boxes by hand of 1 pictures"),
        "{answer}"
    );
    run(&there, &["export", &name("second")]);
    assert!(first == contents(&at("second")), "the second export differs");
    let answer = run(&there, &["import", &name("first")]);
    assert!(answer.contains("Imported 0 posts and 0 ratings"), "{answer}");
    run(&there, &["export", &name("third")]);
    assert!(first == contents(&at("third")), "an import that is repeated changes something");

    // Where other models have looked at a picture before, ratings go to the same face, or nowhere.
    let other = at("other");
    std::fs::create_dir(&other).unwrap();
    let home =
        Home { store: Store::open(&other.join("mekiki.db")).await.unwrap(), blobs: Blobs::open(&other).unwrap() };
    let mut seen = picture(&home.blobs, 1, 0);
    let missed = seen.faces.remove(0);
    seen.faces[0].face.bounds.x1 -= 3.0;
    let post = home.claim(PostSource::File, "known", seen.picture.id).await;
    assert!(home.store.set_analysed(post, &seen).await.unwrap());
    home.store.close().await;
    let answer = run(&other, &["import", &name("first")]);
    assert!(answer.contains("1 ratings are left out") && answer.contains("and 4 ratings"), "{answer}");
    let store = Store::open(&other.join("mekiki.db")).await.unwrap();
    assert_eq!(store.faces(seen.picture.id).await.unwrap().len(), 1, "what is there stays: {missed:?} is not added");
    assert_eq!(store.rated_faces(Scope::Local, &RatingSource::ALL).await.unwrap().len(), 2);
    store.close().await;

    // An old export does not fall on someone's files, and a damaged crop is not taken in.
    let full = mekiki(&here, &["export", &name("first")], &[]);
    assert_eq!(full.status.code(), Some(1));
    assert!(said(&full.stderr).contains("is not empty"), "{}", said(&full.stderr));
    let crop = first.keys().find(|file| file.starts_with("crops/")).unwrap();
    std::fs::write(at("first").join(crop), "damaged").unwrap();
    let damaged = mekiki(&at("elsewhere"), &["import", &name("first")], &[]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(said(&damaged.stderr).contains("is damaged"), "{}", said(&damaged.stderr));
    let nothing = mekiki(&here, &["import", &name("second/crops")], &[]);
    assert!(said(&nothing.stderr).contains("is no export"), "{}", said(&nothing.stderr));
}
