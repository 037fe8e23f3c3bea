//! `mekiki auth x`: a person allows the bot to read X, in their own browser.

use std::process::ExitCode;

use anyhow::Context;
use rand::TryRng;
use tokio::net::TcpListener;

use crate::app;
use crate::app::x::{Books, sign_in};
use crate::config::Config;

/// X sends people back only to an address that the app is registered with.
const PORT: u16 = 8018;

pub(super) async fn x(config: &Config) -> anyhow::Result<ExitCode> {
    let store = app::open_store(config).await?;
    let x = app::x_timeline(config, Books::beside(store.clone()))?;
    let listener = TcpListener::bind(("127.0.0.1", PORT)).await.with_context(|| {
        format!("cannot listen on 127.0.0.1:{PORT}, where X sends you back to; what uses that port?")
    })?;
    let mut random = [0; 64];
    rand::rngs::SysRng.try_fill_bytes(&mut random).context("the system gives no randomness")?;
    let account = sign_in(&x, listener, &random, |link| {
        eprintln!("Open this link in a browser on this machine, and allow the app there:\n\n{link}\n");
    })
    .await?;
    store.close().await;
    println!("Signed in to X as @{}; `mekiki follow x home` or /follow reads from it.", account.handle);
    Ok(ExitCode::SUCCESS)
}
