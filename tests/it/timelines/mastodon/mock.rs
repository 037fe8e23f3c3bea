//! Against `mastodon-mock` of `PyPI`, a Mastodon by other people, over the network client that the program uses.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use mekiki::fetch::{FetchRules, Fetcher, OpenBody};
use mekiki::timelines::mastodon::{Mastodon, MastodonSettings};
use mekiki::timelines::{Answer, Event, Feed, Http, Pieces, Timeline, TimelineError};
use serde_json::{Value, json};

use super::super::edge::ManualClock;

#[derive(Debug)]
struct Net(Fetcher);

struct Body(OpenBody);

fn failed(error: impl std::fmt::Display) -> TimelineError {
    TimelineError::Service(error.to_string())
}

impl Http for Net {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>> {
        Box::pin(async move { self.0.ask(request, 8 << 20).await.map_err(failed) })
    }

    fn open(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Box<dyn Pieces>>> {
        Box::pin(async move {
            let answer = self.0.open(request).await.map_err(failed)?;
            Ok(answer.map(|body| -> Box<dyn Pieces> { Box::new(Body(body)) }))
        })
    }
}

impl Pieces for Body {
    fn next(&mut self) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.0.next().await.map_err(failed) })
    }
}

/// Where it is installed: `MASTODON_MOCK` names the program, else it is looked for in `PATH`.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("MASTODON_MOCK").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&paths).map(|at| at.join("mastodon_mock")).find(|at| at.is_file()));
    if found.is_none() {
        eprintln!("!!! SKIPPED: mastodon_mock is not installed; see CONTRIBUTING.md !!!");
    }
    found
}

struct Mock {
    base: String,
    client: reqwest::Client,
    process: Child,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Mock {
    async fn start() -> Option<Self> {
        // Free at this moment; nobody else here takes ports.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(program()?)
            .args(["serve", "--in-memory", "--demo", "--host", "127.0.0.1", "--port", &port.to_string()])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        // What it goes on to say must go somewhere.
        std::thread::spawn(move || {
            let mut ready = Some(ready);
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(ready) = ready.take_if(|_| line.contains("Uvicorn running")) {
                    ready.send(()).unwrap();
                }
            }
        });
        let mock = Self { base: format!("http://127.0.0.1:{port}"), client: reqwest::Client::new(), process };
        is_ready.await.expect("it starts");
        Some(mock)
    }

    async fn asks(&self, request: reqwest::RequestBuilder, token: &str) -> Value {
        let answer = request.bearer_auth(token).send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{status}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn posts(&self, token: &str, with: Value) -> String {
        let request = self.client.post(format!("{}/api/v1/statuses", self.base)).json(&with);
        self.asks(request, token).await["id"].as_str().unwrap().to_owned()
    }

    async fn uploads(&self, token: &str) -> String {
        let mut picture = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(8, 8).write_to(&mut picture, image::ImageFormat::Png).unwrap();
        let part =
            reqwest::multipart::Part::bytes(picture.into_inner()).file_name("a.png").mime_str("image/png").unwrap();
        let form = reqwest::multipart::Form::new().part("file", part).text("description", "a face");
        let request = self.client.post(format!("{}/api/v2/media", self.base)).multipart(form);
        self.asks(request, token).await["id"].as_str().unwrap().to_owned()
    }

    fn adapter(&self, token: &str) -> Mastodon {
        let base: url::Url = self.base.parse().unwrap();
        let fetcher = Fetcher::new(FetchRules { also: vec![base.clone()] }).unwrap();
        let settings = MastodonSettings { server: base, token: token.into(), boosts: true };
        Mastodon::new(settings, Arc::new(Net(fetcher)), ManualClock::at_present())
    }
}

#[tokio::test]
async fn mastodon_mock_is_read_as_it_is() {
    let Some(mock) = Mock::start().await else { return };
    let mastodon = mock.adapter("ada_token");
    let grace = mastodon.find("grace").await.unwrap();
    assert!(matches!(mastodon.find("nobody").await, Err(TimelineError::NoSuchAccount(_))));
    let (_, id) = grace.id.split_once('/').unwrap();
    mock.asks(mock.client.post(format!("{}/api/v1/accounts/{id}/follow", mock.base)), "ada_token").await;
    assert!(mastodon.follows().await.unwrap().iter().any(|account| account.id == grace.id));

    let begun = mastodon.poll(&Feed::Home, None).await.unwrap();
    let mut events = mastodon.listen().await.unwrap().expect("it streams");
    assert_eq!(events.next().await.unwrap(), Event::New);
    let media = mock.uploads("grace_token").await;
    let drawn = mock.posts("grace_token", json!({ "status": "drawn", "media_ids": [media], "sensitive": true })).await;
    assert_eq!(events.next().await.unwrap(), Event::New);

    let page = mastodon.poll(&Feed::Home, Some(&begun.cursor)).await.unwrap();
    assert_eq!(page.posts.len(), 1, "{:?}", page.posts);
    let post = &page.posts[0];
    assert!(post.id.ends_with(&format!("/{drawn}")) && post.restricted && post.author.id == grace.id);
    assert_eq!(post.pictures[0].alt.as_deref(), Some("a face"));
    let of_author = mastodon.poll(&Feed::Author(grace.id.clone()), None).await.unwrap();
    assert!(of_author.posts.iter().any(|found| found.id == post.id));

    // Far more than a page.
    let mut all = Vec::new();
    for n in 0..50 {
        let media = mock.uploads("grace_token").await;
        all.push(mock.posts("grace_token", json!({ "status": n.to_string(), "media_ids": [media] })).await);
    }
    let (mut cursor, mut got) = (page.cursor, Vec::new());
    loop {
        let page = mastodon.poll(&Feed::Home, Some(&cursor)).await.unwrap();
        got.extend(page.posts.into_iter().map(|post| post.id.rsplit('/').next().unwrap().to_owned()));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(got, all);

    let sent = [post.id.clone()];
    assert!(mastodon.gone(&sent).await.unwrap().is_empty());
    mock.asks(mock.client.delete(format!("{}/api/v1/statuses/{drawn}", mock.base)), "grace_token").await;
    assert_eq!(mastodon.gone(&sent).await.unwrap(), sent);
    let gone = loop {
        match events.next().await.unwrap() {
            Event::Gone(id) => break id,
            Event::New => {}
        }
    };
    assert_eq!(gone, post.id);

    let refused = mock.adapter("no_such_token").poll(&Feed::Home, None).await;
    assert!(matches!(refused, Err(TimelineError::SignIn(_))), "{refused:?}");
}
