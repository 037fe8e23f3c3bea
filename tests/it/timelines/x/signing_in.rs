//! Tokens that expire, rotate and are lost; and the way through a browser.

use std::sync::Arc;

use mekiki::app::x::sign_in;
use mekiki::domain::Micros;
use mekiki::timelines::x::Settings;
use mekiki::timelines::{Answer, Feed, Http, Timeline, TimelineError};
use secrecy::SecretString;
use time::Duration;
use tokio::net::TcpListener;

use super::fake::{FakeX, SECRET};
use super::stage::{OpenVault, Stage, base, built, settings};
use super::world::{Fault, Speech, World};

#[tokio::test]
async fn a_token_that_ended_is_refreshed_and_the_new_pair_is_kept() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let mut cursor = None;
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    assert_eq!(stage.world().tokens.made, 0);
    for made in 1..4 {
        stage.go_on(Duration::minutes(119) + Duration::seconds(30));
        stage.poll(&Feed::Home, &mut cursor).await.unwrap();
        assert_eq!(stage.world().tokens.made, made);
        assert!(stage.vault.text().contains(&format!("REFRESH-{made}")), "the newest");
    }
    stage.world().faults.push_back(Fault::Revoked);
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    assert_eq!(stage.world().tokens.made, 4, "one that X takes no more, though its time is not over");
    let stage = stage.restarted().await;
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    assert_eq!(stage.world().tokens.made, 4, "kept over a restart");
    assert_eq!(stage.world().requests("/2/users/me"), 1, "whose it is, too");
    stage.check().await;
}

#[tokio::test]
async fn a_sign_in_that_ended_is_said_and_a_new_one_is_taken_over_without_a_restart() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let mut cursor = None;
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    let kept = stage.vault.0.lock().unwrap().clone();
    stage.world().tokens.refresh = Some("of another sign-in".into());
    stage.world().tokens.access.clear();
    let ended = stage.poll(&Feed::Home, &mut cursor).await.unwrap_err();
    let said = ended.to_string();
    assert!(matches!(ended, TimelineError::SignIn(_)) && said.contains("mekiki auth x"), "{said}");
    assert!(!said.contains("REFRESH") && !said.contains(SECRET) && !format!("{:?}", stage.x).contains("REFRESH"));
    // `mekiki auth x` in another process.
    let ends = stage.now() + Duration::hours(1);
    stage.world().tokens.access.insert("ACCESS-N".into(), ends);
    let text = format!(r#"{{"access":"ACCESS-N","refresh":"R","expires_at":{}}}"#, ends.unix_timestamp());
    *stage.vault.0.lock().unwrap() = Some(SecretString::from(text));
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    *stage.vault.0.lock().unwrap() = kept;
}

#[tokio::test]
async fn many_at_once_refresh_once() {
    let Some(stage) = Stage::new(Speech::Tweet, "50").await else { return };
    let people: Vec<u64> = (0..20).map(|n| stage.person(&format!("artist_{n}"))).collect();
    stage.go_on(Duration::hours(3));
    let stage = Arc::new(stage);
    let polls = people.into_iter().map(|id| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move { stage.x.poll(&Feed::Author(id.to_string()), None).await.map(drop) })
    });
    for poll in polls.collect::<Vec<_>>() {
        poll.await.unwrap().unwrap();
    }
    assert_eq!(stage.world().tokens.made, 1);
    stage.check().await;
}

#[tokio::test]
async fn without_a_sign_in_nothing_is_asked() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    *stage.vault.0.lock().unwrap() = None;
    for damaged in [None, Some("{\"access\":\"SECRET-WORD\"")] {
        *stage.vault.0.lock().unwrap() = damaged.map(SecretString::from);
        let refused = stage.x.poll(&Feed::Home, None).await.unwrap_err().to_string();
        assert!(refused.contains("mekiki auth x") && !refused.contains("SECRET-WORD"), "{refused}");
    }
    stage.check().await;
}

/// Over real sockets.
#[derive(Debug)]
struct Sockets(reqwest::Client);

impl Http for Sockets {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>> {
        Box::pin(async move {
            let answer = self.0.execute(request.try_into().unwrap()).await.unwrap();
            let mut response = http::Response::builder().status(answer.status());
            response.headers_mut().unwrap().extend(answer.headers().clone());
            Ok(response.body(answer.bytes().await.unwrap().to_vec()).unwrap())
        })
    }
}

#[tokio::test]
async fn a_person_signs_in_through_a_browser() {
    for secret in [Some(SecretString::from(SECRET)), None] {
        let Some(fake) = FakeX::new(World::new(Speech::Tweet)) else { return };
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", server.local_addr().unwrap());
        let router = fake.router();
        let serving = tokio::spawn(async move { axum::serve(server, router).await.unwrap() });
        let vault = Arc::new(OpenVault::default());
        let folder = tempfile::TempDir::new().unwrap();
        let store = mekiki::store::Store::open(&folder.path().join("mekiki.db")).await.unwrap();
        let settings = Settings {
            base: base(&address),
            authorize: base(&format!("{address}/i/oauth2/authorize")),
            client_secret: secret,
            ..settings(Micros(1_000_000))
        };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let x = built(&fake, &vault, &store, settings, Arc::new(Sockets(client.clone()))).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (shown, link) = tokio::sync::oneshot::channel();
        let person = tokio::spawn(async move {
            let link: url::Url = link.await.unwrap();
            let back = client.get(link).send().await.unwrap();
            let back = url::Url::parse(back.headers()["location"].to_str().unwrap()).unwrap();
            // Somebody else's link first.
            let mut forged = back.clone();
            forged.set_query(Some("state=forged&code=CODE-9"));
            let refused = client.get(forged).send().await.unwrap();
            assert_eq!(refused.status(), 400);
            let page = client.get(back).send().await.unwrap();
            assert_eq!(page.status(), 200);
            page.text().await.unwrap()
        });
        let account = sign_in(&x, listener, &[7; 64], |link| shown.send(link.clone()).unwrap()).await.unwrap();
        assert_eq!((&*account.id, &*account.handle), ("1", "me_myself"));
        let page = person.await.unwrap();
        assert!(page.contains("close this page") && page.contains("閉じて") && !page.contains("CODE"), "{page}");
        assert!(vault.text().contains("REFRESH-1"));
        x.poll(&Feed::Home, None).await.unwrap();
        assert_eq!(fake.world().breaches, [""; 0]);
        serving.abort();
    }
}

#[tokio::test]
async fn a_person_who_says_no_is_told_what_to_do() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (shown, link) = tokio::sync::oneshot::channel();
    let person = tokio::spawn(async move {
        let link: url::Url = link.await.unwrap();
        let state = link.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let back = format!("http://{at}/callback?error=access_denied&state={state}");
        reqwest::Client::new().get(back).send().await.unwrap().text().await.unwrap()
    });
    let refused = sign_in(&stage.x, listener, &[7; 64], |link| shown.send(link.clone()).unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("access_denied"), "{refused:#}");
    assert!(person.await.unwrap().contains("did not let"));
}
