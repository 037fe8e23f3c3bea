//! Requests and answers against Bluesky's own description, `../shared/specs/bluesky-lexicons.json`: each definition becomes a
//! JSON schema.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::super::edge::spec;

/// A query that the trimmed file lacks, in our words.
fn follows() -> Value {
    json!({
        "lexicon": 1,
        "id": "app.bsky.graph.getFollows",
        "defs": { "main": {
            "type": "query",
            "parameters": { "type": "params", "required": ["actor"], "properties": {
                "actor": { "type": "string", "format": "at-identifier" },
                "limit": { "type": "integer", "minimum": 1, "maximum": 100 },
                "cursor": { "type": "string" },
            } },
            "output": { "encoding": "application/json", "schema": {
                "type": "object",
                "required": ["subject", "follows"],
                "properties": {
                    "subject": { "type": "ref", "ref": "app.bsky.actor.defs#profileView" },
                    "cursor": { "type": "string" },
                    "follows": { "type": "array", "items": { "type": "ref", "ref": "app.bsky.actor.defs#profileView" } },
                },
            } },
        } },
    })
}

/// Every service may answer these.
const COMMON: [&str; 9] = [
    "InvalidRequest",
    "ExpiredToken",
    "InvalidToken",
    "AuthMissing",
    "AuthenticationRequired",
    "RateLimitExceeded",
    "InternalServerError",
    "UpstreamFailure",
    "MethodNotImplemented",
];

pub(crate) struct Lexicons {
    defs: Map<String, Value>,
    /// JSON schemas of all definitions, `nsid#name`.
    schemas: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Lexicons {
    pub(crate) fn load() -> Option<Self> {
        let Value::Object(mut docs) = spec("bluesky-lexicons.json")? else { panic!("the lexicons are one object") };
        docs.entry("app.bsky.graph.getFollows").or_insert_with(follows);
        let mut defs = Map::new();
        for (id, doc) in docs {
            for (name, def) in doc["defs"].as_object().expect("definitions") {
                defs.insert(format!("{id}#{name}"), def.clone());
            }
        }
        let schemas = defs.iter().map(|(name, def)| (name.clone(), schema(name.split('#').next().unwrap(), def)));
        let schemas = Value::Object(schemas.collect());
        Some(Self { defs, schemas, compiled: Mutex::default() })
    }

    /// What is wrong with a request.
    pub(crate) fn request_breaches(
        &self,
        method: &str,
        name: &str,
        query: &[(String, String)],
        body: &[u8],
    ) -> Vec<String> {
        let Some(def) = self.defs.get(&format!("{name}#main")) else { return vec![format!("{name} is not described")] };
        let mut breaches = Vec::new();
        let expected = if def["type"] == "query" { "GET" } else { "POST" };
        if method != expected {
            breaches.push(format!("{name} is asked by {method}"));
        }
        breaches.extend(parameters(&def["parameters"], query).map_or_else(
            |breach| vec![breach],
            |given| self.errors(&format!("{name} parameters"), &schema(name, &def["parameters"]), &given),
        ));
        match (&def["input"]["schema"], body) {
            (Value::Null, []) => {}
            (Value::Null, _) => breaches.push("a body where none is expected".into()),
            (described, body) => match serde_json::from_slice::<Value>(body) {
                Ok(body) => breaches.extend(self.errors(&format!("{name} input"), &schema(name, described), &body)),
                Err(error) => breaches.push(format!("the input is no JSON: {error}")),
            },
        }
        breaches.into_iter().map(|breach| format!("{method} {name}: {breach}")).collect()
    }

    /// What is wrong with an answer of the fake's own.
    pub(crate) fn answer_breaches(&self, name: &str, status: u16, body: &Value) -> Vec<String> {
        let def = &self.defs[&format!("{name}#main")];
        let mut breaches = Vec::new();
        if status == 200 {
            breaches = self.errors(&format!("{name} output"), &schema(name, &def["output"]["schema"]), body);
            self.typed(body, &mut breaches);
        } else {
            let error = body["error"].as_str().unwrap_or_default();
            let named = def["errors"].as_array().into_iter().flatten().any(|known| known["name"] == error);
            if !named && !COMMON.contains(&error) {
                breaches.push(format!("the error {error:?} is not described"));
            }
        }
        breaches.into_iter().map(|breach| format!("{name} -> {status}: {breach}")).collect()
    }

    /// Everything in an answer that says of which kind it is, is of that kind: records, above all.
    fn typed(&self, value: &Value, breaches: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(kind) = members.get("$type").and_then(Value::as_str) {
                    let name = if kind.contains('#') { kind.to_owned() } else { format!("{kind}#main") };
                    if self.defs.contains_key(&name) {
                        breaches.extend(self.errors(&name, &reference(&name), value));
                    }
                }
                members.values().for_each(|member| self.typed(member, breaches));
            }
            Value::Array(items) => items.iter().for_each(|item| self.typed(item, breaches)),
            _ => {}
        }
    }

    fn errors(&self, name: &str, schema: &Value, instance: &Value) -> Vec<String> {
        let compiled = self.compiled.lock().unwrap().get(name).cloned();
        let validator = compiled.unwrap_or_else(|| {
            let whole = json!({ "allOf": [schema], "defs": self.schemas });
            let made = Arc::new(jsonschema::validator_for(&whole).unwrap_or_else(|e| panic!("{name}: {e}")));
            self.compiled.lock().unwrap().insert(name.to_owned(), Arc::clone(&made));
            made
        });
        let said = |e: jsonschema::ValidationError<'_>| {
            let given: String = e.instance.to_string().chars().take(300).collect();
            let rule: String = e.to_string().chars().take(300).collect();
            format!("at {}: {rule} ({given})", e.instance_path)
        };
        validator.iter_errors(instance).map(said).collect()
    }
}

