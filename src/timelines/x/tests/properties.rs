//! Whatever comes from outside is read without a panic.

use proptest::prelude::*;

use super::*;

/// JSON in which the names of X occur often.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[0-9]{1,20}".prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("photo"),
            Just("retweeted"),
            Just("quoted"),
            Just("3_1"),
            Just("1"),
            Just("https://a.b/c?name=x")
        ]
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "data",
        "includes",
        "errors",
        "meta",
        "id",
        "author_id",
        "attachments",
        "media_keys",
        "media",
        "users",
        "tweets",
        "posts",
        "referenced_tweets",
        "referenced_posts",
        "type",
        "url",
        "media_key",
        "username",
        "created_at",
        "withheld",
        "copyright",
        "next_token",
        "parameters",
        "tweet.fields",
        "edit_history_tweet_ids",
        "media_source_tweet_id",
        "value",
    ]);
    leaf.prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_a_page(body in json(), since in proptest::option::of(any::<u64>()), status in 400_u16..600) {
        let bytes = body.to_string();
        for data in [Data::Posts, Data::Users] {
            let whole = Whole::read(bytes.as_bytes(), data).unwrap();
            let found = timeline(&whole);
            prop_assert!(found.iter().all(|post| !post.pictures.is_empty() && post.id.parse::<u64>().is_ok()));
            let cursor = Cursor { since, walk: None };
            for paging in [Paging::ByIds, Paging::ByToken] {
                let (next, _) = cursor.after(&whole, paging, 5);
                prop_assert!(next.since >= since.filter(|since| *since > 0));
            }
        }
        refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), bytes.as_bytes(), OffsetDateTime::UNIX_EPOCH);
    }

    #[test]
    fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = Whole::read(&bytes, Data::Posts);
        refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), &bytes, OffsetDateTime::UNIX_EPOCH);
        let _ = (handle(&text), list(&text), original(&text), Cursor::read(Some(&text)));
    }
}
