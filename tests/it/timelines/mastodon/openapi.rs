//! Requests and answers against `../shared/specs/mastodon-openapi.json`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::super::edge::spec;

/// A path that the trimmed file lacks, in our words.
fn following() -> Value {
    let text = json!({ "type": "string" });
    let parameter = |name: &str, place: &str, schema: &Value| json!({ "name": name, "in": place, "schema": schema });
    json!({ "get": {
        "parameters": [
            parameter("id", "path", &text),
            parameter("limit", "query", &json!({ "type": "integer" })),
            parameter("max_id", "query", &text),
            parameter("since_id", "query", &text),
            parameter("min_id", "query", &text),
        ],
        "responses": { "200": { "content": { "application/json": { "schema": {
            "type": "array", "items": { "$ref": "#/components/schemas/Account" },
        } } } } },
    } })
}

pub(crate) struct OpenApi {
    paths: Map<String, Value>,
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl OpenApi {
    pub(crate) fn load() -> Option<Self> {
        let mut whole = spec("mastodon-openapi.json")?;
        let components = whole["components"].take();
        let Value::Object(mut paths) = whole["paths"].take() else { panic!("the description has no paths") };
        paths.entry("/api/v1/accounts/{id}/following").or_insert_with(following);
        Some(Self { paths, components, compiled: Mutex::default() })
    }

    /// An example of the description's own.
    pub(crate) fn example(&self, schema: &str) -> Value {
        self.components["schemas"][schema]["example"].clone()
    }

    fn route(&self, path: &str) -> Option<&str> {
        let given: Vec<&str> = path.split('/').collect();
        let fits = |route: &&String| {
            let parts: Vec<&str> = route.split('/').collect();
            parts.len() == given.len()
                && parts.iter().zip(&given).all(|(part, given)| part.starts_with('{') || part == given)
        };
        let literal = |route: &&String| route.split('/').filter(|part| !part.starts_with('{')).count();
        self.paths.keys().filter(fits).max_by_key(literal).map(String::as_str)
    }

    /// What is wrong with a request.
    pub(crate) fn request_breaches(&self, method: &str, path: &str, query: &[(String, String)]) -> Vec<String> {
        let Some(route) = self.route(path) else { return vec![format!("{method} {path}: no such path")] };
        let operation = &self.paths[route][method.to_lowercase()];
        if operation.is_null() {
            return vec![format!("{method} {route}: no such method")];
        }
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut breaches = Vec::new();
        for (name, given) in query {
            let plain = name.strip_suffix("[]").unwrap_or(name);
            let Some(parameter) = parameters.iter().find(|p| p["in"] == "query" && p["name"] == plain) else {
                breaches.push(format!("the parameter {name} is not described"));
                continue;
            };
            let schema = &parameter["schema"];
            if (schema["type"] == "array") != name.ends_with("[]") {
                breaches.push(format!("the parameter {name} is written as if it were another kind"));
            }
            let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
            let values = [json!(given)].into_iter().chain(serde_json::from_str(given).ok());
            let kind = format!("{plain} {schema}");
            if !values.into_iter().any(|value| self.errors(&kind, schema, &value).is_empty()) {
                breaches.push(format!("{name}={given} does not fit {schema}"));
            }
        }
        let missing = parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true);
        let missing = missing.filter(|p| !query.iter().any(|(name, _)| p["name"] == name.as_str()));
        breaches.extend(missing.map(|p| format!("the parameter {} is missing", p["name"])));
        breaches.into_iter().map(|breach| format!("{method} {route}: {breach}")).collect()
    }

    /// What is wrong with an answer of the fake's own.
    pub(crate) fn answer_breaches(&self, method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let Some(route) = self.route(path) else { return Vec::new() };
        let responses = &self.paths[route][method.to_lowercase()]["responses"];
        let described = &responses[status.to_string()]["content"]["application/json"]["schema"];
        // Failures are described for most paths, in one way for all.
        let error = json!({ "$ref": "#/components/schemas/Error" });
        let described = if described.is_null() && status >= 400 { &error } else { described };
        if described.is_null() {
            // A stream, or the part of a home timeline that is ready.
            return if status == 206 { Vec::new() } else { vec![format!("{route}: {status} is not described")] };
        }
        let breaches = self.errors(&format!("{route} {status}"), described, body);
        breaches.into_iter().map(|breach| format!("{route} -> {status}: {breach}")).collect()
    }

    /// A piece of a stream.
    pub(crate) fn status_breaches(&self, status: &Value) -> Vec<String> {
        self.errors("a status", &json!({ "$ref": "#/components/schemas/Status" }), status)
    }

    fn errors(&self, name: &str, schema: &Value, instance: &Value) -> Vec<String> {
        let compiled = self.compiled.lock().unwrap().get(name).cloned();
        let validator = compiled.unwrap_or_else(|| {
            let whole = json!({ "allOf": [schema], "components": self.components });
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

/// The checks must be able to fail.
#[test]
fn breaches_are_found() {
    let Some(described) = OpenApi::load() else { return };
    let asked = |path: &str, pairs: &[(&str, &str)]| {
        let query: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        described.request_breaches("GET", path, &query)
    };
    assert!(asked("/api/v1/timelines/home", &[("limit", "40"), ("max_id", "1")]).is_empty());
    assert!(asked("/api/v1/statuses", &[("id[]", "1"), ("id[]", "2")]).is_empty());
    for (path, pairs) in [
        ("/api/v1/timelines/home", &[("limit", "many")][..]),
        ("/api/v1/timelines/home", &[("cursor", "1")]),
        ("/api/v1/timelines/away", &[]),
        ("/api/v1/statuses", &[("id", "1")]),
        ("/api/v2/search", &[("resolve", "true")]),
        ("/api/v2/search", &[("q", "a"), ("resolve", "perhaps")]),
    ] {
        assert!(!asked(path, pairs).is_empty(), "{path} {pairs:?}");
    }
    // The example is older than two members of accounts and a rule for cards.
    let mut status = described.example("Status");
    status["card"] = Value::Null;
    (status["account"]["uri"], status["account"]["indexable"]) = (json!("https://a.b/users/c"), json!(true));
    let home = |body: &Value| described.answer_breaches("GET", "/api/v1/timelines/home", 200, body);
    assert_eq!(home(&json!([status])), [""; 0]);
    let mut odd = status.clone();
    odd["id"] = json!(7);
    assert!(!home(&json!([odd])).is_empty());
    assert!(!home(&json!({})).is_empty());
    assert!(!described.answer_breaches("GET", "/api/v1/timelines/home", 401, &json!({})).is_empty());
}
