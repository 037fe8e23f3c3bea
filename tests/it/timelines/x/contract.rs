//! Requests and answers against X's own descriptions, `../shared/specs/x-openapi-2.16[67].json`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub(super) struct Contract {
    name: &'static str,
    paths: Map<String, Value>,
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// `None`, said loudly, where the description is not beside this checkout.
    pub(super) fn load(name: &'static str) -> Option<Self> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs").join(name);
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("!!! SKIPPED: {} is not there; the loopback X needs it !!!", path.display());
            return None;
        };
        let mut whole: Value = serde_json::from_str(&text).expect("a description is JSON");
        let components = whole["components"].take();
        let Value::Object(paths) = whole["paths"].take() else { panic!("{name} has no paths") };
        Some(Self { name, paths, components, compiled: Mutex::default() })
    }

    fn route(&self, path: &str) -> Option<&str> {
        let given: Vec<&str> = path.split('/').collect();
        let fits = |route: &&String| {
            let parts: Vec<&str> = route.split('/').collect();
            let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
            parts.len() == given.len() && parts.iter().zip(&given).all(same)
        };
        let literal = |route: &&String| route.split('/').filter(|part| !part.starts_with('{')).count();
        self.paths.keys().filter(fits).max_by_key(literal).map(String::as_str)
    }

    /// What is wrong with a GET.
    pub(super) fn breaches(&self, path: &str, query: &[(String, String)]) -> Vec<String> {
        let Some(route) = self.route(path) else { return vec![format!("{}: no path {path}", self.name)] };
        let operation = &self.paths[route]["get"];
        let resolved = |parameter: &'_ Value| match parameter["$ref"].as_str() {
            Some(to) => self.components.pointer(to.trim_start_matches("#/components")).expect("it is there").clone(),
            None => parameter.clone(),
        };
        let described: Vec<Value> = operation["parameters"].as_array().into_iter().flatten().map(resolved).collect();
        let mut breaches = Vec::new();
        let mut check = |place: &str, name: &str, given: &str| {
            let Some(parameter) = described.iter().find(|p| p["in"] == place && p["name"] == name) else {
                return breaches.push(format!("{}: {route} knows no {place} parameter {name}", self.name));
            };
            let schema = &parameter["schema"];
            let value = match schema["type"].as_str() {
                Some("array") => json!(given.split(',').collect::<Vec<_>>()),
                Some("integer") => given.parse::<i64>().map_or(json!(given), Value::from),
                _ => json!(given),
            };
            let wrong = self.errors(&format!("{name} {schema}"), schema, &value);
            breaches.extend(wrong.into_iter().map(|wrong| format!("{}: {route} {name}={given}: {wrong}", self.name)));
        };
        for (part, given) in route.split('/').zip(path.split('/')) {
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                check("path", name, given);
            }
        }
        for (name, given) in query {
            check("query", name, given);
        }
        for parameter in described.iter().filter(|p| p["in"] == "query" && p["required"] == true) {
            if !query.iter().any(|(name, _)| parameter["name"] == **name) {
                breaches.push(format!("{}: {route} lacks {}", self.name, parameter["name"]));
            }
        }
        breaches
    }

    /// What is wrong with an answer of the fake's.
    pub(super) fn answer_breaches(&self, path: &str, status: u16, body: &Value) -> Vec<String> {
        let Some(route) = self.route(path) else { return vec![format!("{}: no path {path}", self.name)] };
        let responses = &self.paths[route]["get"]["responses"];
        let schema = match status {
            200 => &responses["200"]["content"]["application/json"]["schema"],
            _ => &responses["default"]["content"]["application/problem+json"]["schema"],
        };
        let wrong = self.errors(&format!("{route} {}", status == 200), schema, body);
        wrong.into_iter().map(|wrong| format!("{}: answer {status} of {route}: {wrong}", self.name)).collect()
    }

    fn errors(&self, name: &str, schema: &Value, instance: &Value) -> Vec<String> {
        let compiled = self.compiled.lock().unwrap().get(name).cloned();
        let validator = compiled.unwrap_or_else(|| {
            let whole = json!({ "allOf": [schema], "components": self.components });
            let made = Arc::new(jsonschema::validator_for(&whole).unwrap_or_else(|e| panic!("{name}: {e}")));
            self.compiled.lock().unwrap().insert(name.to_owned(), Arc::clone(&made));
            made
        });
        validator.iter_errors(instance).map(|e| format!("at {}: {e}", e.instance_path)).collect()
    }
}

#[test]
fn the_contract_notices_what_is_wrong() {
    let (Some(tweet), Some(post)) = (Contract::load("x-openapi-2.166.json"), Contract::load("x-openapi-2.167.json"))
    else {
        return;
    };
    let query = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let fine = query(&[("max_results", "5"), ("since_id", "12"), ("exclude", "replies,retweets")]);
    for contract in [&tweet, &post] {
        assert_eq!(contract.breaches("/2/users/7/tweets", &fine), [""; 0]);
        for wrong in [
            query(&[("max_results", "4")]),
            query(&[("max_results", "ten")]),
            query(&[("since_id", "x")]),
            query(&[("exclude", "pictures")]),
            query(&[("expansions", "author_id,author_id")]),
            query(&[("colour", "red")]),
        ] {
            assert_eq!(contract.breaches("/2/users/7/tweets", &wrong).len(), 1, "{wrong:?}");
        }
        assert_eq!(contract.breaches("/2/tweets", &[]).len(), 1, "ids are missing");
        assert_eq!(contract.breaches("/2/nowhere", &[]).len(), 1);
        assert_eq!(contract.answer_breaches("/2/tweets", 200, &json!({ "data": [{ "id": 5, "text": "a" }] })).len(), 1);
    }
    assert_eq!(tweet.breaches("/2/users/7/tweets", &query(&[("tweet.fields", "author_id")])), [""; 0]);
    assert_eq!(post.breaches("/2/users/7/tweets", &query(&[("tweet.fields", "author_id")])).len(), 1);
    assert_eq!(tweet.answer_breaches("/2/tweets", 200, &json!({ "data": [] })).len(), 1, "never an empty list");
}
