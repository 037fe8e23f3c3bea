//! What came of the posts.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mekiki::domain::{PostState, Scope, SendKind, SendState};
use mekiki::store::Store;

use super::Posted;
use crate::discord::stage::{Stage, key, link};

/// How long nothing may move before the wait ends.
const STANDSTILL: Duration = Duration::from_secs(90);

/// Waits until nothing moves any more: no post and no send is on its way, and every deletion was followed.
pub(super) async fn drained(stage: &Stage, posted: &[Posted]) {
    let store = stage.store().await;
    let mut every = tokio::time::interval(Duration::from_millis(200));
    let (mut seen, mut since) = ((0, 0, 0), Instant::now());
    while since.elapsed() < STANDSTILL {
        every.tick().await;
        let open = unsettled(stage, &store, posted).await;
        let now = (store.pending_posts().await.unwrap(), store.pending_sends().await.unwrap(), open);
        if now == (0, 0, 0) {
            break;
        }
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    store.close().await;
}

/// Posts of which neither a reply nor silence has come, and deleted ones of which something is left.
async fn unsettled(stage: &Stage, store: &Store, posted: &[Posted]) -> usize {
    let mut open = 0;
    for post in posted {
        let rows = store.sends_of(key(post.at)).await.unwrap();
        let done = if post.deleted {
            left_over(stage, post) == 0 && store.message_posts(key(post.at), false).await.unwrap().is_empty()
        } else {
            rows.iter().any(|row| row.kind == SendKind::Reply && row.state != SendState::Waiting)
        };
        open += usize::from(!done);
    }
    open
}

/// Replies to and picks of a post on Discord.
fn left_over(stage: &Stage, post: &Posted) -> usize {
    let (picks, link) = (stage.picks, link(stage.guild, post.at));
    stage.discord.world(|world| {
        world.replies_to(post.at).len() + world.said(picks).iter().filter(|(_, m)| names(&m.text(), &link)).count()
    })
}

/// The link, and not only the beginning of a longer one.
fn names(text: &str, link: &str) -> bool {
    text.match_indices(link).any(|(at, _)| !text[at + link.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

#[derive(Default)]
pub(super) struct Counts {
    replies: usize,
    silent: usize,
    picks: usize,
    deleted: usize,
    edited: usize,
    lost: Vec<String>,
    double_replies: Vec<String>,
    double_picks: Vec<String>,
    leaks: Vec<String>,
    not_followed: Vec<String>,
    breaches: Vec<String>,
}

impl Counts {
    pub(super) async fn of(stage: &Stage, posted: &[Posted]) -> Self {
        let mut counts = Self { breaches: stage.discord.breaches(), ..Self::default() };
        let store = stage.store().await;
        for post in posted {
            counts.edited += usize::from(post.edited);
            if post.deleted {
                counts.deletion(stage, &store, post).await;
            } else {
                counts.reply(stage, &store, post).await;
            }
        }
        counts.picks(stage, &store, posted).await;
        store.close().await;
        counts
    }

    async fn deletion(&mut self, stage: &Stage, store: &Store, post: &Posted) {
        self.deleted += 1;
        let left = left_over(stage, post);
        let rows = store.message_posts(key(post.at), false).await.unwrap().len();
        if left + rows > 0 {
            self.not_followed.push(format!("{}: {left} messages, {rows} rows", key(post.at)));
        }
    }

    async fn reply(&mut self, stage: &Stage, store: &Store, post: &Posted) {
        let at = key(post.at);
        let standing = stage.discord.world(|world| world.replies_to(post.at).len());
        let ever = stage.discord.world(|world| world.replied.get(&post.at).copied().unwrap_or(0));
        if standing > 1 || (ever > 1 && !post.edited) {
            self.double_replies.push(format!("{at}: {standing} stand, {ever} ever came"));
        }
        let rows = store.sends_of(at).await.unwrap();
        let state = rows.iter().find(|row| row.kind == SendKind::Reply).map(|row| (row.state, row.error.clone()));
        match &state {
            Some((SendState::Sent, _)) if standing > 0 => self.replies += 1,
            Some((SendState::Silent, _)) if standing == 0 && faceless(store, post).await => self.silent += 1,
            _ => {
                let became = fate(store, post).await;
                self.lost.push(format!("{at}: {state:?}, {standing} replies stand; its posts: {became:?}"));
            }
        }
    }

    async fn picks(&mut self, stage: &Stage, store: &Store, posted: &[Posted]) {
        let said = stage.discord.said(stage.picks);
        self.picks = said.len();
        let mut of_picture: HashMap<u64, usize> = HashMap::new();
        let mut found = 0;
        for post in posted {
            let link = link(stage.guild, post.at);
            let own = said.iter().filter(|(_, m)| names(&m.text(), &link)).count();
            found += own;
            *of_picture.entry(post.picture).or_default() += own;
            let restricted = stage.discord.world(|world| world.is_restricted(post.at.0));
            if own > 0 && restricted {
                self.leaks.push(link);
            } else if own > 1 {
                self.double_picks.push(link);
            }
        }
        let twice = of_picture.iter().filter(|(_, picks)| **picks > 1);
        self.double_picks.extend(twice.map(|(picture, picks)| format!("picture {picture}: {picks} picks")));
        if found < said.len() {
            self.leaks.push(format!("{} picks name no post of this run", said.len() - found));
        }
        // What the desk decided to pick, and no pick came of it.
        for pick in store.picks(Scope::Guild(stage.guild), None, 10_000).await.unwrap() {
            let row = store.post(pick.post).await.unwrap();
            let Some(link) = row.and_then(|row| row.link) else { continue };
            if !said.iter().any(|(_, m)| names(&m.text(), &link)) {
                self.lost.push(format!("the pick of {link}"));
            }
        }
    }

    pub(super) fn print(&self) {
        println!("replies {}, silent {}, picks {}", self.replies, self.silent, self.picks);
        println!("deleted {}, edited {}", self.deleted, self.edited);
        for (name, which) in self.zeroes() {
            println!("{name}: {}", which.len());
            for one in which.iter().take(10) {
                println!("  {one}");
            }
        }
    }

    fn zeroes(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("lost", &self.lost),
            ("double replies", &self.double_replies),
            ("double picks", &self.double_picks),
            ("age-gate leaks", &self.leaks),
            ("deletions not followed", &self.not_followed),
            ("requests not as described", &self.breaches),
        ]
    }

    pub(super) fn is_clean(&self) -> bool {
        self.zeroes().iter().all(|(_, which)| which.is_empty())
    }
}

/// How far a message's posts came, and why no further.
async fn fate(store: &Store, post: &Posted) -> Vec<(PostState, Option<String>)> {
    let mut fate = Vec::new();
    for id in store.message_posts(key(post.at), false).await.unwrap() {
        let row = store.post(id).await.unwrap();
        fate.extend(row.map(|row| (row.state, row.error)));
    }
    fate
}

/// Whether there was really nothing to say: the pictures came to their end, and no face was found.
async fn faceless(store: &Store, post: &Posted) -> bool {
    for id in store.message_posts(key(post.at), false).await.unwrap() {
        let Some(row) = store.post(id).await.unwrap() else { return false };
        let Some(picture) = row.picture else { return false };
        if row.state != PostState::Published || !store.faces(picture).await.unwrap().is_empty() {
            return false;
        }
    }
    true
}
