//! `mekiki follow`, `unfollow`, `following`: what the page's own taste looks at. A program that runs meanwhile sees it
//! within half a minute.

use std::process::ExitCode;

use anyhow::{anyhow, bail};

use crate::app::{self, x::Books};
use crate::config::Config;
use crate::domain::{Feed, PostSource, Rater, Scope};
use crate::pipeline::{Clock, FollowRow, NewFollow, Services, SystemClock};

pub(super) fn source(text: &str) -> Result<PostSource, String> {
    let named = text.to_lowercase().parse::<PostSource>().ok().filter(|source| source.is_timeline());
    named.ok_or_else(|| "x, bluesky, mastodon or rss".into())
}

pub(super) async fn follow(config: &Config, source: PostSource, name: &str) -> anyhow::Result<ExitCode> {
    let store = app::open_store(config).await?;
    let services = app::timelines(config, Some(Books::beside(store.clone())))?;
    let (feed, account) = if name == "home" && source != PostSource::Rss {
        (Feed::Home, None)
    } else {
        let found = services.find(source, name).await.map_err(|error| anyhow!("{}: {error}", source.as_str()))?;
        (Feed::Author(found.id.clone()), Some(found))
    };
    if let Some(account) = &account
        && store.is_artist_opted_out(&[&account.link]).await?
    {
        bail!("this artist does not want to be picked");
    }
    let by = Rater::owner().0;
    let new = NewFollow { scope: Scope::Local, source, feed: &feed, account: account.as_ref(), added_by: &by };
    let new = store.follow(&new, SystemClock.now()).await?;
    store.close().await;
    let name = account.map_or_else(|| "the home timeline".to_owned(), |a| format!("{} ({})", a.shown(), a.link));
    println!("{} {name}", if new { "Following" } else { "Already followed:" });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn unfollow(config: &Config, source: PostSource, name: &str) -> anyhow::Result<ExitCode> {
    let store = app::open_store(config).await?;
    let follows = store.follows(Scope::Local).await?;
    let meant = follows.iter().find(|row| row.feed.source == source && shown(row).eq_ignore_ascii_case(name));
    let Some(row) = meant else { bail!("that is not followed; `mekiki following` lists what is") };
    store.unfollow(Scope::Local, source, &row.feed.feed).await?;
    store.close().await;
    println!("Not followed any more: {name}");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn following(config: &Config) -> anyhow::Result<ExitCode> {
    let store = app::open_store(config).await?;
    for row in store.follows(Scope::Local).await? {
        let error = row.feed.error.as_ref().map_or_else(String::new, |error| format!("  {}", error.words));
        let source = row.feed.source.as_str();
        println!("{source:9} {:40} {:5} pictures {:4} picks{error}", shown(&row), row.posts, row.picks);
    }
    for pause in store.pauses().await? {
        println!("{}", app::trouble(&pause));
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn shown(row: &FollowRow) -> String {
    match (&row.feed.feed, &row.account) {
        (_, Some(account)) => account.handle.clone(),
        (Feed::Home, None) => "home".into(),
        (Feed::Author(id) | Feed::List(id), None) => id.clone(),
    }
}
