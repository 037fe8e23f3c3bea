//! Sends: claimed once, due when their posts are done, and never forgotten when the source goes.

use super::*;
use crate::domain::{Lang, MessageKey, Place, SendFailure, SendId, SendKind, SendState};

const SOURCE: MessageKey = MessageKey { channel: 7, message: 1000 };
const GUILD: Scope = Scope::Guild(1);

/// The `part`th picture of the message, with one face, claimed.
async fn claimed(home: &Home, source: MessageKey, part: u32) -> (PostId, AnalysedPicture) {
    let shown = picture(part as u8 + 1, u64::from(part), &[0.9]);
    let post = NewPost {
        external_id: format!("{source}/{part}"),
        scope: GUILD,
        place: Some(Place { message: source, part, author: Rater("discord:5".into()), asked: false }),
        ..new_post(PostSource::Discord, shown.picture.id)
    };
    (home.store.claim(&post).await.expect("claims").post(), shown)
}

async fn finish(home: &Home, post: PostId, shown: &AnalysedPicture) {
    home.store.set_fetched(post, shown.picture.id).await.expect("writes");
    assert!(home.store.set_analysed(post, shown).await.expect("writes"));
    let case = Case { scope: GUILD, ..case(post, shown, 4.5) };
    home.store.decide_posts(&[case], &RULES, NOW).await.expect("decides");
    home.store.publish_post(post, NOW).await.expect("publishes");
}

fn reply(source: MessageKey) -> NewSend {
    NewSend { kind: SendKind::Reply, scope: GUILD, source, post: None, channel: source.channel }
}

async fn claim(home: &Home, send: &NewSend) -> SendId {
    home.store.claim_send(send, NOW).await.expect("writes").expect("was not claimed before")
}

async fn due(home: &Home, now: OffsetDateTime) -> Vec<SendId> {
    home.store.due_sends(now).await.expect("reads").iter().map(|s| s.id).collect()
}

async fn row(home: &Home, id: SendId) -> SendRow {
    home.store.send(id).await.expect("reads").expect("is there")
}

#[tokio::test]
async fn a_reply_waits_for_all_pictures_of_its_message_and_is_claimed_once() {
    let home = Home::new().await;
    let (first, first_shown) = claimed(&home, SOURCE, 0).await;
    let (second, _) = claimed(&home, SOURCE, 1).await;
    let id = claim(&home, &reply(SOURCE)).await;
    assert_eq!(home.store.claim_send(&reply(SOURCE), NOW).await.expect("writes"), None);
    finish(&home, first, &first_shown).await;
    assert!(due(&home, NOW).await.is_empty(), "the second picture is not done");
    home.store.fail_post(second, "link_gone", "gone").await.expect("writes");
    assert_eq!(due(&home, NOW).await, [id]);
    assert!(home.store.begin_send(id).await.expect("writes"));
    // Refused for now: not before its time, then again.
    home.store.retry_send(id, Attempt::Refused, NOW + Duration::SECOND, "429").await.expect("writes");
    assert_eq!(home.store.next_send_due(NOW).await.expect("reads"), Some(NOW + Duration::SECOND));
    assert!(due(&home, NOW).await.is_empty());
    assert_eq!(due(&home, NOW + Duration::SECOND).await, [id]);
    assert_eq!(row(&home, id).await.state, SendState::Waiting);
    assert!(home.store.begin_send(id).await.expect("writes"));
    // Nobody knows: it stays to be looked for.
    home.store.retry_send(id, Attempt::Unknown, NOW, "timed out").await.expect("writes");
    assert_eq!(row(&home, id).await.state, SendState::Sending);
    home.store.set_sent(id, 2000, Follows::default(), NOW).await.expect("writes");
    assert!(due(&home, NOW + Duration::DAY).await.is_empty());
    assert_eq!(home.store.send_by_message(2000).await.expect("reads").expect("is known").source, Some(SOURCE));
    assert!(!home.store.begin_send(id).await.expect("writes"), "what was sent is not sent again");
}

#[tokio::test]
async fn a_pick_is_due_when_it_is_published_and_one_row_a_channel_is_answered() {
    let home = Home::new().await;
    let (post, shown) = claimed(&home, SOURCE, 0).await;
    let pick = NewSend { kind: SendKind::Pick, post: Some(post), channel: 9, ..reply(SOURCE) };
    let pick = claim(&home, &pick).await;
    let other = claim(&home, &NewSend { channel: 9, ..reply(MessageKey { message: 1001, ..SOURCE }) }).await;
    assert_eq!(due(&home, NOW).await, [other], "its post is not published");
    finish(&home, post, &shown).await;
    assert_eq!(due(&home, NOW).await, [pick], "the oldest of the channel");
    home.store.set_sent(pick, 3000, Follows::default(), NOW).await.expect("writes");
    assert_eq!(due(&home, NOW).await, [other]);
}

