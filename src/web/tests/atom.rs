//! The feed, read by two independent readers.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use super::fixture::{Fixture, Reply, Site, picked};
use crate::web::WebSettings;

async fn feed(site: &Site, headers: &[(&str, &str)]) -> Reply {
    site.send(Method::GET, "/feed.xml", headers, Body::empty()).await
}

fn two() -> Site {
    Site::new(Fixture::with(vec![picked(1), picked(2)]))
}

#[tokio::test]
async fn it_is_valid_atom_with_credit_and_crops() {
    let reply = feed(&two(), &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/atom+xml; charset=utf-8");

    let feed = atom_syndication::Feed::read_from(reply.body.as_bytes()).unwrap();
    assert!(feed.id.starts_with("urn:uuid:"), "{}", feed.id);
    assert_eq!(feed.updated.to_rfc3339(), "2026-11-24T12:32:00+00:00");
    assert_eq!(feed.authors[0].name, "Mekiki");
    let link = |rel: &str| feed.links.iter().find(|l| l.rel == rel).map(|l| l.href.as_str());
    assert_eq!(link("self"), Some("http://localhost:8080/feed.xml"));
    assert_eq!(link("alternate"), Some("http://localhost:8080/feed"));
    assert_eq!(feed.entries.len(), 2);
    let entry = &feed.entries[0];
    assert_eq!(entry.title.value, "drawing-2.png", "newest first");
    assert!(entry.id.starts_with("urn:uuid:") && entry.id != feed.entries[1].id);
    assert_eq!(entry.authors[0].name, "Sora & <Aoi>");
    assert_eq!(entry.authors[0].uri.as_deref(), Some("https://example.org/sora?a=1&b=2"));
    assert_eq!(entry.published, Some(entry.updated));
    let html = entry.content.as_ref().unwrap().value.as_deref().unwrap();
    for part in [
        r#"<img src="http://localhost:8080/media/crop/20""#,
        r#"<a href="https://example.org/sora?a=1&amp;b=2">Sora &amp; &lt;Aoi&gt;</a>"#,
        r#"<a href="http://localhost:8080/picture/2">"#,
        "Score 4.4 of 5",
    ] {
        assert!(html.contains(part), "no {part} in {html}");
    }

    let read = feed_rs::parser::parse(reply.body.as_bytes()).unwrap();
    assert_eq!(read.feed_type, feed_rs::model::FeedType::Atom);
    assert_eq!(read.entries.len(), 2);
    assert_eq!(read.entries[0].id, entry.id);
    assert!(read.entries[0].updated.is_some() && read.updated.is_some());
    assert_eq!(read.entries[0].authors[0].name.as_deref(), Some("Sora & <Aoi>"));
}

#[tokio::test]
async fn an_empty_feed_is_valid_too() {
    let reply = feed(&Site::new(Fixture::default()), &[("accept-language", "ja")]).await;
    let feed = feed_rs::parser::parse(reply.body.as_bytes()).unwrap();
    assert!(feed.updated.is_some());
    assert_eq!(feed.title.unwrap().content, "目利きの厳選");
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again() {
    let site = two();
    let first = feed(&site, &[]).await;
    let (tag, date) = (first.header(header::ETAG), first.header(header::LAST_MODIFIED));
    assert_eq!(date, "Tue, 24 Nov 2026 12:32:00 GMT");
    for headers in [
        vec![("if-none-match", tag)],
        vec![("if-modified-since", date)],
        vec![("if-modified-since", "Wed, 25 Nov 2026 00:00:00 GMT")],
    ] {
        let again = feed(&site, &headers).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{headers:?}");
        assert_eq!(again.header(header::ETAG), tag);
    }
    for headers in [
        vec![("if-none-match", "\"other\""), ("if-modified-since", date)],
        vec![("if-modified-since", "Tue, 24 Nov 2026 12:31:59 GMT")],
        vec![("if-modified-since", "yesterday")],
    ] {
        assert_eq!(feed(&site, &headers).await.status, StatusCode::OK, "{headers:?}");
    }
    // A removed pick is a change, though no date is newer.
    site.fixture.posts.lock().unwrap().remove(0);
    assert_eq!(feed(&site, &[("if-none-match", tag)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn hostile_texts_and_links_do_not_get_through() {
    let mut post = picked(1);
    post.title = Some("a\u{0}b\u{8}</title><script>".into());
    post.author.link = Some("javascript:alert(1)".into());
    post.link = Some("data:text/html,x".into());
    let site = Site::with(
        Fixture::with(vec![post]),
        WebSettings { public_url: Some("https://mekiki.example.org/".into()), ..WebSettings::default() },
    );
    let reply = feed(&site, &[]).await;
    let read = feed_rs::parser::parse(reply.body.as_bytes()).unwrap();
    assert_eq!(read.entries[0].title.as_ref().unwrap().content, "ab</title><script>");
    assert!(!reply.body.contains("javascript:") && !reply.body.contains("data:text"));
    assert!(reply.body.contains("https://mekiki.example.org/media/crop/10"));
}

#[tokio::test]
async fn a_discord_server_has_a_feed_that_leads_to_its_posts() {
    let site = two();
    let reply = site.send(Method::GET, "/guild/7/feed.xml", &[], Body::empty()).await;
    assert_eq!(reply.status, StatusCode::OK);
    let guild = atom_syndication::Feed::read_from(reply.body.as_bytes()).unwrap();
    let own = atom_syndication::Feed::read_from(feed(&site, &[]).await.body.as_bytes()).unwrap();
    assert_ne!(guild.id, own.id);
    assert_eq!(guild.links.len(), 1);
    assert_eq!(guild.links[0].href, "http://localhost:8080/guild/7/feed.xml");
    let alternate = guild.entries[0].links.iter().find(|l| l.rel == "alternate").unwrap();
    let via = own.entries[0].links.iter().find(|l| l.rel == "via").unwrap();
    assert_eq!(alternate.href, via.href);
    assert!(!reply.body.contains("/picture/"), "the owner's page is not theirs");
    let unknown = site.send(Method::GET, "/guild/8/feed.xml", &[], Body::empty()).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_servers_feed_is_opened_by_the_address_that_the_bot_tells() {
    let settings = WebSettings {
        contact: None,
        token: Some("a-token-of-some-length".to_owned().into()),
        public_url: Some("https://mekiki.example".into()),
        lang: None,
    };
    let address = crate::web::guild_feed_address(&settings, 7).unwrap();
    let path = address.strip_prefix("https://mekiki.example").unwrap().to_owned();
    assert!(path.starts_with("/guild/7/feed.xml?key="), "{path}");
    let site = Site::with(Fixture::with(vec![picked(1)]), settings.clone());
    assert_eq!(site.send(Method::GET, &path, &[], Body::empty()).await.status, StatusCode::OK);
    let other = path.replace("/7/", "/8/");
    assert_ne!(site.send(Method::GET, &other, &[], Body::empty()).await.status, StatusCode::OK);
    assert_eq!(crate::web::guild_feed_address(&WebSettings { public_url: None, ..settings }, 7), None);
}
