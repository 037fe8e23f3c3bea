//! The layers stay apart: reads what each room of `src/` names of the others, and fails where that is not allowed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a room may name; a path allows all below it. Test code may name anything.
const ROOMS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("card", &["domain"]),
    ("fetch", &[]),
    ("samples", &["domain"]),
    ("taste", &["domain"]),
    ("vision", &["domain"]),
    ("store", &["domain"]),
    ("pipeline", &["domain", "fetch", "samples", "store", "taste", "vision"]),
    ("discord", &["card", "domain", "pipeline"]),
    ("timelines", &["domain", "fetch", "pipeline"]),
    ("web", &["domain", "pipeline"]),
    ("config", &["domain", "vision::runtime::Device"]),
    (
        "app",
        &[
            "config",
            "discord",
            "domain",
            "fetch",
            "pipeline",
            "samples",
            "store",
            "taste",
            "timelines",
            "vision",
            "web",
        ],
    ),
    ("cli", &["app", "config", "domain", "pipeline", "samples", "store", "taste", "vision", "web"]),
];

/// A module's path from the crate's root: `["vision", "runtime", "session"]`; the rest of the file names it.
struct Module<'a> {
    path: &'a [&'a str],
    text: &'a str,
}

/// What the module names against the rules.
fn breaches(module: &Module<'_>) -> Vec<String> {
    let room = module.path[0];
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{room} is no room that the rules know")];
    };
    let code = code(module.text);
    let within =
        |path: &str, of: &str| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    let mut breaches: Vec<String> = named(&code)
        .into_iter()
        .filter(|path| !within(path, room) && !allowed.iter().any(|of| within(path, of)))
        .map(|path| format!("crate::{path}"))
        .collect();
    let way_out = "super::".repeat(module.path.len());
    if code.contains(&way_out) {
        breaches.push(format!("{way_out} (leaves the room)"));
    }
    breaches
}

/// The text without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every path after `crate::`, groups in braces taken apart.
fn named(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        // `$crate::` and names that end so are something else.
        if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '$')) {
            tree(&code[at + "crate::".len()..], "", &mut paths);
        }
    }
    paths
}

/// Reads one use-tree, like `a::{b, c::D}` or `a::b`; answers how many bytes it took.
fn tree(text: &str, prefix: &str, paths: &mut BTreeSet<String>) -> usize {
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with('{') {
            at += 1;
            while let Some(next) = text[at..].find(|c: char| !c.is_whitespace() && c != ',') {
                at += next;
                if text[at..].starts_with('}') {
                    return at + 1;
                }
                let taken = tree(&text[at..], &path, paths);
                // Past ` as NAME` and the like.
                at += taken + text[at + taken..].find([',', '}']).unwrap_or_default();
            }
            return at;
        }
        let name = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(rest.len());
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(&rest[..name]);
        at += name;
        if !text[at..].starts_with("::") {
            paths.insert(path);
            return at;
        }
        at += 2;
    }
}

fn files() -> Vec<(PathBuf, Vec<String>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&source).sort_by_file_name() {
        let entry = entry.unwrap();
        let inside = entry.path().strip_prefix(&source).unwrap().with_extension("");
        let mut path: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let is_code = entry.path().extension().is_some_and(|e| e == "rs");
        if !is_code || path.contains(&"tests".to_owned()) || path == ["lib"] || path == ["main"] {
            continue;
        }
        if path.last().is_some_and(|name| name == "mod") {
            path.pop();
        }
        files.push((entry.into_path(), path));
    }
    files
}

#[test]
fn no_room_names_what_it_must_not_know() {
    let files = files();
    let mut found = Vec::new();
    for (file, path) in &files {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = std::fs::read_to_string(file).unwrap();
        for breach in breaches(&Module { path: &path, text: &text }) {
            found.push(format!("{} names {breach}", file.display()));
        }
    }
    assert!(found.is_empty(), "the layers are broken (see docs/ARCHITECTURE.md):\n{}", found.join("\n"));
    let rooms: BTreeSet<&str> = files.iter().map(|(_, path)| path[0].as_str()).collect();
    assert_eq!(rooms, ROOMS.map(|(name, _)| name).into(), "each room has its rule");
}

#[test]
fn a_broken_layer_is_found() {
    let of = |path: &[&str], text: &str| breaches(&Module { path, text });
    assert_eq!(of(&["domain", "face"], "use crate::store::Store;"), ["crate::store::Store"]);
    assert_eq!(
        of(&["store", "posts"], "    let x = crate::vision::decode::decode(b);"),
        ["crate::vision::decode::decode"]
    );
    let group = "use crate::{\n    domain::{Face, FaceId as Id},\n    store::{self, Blobs},\n    web,\n};";
    assert_eq!(of(&["pipeline"], group), ["crate::web"]);
    assert_eq!(of(&["web", "card"], group), ["crate::store::Blobs", "crate::store::self"]);
    assert_eq!(of(&["config"], "use crate::vision::runtime::{Device, Runtime};"), ["crate::vision::runtime::Runtime"]);
    assert_eq!(of(&["web"], "use crate::domain::Face;\npub use crate::pipeline::*;"), [""; 0]);
    assert_eq!(of(&["web"], "use super::store::Store;"), ["super:: (leaves the room)"]);
    assert_eq!(of(&["web", "card"], "use super::super::store::Store;"), ["super::super:: (leaves the room)"]);
    assert_eq!(of(&["web", "card"], "use super::Lang;\n// crate::store\nlet a = $crate::b;"), [""; 0]);
    assert_eq!(of(&["vision"], "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::samples::Scene;\n}"), [""; 0]);
    assert_eq!(of(&["vision"], "#[cfg(test)]\nuse crate::samples::Scene;"), ["crate::samples::Scene"]);
    assert_eq!(of(&["attic"], ""), ["attic is no room that the rules know"]);
}
