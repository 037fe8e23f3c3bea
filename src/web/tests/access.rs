//! Who is let in, and what the answers allow.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use super::fixture::{Fixture, Site, picked};
use crate::web::WebSettings;

const TOKEN: &str = "a long and secret token";

fn guarded() -> Site {
    let fixture = Fixture::with(vec![picked(1)]);
    fixture.crops.lock().unwrap().insert(crate::domain::FaceId(10), "jpeg".into());
    fixture.crops.lock().unwrap().insert(crate::domain::FaceId(11), "jpeg".into());
    Site::with(fixture, WebSettings { token: Some(TOKEN.into()), ..WebSettings::default() })
}

async fn status(site: &Site, method: Method, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    site.send(method, path, headers, Body::empty()).await.status
}

#[tokio::test]
async fn every_answer_is_locked_down() {
    let site = Site::new(Fixture::with(vec![picked(1)]));
    for path in ["/", "/picture/1", "/feed", "/feed.xml", "/taste", "/healthz", "/nowhere", "/api/posts/99"] {
        let reply = site.get(path).await;
        let csp = reply.header(header::CONTENT_SECURITY_POLICY);
        assert!(csp.starts_with("default-src 'none'; img-src 'self' blob:; style-src 'self'"), "{path}: {csp}");
        assert!(csp.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(reply.header(header::REFERRER_POLICY), "same-origin", "{path}");
        assert!(!reply.body.contains(" style=") && !reply.body.contains(" onclick="), "{path}: inline style or script");
    }
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let site = Site::new(Fixture::default());
    for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "LOCALHOST:1"] {
        assert_eq!(status(&site, Method::GET, "/", &[("host", host)]).await, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:8080", "192.168.1.5:8080", "127.0.0.1.evil.example", ""] {
        let got = status(&site, Method::GET, "/", &[("host", host)]).await;
        assert_eq!(got, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let public = WebSettings {
        token: Some(TOKEN.into()),
        public_url: Some("https://mekiki.example.org".into()),
        ..WebSettings::default()
    };
    let site = Site::with(Fixture::default(), public);
    let auth = ("authorization", "Bearer a long and secret token");
    for host in ["mekiki.example.org", "localhost:8080", "192.168.1.5:8080", "[::ffff:10.0.0.1]"] {
        assert_eq!(status(&site, Method::GET, "/", &[("host", host), auth]).await, StatusCode::OK, "{host}");
    }
    let got = status(&site, Method::GET, "/", &[("host", "evil.example"), auth]).await;
    assert_eq!(got, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn changes_come_from_our_own_page() {
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "none")], false),
        // Where browsers do not send it: by Origin.
        (&[("sec-fetch-site", ""), ("origin", "http://localhost:8080")], true),
        (&[("sec-fetch-site", ""), ("origin", "http://localhost:9999")], false),
        (&[("sec-fetch-site", ""), ("origin", "null")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8080")], false),
        // No browser at all.
        (&[("sec-fetch-site", "")], true),
    ];
    for (headers, fine) in cases {
        let site = Site::new(Fixture::with(vec![picked(1)]));
        let got = status(&site, Method::DELETE, "/api/posts/1", headers).await;
        assert_eq!(got, if fine { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN }, "{headers:?}");
        assert_eq!(site.fixture.posts.lock().unwrap().is_empty(), fine, "{headers:?}");
    }
    // Reading is free of it: links from elsewhere lead here.
    let site = Site::new(Fixture::default());
    assert_eq!(status(&site, Method::GET, "/", &[("sec-fetch-site", "cross-site")]).await, StatusCode::OK);
}

#[tokio::test]
async fn without_the_token_nothing_is_shown() {
    let site = guarded();
    for path in ["/", "/picture/1", "/feed", "/feed.xml", "/taste", "/metrics", "/api/posts/1", "/media/crop/10"] {
        let reply = site.get(path).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(reply.header(header::WWW_AUTHENTICATE), "Bearer", "{path}");
        assert!(!reply.body.contains("Sora"), "{path}");
    }
    let wrong = [
        ("authorization", "Bearer a long and secret toke"),
        ("authorization", "Basic a long and secret token"),
        ("authorization", "Bearer "),
        ("cookie", "mekiki=a long and secret token"),
        ("cookie", "mekiki="),
    ];
    for header in wrong {
        assert_eq!(status(&site, Method::GET, "/", &[header]).await, StatusCode::UNAUTHORIZED, "{header:?}");
    }
    let alive = site.get("/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (StatusCode::OK, r#"{"ok":true}"#));
}

#[tokio::test]
async fn the_token_opens_by_header_and_by_form() {
    let site = guarded();
    let bearer = ("authorization", "Bearer a long and secret token");
    assert_eq!(status(&site, Method::GET, "/", &[bearer]).await, StatusCode::OK);
    assert_eq!(status(&site, Method::GET, "/metrics", &[bearer]).await, StatusCode::OK);

    let wrong = site.post_form("/login", "token=guess").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("That is not the token"), "{}", wrong.body);

    let right = site.post_form("/login", "token=a+long+and+secret+token").await;
    assert_eq!((right.status, right.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/?filter=all"));
    let cookie = right.header(header::SET_COOKIE);
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("secret"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = site.send(Method::GET, "/", &[("cookie", cookie)], Body::empty()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("/logout"));
}

#[tokio::test]
async fn a_feed_key_reads_the_feed_and_its_crops_and_nothing_else() {
    let site = guarded();
    let bearer = ("authorization", "Bearer a long and secret token");
    let page = site.send(Method::GET, "/feed", &[bearer], Body::empty()).await.body;
    let at = page.find("/feed.xml?key=").expect("the page shows the address with its key");
    let address = &page[at..at + page[at..].find('"').unwrap()];
    assert!(!address.contains("secret"));
    let feed = site.get(address).await;
    assert_eq!(feed.status, StatusCode::OK);
    let key = address.split_once("key=").unwrap().1;
    for path in ["/", "/feed", "/taste", "/api/posts/1", "/media/crop/10", "/metrics"] {
        assert_eq!(site.get(&format!("{path}?key={key}")).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let at = feed.body.find("/media/crop/10?key=").expect("crops carry their own key");
    let crop = &feed.body[at..at + "/media/crop/10?key=".len() + 64];
    assert_eq!(site.get(crop).await.status, StatusCode::OK);
    assert_eq!(site.get(&crop.replace("/10", "/11")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(&site, Method::DELETE, &crop.replace("/media/crop", "/api/posts"), &[]).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn forms_lead_back_to_our_own_pages_only() {
    let site = Site::new(Fixture::default());
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let cases = [
        ("http://localhost:8080/taste", "/taste"),
        ("http://evil.example/taste", "/"),
        ("http://localhost:8080//evil.example/", "/"),
        ("", "/"),
    ];
    for (referer, to) in cases {
        let reply = site.send(Method::POST, "/lang", &[kind, ("referer", referer)], "lang=ja").await;
        assert_eq!((reply.status, reply.header(header::LOCATION)), (StatusCode::SEE_OTHER, to), "{referer}");
        assert!(reply.header(header::SET_COOKIE).starts_with("lang=ja; "));
    }
}
