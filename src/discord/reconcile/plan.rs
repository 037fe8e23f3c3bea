//! What is done about the messages of a channel that was read over.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::discord::raw::{id_at, time_of};

/// The order of messages is not that of their ids to the second: so long before the newest seen, unknown ones count as
/// missed rather than as history.
const SLACK: time::Duration = time::Duration::minutes(2);

/// A channel's newest messages by id, without gaps.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) messages: BTreeMap<u64, Value>,
    /// Back to the channel's first message.
    pub(super) is_whole: bool,
}

/// What is done about a channel's messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// To be looked at: new, or known and perhaps changed; oldest first.
    pub(super) look: Vec<u64>,
    /// Known, and not where they were: most likely gone.
    pub(super) missing: Vec<u64>,
    /// Known, and further back than was read.
    pub(super) unseen: Vec<u64>,
}

/// `known`: ids of messages that something is kept of, oldest first.
pub(super) fn plan(pages: &Pages, known: &[u64], cursor: u64) -> Plan {
    let known: HashSet<u64> = known.iter().copied().collect();
    let from = id_at(time_of(cursor) - SLACK);
    let look = pages.messages.keys().copied().filter(|id| *id >= from || known.contains(id)).collect();
    let oldest = if pages.is_whole { Some(0) } else { pages.messages.keys().next().copied() };
    // What is newer than all of the page may have come after it was asked for.
    let newest = pages.messages.keys().next_back().copied().unwrap_or(cursor);
    let mut plan = Plan { look, missing: Vec::new(), unseen: Vec::new() };
    for id in known {
        match oldest {
            _ if pages.messages.contains_key(&id) => {}
            Some(oldest) if id >= oldest && id <= newest => plan.missing.push(id),
            _ => plan.unseen.push(id),
        }
    }
    plan.missing.sort_unstable();
    plan.unseen.sort_unstable_by(|a, b| b.cmp(a));
    plan
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// The id of a message posted so many seconds into the day.
    fn id(second: i64) -> u64 {
        id_at(datetime!(2026-11-24 0:00 UTC) + time::Duration::seconds(second))
    }

    fn pages(seconds: &[i64], is_whole: bool) -> Pages {
        Pages { messages: seconds.iter().map(|&s| (id(s), Value::Null)).collect(), is_whole }
    }

    fn ids(seconds: &[i64]) -> Vec<u64> {
        seconds.iter().map(|&s| id(s)).collect()
    }

    #[test]
    fn new_messages_are_looked_at_and_history_is_not() {
        let plan = plan(&pages(&[1000, 5000, 8000, 8200, 8300], false), &ids(&[5000]), id(8250));
        assert_eq!(plan.look, ids(&[5000, 8200, 8300]), "known, a little before the cursor, after it");
        assert_eq!((plan.missing, plan.unseen), (vec![], vec![]));
    }

    #[test]
    fn known_messages_that_are_missing_are_gone_but_only_where_one_looked() {
        let seen = pages(&[5000, 8000, 8300], false);
        let plan = plan(&seen, &ids(&[1000, 4000, 6000, 8000, 8400]), id(8250));
        assert_eq!(plan.missing, ids(&[6000]));
        assert_eq!(plan.unseen, ids(&[8400, 4000, 1000]), "further back, or newer than the page; newest first");
    }

    #[test]
    fn in_a_channel_read_to_its_beginning_everything_missing_is_gone() {
        let plan = plan(&pages(&[8000], true), &ids(&[10, 8000]), id(8250));
        assert_eq!((plan.missing, plan.unseen), (ids(&[10]), vec![]));
        let empty = super::plan(&pages(&[], true), &ids(&[10]), id(8250));
        assert_eq!(empty.missing, ids(&[10]), "all that was posted is deleted");
    }
}
