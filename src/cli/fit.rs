//! `mekiki fit`: a new version of the taste, now.

use std::process::ExitCode;

use crate::app::{Around, DataFolder, LoadedModels, build_pipeline, open_store};
use crate::config::Config;
use crate::domain::Scope;
use crate::pipeline::Learnt;

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let folder = DataFolder::lock(&config.data_dir)?;
    let store = open_store(config).await?;
    let models = tokio::task::block_in_place(|| LoadedModels::load(config))?;
    let pipeline = build_pipeline(config, models, (store.clone(), folder.blobs()?), Around::default()).await?;
    let learnt = pipeline.learn(Scope::Local).await?;
    store.close().await;
    match learnt {
        Learnt::Nothing => {
            println!("No ratings yet: run `mekiki serve`, open the page and rate some faces.");
            Ok(ExitCode::FAILURE)
        }
        Learnt::Fitted { id, ratings, promotion } => {
            println!("Version {} from {ratings} ratings; {promotion}.", id.0);
            Ok(ExitCode::SUCCESS)
        }
    }
}
