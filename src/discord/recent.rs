//! What happened lately: what was looked up before it is older than it.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use tokio::time::Instant;

/// More than can happen while something is looked up.
const MEMORY: usize = 20_000;

/// What happened lately, and when; the oldest is forgotten.
#[derive(Debug)]
pub(super) struct Recent<T> {
    at: HashMap<T, Instant>,
    order: VecDeque<T>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { at: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T: Clone + Eq + Hash> Recent<T> {
    pub(super) fn add(&mut self, what: T, now: Instant) {
        if self.at.insert(what.clone(), now).is_none() {
            self.order.push_back(what);
        }
        if self.order.len() > MEMORY
            && let Some(oldest) = self.order.pop_front()
        {
            self.at.remove(&oldest);
        }
    }

    pub(super) fn has(&self, what: &T) -> bool {
        self.at.contains_key(what)
    }

    /// Whether it happened at that time or later.
    pub(super) fn since(&self, what: &T, when: Instant) -> bool {
        self.at.get(what).is_some_and(|&at| at >= when)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_tells_what_was_before_from_what_came_after() {
        let (mut recent, then) = (Recent::default(), Instant::now());
        let second = Duration::from_secs(1);
        recent.add("edit", then);
        assert!(recent.has(&"edit") && !recent.has(&"other"));
        assert!(recent.since(&"edit", then - second), "looked up before: older");
        assert!(!recent.since(&"edit", then + second));
        recent.add("edit", then + second * 2);
        assert!(recent.since(&"edit", then + second), "the newest counts");
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        for n in 0..=MEMORY {
            recent.add(n, now);
        }
        assert!(!recent.has(&0) && recent.has(&1) && recent.has(&MEMORY));
        assert_eq!((recent.at.len(), recent.order.len()), (MEMORY, MEMORY));
    }
}
