//! Signing in, staying signed in, and what people are told when that ends.

use std::sync::atomic::Ordering;

use mekiki::timelines::{Feed, Timeline, TimelineError};
use time::Duration;

use super::Stage;

const CREATE: &str = "com.atproto.server.createSession";
const REFRESH: &str = "com.atproto.server.refreshSession";

/// Requests about sessions since the last call.
fn signing_in(stage: &Stage) -> Vec<String> {
    stage.fake.asked().into_iter().filter(|name| name.starts_with("com.atproto.server.")).collect()
}

async fn polls(stage: &Stage) -> Result<(), TimelineError> {
    stage.bluesky.poll(&Feed::Home, None).await.map(drop)
}

#[tokio::test]
async fn a_session_outlives_the_process_and_is_renewed_when_it_expires() {
    let mut stage = Stage::new();
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [CREATE]);
    stage.restarted();
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [""; 0]);
    // For a month: each pair is good for two hours, and each refresh token for one use.
    for _ in 0..30 {
        stage.clock.advance(Duration::days(1));
        polls(&stage).await.unwrap();
        polls(&stage).await.unwrap();
        stage.restarted();
        polls(&stage).await.unwrap();
        assert_eq!(signing_in(&stage), [REFRESH]);
    }
}

#[tokio::test]
async fn many_at_once_renew_once() {
    let stage = Stage::new();
    polls(&stage).await.unwrap();
    stage.fake.expire_access();
    signing_in(&stage);
    let (one, two, three) = tokio::join!(polls(&stage), polls(&stage), polls(&stage));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(signing_in(&stage), [REFRESH]);
}

#[tokio::test]
async fn a_session_that_ended_is_begun_anew() {
    let stage = Stage::new();
    polls(&stage).await.unwrap();
    signing_in(&stage);
    stage.fake.revoke();
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [REFRESH, CREATE]);
    stage.clock.advance(Duration::days(61));
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [REFRESH, CREATE], "the refresh token expired, too");
}

/// The service gave a new pair, and the answer got lost: the old refresh token is spent.
#[tokio::test]
async fn a_lost_pair_costs_a_sign_in_and_no_more() {
    let stage = Stage::new();
    polls(&stage).await.unwrap();
    stage.fake.expire_access();
    signing_in(&stage);
    // The first answer says that the token has expired, the second has the new pair.
    stage.way.lose.store(2, Ordering::Relaxed);
    let error = polls(&stage).await.unwrap_err();
    assert!(matches!(error, TimelineError::Service(_)), "{error:?}");
    signing_in(&stage);
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [REFRESH, CREATE]);
}

/// What was kept is what is used next, so that a kill at any moment leaves a pair that works.
#[tokio::test]
async fn a_pair_that_cannot_be_kept_is_not_used() {
    let mut stage = Stage::new();
    polls(&stage).await.unwrap();
    let before = stage.vault.secret();
    stage.fake.expire_access();
    stage.fake.asked();
    stage.vault.broken.store(true, Ordering::Relaxed);
    polls(&stage).await.unwrap_err();
    polls(&stage).await.unwrap_err();
    let asked = stage.fake.asked();
    assert_eq!(asked, ["app.bsky.feed.getTimeline", REFRESH], "the new pair is held, and nothing asked with it");
    assert_eq!(stage.vault.secret(), before);
    stage.vault.broken.store(false, Ordering::Relaxed);
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [""; 0]);
    assert_ne!(stage.vault.secret(), before);
    stage.restarted();
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [""; 0], "and it was the one kept");
}

#[tokio::test]
async fn an_outage_ends_no_session() {
    let stage = Stage::new();
    polls(&stage).await.unwrap();
    stage.fake.expire_access();
    signing_in(&stage);
    stage.way.down.store(true, Ordering::Relaxed);
    assert!(matches!(polls(&stage).await, Err(TimelineError::Service(_))));
    stage.way.down.store(false, Ordering::Relaxed);
    stage.fake.fails(Some(503));
    assert!(matches!(polls(&stage).await, Err(TimelineError::Service(_))));
    stage.fake.fails(None);
    signing_in(&stage);
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [REFRESH]);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_tried_again_soon() {
    let mut stage = Stage::new();
    stage.fake.change_password("another-one-5678");
    for _ in 0..5 {
        let error = polls(&stage).await.unwrap_err();
        let TimelineError::SignIn(said) = &error else { panic!("{error:?}") };
        assert!(said.contains("App passwords") && !said.contains("pass-word"), "{said}");
    }
    assert_eq!(signing_in(&stage), [CREATE]);
    stage.clock.advance(Duration::hours(1));
    polls(&stage).await.unwrap_err();
    assert_eq!(signing_in(&stage), [CREATE]);
    // Set right, and started again.
    stage.restarted_with("another-one-5678");
    polls(&stage).await.unwrap();
    assert_eq!(signing_in(&stage), [CREATE]);
}

#[tokio::test]
async fn what_the_vault_has_of_another_account_or_not_at_all_readable_is_not_used() {
    for kept in
        ["", "{}", "no JSON", r#"{"identifier":"other.test","did":"did:plc:a","accessJwt":"a","refreshJwt":"b"}"#]
    {
        let stage = Stage::new();
        mekiki::timelines::Vault::keep(&*stage.vault, kept.to_owned().into()).await.unwrap();
        polls(&stage).await.unwrap();
        assert_eq!(signing_in(&stage), [CREATE], "{kept}");
    }
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let stage = Stage::new();
    polls(&stage).await.unwrap();
    let shown = format!("{:?}", stage.bluesky);
    assert!(!shown.contains("pass-word") && !shown.contains("access.") && !shown.contains("refresh."), "{shown}");
}
