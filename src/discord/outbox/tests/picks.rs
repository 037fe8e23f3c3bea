//! Picks: their styles, and publishing them to those who follow the channel.

use super::*;

#[tokio::test]
async fn picks_come_in_three_styles_and_credit_whom_they_owe() {
    let mut home = Home::new().await;
    for (n, style) in [PickStyle::Crop, PickStyle::Picture, PickStyle::Forward].into_iter().enumerate() {
        home.settings(GuildSettings {
            curated: Some(CURATED),
            style,
            subscribers: Some(77),
            ..GuildSettings::default()
        })
        .await;
        home.fake.lock().channels.clear();
        let at = source(1000 + n as u64);
        let (post, id) = home.pick(at, false).await;
        home.work().await;
        home.restart();
        home.work().await;
        assert_eq!(home.state(id).await, SendState::Sent);
        let messages = home.fake.messages(CURATED);
        let pick = &messages[0];
        let text = pick.body["content"].as_str().expect("has words");
        assert_eq!(
            text,
            format!(
                "<@&77> **4.6** · [post](<https://discord.com/channels/1/20/{}>) by [Aoi\\_\\*](<https://discord.com/users/5>)",
                at.message
            )
        );
        let mentions = &pick.body["allowed_mentions"];
        assert_eq!((&mentions["parse"], &mentions["roles"]), (&serde_json::json!([]), &serde_json::json!(["77"])));
        assert!(pick.body["components"].to_string().contains(&format!("\"up:{}\"", post.0)));
        assert_eq!(pick.files, usize::from(style != PickStyle::Forward), "{style:?}");
        assert_eq!(messages.len(), if style == PickStyle::Forward { 2 } else { 1 }, "{style:?}");
        if let Some(forward) = messages.get(1) {
            assert_eq!(forward.body["message_reference"]["type"], 1);
            assert_eq!(home.row(id).await.companion, Some(forward.id));
        }
        home.pipeline.source_deleted(at).await.expect("deletes");
        home.work().await;
        assert!(home.fake.messages(CURATED).is_empty(), "{style:?}: the pick and what came with it are gone");
    }
}

#[tokio::test]
async fn an_announcement_channel_is_published_and_what_is_too_much_is_collected() {
    let home = Home::new().await;
    let settings = GuildSettings { curated: Some(CURATED), curated_announces: true, ..GuildSettings::default() };
    home.settings(settings).await;
    let published = || home.fake.messages(CURATED).iter().filter(|m| m.crossposted).count();
    let mut picks = Vec::new();
    for n in 0..9 {
        picks.push(home.pick(source(1000 + n), false).await.1);
    }
    home.fake.fault(Fault::Refuse(429, 0));
    home.work().await;
    home.advance(Duration::MINUTE);
    home.work().await;
    assert_eq!((home.fake.messages(CURATED).len(), published()), (9, 9));
    for n in 9..12 {
        picks.push(home.pick(source(1000 + n), false).await.1);
    }
    home.work().await;
    assert_eq!((home.fake.messages(CURATED).len(), published()), (12, 9), "three wait");
    home.advance(Duration::minutes(30));
    home.work().await;
    let messages = home.fake.messages(CURATED);
    assert_eq!((messages.len(), published()), (13, 10), "and come in a digest");
    let digest = messages[12].body["content"].as_str().expect("has words");
    assert!(digest.starts_with("**3 more picks**"), "{digest}");
    for pick in &picks[9..] {
        let key = home.row(*pick).await.key().expect("was sent");
        assert!(digest.contains(&format!("https://discord.com/channels/1/{key}")), "{digest}");
    }
    // A pick that goes leaves the digest.
    home.pipeline.source_deleted(source(1009)).await.expect("deletes");
    home.work().await;
    let messages = home.fake.messages(CURATED);
    assert_eq!(messages.len(), 12);
    assert!(messages[11].body["content"].as_str().is_some_and(|t| t.starts_with("**2 more picks**")), "{messages:?}");
}