/// A query as the object that its description speaks of; what is not described is a breach.
fn parameters(described: &Value, query: &[(String, String)]) -> Result<Value, String> {
    let mut given = Map::new();
    for (name, text) in query {
        let described = &described["properties"][name];
        let typed = |text: &str, kind: &Value| match kind.as_str() {
            Some("integer") => text.parse::<i64>().map(Value::from).map_err(|e| format!("{name}={text}: {e}")),
            Some("boolean") => text.parse::<bool>().map(Value::from).map_err(|e| format!("{name}={text}: {e}")),
            Some("string") => Ok(json!(text)),
            _ => Err(format!("the parameter {name} is not described")),
        };
        if described["type"] == "array" {
            let item = typed(text, &described["items"]["type"])?;
            let items = given.entry(name.clone()).or_insert_with(|| json!([]));
            items.as_array_mut().expect("a list").push(item);
        } else if given.insert(name.clone(), typed(text, &described["type"])?).is_some() {
            return Err(format!("the parameter {name} comes twice"));
        }
    }
    Ok(Value::Object(given))
}

fn reference(name: &str) -> Value {
    // JSON pointers in a URI.
    json!({ "$ref": format!("#/defs/{}", name.replace('#', "%23")) })
}

fn absolute(document: &str, name: &str) -> String {
    match name.split_once('#') {
        Some(("", local)) => format!("{document}#{local}"),
        Some(_) => name.to_owned(),
        None => format!("{name}#main"),
    }
}

