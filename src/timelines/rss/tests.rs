//! Feeds as they come, from a made-up server.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

/// Pages by address; each request is written down with its conditions.
#[derive(Debug, Default)]
struct Server {
    pages: Mutex<HashMap<String, Response<Vec<u8>>>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    fn put(&self, url: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let answer = answer.body(body.as_bytes().to_vec()).unwrap();
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Http for Server {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, Response<Vec<u8>>> {
        let condition = |name| request.headers().get(name).map_or("-", |v: &http::HeaderValue| v.to_str().unwrap());
        let (etag, since) = (condition(IF_NONE_MATCH), condition(IF_MODIFIED_SINCE));
        let url = request.uri().to_string();
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{} {url} {etag} {since}", request.method()));
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match pages.get(&url) {
            Some(page) if page.headers().get(ETAG).is_some_and(|tag| tag.to_str().unwrap() == etag) => {
                Response::builder().status(304).body(Vec::new()).unwrap()
            }
            Some(page) => page.clone(),
            None => Response::builder().status(404).body(Vec::new()).unwrap(),
        };
        Box::pin(async move {
            if answer.status() == 599 {
                return Err(TimelineError::Service("it cannot be reached".into()));
            }
            Ok(answer)
        })
    }
}

const RSS: &str = r#"<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
 <title>Ada's gallery</title><link>https://ada.example/</link><description>d</description>
 <item><title>One</title><link>https://ada.example/1</link><guid>g1</guid><pubDate>Tue, 24 Nov 2026 09:00:00 GMT</pubDate>
  <enclosure url="https://cdn.example/1.png" type="image/png" length="9"/><enclosure url="https://cdn.example/1.mp3" type="audio/mpeg" length="9"/></item>
 <item><title>Two</title><link>https://ada.example/2</link><guid>g2</guid><pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate>
  <media:content url="https://cdn.example/2.jpg" type="image/jpeg"><media:description>a girl</media:description>
  <media:rating>adult</media:rating></media:content></item>
 <item><title>Three</title><link>https://ada.example/3</link><guid>g3</guid><pubDate>Tue, 24 Nov 2026 08:00:00 GMT</pubDate>
  <dc:creator>Ben</dc:creator><category>R-18</category>
  <content:encoded><![CDATA[<p>x <img src="/3.webp" alt="three"><img src="/dot.gif" width="1"></p>]]></content:encoded></item>
 <item><title>Words</title><link>https://ada.example/4</link><guid>g4</guid></item>
</channel></rss>"#;

const ATOM: &str = r#"<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Cleo</title><id>urn:c</id>
 <updated>2026-11-20T00:00:00Z</updated><link href="https://cleo.example/"/>
 <entry><id>urn:c:1</id><title>A</title><updated>2030-01-01T00:00:00Z</updated><link href="https://cleo.example/a"/>
 <link rel="enclosure" type="image/webp" href="/a.webp"/><author><name>Cleo</name></author></entry></feed>"#;

fn rss(server: &Arc<Server>) -> Rss {
    Rss::new(Arc::clone(server) as Arc<dyn Http>, Arc::new(Noon))
}

fn feed(url: &str) -> Feed {
    Feed::Author(url.into())
}

#[tokio::test]
async fn pictures_come_from_enclosures_media_and_text_oldest_first() {
    let server = Arc::new(Server::default());
    server.put("https://ada.example/rss", 200, &[], RSS);
    let page = rss(&server).poll(&feed("https://ada.example/rss"), None).await.unwrap();
    let seen: Vec<_> = page.posts.iter().map(|p| (p.link.as_str(), p.author.shown(), p.restricted)).collect();
    let (one, two, three) = ("https://ada.example/1", "https://ada.example/2", "https://ada.example/3");
    assert_eq!(seen, [(three, "Ben", true), (one, "Ada's gallery", false), (two, "Ada's gallery", true)]);
    let pictures: Vec<_> =
        page.posts.iter().flat_map(|p| &p.pictures).map(|p| (p.url.as_str(), p.alt.as_deref())).collect();
    let wanted = [
        ("https://ada.example/3.webp", Some("three")),
        ("https://cdn.example/1.png", None),
        ("https://cdn.example/2.jpg", Some("a girl")),
    ];
    assert_eq!(pictures, wanted);
    assert_eq!(page.posts[1].posted_at, datetime!(2026-11-24 09:00 UTC));
    assert_eq!((page.posts[1].id.as_str(), page.posts[1].author.link.as_str()), (one, "https://ada.example/"));
    assert!(!page.more && page.wait == AT_LEAST);
}

#[tokio::test]
async fn what_was_seen_does_not_come_again_and_what_is_unchanged_is_not_sent() {
    let server = Arc::new(Server::default());
    let url = "https://ada.example/rss";
    server.put(url, 200, &[("etag", "\"a\""), ("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT")], RSS);
    let rss = rss(&server);
    let first = rss.poll(&feed(url), None).await.unwrap();
    let unchanged = rss.poll(&feed(url), Some(&first.cursor)).await.unwrap();
    assert!(unchanged.posts.is_empty() && unchanged.cursor == first.cursor);
    assert_eq!(server.asked()[1], format!("GET {url} \"a\" Tue, 24 Nov 2026 10:00:00 GMT"));
    // A new item, the others reordered, one of them changed.
    let item = "<item><title>Five</title><link>https://ada.example/5</link><guid>g5</guid>\
                <enclosure url=\"https://cdn.example/5.png\" type=\"image/png\"/></item></channel>";
    server.put(url, 200, &[("etag", "\"b\"")], &RSS.replace("One", "One (new)").replace("</channel>", item));
    let second = rss.poll(&feed(url), Some(&first.cursor)).await.unwrap();
    assert_eq!(second.posts.iter().map(|p| p.link.as_str()).collect::<Vec<_>>(), ["https://ada.example/5"]);
    assert_eq!(second.posts[0].posted_at, NOW, "no date: when it was seen");
    // It drops out of the list and comes back.
    server.put(url, 200, &[("etag", "\"c\"")], RSS);
    let third = rss.poll(&feed(url), Some(&second.cursor)).await.unwrap();
    server.put(url, 200, &[("etag", "\"d\"")], &RSS.replace("</channel>", item));
    let fourth = rss.poll(&feed(url), Some(&third.cursor)).await.unwrap();
    assert!(third.posts.is_empty() && fourth.posts.is_empty());
    // A cursor that cannot be read begins anew; the store knows the posts.
    assert_eq!(rss.poll(&feed(url), Some("{")).await.unwrap().posts.len(), 4);
}

#[tokio::test]
async fn an_atom_feed_is_found_by_its_page_and_over_redirects() {
    let server = Arc::new(Server::default());
    let page = r#"<html><head><link rel="alternate" type="application/atom+xml" href="/feed"></head></html>"#;
    server.put("https://cleo.example/", 200, &[("content-type", "text/html")], page);
    server.put("https://cleo.example/feed", 301, &[("location", "https://cleo.example/atom.xml")], "");
    server.put("https://cleo.example/atom.xml", 200, &[], ATOM);
    let rss = rss(&server);
    let found = rss.find("cleo.example").await.unwrap();
    assert_eq!((found.id.as_str(), found.shown()), ("https://cleo.example/atom.xml", "Cleo"));
    assert_eq!((found.handle.as_str(), found.link.as_str()), ("cleo.example/atom.xml", "https://cleo.example/"));
    let page = rss.poll(&feed(&found.id), None).await.unwrap();
    assert_eq!(page.posts[0].pictures[0].url, "https://cleo.example/a.webp");
    assert_eq!(
        (page.posts[0].posted_at, page.posts[0].author.id.as_str()),
        (NOW, found.id.as_str()),
        "not in the future"
    );
}

#[tokio::test]
async fn what_is_no_feed_is_told_apart_from_a_server_that_fails() {
    let server = Arc::new(Server::default());
    for (path, status, body) in
        [("a", 200, "<p>no feed"), ("b", 503, ""), ("c", 410, ""), ("d", 429, ""), ("f", 200, "")]
    {
        server.put(&format!("https://x.example/{path}"), status, &[], body);
    }
    server.put("https://x.example/e", 302, &[("location", "/e")], "");
    let rss = rss(&server);
    let failed = async |path: &str| {
        let id = feed(&format!("https://x.example/{path}"));
        rss.poll(&id, None).await.unwrap_err()
    };
    assert!(matches!(failed("a").await, TimelineError::Answer(_)));
    assert!(matches!(failed("b").await, TimelineError::Service(_)));
    assert!(matches!(failed("c").await, TimelineError::NoSuchAccount(_)));
    assert!(matches!(failed("d").await, TimelineError::Service(_)));
    assert!(matches!(failed("e").await, TimelineError::Answer(_)), "it leads to itself");
    assert!(matches!(failed("f").await, TimelineError::Answer(_)));
    assert!(matches!(rss.poll(&Feed::Home, None).await, Err(TimelineError::NoSuchAccount(_))));
    for name in ["", "two words", "https://"] {
        assert!(matches!(rss.find(name).await, Err(TimelineError::NoSuchAccount(_))), "{name}");
    }
}

#[tokio::test]
async fn posts_that_are_gone_are_told_and_a_silent_server_is_not_asked_on() {
    let server = Arc::new(Server::default());
    server.put("https://ada.example/1", 200, &[], "");
    server.put("https://ada.example/2", 410, &[], "");
    server.put("https://down.example/1", 599, &[], "");
    let posts = ["https://ada.example/1", "https://ada.example/2", "https://ada.example/3", "https://down.example/1"];
    let more = ["https://down.example/2", "https://ada.example/rss#g9"];
    let posts: Vec<String> = posts.iter().chain(&more).map(ToString::to_string).collect();
    assert_eq!(rss(&server).gone(&posts).await.unwrap(), ["https://ada.example/2", "https://ada.example/3"]);
    assert_eq!(server.asked().len(), 4);
}
