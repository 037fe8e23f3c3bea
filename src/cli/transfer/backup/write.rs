//! `mekiki export`: all of a user's data as JSON Lines, with the crops as JPEG files.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::lines::{BoxesLine, FaceLine, PickLine, PictureLine, PostLine, RatingLine, VerdictLine, to_line};
use super::{BOXES, CROPS, PICTURES, POSTS, RATINGS};
use crate::cli::transfer::{Home, Lines, progress};
use crate::domain::{PictureId, Scope, Target};
use crate::store::{BlobKind, LabelledPicture, PostFilter, Store};

/// Writes everything into an empty folder.
pub(in crate::cli::transfer) async fn export(home: &Home, folder: &Path) -> anyhow::Result<()> {
    let (store, blobs) = (&home.store, &home.blobs);
    fs::create_dir_all(folder.join(CROPS)).with_context(|| format!("cannot make {}", folder.display()))?;
    let pictures = store.picture_ids().await?;
    let bar = progress(pictures.len());
    let mut lines = Lines::create(&folder.join(PICTURES))?;
    for id in &pictures {
        if let Some(line) = picture_line(store, *id).await? {
            for blob in line.faces.iter().map(|f| f.crop).chain([line.preview]) {
                // A crop beyond its age or the budget is no longer kept.
                if let Some(bytes) = blobs.get(BlobKind::Crop, blob)? {
                    fs::write(folder.join(CROPS).join(format!("{blob}.jpg")), bytes)?;
                }
            }
            lines.write(&line)?;
        }
        bar.inc(1);
    }
    lines.finish()?;
    bar.finish_and_clear();
    let (posts, left_out) = export_posts(store, folder, &pictures.iter().copied().collect()).await?;
    let ratings = export_ratings(store, folder).await?;
    let boxes = export_boxes(store, folder).await?;
    println!("{} pictures, {posts} posts and {ratings} ratings are in {}.", pictures.len(), folder.display());
    if boxes > 0 {
        println!("Of {boxes} pictures there are boxes by hand, too.");
    }
    if left_out > 0 {
        println!("{left_out} posts are left out: their pictures wait to be analysed, or could not be.");
    }
    Ok(())
}

async fn picture_line(store: &Store, id: PictureId) -> anyhow::Result<Option<PictureLine>> {
    let Some(picture) = store.picture(id).await? else { return Ok(None) };
    let mut faces = Vec::new();
    for row in store.found_faces(id).await? {
        faces.push(FaceLine {
            bounds: row.face.bounds,
            confidence: row.face.confidence,
            features: to_line(&row.face.features),
            crop: row.crop,
            not_a_face: store.reporters(row.id).await?,
        });
    }
    Ok(Some(PictureLine {
        id,
        size: picture.size,
        format: picture.format,
        perceptual_hash: picture.hash,
        safety: picture.safety,
        features: to_line(&picture.features),
        preview: picture.preview,
        models: picture.models,
        analysed_at: picture.analysed_at,
        faces,
    }))
}

/// How many were written, and how many have no analysed picture.
async fn export_posts(store: &Store, folder: &Path, analysed: &HashSet<PictureId>) -> anyhow::Result<(usize, usize)> {
    let mut posts = store.posts(PostFilter::All, None, u32::MAX).await?;
    posts.reverse();
    let mut lines = Lines::create(&folder.join(POSTS))?;
    let (mut written, mut left_out) = (0, 0);
    for post in posts {
        let Some(picture) = post.picture.filter(|id| analysed.contains(id)) else {
            left_out += 1;
            continue;
        };
        let pick = store.pick(Scope::Local, post.id).await?;
        // A pick that is not published yet is decided again where it is imported.
        let verdict = store.verdict(Scope::Local, post.id).await?;
        let verdict = verdict.filter(|(verdict, _)| !verdict.is_pick() || pick.is_some());
        lines.write(&PostLine {
            source: post.source,
            external_id: post.external_id,
            picture,
            title: post.title,
            author: post.author,
            link: post.link,
            posted_at: post.posted_at,
            marked_restricted: post.marked_restricted,
            verdict: verdict.map(|(verdict, decided_at)| VerdictLine { verdict, decided_at }),
            pick: pick.map(|p| PickLine { score: p.score, picked_at: p.picked_at }),
        })?;
        written += 1;
    }
    lines.finish()?;
    Ok((written, left_out))
}

async fn export_ratings(store: &Store, folder: &Path) -> anyhow::Result<usize> {
    let ledger = store.ledger().await?;
    let mut lines = Lines::create(&folder.join(RATINGS))?;
    for rating in &ledger {
        let (picture, face) = match rating.target {
            Target::Picture(id) => (id, None),
            Target::Face(id) => {
                let face = store.face(id).await?.context("a rating of a face that is gone")?;
                let faces = store.found_faces(face.picture).await?;
                let index = faces.iter().position(|f| f.id == id).context("a face that its picture does not have")?;
                (face.picture, Some(index))
            }
        };
        lines.write(&RatingLine {
            scope: rating.scope.to_string(),
            rater: rating.rater.clone(),
            picture,
            face,
            judgement: rating.judgement,
            source: rating.source,
            at: rating.at,
            score_visible: rating.score_visible,
        })?;
    }
    lines.finish()?;
    Ok(ledger.len())
}

async fn export_boxes(store: &Store, folder: &Path) -> anyhow::Result<usize> {
    let labelled = store.labelled_pictures().await?;
    let mut lines = Lines::create(&folder.join(BOXES))?;
    for LabelledPicture { picture, labels, by, at } in &labelled {
        lines.write(&BoxesLine { picture: *picture, labels: labels.clone(), by: by.clone(), at: *at })?;
    }
    lines.finish()?;
    Ok(labelled.len())
}
