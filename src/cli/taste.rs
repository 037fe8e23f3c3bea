//! `mekiki taste`: the versions of a taste, and going back to one.

use std::process::ExitCode;

use anyhow::{Context, bail};
use time::format_description::well_known::Rfc3339;

use super::{TasteCommand, TasteScope};
use crate::app::{DataFolder, database_path, open_store};
use crate::config::Config;
use crate::domain::{Scope, TasteId};
use crate::pipeline::{Clock, SystemClock};
use crate::store::{Store, TasteRow};

/// As many as are kept.
const SHOWN: u32 = 50;

pub(super) async fn run(config: &Config, command: TasteCommand) -> anyhow::Result<ExitCode> {
    if !database_path(config).exists() {
        bail!("there is no database yet: run `mekiki serve`, open the page and rate some faces");
    }
    match command {
        TasteCommand::List(TasteScope { scope }) => list(config, scope).await,
        TasteCommand::Promote { version, scope: TasteScope { scope } } => {
            change(config, scope, async |store: &Store| {
                let promoted = store.promote_taste(scope, TasteId(version), SystemClock.now()).await?;
                Ok(promoted.then_some(TasteId(version)))
            })
            .await?
            .with_context(|| {
                format!("{scope} has no version {version}; `mekiki taste list --scope {scope}` shows what there is")
            })
            .map(|id| in_use(scope, id))
        }
        TasteCommand::Rollback(TasteScope { scope }) => {
            change(config, scope, async |store: &Store| Ok(store.roll_taste_back(scope).await?))
                .await?
                .with_context(|| format!("{scope} has no version to go back to"))
                .map(|id| in_use(scope, id))
        }
    }
}

fn in_use(scope: Scope, id: TasteId) -> ExitCode {
    println!(
        "{scope} uses version {} again. New fits are kept beside it and take over only when they rank the newest ratings \
         clearly better.",
        id.0
    );
    ExitCode::SUCCESS
}

/// With the folder to ourselves: a running bot would go on with the version that it knows.
async fn change(
    config: &Config,
    scope: Scope,
    what: impl AsyncFnOnce(&Store) -> anyhow::Result<Option<TasteId>>,
) -> anyhow::Result<Option<TasteId>> {
    let _folder = DataFolder::lock(&config.data_dir)?;
    let store = open_store(config).await?;
    let changed = what(&store).await.with_context(|| format!("cannot change the taste of {scope}"));
    store.close().await;
    changed
}

async fn list(config: &Config, scope: Scope) -> anyhow::Result<ExitCode> {
    let store = open_store(config).await?;
    let (versions, current) = (store.tastes(scope, SHOWN).await?, store.current_taste(scope).await?);
    store.close().await;
    if versions.is_empty() {
        println!("{scope} has no taste yet.");
        return Ok(ExitCode::FAILURE);
    }
    println!("  version  fitted                ratings  rank agreement  of the one in use  held out");
    for row in &versions {
        println!("{}", line(row, current.as_ref().is_some_and(|c| c.id == row.id)));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: &TasteRow, in_use: bool) -> String {
    let fit = &row.fit;
    let fitted = fit.fitted_at.replace_nanosecond(0).unwrap_or(fit.fitted_at).format(&Rfc3339).unwrap_or_default();
    let number = |value: Option<f32>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let state = match (in_use, row.by_hand, fit.promoted) {
        (true, true, _) => "in use, chosen by hand",
        (true, false, _) => "in use",
        (false, _, true) => "",
        (false, _, false) => "not promoted",
    };
    format!(
        "{} {:>7}  {fitted:<20}  {:>7}  {:>14}  {:>17}  {:>8}  {state}",
        if in_use { '*' } else { ' ' },
        row.id.0,
        fit.ratings,
        number(fit.held_out.map(|h| h.0)),
        number(fit.incumbent_spearman),
        fit.held_out.map_or_else(|| "–".to_owned(), |h| h.1.to_string()),
    )
    .trim_end()
    .to_owned()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::store::FittedTaste;

    #[test]
    fn a_line_says_which_is_in_use_and_how_well_it_ranks() {
        let fit = FittedTaste {
            scope: Scope::Local,
            fitted_at: datetime!(2026-11-24 12:00:00.25 UTC),
            ratings: 120,
            seen: 0,
            model: Vec::new(),
            held_out: Some((0.7128, 24)),
            incumbent_spearman: None,
            promoted: true,
            upon: None,
        };
        let mut row = TasteRow { id: TasteId(12), fit, promoted_at: None, by_hand: true };
        let text = line(&row, true);
        assert!(text.starts_with("*      12  2026-11-24T12:00:00Z      120"), "{text}");
        assert!(text.contains("0.713") && text.ends_with("24  in use, chosen by hand"), "{text}");
        row.fit.promoted = false;
        row.fit.incumbent_spearman = Some(0.75);
        let text = line(&row, false);
        assert!(text.starts_with("       12") && text.contains("0.750") && text.ends_with("not promoted"), "{text}");
    }
}
