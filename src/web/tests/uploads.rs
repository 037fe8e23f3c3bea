//! Uploads by form and by script.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use super::fixture::{Fixture, Reply, Site};
use crate::web::upload::FILE_LIMIT;

const KIND: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

fn part(name: &str, file: Option<&str>, content: &[u8]) -> Vec<u8> {
    let file = file.map_or_else(String::new, |f| format!("; filename=\"{f}\""));
    let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

async fn upload(site: &Site, path: &str, parts: &[Vec<u8>]) -> Reply {
    let body = [parts.concat(), b"--XX--\r\n".to_vec()].concat();
    site.send(Method::POST, path, &[KIND], Body::from(body)).await
}

#[tokio::test]
async fn several_files_are_claimed_with_their_credit() {
    let site = Site::new(Fixture::default());
    let parts = [
        part("author", None, "Sora".as_bytes()),
        part("author_link", None, b"https://example.org/sora"),
        part("picture", Some("C:\\art\\one.png"), b"PNG one"),
        part("picture", Some("two.png"), b"PNG two"),
    ];
    let reply = upload(&site, "/api/pictures", &parts).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(
        reply.json(),
        serde_json::json!({ "results": [{ "name": "one.png", "post": 1 }, { "name": "two.png", "post": 2 }] })
    );
    let uploads = site.fixture.uploads.lock().unwrap();
    assert_eq!(uploads[1].bytes, "PNG two");
    assert_eq!(uploads[1].author.name.as_deref(), Some("Sora"));
    assert_eq!(uploads[1].link, None);
}

#[tokio::test]
async fn a_plain_form_leads_back_to_the_gallery() {
    let site = Site::new(Fixture::default());
    let reply = upload(&site, "/upload", &[part("picture", Some("one.png"), b"PNG")]).await;
    assert_eq!((reply.status, reply.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(site.fixture.posts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_of_the_limit_is_taken_and_one_byte_more_is_refused_in_words() {
    let site = Site::new(Fixture::default());
    let fits = upload(&site, "/api/pictures", &[part("picture", Some("big.png"), &vec![7; FILE_LIMIT])]).await;
    assert_eq!(fits.status, StatusCode::CREATED);
    let large = part("picture", Some("huge.png"), &vec![7; FILE_LIMIT + 1]);
    let reply = upload(&site, "/api/pictures", std::slice::from_ref(&large)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let error = &reply.json()["results"][0]["error"];
    assert_eq!(error["code"], "too_large");
    assert_eq!(error["message"], "The file is larger than 64 MiB. Make it smaller and try again.");
    let reply = upload(&site, "/upload", &[large, part("picture", Some("ok.png"), b"PNG")]).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(reply.body.contains("huge.png") && reply.body.contains("larger than 64 MiB"), "{}", reply.body);
    assert_eq!(site.fixture.posts.lock().unwrap().len(), 2, "the other file was taken");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said() {
    let page = part("picture", Some("x.png"), b"<html>");
    let fine = part("picture", Some("y.png"), b"PNG");
    let site = Site::new(Fixture::default());
    let reply = upload(&site, "/api/pictures", std::slice::from_ref(&page)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.json()["results"][0]["error"]["code"], "not_a_picture");
    let reply = upload(&site, "/api/pictures", &[page, fine.clone()]).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(reply.json()["results"][1]["post"], 1);

    let busy = Site::new(Fixture { busy: true, ..Fixture::default() });
    let reply = upload(&busy, "/api/pictures", std::slice::from_ref(&fine)).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);

    let broken = Site::new(Fixture { broken: true, ..Fixture::default() });
    let reply = upload(&broken, "/upload", &[fine]).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.body.contains("disk"), "what broke inside is for the log");
}

#[tokio::test]
async fn a_form_without_a_picture_or_with_a_bad_link_is_refused() {
    let site = Site::new(Fixture::default());
    let code = async |parts: &[Vec<u8>]| upload(&site, "/api/pictures", parts).await.json()["error"]["code"].clone();
    assert_eq!(code(&[part("picture", Some(""), b"")]).await, "no_file");
    assert_eq!(code(&[part("link", None, b"javascript:alert(1)")]).await, "bad_link");
    assert_eq!(code(&[part("author", None, &[b'x'; 10_000])]).await, "bad_input");
    assert_eq!(code(&[part("author", None, &[0xff, 0xfe])]).await, "bad_input");
    let reply = site.send(Method::POST, "/api/pictures", &[KIND], "--XX\r\nbroken").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(site.fixture.posts.lock().unwrap().is_empty());
}