#[tokio::test]
async fn a_deleted_source_takes_everything_along_at_whatever_moment_it_goes() {
    // What has happened to the reply when the source goes, and what is then left to do.
    for (moment, left) in [
        ("waiting", SendState::Gone),
        ("silent", SendState::Gone),
        ("failed", SendState::Gone),
        ("sending", SendState::Deleting),
        ("sent", SendState::Deleting),
        ("gone", SendState::Gone),
    ] {
        let home = Home::new().await;
        let (post, shown) = claimed(&home, SOURCE, 0).await;
        let id = claim(&home, &reply(SOURCE)).await;
        let store = &home.store;
        finish(&home, post, &shown).await;
        if moment != "waiting" {
            assert!(store.begin_send(id).await.expect("writes"));
        }
        match moment {
            "silent" => store.set_silent(id).await.expect("writes"),
            "failed" => store.fail_send(id, SendFailure::Permission, "403").await.expect("writes"),
            "sent" => store.set_sent(id, 2000, Follows::default(), NOW).await.expect("writes"),
            "gone" => store.set_gone(id).await.expect("writes"),
            _ => {}
        }
        let orphans = store.source_deleted(SOURCE).await.expect("deletes").expect("was known");
        assert_eq!(orphans.len(), 2, "preview and crop");
        assert_eq!(row(&home, id).await.state, left, "{moment}");
        assert_eq!(store.post(post).await.expect("reads"), None);
        assert_eq!(store.picture(shown.picture.id).await.expect("reads"), None);
        // The request that was under way ends well: the message is still to be deleted.
        if moment == "sending" {
            store.set_sent(id, 2000, Follows::default(), NOW).await.expect("writes");
            assert_eq!((row(&home, id).await.state, row(&home, id).await.message), (SendState::Deleting, Some(2000)));
        }
        assert_eq!(due(&home, NOW).await.len(), usize::from(left == SendState::Deleting));
    }
    let home = Home::new().await;
    assert_eq!(home.store.source_deleted(SOURCE).await.expect("reads"), None, "nothing knew it");
}

#[tokio::test]
async fn a_removed_picture_deletes_its_pick_and_changes_reply_and_digest() {
    let home = Home::new().await;
    let (first, shown) = claimed(&home, SOURCE, 0).await;
    let (second, second_shown) = claimed(&home, SOURCE, 1).await;
    finish(&home, first, &shown).await;
    finish(&home, second, &second_shown).await;
    let id = claim(&home, &reply(SOURCE)).await;
    let pick = |post| NewSend { kind: SendKind::Pick, post: Some(post), channel: 9, ..reply(SOURCE) };
    let (first_pick, second_pick) = (claim(&home, &pick(first)).await, claim(&home, &pick(second)).await);
    for (send, message) in [(id, 2000), (first_pick, 3000), (second_pick, 3001)] {
        home.store.set_sent(send, message, Follows::default(), NOW).await.expect("writes");
    }
    home.store.remove_post(first).await.expect("removes");
    let states = [row(&home, id).await, row(&home, first_pick).await, row(&home, second_pick).await]
        .map(|r| (r.state, r.changed));
    assert_eq!(states, [(SendState::Sent, true), (SendState::Deleting, false), (SendState::Sent, false)]);
    assert_eq!(due(&home, NOW).await, [id, first_pick]);
    // A change that comes while one is being shown is not lost.
    assert!(home.store.begin_change(id).await.expect("writes"));
    home.store.remove_post(second).await.expect("removes");
    home.store.end_change(id).await.expect("writes");
    assert!(row(&home, id).await.changed);
    assert!(home.store.begin_change(id).await.expect("writes"));
    home.store.end_change(id).await.expect("writes");
    assert!(!row(&home, id).await.changed);
    // A stop in the middle of one neither.
    home.store.add_picture(&shown).await.expect("writes");
    let (third, _) = claimed(&home, SOURCE, 2).await;
    home.store.remove_post(third).await.expect("removes");
    assert!(home.store.begin_change(id).await.expect("writes"));
    let home = home.reopen().await;
    home.store.reopen_changes().await.expect("writes");
    assert!(due(&home, NOW).await.contains(&id));
}

