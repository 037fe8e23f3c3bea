//! Pictures made to hurt: each gives a right answer or the error that it should, and none a panic.

mod bytes;
mod colours;
mod corpus;
mod mutation;
mod near;

use std::path::{Path, PathBuf};

/// The folder of small pictures that `make.py` draws.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/decode")
}

/// One of its files.
fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// All of its pictures, by name.
fn samples() -> Vec<(String, Vec<u8>)> {
    let expected: serde_json::Value = serde_json::from_slice(&sample("expected.json")).unwrap();
    expected.as_object().unwrap().keys().map(|name| (name.clone(), sample(name))).collect()
}
