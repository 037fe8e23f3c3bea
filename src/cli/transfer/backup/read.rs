//! `mekiki import` of a backup. Repeatable: what is there already is left as it is.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use time::OffsetDateTime;

use super::lines::{BoxesLine, PictureLine, PostLine, RatingLine, VerdictLine, from_line};
use super::{BOXES, CROPS, PICTURES, POSTS, RATINGS};
use crate::cli::transfer::{Home, progress, read_lines};
use crate::domain::{Face, FaceId, NewPost, Origin, PictureBox, PictureId, Rater, Rating, Scope, Target};
use crate::store::{AnalysedPicture, BlobId, BlobKind, Blobs, Claim, CroppedFace, LabelledPicture, Picture, Store};

/// The faces of each imported picture, as ratings count them.
type Boxes = HashMap<PictureId, Vec<PictureBox>>;
/// A face found here by other models is the exported one from this overlap on.
const SAME_FACE_IOU: f32 = 0.5;

/// Reads what `export` wrote.
pub(in crate::cli::transfer) async fn import(home: &Home, folder: &Path) -> anyhow::Result<()> {
    for name in [PICTURES, POSTS, RATINGS] {
        ensure!(folder.join(name).is_file(), "{} is no export: it has no {name}", folder.display());
    }
    let (store, blobs) = (&home.store, &home.blobs);
    let posts = read_lines::<PostLine>(&folder.join(POSTS))?.collect::<anyhow::Result<Vec<_>>>()?;
    let ratings = read_lines::<RatingLine>(&folder.join(RATINGS))?.collect::<anyhow::Result<Vec<_>>>()?;
    // A picture that was only rated has no post.
    let wanted: HashSet<PictureId> = posts.iter().map(|p| p.picture).chain(ratings.iter().map(|r| r.picture)).collect();
    let bar = progress(wanted.len());
    let mut boxes = Boxes::new();
    for line in read_lines::<PictureLine>(&folder.join(PICTURES))? {
        let line = line?;
        if wanted.contains(&line.id) {
            boxes.insert(line.id, line.faces.iter().map(|f| f.bounds).collect());
            let (id, at) = (line.id, line.analysed_at);
            let reported: Vec<_> = line.faces.iter().map(|f| (f.bounds, f.not_a_face.clone())).collect();
            import_picture(store, blobs, folder, line).await?;
            import_reports(store, id, &reported, at).await?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut new_posts = 0;
    for post in posts {
        ensure!(boxes.contains_key(&post.picture), "{POSTS} shows {}, which {PICTURES} does not have", post.picture);
        new_posts += usize::from(import_post(store, post).await?);
    }
    let (new_ratings, left_out) = import_ratings(store, ratings, &boxes).await?;
    let new_boxes = import_boxes(store, folder).await?;
    if left_out > 0 {
        println!("{left_out} ratings are left out: the pictures were analysed here before, and those faces not found.");
    }
    if new_boxes > 0 {
        println!("Imported the boxes by hand of {new_boxes} pictures.");
    }
    println!(
        "Imported {new_posts} posts and {new_ratings} ratings; run `mekiki fit` or `mekiki serve` to learn from them."
    );
    Ok(())
}

/// Of how many pictures the boxes are new here; what somebody saved here stays.
async fn import_boxes(store: &Store, folder: &Path) -> anyhow::Result<usize> {
    let path = folder.join(BOXES);
    if !path.is_file() {
        return Ok(0);
    }
    let mut new = 0;
    for line in read_lines::<BoxesLine>(&path)? {
        let BoxesLine { picture, labels, by, at } = line?;
        if store.box_labels(picture).await?.is_none() {
            new += usize::from(store.add_box_labels(&LabelledPicture { picture, labels, by, at }).await?);
        }
    }
    Ok(new)
}

async fn import_reports(
    store: &Store,
    picture: PictureId,
    reported: &[(PictureBox, Vec<Rater>)],
    at: OffsetDateTime,
) -> anyhow::Result<()> {
    for (bounds, people) in reported.iter().filter(|(_, people)| !people.is_empty()) {
        if let Some(face) = same_face(store, picture, bounds).await? {
            for person in people {
                store.report_face(face, person, at).await?;
            }
        }
    }
    Ok(())
}

async fn import_picture(store: &Store, blobs: &Blobs, folder: &Path, line: PictureLine) -> anyhow::Result<()> {
    for blob in line.faces.iter().map(|f| f.crop).chain([line.preview]) {
        let path = folder.join(CROPS).join(format!("{blob}.jpg"));
        if path.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            ensure!(BlobId::of(&bytes) == blob, "{} is damaged: its bytes do not match its name", path.display());
            blobs.put(BlobKind::Crop, &bytes)?;
        }
    }
    let faces = line.faces.into_iter().map(|f| {
        let features = from_line(&f.features)?;
        Ok(CroppedFace { face: Face { bounds: f.bounds, confidence: f.confidence, features }, crop: f.crop })
    });
    let faces = faces.collect::<anyhow::Result<_>>()?;
    let picture = Picture {
        id: line.id,
        size: line.size,
        format: line.format,
        hash: line.perceptual_hash,
        safety: line.safety,
        features: from_line(&line.features)?,
        preview: line.preview,
        models: line.models,
        analysed_at: line.analysed_at,
    };
    Ok(store.add_picture(&AnalysedPicture { picture, faces }).await?)
}

/// Whether the post is new here.
async fn import_post(store: &Store, line: PostLine) -> anyhow::Result<bool> {
    let claim = store
        .claim(&NewPost {
            source: line.source,
            external_id: line.external_id,
            origin: Origin::Spool { picture: line.picture },
            title: line.title,
            author: line.author,
            link: line.link,
            posted_at: line.posted_at,
            marked_restricted: line.marked_restricted,
            scope: Scope::Local,
            place: None,
        })
        .await?;
    let post = match claim {
        Claim::New(post) => post,
        Claim::Already(post) => {
            // One that failed here has its picture now.
            store.reclaim_post(post).await?;
            return Ok(false);
        }
    };
    store.set_fetched(post, line.picture).await?;
    store.set_analysed_before(post).await?;
    if let Some(pick) = line.pick {
        store.restore_pick(Scope::Local, post, line.picture, pick.score, pick.picked_at).await?;
    }
    if let Some(VerdictLine { verdict, decided_at }) = line.verdict {
        store.restore_verdict(Scope::Local, post, verdict, decided_at).await?;
    }
    Ok(true)
}

/// How many are new here, and how many rate a face that was not found here.
async fn import_ratings(store: &Store, lines: Vec<RatingLine>, boxes: &Boxes) -> anyhow::Result<(u64, usize)> {
    let (mut ratings, mut left_out) = (Vec::new(), 0);
    for line in lines {
        let Some(faces) = boxes.get(&line.picture) else {
            bail!("{RATINGS} rates {}, which {PICTURES} does not have", line.picture)
        };
        let target = match line.face.map(|index| (index, faces.get(index))) {
            None => Target::Picture(line.picture),
            Some((index, None)) => bail!("{RATINGS} rates face {index} of {}, which has no such face", line.picture),
            Some((_, Some(bounds))) => {
                let Some(face) = same_face(store, line.picture, bounds).await? else {
                    left_out += 1;
                    continue;
                };
                Target::Face(face)
            }
        };
        ratings.push(Rating {
            scope: line.scope.parse()?,
            rater: line.rater,
            target,
            judgement: line.judgement,
            source: line.source,
            at: line.at,
            score_visible: line.score_visible,
        });
    }
    Ok((store.add_missing_ratings(&ratings).await?, left_out))
}

async fn same_face(store: &Store, picture: PictureId, bounds: &PictureBox) -> anyhow::Result<Option<FaceId>> {
    let faces = store.found_faces(picture).await?;
    let nearest = faces.iter().map(|f| (f.face.bounds.iou(bounds), f.id)).max_by(|a, b| a.0.total_cmp(&b.0));
    Ok(nearest.filter(|(iou, _)| *iou >= SAME_FACE_IOU).map(|(_, id)| id))
}
