//! What timelines bring is claimed once, with the cursor; what scopes settled holds; what goes, goes whole.

use super::*;
use crate::domain::{
    Account, AccountRules, ArtistLink, Feed, GuildSettings, Held, MessageKey, SendState, TimelinePicture, TimelinePost,
};
use crate::store::{FeedRow, NewFollow, PageClaim, Pause};

const GUILD: Scope = Scope::Guild(7);
const SOURCE: PostSource = PostSource::Bluesky;

fn account(id: &str) -> Account {
    Account {
        id: id.into(),
        handle: format!("{id}.example"),
        name: Some(format!("The {id}")),
        link: format!("https://bsky.app/profile/{id}.example"),
        bot: false,
        protected: false,
        unlisted: false,
    }
}

fn post(id: &str, author: &Account, pictures: usize) -> TimelinePost {
    let picture = |n| TimelinePicture {
        key: format!("p{n}"),
        url: format!("https://cdn.example/{id}/{n}.png"),
        alt: Some(format!("picture {n}")),
    };
    TimelinePost {
        id: id.into(),
        author: author.clone(),
        by: None,
        link: format!("{}/post/{id}", author.link),
        posted_at: NOW,
        restricted: false,
        held: None,
        pictures: (0..pictures).map(picture).collect(),
    }
}

impl Home {
    async fn follows_feed(&self, scope: Scope, feed: &Feed, account: Option<&Account>) -> FeedRow {
        let new = NewFollow { scope, source: SOURCE, feed, account, added_by: "discord:5" };
        self.store.follow(&new, NOW).await.expect("writes");
        self.feed(feed).await
    }

    async fn feed(&self, feed: &Feed) -> FeedRow {
        let feeds = self.store.feeds().await.expect("reads");
        feeds.into_iter().find(|row| row.feed == *feed).expect("is followed")
    }

    async fn takes(&self, feed: &FeedRow, cursor: &str, posts: &[TimelinePost]) -> Option<u32> {
        let claim = PageClaim {
            feed: feed.id,
            source: SOURCE,
            after: feed.cursor.as_deref(),
            cursor,
            posts,
            since: NOW - Duration::days(7),
            bots: false,
            next_poll: NOW + Duration::HOUR,
            check_after: Duration::hours(20),
        };
        self.store.claim_page(&claim, NOW).await.expect("claims")
    }

    async fn all(&self) -> Vec<crate::store::PostRow> {
        self.store.posts(crate::store::PostFilter::All, None, 100).await.expect("reads")
    }

    /// Takes a post to where the desk can look, and lets it.
    async fn decided_on(&self, id: PostId, n: u8, mean: f32) -> Verdict {
        let shown = picture(n, u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15), &[0.9]);
        self.store.set_fetched(id, shown.picture.id).await.expect("writes");
        self.store.set_analysed(id, &shown).await.expect("writes");
        let scope = self.store.post(id).await.expect("reads").expect("is there").scope;
        let case = Case { scope, ..case(id, &shown, mean) };
        self.store.decide_posts(&[case], &DeskRules::default(), NOW).await.expect("decides")[0].expect("is there")
    }
}

#[tokio::test]
async fn boosts_and_several_feeds_give_a_picture_once_to_each_scope() {
    let home = Home::new().await;
    let ada = account("ada");
    let own = Feed::Author(ada.id.clone());
    let feed = home.follows_feed(GUILD, &own, Some(&ada)).await;
    home.follows_feed(Scope::Local, &own, Some(&ada)).await;
    let timeline = home.follows_feed(GUILD, &Feed::Home, None).await;
    let (one, two) = (post("1", &ada, 2), post("2", &ada, 1));
    let boost = TimelinePost { by: Some(account("ben")), ..one.clone() };
    assert_eq!(home.takes(&feed, "a", &[one.clone(), boost.clone(), two]).await, Some(6), "two scopes, three pictures");
    assert_eq!(home.takes(&timeline, "b", &[boost]).await, Some(0));
    // The answer was lost and is asked for again: the cursor has moved, and nothing is taken twice.
    assert_eq!(home.takes(&feed, "a", std::slice::from_ref(&one)).await, None);
    let feed = home.feed(&own).await;
    assert_eq!((feed.cursor.as_deref(), feed.polls, feed.last_post), (Some("a"), 1, Some(NOW)));
    assert_eq!(home.takes(&feed, "c", &[one]).await, Some(0));
    let taken = home.all().await;
    assert_eq!(taken.len(), 6);
    let first = taken.last().expect("is one");
    assert_eq!((first.author.name.as_deref(), first.title.as_deref()), (Some("The ada"), Some("picture 0")));
    assert_eq!(first.author.link.as_deref(), Some("https://bsky.app/profile/ada.example"));
    assert!(first.link.as_deref().expect("has one").ends_with("/post/1"));
}

