//! Answers as X gives them, read without asking anyone. What asks is tried from outside, on a loopback X.

mod properties;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use super::ask::{Ask, Dialect, Window};
use super::cursor::{Cursor, Paging};
use super::problem::{Refusal, back_off, refusal, used_up};
use super::read::{Known, authors, missing_posts, original, posts};
use super::wire::{Data, Whole};
use super::{account, handle, list};
use crate::domain::Reads;
use crate::timelines::{Account, TimelineError, TimelinePost};

/// Every word of `../shared/specs/x-examples.json`; `None`, said loudly, where it is not there.
fn examples() -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/x-examples.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("!!! SKIPPED: {} is not there !!!", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn read(body: &Value, data: Data) -> Whole {
    Whole::read(body.to_string().as_bytes(), data).unwrap()
}

/// As after all lookups.
fn timeline(whole: &Whole) -> Vec<TimelinePost> {
    let mut known = Known::default();
    known.learn(whole);
    let accounts: HashMap<String, Account> =
        whole.users.iter().filter_map(account).map(|account| (account.id.clone(), account)).collect();
    posts(&whole.posts, &known, &accounts)
}

#[test]
fn the_example_timelines_say_the_same_in_both_dialects() {
    let Some(examples) = examples() else { return };
    let mut all = Vec::new();
    for (dialect, errors) in [("166", "not-authorized-for-resource"), ("167", "not-authorized-for-resource")] {
        let body = &examples["responses"][format!("home_timeline_{dialect}")]["body"];
        let whole = read(body, Data::Posts);
        assert_eq!(whole.posts.len(), 5, "{dialect}");
        assert_eq!(whole.errors.iter().map(super::wire::Problem::kind).collect::<Vec<_>>(), [errors]);
        assert_eq!(whole.errors[0].about(), Some("1956000000000000001"));
        assert_eq!(whole.meta.next_token.as_deref().map(|token| &token[..8]), Some("7140dibd"));
        assert_eq!(whole.reads, Reads { posts: 7, users: 2, media: 5 });
        all.push(timeline(&whole));
    }
    assert_eq!(all[0], all[1]);
    let short: Vec<_> = all[0]
        .iter()
        .map(|p| {
            let by = p.by.as_ref().map_or("", |by| &by.handle);
            (&p.id[15..], &*p.author.handle, by, p.pictures.len(), p.restricted)
        })
        .collect();
    // Oldest first; the clip is no picture, the repost is its original, which is there itself, the quote is its author's.
    assert_eq!(
        short,
        [
            ("0009", "grace_art", "ada_draws", 1, false),
            ("0004", "grace_art", "", 1, true),
            ("0005", "ada_draws", "", 2, false),
        ]
    );
    let two = &all[0][2];
    assert_eq!(two.link, "https://x.com/ada_draws/status/1958000000000000005");
    assert_eq!(two.posted_at, datetime!(2026-08-20 12:05 UTC));
    assert_eq!(two.pictures[0].url, "https://pbs.twimg.example/media/AAA.jpg?name=orig");
    assert_eq!(two.pictures[0].alt.as_deref(), Some("a girl under a tree"));
    assert_eq!((two.pictures[1].alt.as_deref(), &*two.pictures[1].key), (None, "3_1958000000000000102"));
}

#[test]
fn the_other_examples_are_read_as_they_say() {
    let Some(examples) = examples() else { return };
    let body = |name: &str| &examples["responses"][name]["body"];
    let me = read(body("me"), Data::Users);
    assert_eq!(me.reads, Reads { users: 1, ..Reads::default() });
    let me = account(&me.users[0]).unwrap();
    assert_eq!(
        (&*me.id, &*me.handle, me.name.as_deref(), me.protected),
        ("2244994945", "ada_draws", Some("Ada Draws"), false)
    );
    assert_eq!(read(body("home_timeline_empty"), Data::Posts), Whole::default());
    let last = read(body("home_timeline_last_page"), Data::Posts);
    assert_eq!((last.posts.len(), last.meta.next_token.as_deref(), timeline(&last).len()), (1, None, 0));
}

fn headers(pairs: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.as_object().into_iter().flatten() {
        let name = http::HeaderName::try_from(name.as_str()).unwrap();
        headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    headers
}

#[test]
fn the_example_refusals_have_their_consequence() {
    let Some(examples) = examples() else { return };
    let now = OffsetDateTime::from_unix_timestamp(1_787_229_000).unwrap();
    let of = |name: &str| {
        let response = &examples["responses"][name];
        let status = StatusCode::from_u16(response["status"].as_u64().unwrap() as u16).unwrap();
        refusal(status, &headers(&response["headers"]), response["body"].to_string().as_bytes(), now)
    };
    let error = |name: &str| match of(name) {
        Refusal::Error(error) => error,
        other => panic!("{name}: {other:?}"),
    };
    assert!(matches!(of("unauthorized"), Refusal::Token));
    assert!(matches!(error("forbidden_app_only"), TimelineError::SignIn(words) if words.contains("mekiki auth x")));
    assert!(matches!(error("forbidden_not_enrolled"), TimelineError::SignIn(words) if words.contains("not enrolled")));
    assert!(matches!(error("payment_required"), TimelineError::SignIn(words) if words.contains("credits")));
    assert!(matches!(error("too_many_requests"), TimelineError::Wait(wait) if wait == Duration::from_secs(301)));
    assert!(matches!(error("usage_capped"), TimelineError::Budget));
    assert!(matches!(error("unavailable"), TimelineError::Service(_)));
    assert!(matches!(error("bad_request"), TimelineError::Answer(words) if words.contains("invalid")));
}

#[test]
fn problems_are_told_by_the_last_part_of_their_type() {
    for host in ["https://api.twitter.com/2/problems/", "https://api.x.com/2/problems/", ""] {
        let body = json!({ "type": format!("{host}usage-capped"), "title": "UsageCapExceeded" }).to_string();
        let capped =
            refusal(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body.as_bytes(), OffsetDateTime::UNIX_EPOCH);
        assert!(matches!(capped, Refusal::Error(TimelineError::Budget)), "{host}");
    }
}

#[test]
fn names_of_fields_that_are_not_known_any_more_are_noticed() {
    for body in [
        json!({ "errors": [{ "parameters": { "tweet.fields": ["id"] }, "message": "not one of" }], "title": "Invalid Request" }),
        json!({ "parameter": "tweet.fields", "title": "Invalid Request" }),
        json!({ "detail": "The query parameter [tweet.fields] is not one of […]" }),
    ] {
        let refused = refusal(
            StatusCode::BAD_REQUEST,
            &HeaderMap::new(),
            body.to_string().as_bytes(),
            OffsetDateTime::UNIX_EPOCH,
        );
        assert!(matches!(refused, Refusal::Names), "{body}");
    }
}

#[test]
fn a_limit_is_waited_for_and_one_without_a_time_backs_off() {
    let now = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
    let of = |pairs: Value| headers(&pairs);
    let wait = |pairs| match refusal(StatusCode::TOO_MANY_REQUESTS, &of(pairs), b"", now) {
        Refusal::Error(TimelineError::Wait(wait)) => Some(wait.as_secs()),
        Refusal::TooOften => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(json!({ "x-rate-limit-reset": "1900" })), Some(901));
    assert_eq!(wait(json!({ "x-rate-limit-reset": "5" })), Some(1), "it is over");
    assert_eq!(wait(json!({ "x-rate-limit-reset": "99999999999" })), Some(3600));
    assert_eq!(wait(json!({ "x-rate-limit-reset": "soon" })), None);
    assert_eq!(wait(json!({})), None);
    assert_eq!([0, 1, 3, 4, 40].map(|n| back_off(n).as_secs()), [60, 120, 480, 900, 900]);
    let left = |remaining: &str| {
        used_up(&of(json!({ "x-rate-limit-remaining": remaining, "x-rate-limit-reset": "1010" })), now)
    };
    assert_eq!([left("0").as_secs(), left("1").as_secs()], [11, 0]);
}

fn photo(id: u64, author: &str) -> Value {
    json!({ "id": id.to_string(), "author_id": author, "text": "x", "attachments": { "media_keys": [format!("3_{id}")] } })
}

fn page(data: &[Value]) -> Value {
    let media: Vec<Value> = (1..40)
        .map(|id| json!({ "media_key": format!("3_{id}"), "type": "photo", "url": format!("https://pbs.twimg.com/{id}.jpg") }))
        .collect();
    let users = json!([{ "id": "7", "username": "seven" }, { "id": "8", "username": "eight", "protected": true }, { "id": "9", "username": "nine", "name": " " }]);
    json!({ "data": data, "includes": { "media": media, "users": users } })
}

#[test]
fn whose_account_is_protected_is_held_back() {
    let whole = read(&page(&[photo(1, "7"), photo(2, "8")]), Data::Posts);
    let held: Vec<_> = timeline(&whole).iter().map(|post| post.held).collect();
    assert_eq!(held, [None, Some("protected")]);
}

#[test]
fn what_is_withheld_or_sensitive_says_so() {
    let mut withheld = photo(1, "7");
    withheld["withheld"] = json!({ "copyright": true, "country_codes": ["XY"] });
    let mut sensitive = photo(2, "7");
    sensitive["possibly_sensitive"] = json!(true);
    let found = timeline(&read(&page(&[withheld, sensitive]), Data::Posts));
    assert_eq!(
        found.iter().map(|p| (p.held, p.restricted)).collect::<Vec<_>>(),
        [(Some("hidden"), false), (None, true)]
    );
}

#[test]
fn a_post_that_cannot_be_credited_or_read_costs_only_itself() {
    let odd = [
        json!(7),
        json!({ "text": "no id" }),
        json!({ "id": "x1" }),
        json!({ "id": "3", "attachments": 5 }),
        Value::Null,
    ];
    let mut data = vec![photo(1, "99"), photo(2, "7")];
    data.extend(odd);
    let whole = read(&page(&data), Data::Posts);
    assert_eq!(whole.reads.posts, 7, "all of it was served");
    let found = timeline(&whole);
    assert_eq!(found.iter().map(|post| &*post.id).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn reposts_and_quotes_are_their_authors_and_are_looked_up_once() {
    let refers = |id: u64, by: &str, kind: &str, to: u64| json!({ "id": id.to_string(), "author_id": by, "referenced_tweets": [{ "type": kind, "id": to.to_string() }] });
    let mut quote = photo(13, "9");
    quote["referenced_tweets"] = json!([{ "type": "quoted", "id": "1" }, { "type": "replied_to", "id": "3" }]);
    let whole = read(&page(&[refers(11, "7", "retweeted", 1), refers(12, "9", "retweeted", 1), quote]), Data::Posts);
    let mut known = Known::default();
    known.learn(&whole);
    assert_eq!(missing_posts(&whole.posts, &known), ["1"], "replies are not paid for");
    assert_eq!(authors(&whole.posts, &known), ["9"], "of whom there are pictures");
    known.learn(&read(&page(&[photo(1, "9")]), Data::Posts));
    assert!(missing_posts(&whole.posts, &known).is_empty());
    let accounts = whole.users.iter().filter_map(account).map(|account| (account.id.clone(), account)).collect();
    let found = posts(&whole.posts, &known, &accounts);
    let short: Vec<_> = found
        .iter()
        .map(|p| (&*p.id, &*p.author.handle, p.by.as_ref().map(|by| &*by.handle), p.pictures.len()))
        .collect();
    assert_eq!(short, [("1", "nine", Some("seven"), 1), ("13", "nine", None, 1)]);
    assert_eq!(found[0].author.name, None, "blank");
}

#[test]
fn pictures_taken_over_from_another_post_are_not_the_posters() {
    let mut taken = photo(20, "7");
    taken["attachments"]["media_source_tweet_id"] = json!(["19"]);
    let whole = read(&page(&[taken]), Data::Posts);
    assert!(timeline(&whole).is_empty());
    let mut known = Known::default();
    known.learn(&whole);
    assert_eq!(missing_posts(&whole.posts, &known), ["19"]);
}

#[test]
fn an_edited_post_keeps_its_first_id() {
    for names in ["edit_history_tweet_ids", "edit_history_post_ids"] {
        let mut edited = photo(21, "7");
        edited[names] = json!(["21", "18"]);
        let found = timeline(&read(&page(&[edited]), Data::Posts));
        assert_eq!((&*found[0].id, &*found[0].link), ("18", "https://x.com/seven/status/21"));
    }
}

#[test]
fn a_post_without_a_time_has_that_of_its_id() {
    let found = timeline(&read(&page(&[photo(1, "7")]), Data::Posts));
    assert_eq!(found[0].posted_at, datetime!(2010-11-04 01:42:54.657 UTC));
}

#[test]
fn originals_are_asked_for_by_name() {
    let of = |url: &str| original(url);
    let orig = |url: &str| Some(url.to_owned());
    assert_eq!(of("https://pbs.twimg.com/media/A.jpg"), orig("https://pbs.twimg.com/media/A.jpg?name=orig"));
    assert_eq!(
        of("https://pbs.twimg.com/media/A?format=png&name=small"),
        orig("https://pbs.twimg.com/media/A?format=png&name=orig")
    );
    assert_eq!([of("javascript:1"), of(""), of("data:image/png,x")], [None, None, None]);
}

#[test]
fn people_write_names_and_links() {
    let name = |text: &str| handle(text);
    for text in
        ["@Ada_1", "Ada_1", " Ada_1 ", "https://x.com/Ada_1", "x.com/Ada_1/", "https://twitter.com/Ada_1/status/5?s=20"]
    {
        assert_eq!(name(text).as_deref(), Some("Ada_1"), "{text}");
    }
    for text in [
        "",
        "@",
        "a b",
        "sixteen_letters_",
        "https://evil.example/Ada",
        "https://x.com/",
        "https://x.com/i/lists/5",
        "x.com",
        "ア",
        "@a/b",
    ] {
        assert_eq!(name(text), None, "{text}");
    }
    assert_eq!(list("https://x.com/i/lists/1146654567674912769").as_deref(), Some("1146654567674912769"));
    assert_eq!([list("https://x.com/i/lists/a"), list("https://x.com/ada"), list("1146")], [None, None, None]);
}

#[test]
fn a_visit_walks_back_to_what_was_known_and_then_moves_on() {
    let at = |ids: &[u64], token: Option<&str>| {
        let data: Vec<Value> = ids.iter().map(|id| json!({ "id": id.to_string() })).collect();
        read(&json!({ "data": data, "meta": { "next_token": token } }), Data::Posts)
    };
    let start = Cursor::default();
    let (cursor, more) = start.after(&at(&[50, 49], Some("t")), Paging::ByIds, 5);
    assert_eq!((cursor.since, more), (Some(50), false), "the first visit is one page");
    let (walk, more) = cursor.after(&at(&[58, 60, 59], Some("t")), Paging::ByIds, 5);
    assert!(more);
    assert_eq!(walk.window(9, Paging::ByIds), Window { most: 9, since: Some(50), until: Some(58), token: None });
    assert_eq!(Cursor::read(Some(&walk.write())), walk);
    let (done, more) = walk.after(&at(&[57, 56], None), Paging::ByIds, 5);
    assert_eq!((done.since, done.walk, more), (Some(60), None, false));
    let (cut, more) = cursor.after(&at(&[60], Some("t")), Paging::ByIds, 1);
    assert_eq!((cut.since, cut.walk, more), (Some(60), None, false), "a visit may cost so much");
    let (stuck, more) = walk.after(&at(&[60], Some("t")), Paging::ByIds, 5);
    assert_eq!((stuck.since, more), (Some(60), false), "a page that leads nowhere ends it");
    let (empty, more) = cursor.after(&at(&[], None), Paging::ByIds, 5);
    assert_eq!((empty, more), (cursor.clone(), false));
    // Lists do not know `since_id`: they are read until something known comes.
    let (listed, more) = cursor.after(&at(&[60, 51], Some("t")), Paging::ByToken, 5);
    assert!(more);
    assert_eq!(listed.window(9, Paging::ByToken), Window { most: 9, token: Some("t".into()), ..Window::default() });
    assert!(!cursor.after(&at(&[60, 50], Some("t")), Paging::ByToken, 5).1);
    assert_eq!(Cursor::read(Some("not ours")), Cursor::default());
}

#[test]
fn both_dialects_ask_for_the_same() {
    let base = url::Url::parse("https://api.x.com").unwrap();
    let ask = Ask::Author("7".into(), Window { most: 5, since: Some(1), ..Window::default() });
    let query = |dialect| ask.url(&base, dialect).query_pairs().into_owned().collect::<HashMap<String, String>>();
    let (tweet, post) = (query(Dialect::Tweet), query(Dialect::Post));
    assert_eq!((&*tweet["since_id"], &*tweet["max_results"], &*tweet["exclude"]), ("1", "5", "replies"));
    assert!(tweet["tweet.fields"].contains("author_id") && !tweet["expansions"].contains("author_id"));
    assert!(!post.contains_key("tweet.fields") && post["expansions"].contains("author_id,"));
    assert_eq!(ask.url(&base, Dialect::Tweet).path(), "/2/users/7/tweets");
    assert!(ask.at_most(Dialect::Post).users > ask.at_most(Dialect::Tweet).users);
}
