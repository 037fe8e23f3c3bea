//! The desk by a guild's own rules.

use super::*;
use crate::domain::{ArtistLink, GuildSettings, MessageKey, Person, Place, TopShare};
use sqlx::Row;

const GUILD: Scope = Scope::Guild(7);
const CURATED: u64 = 70;

fn settings() -> GuildSettings {
    GuildSettings { curated: Some(CURATED), picks_per_hour: 2, ..GuildSettings::default() }
}

impl Home {
    /// A post of a picture of its own, in a message of its own.
    async fn posted(&self, n: u8, author: u64, asked: bool) -> (PostId, AnalysedPicture) {
        let shown = picture(n, u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15), &[0.9]);
        let post = NewPost {
            external_id: format!("20/{n}/a"),
            origin: Origin::Link { url: format!("https://cdn.example/{n}.png") },
            author: Author { name: None, link: Some(format!("https://x.com/artist{n}")) },
            scope: GUILD,
            place: Some(Place {
                message: MessageKey { channel: 20, message: n.into() },
                part: 0,
                author: Rater::discord(author),
                asked,
            }),
            ..new_post(PostSource::Discord, shown.picture.id)
        };
        let post = self.store.claim(&post).await.expect("claims").post();
        self.store.set_fetched(post, shown.picture.id).await.expect("writes");
        assert!(self.store.set_analysed(post, &shown).await.expect("writes"));
        (post, shown)
    }

    async fn judge(&self, post: &(PostId, AnalysedPicture), mean: f32, now: OffsetDateTime) -> Verdict {
        let mut case = Case { scope: GUILD, ..case(post.0, &post.1, mean) };
        case.candidate.asked = self.store.work_item(post.0).await.expect("reads").expect("is there").asked;
        self.store.decide_posts(&[case], &DeskRules::default(), now).await.expect("decides")[0].expect("is there")
    }

    async fn pick_sends(&self) -> Vec<(String, i64, i64, String)> {
        let rows = sqlx::query("SELECT source, post, channel, state FROM sends WHERE kind = 'pick' ORDER BY id")
            .fetch_all(&self.store.pool)
            .await
            .expect("reads");
        rows.iter().map(|r| (r.get(0), r.get(1), r.get(2), r.get(3))).collect()
    }
}

#[tokio::test]
async fn a_pick_and_what_is_sent_of_it_are_claimed_together_and_once() {
    let home = Home::new().await;
    let first = home.posted(1, 5, false).await;
    assert_eq!(home.judge(&first, 4.5, NOW).await, Verdict::Skip(Skip::NoCuratedChannel));
    assert!(home.pick_sends().await.is_empty());
    home.store.set_guild(7, &settings()).await.expect("writes");
    for _ in 0..2 {
        assert_eq!(home.judge(&first, 4.5, NOW).await, Verdict::Repost);
    }
    let asked = home.posted(2, 5, true).await;
    assert_eq!(home.judge(&asked, 4.9, NOW).await, Verdict::Skip(Skip::Asked));
    assert_eq!(home.pick_sends().await, [("20/1".into(), first.0.0, CURATED.cast_signed(), "waiting".into())]);
    // Moved meanwhile: what is decided from then on goes there.
    home.store.set_guild(7, &GuildSettings { curated: Some(71), ..settings() }).await.expect("writes");
    let moved = home.posted(3, 5, false).await;
    assert_eq!(home.judge(&moved, 4.5, NOW).await, Verdict::Repost);
    assert_eq!(home.judge(&first, 4.5, NOW).await, Verdict::Repost);
    assert_eq!(home.pick_sends().await.iter().map(|s| s.2).collect::<Vec<_>>(), [CURATED.cast_signed(), 71]);
}

#[tokio::test]
async fn who_wants_to_be_left_alone_is() {
    let home = Home::new().await;
    home.store.set_guild(7, &settings()).await.expect("writes");
    let (poster, artist, free) =
        (home.posted(1, 5, false).await, home.posted(2, 6, false).await, home.posted(3, 6, false).await);
    home.store.set_person(5, &Person { opted_out: true, ..Person::default() }).await.expect("writes");
    let link: ArtistLink = "https://twitter.com/Artist2".parse().expect("is one");
    home.store.opt_out_artist(&link, NOW).await.expect("writes");
    assert_eq!(home.judge(&poster, 4.5, NOW).await, Verdict::Skip(Skip::OptedOut { artist: false }));
    assert_eq!(home.judge(&artist, 4.5, NOW).await, Verdict::Skip(Skip::OptedOut { artist: true }));
    assert_eq!(home.judge(&free, 4.5, NOW).await, Verdict::Repost);
}

#[tokio::test]
async fn the_best_share_of_the_last_days_are_picks() {
    let home = Home::new().await;
    let top = TopShare { share: 0.2, days: 7 };
    let rules = GuildSettings { threshold: 1.0, top_share: Some(top), picks_per_hour: 99, ..settings() };
    home.store.set_guild(7, &rules).await.expect("writes");
    let mut posts = Vec::new();
    for n in 1..=10 {
        posts.push(home.posted(n, 5, n == 10).await);
    }
    // The first is the best so far; nine others are worse; one that a command asked for does not count.
    assert_eq!(home.judge(&posts[0], 3.0, NOW).await, Verdict::Repost);
    home.judge(&posts[9], 4.9, NOW).await;
    for (i, post) in posts[1..9].iter().enumerate() {
        let expected = Skip::NotInTopShare { rank: i as u32 + 2, of: i as u32 + 2, share: 0.2 };
        assert_eq!(home.judge(post, 2.9 - i as f32 * 0.1, NOW).await, Verdict::Skip(expected));
    }
    // Among ten there are two places: the second best takes one when it is looked at again.
    let last = home.posted(11, 5, false).await;
    let expected = Skip::NotInTopShare { rank: 10, of: 10, share: 0.2 };
    assert_eq!(home.judge(&last, 1.5, NOW).await, Verdict::Skip(expected));
    assert_eq!(home.judge(&posts[1], 2.9, NOW).await, Verdict::Repost);
}

#[tokio::test]
async fn what_the_hour_held_back_is_found_again_best_first_when_there_is_room() {
    let home = Home::new().await;
    home.store.set_guild(7, &settings()).await.expect("writes");
    let mut posts = Vec::new();
    for (n, mean) in (1..).zip([4.1, 4.2, 4.3, 4.9, 4.5]) {
        let post = home.posted(n, 5, false).await;
        home.judge(&post, mean, NOW + Duration::minutes(i64::from(n))).await;
        posts.push(post);
    }
    let since = NOW - Duration::DAY;
    assert_eq!(home.store.scopes_held_back(since).await.expect("reads"), [GUILD]);
    assert!(home.store.scopes_held_back(NOW + Duration::SECOND).await.expect("reads").is_empty(), "old posts");
    let held_back =
        async |minutes| home.store.held_back(GUILD, 2, NOW + Duration::minutes(minutes), since).await.expect("reads");
    assert!(held_back(59).await.is_empty());
    assert_eq!(held_back(61).await, [posts[3].0], "one of the two picks is an hour old");
    assert_eq!(held_back(62).await, [posts[3].0, posts[4].0]);
    assert_eq!(home.judge(&posts[3], 4.9, NOW + Duration::minutes(62)).await, Verdict::Repost);
    assert_eq!(held_back(62).await, [posts[4].0]);
}
