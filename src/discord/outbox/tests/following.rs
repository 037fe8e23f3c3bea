//! What was sent follows its source: edits, deletions, also unheard of.

use super::*;
use crate::pipeline::NewAnswer;

#[tokio::test]
async fn a_source_that_goes_takes_its_reply_along_also_when_nobody_said_so() {
    let home = Home::new().await;
    let (deleted, unseen) = (source(1000), source(1001));
    let post = home.post(deleted, 0, 1, false).await;
    let id = home.reply(deleted).await;
    home.work().await;
    assert!(home.pipeline.source_deleted(deleted).await.expect("deletes"));
    home.work().await;
    assert_eq!((home.state(id).await, home.fake.messages(CHANNEL).len()), (SendState::Gone, 0));
    assert_eq!(home.pipeline.store().post(post).await.expect("reads"), None);
    // Deleted before the bot was told: Discord refuses the reply, and the rest goes as after a deletion.
    let post = home.post(unseen, 0, 1, false).await;
    home.fake.lock().sources.clear();
    let id = home.reply(unseen).await;
    home.work().await;
    assert_eq!((home.state(id).await, home.fake.messages(CHANNEL).len()), (SendState::Gone, 0));
    assert_eq!(home.pipeline.store().post(post).await.expect("reads"), None);
    // Somebody took the reply away before its source went.
    let third = source(1002);
    home.post(third, 0, 1, false).await;
    let id = home.reply(third).await;
    home.work().await;
    home.fake.lock().channels.clear();
    home.pipeline.source_deleted(third).await.expect("deletes");
    home.work().await;
    assert_eq!(home.state(id).await, SendState::Gone);
}

#[tokio::test]
async fn an_edit_changes_the_reply_and_silences_it_when_no_face_is_left() {
    let home = Home::new().await;
    let at = source(1000);
    let (first, second) = (home.post(at, 0, 1, false).await, home.post(at, 1, 1, false).await);
    let id = home.reply(at).await;
    home.work().await;
    let before = home.only(CHANNEL);
    assert!(before.body["content"].as_str().is_some_and(|t| t.starts_with("Found 2 faces")), "{before:?}");
    assert!(home.pipeline.remove(first).await.expect("removes"));
    home.work().await;
    let after = home.only(CHANNEL);
    assert_eq!((after.id, after.files), (before.id, 1));
    assert!(after.body["content"].as_str().is_some_and(|t| t.starts_with("Found one face")), "{after:?}");
    assert!(home.pipeline.remove(second).await.expect("removes"));
    home.work().await;
    assert_eq!((home.state(id).await, home.fake.messages(CHANNEL).len()), (SendState::Silent, 0));
    // Another picture comes: the reply is another message, also to Discord's memory of nonces.
    home.advance(Duration::SECOND);
    let third = home.post(at, 2, 1, false).await;
    let fourth = home.post(at, 3, 1, false).await;
    home.pipeline.remove(third).await.expect("removes");
    home.work().await;
    assert_eq!(home.state(id).await, SendState::Sent);
    assert_ne!(home.only(CHANNEL).body["nonce"], before.body["nonce"]);
    assert!(home.only(CHANNEL).body["components"].to_string().contains(&format!("up:{}", fourth.0)));
}

#[tokio::test]
async fn every_answer_about_a_message_follows_it() {
    let home = Home::new().await;
    let at = source(1000);
    let (first, second) = (home.post(at, 0, 1, false).await, home.post(at, 1, 1, false).await);
    let mut answers = Vec::new();
    for (asker, lang) in [(8, Lang::En), (9, Lang::Ja)] {
        let sent = home.fake.say(CHANNEL, "an answer");
        let answer =
            NewAnswer { scope: SCOPE, source: at, sent: MessageKey { channel: CHANNEL, message: sent }, asker, lang };
        answers.push(home.pipeline.record_answer(&answer, &[first, second]).await.expect("writes"));
    }
    home.work().await;
    assert_eq!(home.fake.messages(CHANNEL).len(), 2, "nothing has changed");
    assert!(home.pipeline.remove(first).await.expect("removes"));
    home.work().await;
    let texts: Vec<String> =
        home.fake.messages(CHANNEL).iter().map(|m| m.body["content"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(texts[0].starts_with("Found one face") && texts[1].starts_with("顔を 1 つ"), "{texts:?}");
    home.pipeline.source_deleted(at).await.expect("deletes");
    home.work().await;
    for id in answers {
        assert_eq!(home.state(id).await, SendState::Gone);
    }
    assert!(home.fake.messages(CHANNEL).is_empty());
}

#[tokio::test]
async fn an_answer_where_only_a_person_installed_the_bot_is_let_go() {
    let home = Home::new().await;
    let at = source(1000);
    let post = home.post(at, 0, 1, false).await;
    let sent = MessageKey { channel: CHANNEL, message: home.fake.say(CHANNEL, "an answer") };
    let answer = NewAnswer { scope: Scope::User(8), source: at, sent, asker: 8, lang: Lang::En };
    let id = home.pipeline.record_answer(&answer, &[post]).await.expect("writes");
    home.pipeline.source_deleted(at).await.expect("deletes");
    home.fake.fault(Fault::Refuse(403, 50001));
    home.work().await;
    assert_eq!(home.state(id).await, SendState::Gone, "no failure that anybody could mend");
}
