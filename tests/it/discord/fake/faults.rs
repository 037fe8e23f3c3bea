//! What goes wrong on demand, decided by a seed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Chances that a seed repeats.
pub(crate) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// From 0.0 up to 1.0.
    pub(crate) fn next(&mut self) -> f64 {
        self.thrown += 1;
        unit(&(self.seed, self.thrown))
    }

    pub(crate) fn chance(&mut self, of: f64) -> bool {
        of > 0.0 && self.next() < of
    }

    /// A whole number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() * end as f64) as usize
    }
}

fn unit(of: &impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    // The hash of few small numbers is good in its upper bits too.
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429 with every header; nothing was done.
    RateLimited,
    /// 500; nothing was done.
    Refused,
    /// 500, and yet it was done.
    DoneAndRefused,
    /// It was done, and the connection ends without an answer.
    DoneAndCut,
    /// The connection ends; nothing was done.
    Cut,
    /// It was done, and no answer comes for long.
    DoneAndSilent,
    /// The link is dead.
    Expired,
    /// All is well, only later.
    Slow,
}

impl Fault {
    /// Rate limits half as often as the others: the program stops before Discord would block its address.
    const API: [Self; 11] = [
        Self::RateLimited,
        Self::Refused,
        Self::Refused,
        Self::DoneAndRefused,
        Self::DoneAndRefused,
        Self::DoneAndCut,
        Self::DoneAndCut,
        Self::Cut,
        Self::Cut,
        Self::DoneAndSilent,
        Self::DoneAndSilent,
    ];
    /// Of downloads.
    const CDN: [Self; 4] = [Self::Expired, Self::Refused, Self::Cut, Self::DoneAndSilent];

    /// Whether the request has its effect all the same.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::DoneAndRefused | Self::DoneAndCut | Self::DoneAndSilent)
    }
}

pub(crate) struct Faults {
    seed: u64,
    /// Share of requests to the API that go wrong.
    pub(crate) api: f64,
    /// Share of downloads that go wrong.
    pub(crate) cdn: f64,
    /// Kinds that do not happen.
    pub(crate) never: Vec<Fault>,
    /// How long silence lasts.
    pub(crate) silence: Duration,
    /// Of a 429.
    pub(crate) retry_after: Duration,
    /// The next request of this method to a path that holds this text.
    pub(crate) next: Vec<(String, String, Fault)>,
    counted: HashMap<String, u64>,
    pub(crate) happened: HashMap<Fault, u64>,
}

impl Hash for Fault {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self as u8).hash(state);
    }
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            api: 0.0,
            cdn: 0.0,
            never: Vec::new(),
            silence: Duration::from_secs(5),
            retry_after: Duration::from_millis(300),
            next: Vec::new(),
            counted: HashMap::new(),
            happened: HashMap::new(),
        }
    }

    /// What happens to this request: by the seed, the route and how often it was asked.
    pub(crate) fn of(&mut self, method: &str, route: &str, path: &str) -> Option<Fault> {
        let asked_for = |(m, part, _): &(String, String, Fault)| m == method && path.contains(part.as_str());
        if let Some(at) = self.next.iter().position(asked_for) {
            return Some(self.counts(self.next[at].2, Some(at)));
        }
        let nth = self.counted.entry(format!("{method} {route}")).or_default();
        *nth += 1;
        let (share, kinds) = if route == "cdn" { (self.cdn, &Fault::CDN[..]) } else { (self.api, &Fault::API[..]) };
        let kinds: Vec<Fault> = kinds.iter().copied().filter(|kind| !self.never.contains(kind)).collect();
        if share <= 0.0 || kinds.is_empty() || unit(&(self.seed, method, route, *nth, "whether")) >= share {
            return None;
        }
        let which = unit(&(self.seed, method, route, *nth, "which")) * kinds.len() as f64;
        Some(self.counts(kinds[which as usize], None))
    }

    fn counts(&mut self, fault: Fault, scripted: Option<usize>) -> Fault {
        if let Some(at) = scripted {
            self.next.remove(at);
        }
        *self.happened.entry(fault).or_default() += 1;
        fault
    }
}