/// A definition of the document as a JSON schema.
fn schema(document: &str, def: &Value) -> Value {
    match def["type"].as_str() {
        Some("object" | "params") => {
            let members = def["properties"].as_object().into_iter().flatten();
            let members: Map<String, Value> =
                members.map(|(name, member)| (name.clone(), schema(document, member))).collect();
            json!({ "type": "object", "required": def.get("required").cloned().unwrap_or(json!([])), "properties": members })
        }
        Some("record") => schema(document, &def["record"]),
        Some("array") => bounded(
            json!({ "type": "array", "items": schema(document, &def["items"]) }),
            def,
            &[("minLength", "minItems"), ("maxLength", "maxItems")],
        ),
        Some("ref") => reference(&absolute(document, def["ref"].as_str().expect("a name"))),
        Some("union") => {
            let refs = def["refs"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let refs: Vec<String> = refs.map(|name| absolute(document, name)).collect();
            // Open unless it says that it is closed: of another kind may be anything that says so.
            let each = refs.iter().map(|name| {
                let kind = name.strip_suffix("#main").unwrap_or(name);
                json!({ "if": { "properties": { "$type": { "const": kind } } }, "then": reference(name) })
            });
            json!({ "type": "object", "required": ["$type"], "allOf": each.collect::<Vec<_>>() })
        }
        Some("string") => {
            let mut made = bounded(
                json!({ "type": "string" }),
                def,
                &[("maxLength", "maxLength"), ("enum", "enum"), ("const", "const")],
            );
            let pattern = match def["format"].as_str() {
                Some("did") => r"^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$",
                Some("handle") => {
                    r"^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$"
                }
                Some("at-identifier") => r"^(did:[a-z]+:[a-zA-Z0-9._:%-]+|([a-zA-Z0-9-]+\.)+[a-zA-Z][a-zA-Z0-9-]*)$",
                Some("at-uri") => r"^at://[a-zA-Z0-9._:%-]+(/[a-zA-Z0-9.-]+(/[a-zA-Z0-9._~:@!$&')(*+,;=-]+)?)?$",
                Some("cid") => r"^[a-zA-Z0-9+]{8,256}$",
                Some("datetime") => r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
                Some("uri") => r"^[a-z][a-z0-9+.-]*:\S+$",
                _ => "",
            };
            if !pattern.is_empty() {
                made["pattern"] = json!(pattern);
            }
            made
        }
        Some("integer") => bounded(
            json!({ "type": "integer" }),
            def,
            &[("minimum", "minimum"), ("maximum", "maximum"), ("const", "const")],
        ),
        Some("boolean") => bounded(json!({ "type": "boolean" }), def, &[("const", "const")]),
        Some("unknown" | "blob" | "bytes" | "cid-link") => json!({ "type": "object" }),
        // Of no value of its own: tokens, procedures, queries.
        _ => json!(true),
    }
}

fn bounded(mut made: Value, def: &Value, bounds: &[(&str, &str)]) -> Value {
    for (theirs, ours) in bounds {
        if let Some(bound) = def.get(*theirs) {
            made[*ours] = bound.clone();
        }
    }
    made
}

/// The checks must be able to fail.
#[test]
fn breaches_are_found() {
    let Some(lexicons) = Lexicons::load() else { return };
    let query = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let asked = |name: &str, pairs: &[(&str, &str)]| lexicons.request_breaches("GET", name, &query(pairs), b"");
    assert!(asked("app.bsky.feed.getTimeline", &[("limit", "100")]).is_empty());
    for (name, pairs) in [
        ("app.bsky.feed.getTimeline", &[("limit", "101")][..]),
        ("app.bsky.feed.getTimeline", &[("limit", "many")]),
        ("app.bsky.feed.getTimeline", &[("since", "1")]),
        ("app.bsky.feed.getAuthorFeed", &[("limit", "1")]),
        ("app.bsky.feed.getPosts", &[("uris", "https://a.b")]),
        ("app.bsky.feed.getNothing", &[]),
    ] {
        assert!(!asked(name, pairs).is_empty(), "{name} {pairs:?}");
    }
    let many: Vec<(&str, &str)> = (0..26).map(|_| ("uris", "at://did:plc:a/app.bsky.feed.post/1")).collect();
    assert!(asked("app.bsky.feed.getPosts", &many[1..]).is_empty());
    assert!(!asked("app.bsky.feed.getPosts", &many).is_empty());
    assert!(!lexicons.request_breaches("POST", "com.atproto.server.createSession", &[], b"{}").is_empty());
    assert!(!lexicons.request_breaches("POST", "com.atproto.server.refreshSession", &[], b"{}").is_empty());
    assert!(lexicons.request_breaches("POST", "com.atproto.server.refreshSession", &[], b"").is_empty());
    let timeline = |feed: Value| lexicons.answer_breaches("app.bsky.feed.getTimeline", 200, &json!({ "feed": feed }));
    assert!(timeline(json!([])).is_empty());
    assert!(!timeline(json!({})).is_empty());
    assert!(!timeline(json!([{ "post": {} }])).is_empty());
    let odd = json!({ "$type": "app.bsky.embed.images#view", "images": [{ "fullsize": "x" }] });
    assert!(!lexicons.answer_breaches("app.bsky.feed.getPosts", 200, &json!({ "posts": [], "embed": odd })).is_empty());
    assert!(!lexicons.answer_breaches("app.bsky.feed.getPosts", 400, &json!({ "error": "Oops" })).is_empty());
}