#[tokio::test]
async fn bots_old_posts_muted_accounts_and_unfollowed_feeds_give_nothing() {
    let home = Home::new().await;
    let ada = account("ada");
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    let bot = Account { bot: true, ..account("bot") };
    let old = TimelinePost { posted_at: NOW - Duration::days(8), ..post("3", &ada, 1) };
    assert_eq!(home.takes(&feed, "a", &[post("1", &bot, 1), old]).await, Some(0));
    let muted = AccountRules { muted: true, ..AccountRules::default() };
    home.store.set_account_rules(GUILD, SOURCE, "ada", &muted).await.expect("writes");
    let feed = home.feed(&Feed::Home).await;
    assert_eq!(home.takes(&feed, "b", &[post("4", &ada, 1), post("5", &account("ben"), 1)]).await, Some(1));
    let feed = home.feed(&Feed::Home).await;
    assert!(home.store.unfollow(GUILD, SOURCE, &Feed::Home).await.expect("writes"));
    assert!(!home.store.unfollow(GUILD, SOURCE, &Feed::Home).await.expect("writes"));
    assert_eq!(home.takes(&feed, "c", &[post("6", &ada, 1)]).await, None, "its feed is gone");
}

#[tokio::test]
async fn a_pick_of_a_timeline_is_sent_once_and_goes_with_its_source() {
    let home = Home::new().await;
    home.store.set_guild(7, &GuildSettings { curated: Some(70), ..GuildSettings::default() }).await.expect("writes");
    let ada = account("ada");
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    home.takes(&feed, "a", &[post("1", &ada, 1)]).await;
    let id = home.all().await[0].id;
    assert_eq!(home.decided_on(id, 1, 4.5).await, Verdict::Repost);
    home.store.publish_post(id, NOW).await.expect("publishes");
    let due = home.store.due_sends(NOW).await.expect("reads");
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].source, due[0].post, due[0].channel), (None, Some(id), 70));
    assert!(home.store.begin_send(due[0].id).await.expect("writes"));
    home.store.set_sent(due[0].id, 900, crate::store::Follows::default(), NOW).await.expect("writes");
    // Reactions on the pick are the guild's, and of a timeline.
    let at = MessageKey { channel: 70, message: 900 };
    assert_eq!(home.store.posts_of(at).await.expect("reads"), [id]);
    let up = crate::domain::ReactionChange::Add { message: at, person: 5, emoji: "👍".into() };
    assert_eq!(home.store.apply_reactions(&[up], NOW).await.expect("writes").len(), 1);
    let line = &home.store.ledger().await.expect("reads")[0];
    assert_eq!((line.source, line.scope), (RatingSource::Timeline, GUILD));
    let follow = &home.store.follows(GUILD).await.expect("reads")[0];
    assert_eq!((follow.posts, follow.picks), (1, 1));

    assert_eq!(home.store.posts_of_original(SOURCE, "1").await.expect("reads"), [id]);
    assert!(home.store.remove_post(id).await.expect("removes").expect("was there").len() >= 2, "crop and preview");
    let gone = home.store.send(due[0].id).await.expect("reads").expect("is there");
    assert_eq!(gone.state, SendState::Deleting);
    assert!(home.store.ledger().await.expect("reads").is_empty());
}

#[tokio::test]
async fn what_is_held_or_of_an_opted_out_artist_is_not_picked() {
    let home = Home::new().await;
    home.store.set_guild(7, &GuildSettings { curated: Some(70), ..GuildSettings::default() }).await.expect("writes");
    let hidden = Account { unlisted: true, ..account("hidden") };
    let own = Feed::Author("hidden".into());
    let feed = home.follows_feed(GUILD, &own, Some(&hidden)).await;
    home.takes(&feed, "a", &[post("1", &hidden, 1)]).await;
    let id = home.all().await[0].id;
    assert_eq!(home.decided_on(id, 1, 4.9).await, Verdict::Skip(Skip::Held { why: Held::Unlisted }));
    assert!(home.store.is_held(id).await.expect("reads"));

    let link: ArtistLink = hidden.link.parse().expect("is one");
    home.store.opt_out_artist(&link, NOW).await.expect("writes");
    assert_eq!(home.store.block_accounts_of(&link).await.expect("writes"), 1);
    assert!(home.store.follows(GUILD).await.expect("reads").is_empty(), "it is followed no more");
    // Under another name, by somebody's boost.
    let renamed = Account { link: "https://bsky.app/profile/new.example".into(), ..hidden };
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    let boost = TimelinePost { by: Some(account("ben")), ..post("2", &renamed, 1) };
    assert_eq!(home.takes(&feed, "a", &[boost]).await, Some(0));
    // One that was never seen before.
    let link: ArtistLink = account("cleo").link.parse().expect("is one");
    home.store.opt_out_artist(&link, NOW).await.expect("writes");
    let feed = home.feed(&Feed::Home).await;
    assert_eq!(home.takes(&feed, "b", &[post("3", &account("cleo"), 1)]).await, Some(0));
}

