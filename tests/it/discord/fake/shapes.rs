//! What Discord's events and answers look like: taken from `../shared/specs/discord-events.json`, filled by the world.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A file of `../shared/specs`; `None`, said loudly, where this checkout has no such folder beside it.
pub(crate) fn spec(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("!!! SKIPPED: {} is not there; the loopback Discord needs it !!!", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("the specs are JSON"))
}

/// Example payloads by the names in `discord-events.json`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shapes(Arc<Map<String, Value>>);

impl Shapes {
    pub(crate) fn load() -> Option<Self> {
        match spec("discord-events.json")? {
            Value::Object(shapes) => Some(Self(Arc::new(shapes))),
            other => panic!("discord-events.json holds {other}"),
        }
    }

    /// A copy of one payload, `with` these fields put over it; [`GONE`] removes one.
    pub(crate) fn make(&self, name: &str, with: Value) -> Value {
        over(self.0.get(name).unwrap_or_else(|| panic!("no payload {name}")).clone(), with)
    }

    /// A copy of what is at a JSON pointer inside a payload, changed in the same way.
    pub(crate) fn part(&self, name: &str, pointer: &str, with: Value) -> Value {
        let whole = self.0.get(name).unwrap_or_else(|| panic!("no payload {name}"));
        over(whole.pointer(pointer).unwrap_or_else(|| panic!("{name} has no {pointer}")).clone(), with)
    }
}

/// In `with`, a field that is to go.
pub(crate) const GONE: &str = "\u{0}gone";

fn over(mut shape: Value, with: Value) -> Value {
    let (Value::Object(fields), Value::Object(with)) = (&mut shape, with) else { panic!("payloads are objects") };
    for (name, value) in with {
        if value == GONE {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    shape
}