/// An answer to the person of this id, sent as the message of this id.
fn answer(n: u64) -> NewAnswer {
    let sent = MessageKey { channel: 8, message: n };
    NewAnswer { scope: GUILD, source: SOURCE, sent, asker: n, lang: Lang::Ja }
}

#[tokio::test]
async fn every_answer_about_a_message_follows_it_beside_the_reply() {
    let home = Home::new().await;
    let (first, shown) = claimed(&home, SOURCE, 0).await;
    let (second, second_shown) = claimed(&home, SOURCE, 1).await;
    let reply = claim(&home, &reply(SOURCE)).await;
    home.store.set_sent(reply, 2000, Follows::default(), NOW).await.expect("writes");
    let mut answers = Vec::new();
    for n in [50, 51] {
        answers.push(home.store.record_answer(&answer(n), &[first, second], NOW).await.expect("writes"));
    }
    let last = row(&home, answers[1]).await;
    assert_eq!((last.state, last.changed, last.key()), (SendState::Sent, false, Some(answer(51).sent)));
    assert_eq!((last.asker, last.lang), (Some(51), Some(Lang::Ja)));
    // A picture goes: all three are to be changed, once what they show is done.
    home.store.remove_post(first).await.expect("removes");
    for id in [reply, answers[0], answers[1]] {
        assert!(row(&home, id).await.changed);
    }
    assert!(due(&home, NOW).await.is_empty(), "the other picture is not done");
    finish(&home, second, &second_shown).await;
    assert_eq!(due(&home, NOW).await, [reply, answers[0]], "the oldest of each channel");
    assert_eq!(home.store.answer_posts(SOURCE, GUILD).await.expect("reads"), [second]);
    // Of one whose pictures were all swapped on its way, what it shows is no longer there, and something else is.
    let swapped = home.store.record_answer(&answer(54), &[first], NOW).await.expect("writes");
    assert_eq!((row(&home, swapped).await.state, row(&home, swapped).await.changed), (SendState::Sent, true));
    // An answer that was on its way meanwhile knows it, and one whose source is gone is deleted at once.
    let late = home.store.record_answer(&answer(52), &[first, second], NOW).await.expect("writes");
    assert!(row(&home, late).await.changed);
    home.store.source_deleted(SOURCE).await.expect("deletes").expect("was known");
    let later = home.store.record_answer(&answer(53), &[second], NOW).await.expect("writes");
    for id in [reply, answers[0], answers[1], late, later] {
        assert_eq!(row(&home, id).await.state, SendState::Deleting);
    }
    drop(shown);
}

#[tokio::test]
async fn what_was_asked_about_and_swapped_is_shown_by_the_answers() {
    let home = Home::new().await;
    let asked = |key: &str| NewPost {
        external_id: format!("ask:{key}"),
        scope: GUILD,
        place: Some(Place { message: SOURCE, part: 0, author: Rater("discord:5".into()), asked: true }),
        ..new_post(PostSource::Discord, PictureId([0; 32]))
    };
    let old = home.store.claim(&asked("a")).await.expect("claims").post();
    home.store.fail_post(old, "test", "done").await.expect("writes");
    let id = home.store.record_answer(&answer(50), &[old], NOW).await.expect("writes");
    assert_eq!(home.store.answered_since(NOW, 9).await.expect("reads"), [(1, SOURCE)]);
    home.store.change_asked(SOURCE, &[asked("b")], &[old]).await.expect("writes");
    let shown = home.store.answer_posts(SOURCE, GUILD).await.expect("reads");
    let external: Vec<String> =
        home.store.asked_posts(SOURCE).await.expect("reads").into_iter().map(|p| p.external_id).collect();
    assert_eq!((shown.len(), external), (1, vec!["ask:b".to_owned()]));
    assert!(due(&home, NOW).await.is_empty());
    home.store.fail_post(shown[0], "test", "done").await.expect("writes");
    assert_eq!(due(&home, NOW).await, [id]);
    // One that nothing is left of says no more, and is never said anew.
    home.store.change_asked(SOURCE, &[], &shown).await.expect("writes");
    home.store.set_silent(id).await.expect("writes");
    home.store.change_asked(SOURCE, &[asked("c")], &[]).await.expect("writes");
    assert_eq!(row(&home, id).await.state, SendState::Silent);
}