#[tokio::test]
async fn only_the_best_of_an_account_are_picked_where_that_is_settled() {
    let home = Home::new().await;
    home.store.set_guild(7, &GuildSettings { curated: Some(70), ..GuildSettings::default() }).await.expect("writes");
    let ada = account("ada");
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    let rules = AccountRules { share: Some(0.5), ..AccountRules::default() };
    home.store.set_account_rules(GUILD, SOURCE, "ada", &rules).await.expect("writes");
    home.takes(&feed, "a", &[post("1", &ada, 2)]).await;
    let ids: Vec<PostId> = home.all().await.iter().rev().map(|row| row.id).collect();
    assert_eq!(home.decided_on(ids[0], 1, 4.8).await, Verdict::Repost);
    let second = Skip::NotInAccountShare { rank: 2, of: 2, share: 0.5 };
    assert_eq!(home.decided_on(ids[1], 2, 4.6).await, Verdict::Skip(second));
    assert!(!home.store.may_show_whole(GUILD, ids[0]).await.expect("reads"), "nobody agreed");
    let whole = AccountRules { whole: true, ..rules };
    home.store.set_account_rules(GUILD, SOURCE, "ada", &whole).await.expect("writes");
    assert!(home.store.may_show_whole(GUILD, ids[0]).await.expect("reads"));
}

#[tokio::test]
async fn what_came_to_nothing_is_let_go_and_not_taken_again() {
    let home = Home::new().await;
    let ada = account("ada");
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    home.takes(&feed, "a", &[post("1", &ada, 1), post("2", &ada, 1)]).await;
    let ids: Vec<PostId> = home.all().await.iter().map(|row| row.id).collect();
    home.store.fail_post(ids[0], "download", "x").await.expect("writes");
    let later = NOW + Duration::days(1);
    let idle = home.store.idle_timeline_posts(SOURCE, later, 9).await.expect("reads");
    assert_eq!(idle, [ids[0]], "the other is still on its way");
    assert!(home.store.idle_timeline_posts(SOURCE, NOW, 9).await.expect("reads").is_empty());
    home.store.note_forgotten(ids[0], later).await.expect("writes");
    home.store.remove_post(ids[0]).await.expect("removes");
    let feed = home.feed(&Feed::Home).await;
    assert_eq!(home.takes(&feed, "b", &[post("1", &ada, 1), post("2", &ada, 1)]).await, Some(0));
}

#[tokio::test]
async fn posts_are_asked_after_when_their_time_has_come() {
    let home = Home::new().await;
    let ada = account("ada");
    let feed = home.follows_feed(GUILD, &Feed::Home, None).await;
    home.takes(&feed, "a", &[post("1", &ada, 2), post("2", &ada, 1)]).await;
    let store = &home.store;
    assert_eq!(store.next_check(SOURCE).await.expect("reads"), Some(NOW + Duration::hours(20)));
    assert!(store.originals_to_check(SOURCE, NOW, 9).await.expect("reads").is_empty());
    let then = NOW + Duration::hours(20);
    assert_eq!(store.originals_to_check(SOURCE, then, 9).await.expect("reads"), ["1", "2"], "each once");
    store.checked(SOURCE, &["1".into()], then + Duration::DAY).await.expect("writes");
    assert_eq!(store.originals_to_check(SOURCE, then, 9).await.expect("reads"), ["2"]);
}

#[tokio::test]
async fn a_pause_is_kept_and_stops_end_at_a_start() {
    let home = Home::new().await;
    let pause = |source, code: &str| Pause {
        source,
        since: NOW,
        until: NOW + Duration::HOUR,
        failures: 2,
        code: code.into(),
        error: "e".into(),
    };
    for (source, code) in [(PostSource::X, "budget"), (SOURCE, "sign_in"), (PostSource::Mastodon, "wait")] {
        home.store.pause(&pause(source, code)).await.expect("writes");
    }
    let again = Pause { since: NOW + Duration::HOUR, failures: 3, ..pause(PostSource::Mastodon, "wait") };
    home.store.pause(&again).await.expect("writes");
    home.store.end_stops().await.expect("writes");
    let left = home.store.pauses().await.expect("reads");
    assert_eq!(left, [Pause { since: NOW, ..again }]);
    home.store.end_pause(PostSource::Mastodon).await.expect("writes");
    assert!(home.store.pauses().await.expect("reads").is_empty());
}

#[tokio::test]
async fn names_are_completed_and_a_guild_that_is_forgotten_follows_nobody() {
    let home = Home::new().await;
    let ada = account("ada");
    home.follows_feed(GUILD, &Feed::Author("ada".into()), Some(&ada)).await;
    let like = async |typed: &str| home.store.accounts_like(Some(SOURCE), typed, 9).await.expect("reads").len();
    assert_eq!((like("AD").await, like("the a").await, like("ben").await), (1, 1, 0));
    assert_eq!(home.store.account(SOURCE, "ADA.example").await.expect("reads"), Some(ada));
    // A guild that the bot was removed from is not read for.
    home.store.guild_joined(7).await.expect("writes");
    assert_eq!(home.store.feeds().await.expect("reads").len(), 1);
    home.store.guild_left(7, NOW).await.expect("writes");
    assert!(home.store.feeds().await.expect("reads").is_empty());
    home.store.forget_guild(7).await.expect("writes");
    assert!(home.store.follows(GUILD).await.expect("reads").is_empty());
}
