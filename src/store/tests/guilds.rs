//! What guilds and people have settled.

use super::*;
use crate::domain::{ArtistLink, GuildSettings, Person};

#[tokio::test]
async fn a_guild_keeps_its_settings_and_what_it_watches() {
    let home = Home::new().await;
    let store = &home.store;
    assert_eq!(store.guild(1).await.expect("reads"), GuildSettings::default());
    let settings = GuildSettings { curated: Some(u64::MAX >> 1), threshold: 3.5, ..GuildSettings::default() };
    store.set_guild(1, &settings).await.expect("writes");
    assert_eq!(store.guild(1).await.expect("reads"), settings);
    // Also of a guild that settled nothing yet; and once.
    for (guild, channel, new) in [(1, 10, true), (1, 11, true), (1, 10, false), (2, 20, true), (2, 10, false)] {
        assert_eq!(store.watch(guild, channel).await.expect("writes"), new);
    }
    assert_eq!(store.watched(1).await.expect("reads"), [10, 11]);
    assert_eq!(store.guild(1).await.expect("reads"), settings);
    assert_eq!(store.watched_all().await.expect("reads"), [(10, 1), (11, 1), (20, 2)].into());
    assert!(!store.unwatch(2, 10).await.expect("writes"), "another guild's channel");
    assert!(store.unwatch(1, 10).await.expect("writes") && !store.unwatch(1, 10).await.expect("writes"));
    // A guild that the bot was removed from is not watched, until it is back.
    store.guild_left(1, NOW).await.expect("writes");
    assert_eq!(store.watched_all().await.expect("reads"), [(20, 2)].into());
    assert_eq!(store.guilds().await.expect("reads"), [2]);
    store.guild_joined(1).await.expect("writes");
    assert_eq!(store.watched_all().await.expect("reads"), [(11, 1), (20, 2)].into());
    assert_eq!(store.guild(1).await.expect("reads"), settings);
}

#[tokio::test]
async fn people_and_artists_are_left_alone_when_they_say_so() {
    let home = Home::new().await;
    let store = &home.store;
    assert_eq!(store.person(5).await.expect("reads"), Person::default());
    let person = Person { personal_taste: true, opted_out: true };
    store.set_person(5, &person).await.expect("writes");
    assert_eq!(store.person(5).await.expect("reads"), person);
    assert_eq!(store.people_with_taste().await.expect("reads"), [5]);
    let artist: ArtistLink = "https://twitter.com/Someone".parse().expect("is one");
    let opted_out = async |links: &[&str]| store.is_artist_opted_out(links).await.expect("reads");
    assert!(!opted_out(&["https://x.com/someone"]).await);
    assert!(store.opt_out_artist(&artist, NOW).await.expect("writes"));
    assert!(!store.opt_out_artist(&artist, NOW).await.expect("writes"));
    assert!(opted_out(&["https://x.com/someone"]).await);
    assert!(opted_out(&["https://a.example/b", "https://www.twitter.com/SomeOne/status/1"]).await);
    assert!(!opted_out(&["https://x.com/someone_else", "no link", "https://x.com"]).await);
    assert!(!opted_out(&[]).await);
}
