//! The splits that `mekiki eval taste` uses, for the baselines in `training/baselines` to be measured on the same.
//!
//!     cargo run --example splits -- ../shared/data/ratings/rater_a.jsonl > splits.json
//!
//! Writes `[{"pool": [rows], "held_out": [rows]}, …]`: rows counted from 0 among those that show a face, the pool in the order
//! in which ratings are learnt.

use std::sync::Arc;

use anyhow::Context;
use mekiki::domain::{Features, Judgement};
use mekiki::taste::Example;
use mekiki::taste::trial::{Plan, split};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

#[derive(Deserialize)]
struct Row {
    group: u64,
    no_face: bool,
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("name the file of ratings")?;
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Row>, _>>()?;
    let nothing = Arc::new(Features { embedding: Vec::new(), colour: Vec::new() });
    // A row's number is kept as its time: only groups and order decide a split.
    let example = |(number, row): (i64, &Row)| Example {
        features: nothing.clone(),
        judgement: Judgement::Up,
        at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(number),
        group: row.group,
        rater: 0,
        by_lot: false,
    };
    let examples: Vec<Example> = (0..).zip(rows.iter().filter(|r| !r.no_face)).map(example).collect();
    let mut groups: Vec<u64> = examples.iter().map(|e| e.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let plan = Plan::for_groups(groups.len());
    let numbers = |part: &[Example]| part.iter().map(|e| e.at.unix_timestamp()).collect::<Vec<_>>();
    let splits: Vec<_> = (0..plan.splits)
        .map(|seed| {
            let (pool, held_out) = split(&examples, plan, seed);
            serde_json::json!({ "pool": numbers(&pool), "held_out": numbers(&held_out) })
        })
        .collect();
    println!("{}", serde_json::to_string(&splits)?);
    Ok(())
}
