//! What is said of followed timelines. Pure.

use super::Lang;
use super::markup::{escaped, link};
use crate::domain::{Account, AccountRules, Feed, PostSource};
use crate::pipeline::{AskError, FollowRow, Money, SourceState};

pub(super) fn source_name(source: PostSource) -> &'static str {
    match source {
        PostSource::X => "X",
        PostSource::Bluesky => "Bluesky",
        PostSource::Mastodon => "Mastodon",
        PostSource::Rss => "RSS",
        PostSource::Upload | PostSource::Sample | PostSource::File | PostSource::Discord => source.as_str(),
    }
}

/// Why a service gave nothing, and what to do.
pub(super) fn ask_failed(lang: Lang, source: PostSource, error: &AskError) -> String {
    let source = source_name(source);
    match error {
        AskError::NotSetUp => tr!(lang, "discord.follow.not_set_up", source = source),
        AskError::NoSuchAccount(why) => {
            tr!(lang, "discord.follow.no_such_account", source = source, why = escaped(why))
        }
        AskError::SignIn(why) => tr!(lang, "discord.follow.sign_in", source = source, why = escaped(why)),
        AskError::Budget => tr!(lang, "discord.follow.budget", source = source),
        AskError::Later(why) => tr!(lang, "discord.follow.later", source = source, why = escaped(why)),
    }
    .into_owned()
}

/// `new`: the guild did not follow it before. `curated`: picks have a channel.
pub(super) fn followed(
    lang: Lang,
    source: PostSource,
    (feed, account): (&Feed, Option<&Account>),
    new: bool,
    curated: bool,
) -> String {
    let name = format!("{} · {}", feed_name(lang, feed, account, true), source_name(source));
    let mut lines = vec![if new {
        tr!(lang, "discord.follow.done", name = name)
    } else {
        tr!(lang, "discord.follow.already", name = name)
    }];
    if let Some(account) = account {
        if account.bot {
            lines.push(tr!(lang, "discord.follow.is_bot"));
        }
        if account.protected || account.unlisted {
            lines.push(tr!(lang, "discord.follow.held"));
        }
    }
    if !curated {
        lines.push(tr!(lang, "discord.follow.no_channel"));
    }
    lines.join("\n")
}

/// As a link where it has a page.
pub(super) fn name(lang: Lang, row: &FollowRow) -> String {
    feed_name(lang, &row.feed.feed, row.account.as_ref(), true)
}

/// Without markup.
pub(super) fn plain_name(lang: Lang, row: &FollowRow) -> String {
    feed_name(lang, &row.feed.feed, row.account.as_ref(), false)
}

fn feed_name(lang: Lang, feed: &Feed, account: Option<&Account>, marked_up: bool) -> String {
    let word = |text: &str| if marked_up { escaped(text) } else { text.to_owned() };
    match (feed, account) {
        (Feed::Home, _) => tr!(lang, "discord.following.home").into_owned(),
        (Feed::List(id), _) => tr!(lang, "discord.following.list_of", id = word(id)).into_owned(),
        (Feed::Author(_), Some(account)) => match link(&account.handle, &account.link).filter(|_| marked_up) {
            Some(linked) => linked,
            None => word(&account.handle),
        },
        (Feed::Author(id), None) => word(id),
    }
}

/// All that `/following` shows from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) follows: &'a [FollowRow],
    pub(super) states: &'a [SourceState],
    pub(super) money: &'a [(PostSource, Money)],
}

/// `shown`: those of this page, in order; `page`: which, of how many.
pub(super) fn listing(lang: Lang, all: &Listing<'_>, shown: &[&FollowRow], page: (usize, usize)) -> String {
    if all.follows.is_empty() {
        return tr!(lang, "discord.following.none").into_owned();
    }
    let mut lines =
        vec![tr!(lang, "discord.following.title", n = all.follows.len(), page = page.0, of = page.1).into_owned()];
    let mut source = None;
    for row in shown {
        if source != Some(row.feed.source) {
            source = Some(row.feed.source);
            lines.extend(source_lines(lang, row.feed.source, all));
        }
        lines.push(follow_line(lang, row));
    }
    lines.join("\n")
}

fn source_lines(lang: Lang, source: PostSource, all: &Listing<'_>) -> Vec<String> {
    let mut lines = vec![format!("**{}**", source_name(source))];
    lines.extend(all.money.iter().filter(|(of, _)| *of == source).map(|(_, money)| money_words(lang, money)));
    if let Some(pause) = all.states.iter().find(|state| state.source == source).and_then(|s| s.pause.as_ref()) {
        let until = format!("<t:{}:R>", pause.until.unix_timestamp());
        let trouble = match pause.code.as_str() {
            "sign_in" => tr!(lang, "discord.following.sign_in", why = escaped(&pause.error)),
            "budget" => tr!(lang, "discord.following.budget", until = until),
            "wait" => tr!(lang, "discord.following.wait", until = until),
            _ => tr!(lang, "discord.following.down", why = escaped(&pause.error), until = until),
        };
        lines.push(format!("⚠️ {trouble}"));
    }
    lines
}

/// "This month: $1.20 of $5.00; about $4.10 by its end"
pub(super) fn money_words(lang: Lang, money: &Money) -> String {
    let dollars = |micros: u64| format!("${:.2}", micros as f64 / 1e6);
    let (spent, budget, by_end) = (dollars(money.spent), dollars(money.budget), dollars(money.by_end));
    let words = tr!(lang, "discord.following.money", spent = spent, budget = budget, by_end = by_end);
    let warned = money.spent.saturating_mul(10) >= money.budget.saturating_mul(8);
    if warned { format!("⚠️ {words}") } else { words.into_owned() }
}

fn follow_line(lang: Lang, row: &FollowRow) -> String {
    let last = if let Some(at) = row.feed.last_post {
        tr!(lang, "discord.following.last", at = format!("<t:{}:R>", at.unix_timestamp()))
    } else {
        tr!(lang, "discord.following.nothing_yet")
    };
    let counts = tr!(lang, "discord.following.counts", pictures = row.posts, picks = row.picks);
    let mut parts = vec![name(lang, row), last.into_owned(), counts.into_owned()];
    parts.extend(settled(lang, &row.rules));
    if let Some(error) = &row.feed.error {
        parts.push(format!("⚠️ {} ({})", escaped(&shortened(&error.words)), error.code));
    }
    format!("- {}", parts.join(" · "))
}

fn settled(lang: Lang, rules: &AccountRules) -> Vec<String> {
    let mut parts = Vec::new();
    if rules.muted {
        parts.push(tr!(lang, "discord.following.muted").into_owned());
    }
    if let Some(share) = rules.share {
        parts.push(tr!(lang, "discord.following.share", percent = format!("{:.0}", share * 100.0)).into_owned());
    }
    if rules.whole {
        parts.push(tr!(lang, "discord.following.whole").into_owned());
    }
    parts
}

pub(super) fn rules_words(lang: Lang, source: PostSource, account: &Account, rules: &AccountRules) -> String {
    let name = link(&account.handle, &account.link).unwrap_or_else(|| escaped(&account.handle));
    let name = format!("{name} · {}", source_name(source));
    let settled = settled(lang, rules);
    if settled.is_empty() {
        return tr!(lang, "discord.account.plain", name = name).into_owned();
    }
    format!("{name}: {}", settled.join(" · "))
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
