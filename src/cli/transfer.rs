//! `mekiki export` and `import`: all of a user's data as JSON Lines, with the crops as JPEG files.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use indicatif::ProgressBar;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::app::{DataFolder, open_store};
use crate::config::Config;
use crate::domain::{
    Author, COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Face, FaceId, Features, Judgement, NewPost, Origin,
    PerceptualHash, PictureBox, PictureId, PostSource, Rater, Rating, RatingSource, Safety, Scope, Size, Target,
    Verdict,
};
use crate::store::{AnalysedPicture, BlobId, BlobKind, Blobs, Claim, CroppedFace, Picture, PostFilter, Store};

const PICTURES: &str = "pictures.jsonl";
const POSTS: &str = "posts.jsonl";
const RATINGS: &str = "ratings.jsonl";
const CROPS: &str = "crops";

/// A line of `pictures.jsonl`. Vectors are little-endian f32 in base64; previews and crops are `crops/HASH.jpg`.
#[derive(Debug, Serialize, Deserialize)]
struct PictureLine {
    id: PictureId,
    size: Size,
    format: String,
    perceptual_hash: PerceptualHash,
    safety: Safety,
    features: FeaturesLine,
    preview: BlobId,
    models: String,
    #[serde(with = "time::serde::rfc3339")]
    analysed_at: OffsetDateTime,
    faces: Vec<FaceLine>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FaceLine {
    #[serde(rename = "box")]
    bounds: PictureBox,
    confidence: Confidence,
    features: FeaturesLine,
    crop: BlobId,
    /// Who says that it is none: a label for the detector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_a_face: Vec<Rater>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FeaturesLine {
    embedding: String,
    colour: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PostLine {
    source: PostSource,
    external_id: String,
    picture: PictureId,
    title: Option<String>,
    author: Author,
    link: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    posted_at: OffsetDateTime,
    marked_restricted: bool,
    /// The desk's answer, once it is published.
    verdict: Option<VerdictLine>,
    pick: Option<PickLine>,
}

#[derive(Debug, Serialize, Deserialize)]
struct VerdictLine {
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(with = "time::serde::rfc3339")]
    decided_at: OffsetDateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct PickLine {
    score: f32,
    #[serde(with = "time::serde::rfc3339")]
    picked_at: OffsetDateTime,
}

/// A line of `ratings.jsonl`; `face` counts the picture's faces in the order of `pictures.jsonl`, null is the picture.
#[derive(Debug, Serialize, Deserialize)]
struct RatingLine {
    scope: String,
    rater: Rater,
    picture: PictureId,
    face: Option<usize>,
    judgement: Option<Judgement>,
    source: RatingSource,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    score_visible: bool,
}

pub(super) async fn export(config: &Config, folder: &Path) -> anyhow::Result<ExitCode> {
    let data = DataFolder::lock(&config.data_dir)?;
    let (store, blobs) = (open_store(config).await?, data.blobs()?);
    if folder.exists() {
        let mut entries = fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
        ensure!(entries.next().is_none(), "{} is not empty; name a new folder", folder.display());
    }
    fs::create_dir_all(folder.join(CROPS)).with_context(|| format!("cannot make {}", folder.display()))?;
    let pictures = store.picture_ids().await?;
    let bar = ProgressBar::new(pictures.len() as u64);
    let mut lines = Lines::create(&folder.join(PICTURES))?;
    for id in &pictures {
        if let Some(line) = picture_line(&store, *id).await? {
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
    let (posts, left_out) = export_posts(&store, folder, &pictures.iter().copied().collect()).await?;
    let ratings = export_ratings(&store, folder).await?;
    store.close().await;
    println!("{} pictures, {posts} posts and {ratings} ratings are in {}.", pictures.len(), folder.display());
    if left_out > 0 {
        println!("{left_out} posts are left out: their pictures wait to be analysed, or could not be.");
    }
    Ok(ExitCode::SUCCESS)
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
        let verdict = verdict.filter(|(verdict, _)| *verdict != Verdict::Repost || pick.is_some());
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

/// The faces of each imported picture, as ratings count them.
type Boxes = HashMap<PictureId, Vec<PictureBox>>;
/// A face found here by other models is the exported one from this overlap on.
const SAME_FACE_IOU: f32 = 0.5;

/// Reads an export. Repeatable: what is there already is left as it is.
pub(super) async fn import(config: &Config, folder: &Path) -> anyhow::Result<ExitCode> {
    for name in [PICTURES, POSTS, RATINGS] {
        ensure!(folder.join(name).is_file(), "{} is no export: it has no {name}", folder.display());
    }
    let data = DataFolder::lock(&config.data_dir)?;
    let (store, blobs) = (open_store(config).await?, data.blobs()?);
    let posts = read_lines::<PostLine>(&folder.join(POSTS))?.collect::<anyhow::Result<Vec<_>>>()?;
    let shown: HashSet<PictureId> = posts.iter().map(|p| p.picture).collect();
    let bar = ProgressBar::new(shown.len() as u64);
    let mut boxes = Boxes::new();
    for line in read_lines::<PictureLine>(&folder.join(PICTURES))? {
        let line = line?;
        if shown.contains(&line.id) {
            boxes.insert(line.id, line.faces.iter().map(|f| f.bounds).collect());
            let (id, at) = (line.id, line.analysed_at);
            let reported: Vec<_> = line.faces.iter().map(|f| (f.bounds, f.not_a_face.clone())).collect();
            import_picture(&store, &blobs, folder, line).await?;
            import_reports(&store, id, &reported, at).await?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut new_posts = 0;
    for post in posts {
        ensure!(boxes.contains_key(&post.picture), "{POSTS} shows {}, which {PICTURES} does not have", post.picture);
        new_posts += usize::from(import_post(&store, post).await?);
    }
    let (new_ratings, left_out) = import_ratings(&store, folder, &boxes).await?;
    store.close().await;
    if left_out > 0 {
        println!("{left_out} ratings are left out: the pictures were analysed here before, and those faces not found.");
    }
    println!(
        "Imported {new_posts} posts and {new_ratings} ratings; run `mekiki fit` or `mekiki serve` to learn from them."
    );
    Ok(ExitCode::SUCCESS)
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

/// How many are new here, and how many rate a face that was not found here.
async fn import_ratings(store: &Store, folder: &Path, boxes: &Boxes) -> anyhow::Result<(u64, usize)> {
    let (mut ratings, mut left_out) = (Vec::new(), 0);
    for line in read_lines::<RatingLine>(&folder.join(RATINGS))? {
        let line = line?;
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

fn to_line(features: &Features) -> FeaturesLine {
    let encode = |v: &[f32]| BASE64_STANDARD.encode(v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    FeaturesLine { embedding: encode(&features.embedding), colour: encode(&features.colour) }
}

fn from_line(line: &FeaturesLine) -> anyhow::Result<Features> {
    let decode = |text: &str, expected: usize| -> anyhow::Result<Vec<f32>> {
        let bytes = BASE64_STANDARD.decode(text).context("features are not base64")?;
        let (chunks, rest) = bytes.as_chunks::<4>();
        ensure!(rest.is_empty() && chunks.len() == expected, "features have {} bytes", bytes.len());
        Ok(chunks.iter().map(|&c| f32::from_le_bytes(c)).collect())
    };
    Ok(Features { embedding: decode(&line.embedding, EMBEDDING_DIMS)?, colour: decode(&line.colour, COLOUR_DIMS)? })
}

struct Lines(BufWriter<File>);

impl Lines {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(BufWriter::new(file)))
    }

    fn write(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<T>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::new(file).lines().enumerate().map(move |(n, line)| {
        serde_json::from_str(&line?).with_context(|| format!("{}, line {}: not as exported", path.display(), n + 1))
    }))
}
