//! Takes rated pictures in: each becomes a face, without a post, and a line in the ledger.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{Entry, Found};
use crate::app::{Around, LoadedModels, build_pipeline};
use crate::cli::transfer::{Home, progress};
use crate::config::Config;
use crate::domain::{FaceId, Judgement, Rater, Rating, RatingSource, Scope, Target};
use crate::pipeline::{Clock, CropError, FaceOfCrop, SystemClock};
use crate::store::Store;

/// Pictures decoded while the models look at another.
const AHEAD: usize = 4;

/// What became of the entries.
#[derive(Debug, Default)]
struct Tally {
    new: usize,
    changed: usize,
    known: usize,
    whole: usize,
    mistakes: usize,
}

/// Why one file was left out, or why nothing can go on.
enum Trouble {
    File(String),
    Stop(anyhow::Error),
}

/// Repeatable: what stands already is not written again. An entry without a time says what is so now, and replaces another
/// rating of the face; one with a time goes into the ledger at that time, where the newest stands.
pub(in crate::cli::transfer) async fn import(config: &Config, found: Found) -> anyhow::Result<ExitCode> {
    let home = Home::open(config).await?;
    let models = tokio::task::block_in_place(|| LoadedModels::load(config))?;
    let pipeline = build_pipeline(config, models, (home.store.clone(), home.blobs.clone()), Around::default()).await?;
    for mistake in &found.mistakes {
        eprintln!("{mistake}");
    }
    let mut tally = Tally { mistakes: found.mistakes.len(), ..Tally::default() };
    let bar = progress(found.entries.len());
    let mut entries = found.entries.into_iter();
    let mut ahead = VecDeque::new();
    let mut seen: HashMap<FaceId, (Judgement, PathBuf)> = HashMap::new();
    loop {
        while ahead.len() < AHEAD
            && let Some(entry) = entries.next()
        {
            let (pipeline, path) = (pipeline.clone(), entry.path.clone());
            let look = tokio::spawn(async move {
                let bytes = tokio::fs::read(&path).await.map_err(|e| Trouble::File(format!("cannot be read: {e}")))?;
                pipeline.face_of_crop(bytes).await.map_err(trouble)
            });
            ahead.push_back((entry, look));
        }
        let Some((entry, look)) = ahead.pop_front() else { break };
        match look.await.context("a look at a picture broke off")? {
            Ok(found) => match conflict(&mut seen, found.face, &entry) {
                None => rate(&home.store, &entry, found, &mut tally).await?,
                Some(why) => bar.suspend(|| report(&entry.path, &why, &mut tally)),
            },
            Err(Trouble::File(why)) => bar.suspend(|| report(&entry.path, &why, &mut tally)),
            Err(Trouble::Stop(error)) => return Err(error.context(format!("at {}", entry.path.display()))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    drop(pipeline);
    home.close().await;
    say(&tally, found.no_face);
    Ok(if tally.mistakes == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn trouble(error: CropError) -> Trouble {
    if error.is_of_the_file() { Trouble::File(error.to_string()) } else { Trouble::Stop(error.into()) }
}

fn report(path: &Path, why: &str, tally: &mut Tally) {
    eprintln!("{}: {why}", path.display());
    tally.mistakes += 1;
}

/// The same face in two places with two ratings: the first counts.
fn conflict(seen: &mut HashMap<FaceId, (Judgement, PathBuf)>, face: FaceId, entry: &Entry) -> Option<String> {
    if entry.at.is_some() {
        return None;
    }
    match seen.get(&face) {
        Some((judgement, first)) if *judgement != entry.judgement => Some(format!(
            "the same picture as {}, but rated {} and not {judgement}; left out",
            first.display(),
            entry.judgement
        )),
        Some(_) => None,
        None => {
            seen.insert(face, (entry.judgement, entry.path.clone()));
            None
        }
    }
}

async fn rate(store: &Store, entry: &Entry, found: FaceOfCrop, tally: &mut Tally) -> anyhow::Result<()> {
    let owner = Rater::owner();
    let standing = store.own_ratings(Scope::Local, &owner, found.picture).await?.get(&found.face).copied();
    if entry.at.is_none() && standing == Some(entry.judgement) {
        tally.known += 1;
        return Ok(());
    }
    let rating = Rating {
        scope: Scope::Local,
        rater: owner,
        target: Target::Face(found.face),
        judgement: Some(entry.judgement),
        source: RatingSource::Local,
        at: entry.at.unwrap_or_else(|| SystemClock.now()),
        score_visible: entry.score_visible,
    };
    if store.add_missing_ratings(&[rating]).await? == 0 {
        tally.known += 1;
        return Ok(());
    }
    tally.whole += usize::from(found.whole);
    if standing.is_some() {
        tally.changed += 1;
    } else {
        tally.new += 1;
    }
    Ok(())
}

fn say(tally: &Tally, no_face: usize) {
    let Tally { new, changed, known, whole, mistakes } = tally;
    println!("Imported {new} ratings; {changed} changed another, {known} were here already.");
    if *whole > 0 {
        println!("In {whole} pictures no face was found: each counts as one as a whole.");
    }
    if no_face > 0 {
        println!("{no_face} lines are left out: by their own word they hold no face.");
    }
    if *mistakes > 0 {
        println!("{mistakes} are left out; the reasons are above.");
    }
    println!("Run `mekiki fit` or `mekiki serve` to learn from them.");
}
