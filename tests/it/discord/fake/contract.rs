//! Every request against Discord's own description of its API, `../shared/specs/discord-openapi.json`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::shapes::spec;

pub(crate) struct Contract {
    paths: Map<String, Value>,
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A request, taken apart.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Without `/api/v10`, percent-decoded.
    pub(crate) path: &'a [String],
    pub(crate) query: &'a [(String, String)],
    /// `payload_json` of a form.
    pub(crate) body: Option<&'a Value>,
    /// Names of the form's file parts with their file names.
    pub(crate) files: &'a [(String, String)],
}

impl Contract {
    pub(crate) fn load() -> Option<Self> {
        let mut whole = spec("discord-openapi.json")?;
        let components = whole["components"].take();
        let Value::Object(paths) = whole["paths"].take() else { panic!("the description has no paths") };
        Some(Self { paths, components, compiled: Mutex::default() })
    }

    /// The description's name of this path: literal parts win over parameters.
    pub(crate) fn route(&self, path: &[String]) -> Option<&str> {
        let fits = |route: &&String| {
            let parts: Vec<&str> = route.split('/').skip(1).collect();
            parts.len() == path.len()
                && parts.iter().zip(path).all(|(part, given)| part.starts_with('{') || part == given)
        };
        let literal = |route: &&String| route.split('/').filter(|part| !part.starts_with('{')).count();
        self.paths.keys().filter(fits).max_by_key(literal).map(String::as_str)
    }

    /// What is wrong with a request.
    pub(crate) fn breaches(&self, asked: &Asked<'_>) -> Vec<String> {
        let Some(route) = self.route(asked.path) else { return vec!["no such path".into()] };
        let described = &self.paths[route];
        let operation = &described[asked.method.to_lowercase()];
        if operation.is_null() {
            return vec![format!("{route} has no such method")];
        }
        let parameters: Vec<&Value> =
            [described, operation].into_iter().filter_map(|p| p["parameters"].as_array()).flatten().collect();
        let mut breaches = Vec::new();
        for (part, given) in route.split('/').skip(1).zip(asked.path) {
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                self.check_parameter(&parameters, ("path", name), given, &mut breaches);
            }
        }
        for (name, given) in asked.query {
            self.check_parameter(&parameters, ("query", name), given, &mut breaches);
        }
        let contents = &operation["requestBody"]["content"];
        let kind = if asked.files.is_empty() { "application/json" } else { "multipart/form-data" };
        match (asked.body, &contents[kind]["schema"]) {
            (None, _) if operation["requestBody"]["required"] == true => breaches.push("the body is missing".into()),
            (None, _) => {}
            (Some(_), Value::Null) => breaches.push(format!("a body of {kind} is not described")),
            (Some(body), schema) => {
                let body = as_described(body);
                let name = format!("{} {route} {kind}", asked.method);
                breaches.extend(self.errors(&name, schema, &body));
                breaches.extend(loose_files(&body, asked));
            }
        }
        breaches
    }

    fn check_parameter(&self, described: &[&Value], (place, name): (&str, &str), given: &str, into: &mut Vec<String>) {
        let Some(parameter) = described.iter().find(|p| p["in"] == place && p["name"] == name) else {
            return into.push(format!("the {place} parameter {name} is not described"));
        };
        let schema = &parameter["schema"];
        let plain = [json!(given)];
        let read = serde_json::from_str::<Value>(given).ok().filter(|value| !value.is_string());
        let fits = |value: &Value| self.errors(&format!("{place} {name} {schema}"), schema, value).is_empty();
        if !plain.iter().chain(&read).any(fits) {
            into.push(format!("{place} parameter {name}={given} does not fit {schema}"));
        }
    }

    /// What is wrong with an answer of the fake's own.
    pub(crate) fn answer_breaches(&self, method: &str, path: &[String], status: u16, body: &Value) -> Vec<String> {
        let Some(route) = self.route(path) else { return vec!["no such path".into()] };
        let responses = &self.paths[route][method.to_lowercase()]["responses"];
        let described = &responses[status.to_string()]["content"]["application/json"]["schema"];
        if described.is_null() {
            return if body.is_null() { Vec::new() } else { vec![format!("{status} is not described")] };
        }
        self.errors(&format!("{method} {route} -> {status}"), described, body)
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

/// Where Discord takes more than its description says, and serenity sends that: numbers for the ids of attachments and of
/// what a select has chosen; text, as its documentation has it, for the permissions that a command asks for; and forwards
/// (1) beside replies (0).
fn as_described(body: &Value) -> Value {
    let mut body = body.clone();
    for command in body.as_array_mut().into_iter().flatten() {
        if let Some(bits) = command["default_member_permissions"].as_str().and_then(|text| text.parse::<u64>().ok()) {
            command["default_member_permissions"] = json!(bits);
        }
    }
    if body["message_reference"]["type"] == 1 {
        body["message_reference"]["type"] = json!(0);
    }
    for holder in ["/attachments", "/data/attachments"] {
        for attachment in body.pointer_mut(holder).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(number) = attachment["id"].as_u64() {
                attachment["id"] = json!(number.to_string());
            }
        }
    }
    for holder in ["/components", "/data/components"] {
        let rows = body.pointer_mut(holder).and_then(Value::as_array_mut).into_iter().flatten();
        let parts = rows.filter_map(|row| row.get_mut("components")?.as_array_mut()).flatten();
        for chosen in parts.filter_map(|part| part.get_mut("default_values")?.as_array_mut()).flatten() {
            if let Some(number) = chosen["id"].as_u64() {
                chosen["id"] = json!(number.to_string());
            }
        }
    }
    body
}

/// New attachments without their part, parts without their attachment, and pictures of embeds that are not there.
fn loose_files(body: &Value, asked: &Asked<'_>) -> Vec<String> {
    /// Above any index of a new file: the id of one that is there already.
    const KNOWN: u64 = 1 << 22;
    let holder = if body["data"].is_object() { &body["data"] } else { body };
    let mut breaches = Vec::new();
    let parts: BTreeSet<String> = asked.files.iter().map(|(part, _)| part.clone()).collect();
    let mut named = BTreeSet::new();
    for attachment in holder["attachments"].as_array().into_iter().flatten() {
        let id = attachment["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0);
        if id < KNOWN {
            named.insert(format!("files[{id}]"));
        }
    }
    if holder["attachments"].is_array() && named != parts {
        breaches.push(format!("attachments name {named:?}, the form has {parts:?}"));
    }
    // An edit may show a file that the message has already.
    if asked.method == "PATCH" {
        return breaches;
    }
    for reference in holder["embeds"].to_string().split("attachment://").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        if !asked.files.iter().any(|(_, file)| file == name) {
            breaches.push(format!("an embed shows {name}, which is not sent along"));
        }
    }
    breaches
}
