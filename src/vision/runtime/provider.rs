//! Which execution provider really ran, read from ONNX Runtime's own profile of a probe run.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The execution provider that ran a session's probe inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// ONNX Runtime's name for it: `CPUExecutionProvider`, `CUDAExecutionProvider`, `TensorrtExecutionProvider`.
    pub name: String,
    /// Why it is not a better one, or what part ran elsewhere.
    pub note: Option<String>,
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.note {
            Some(note) => write!(f, "{} ({note})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What one provider did in a profiled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) nodes: u32,
    micros: u64,
}

/// What each provider did in a profiled run, by its name.
pub(super) type Shares = BTreeMap<String, Share>;

#[derive(Deserialize)]
struct Event {
    cat: String,
    name: String,
    #[serde(default)]
    dur: u64,
    #[serde(default)]
    args: Args,
}

#[derive(Deserialize, Default)]
struct Args {
    provider: Option<String>,
}

/// Sums up a profile in ONNX Runtime's format (Chrome trace events).
pub(super) fn shares(profile: &[u8]) -> serde_json::Result<Shares> {
    let events: Vec<Event> = serde_json::from_slice(profile)?;
    let mut shares = Shares::new();
    for event in events.iter().filter(|event| event.cat == "Node" && event.name.ends_with("_kernel_time")) {
        if let Some(provider) = &event.args.provider {
            let share = shares.entry(provider.clone()).or_default();
            share.nodes += 1;
            share.micros += event.dur;
        }
    }
    Ok(shares)
}

/// The provider that spent the most time; the others go into the note.
pub(super) fn main_provider(shares: &Shares) -> Option<Provider> {
    let (name, main) = shares.iter().max_by_key(|(_, share)| (share.micros, share.nodes))?;
    let elsewhere: Vec<String> = shares
        .iter()
        .filter(|(other, _)| *other != name)
        .map(|(other, share)| format!("{} of {} steps on {other}", share.nodes, share.nodes + main.nodes))
        .collect();
    Some(Provider { name: name.clone(), note: (!elsewhere.is_empty()).then(|| elsewhere.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = r#"[
        {"cat":"Session","name":"model_run","dur":900,"ts":0,"ph":"X","args":{}},
        {"cat":"Node","name":"a_kernel_time","dur":5,"ts":1,"ph":"X","args":{"provider":"CPUExecutionProvider"}},
        {"cat":"Node","name":"b_fence_before","dur":400,"ts":2,"ph":"X","args":{"op_name":"Conv"}},
        {"cat":"Node","name":"b_kernel_time","dur":70,"ts":3,"ph":"X","args":{"provider":"CUDAExecutionProvider"}},
        {"cat":"Node","name":"c_kernel_time","dur":30,"ts":4,"ph":"X","args":{"provider":"CUDAExecutionProvider"}}
    ]"#;

    #[test]
    fn the_provider_with_the_most_time_is_named_and_the_rest_is_said() {
        let shares = shares(MIXED.as_bytes()).unwrap();
        let provider = main_provider(&shares).unwrap();
        assert_eq!(provider.name, "CUDAExecutionProvider");
        assert_eq!(provider.note.as_deref(), Some("1 of 3 steps on CPUExecutionProvider"));
        assert_eq!(provider.to_string(), "CUDAExecutionProvider (1 of 3 steps on CPUExecutionProvider)");
    }

    #[test]
    fn a_profile_without_steps_names_nobody() {
        assert_eq!(main_provider(&shares(b"[]").unwrap()), None);
        assert!(shares(b"").is_err());
    }
}
