//! Publishing in an announcement channel: Discord takes ten an hour, so what is over that is collected into a digest.

use time::{Duration, OffsetDateTime};

/// What Discord takes an hour in one channel.
pub const PUBLISHED_PER_HOUR: u32 = 10;
/// Picks that had to wait are collected for this long.
pub const DIGEST_AFTER: Duration = Duration::minutes(30);

/// What to do with the picks of a channel that are not published yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// Nothing waits.
    Nothing,
    /// Publish each.
    Each,
    /// Collect them into a digest.
    Digest,
    Wait {
        until: OffsetDateTime,
    },
}

/// Decides for picks that were sent at these times, oldest first, when `published` others were within the hour. The tenth
/// place is kept for a digest.
pub fn publishing(sent: &[OffsetDateTime], published: u32, now: OffsetDateTime) -> Publishing {
    let Some(&oldest) = sent.first() else { return Publishing::Nothing };
    let free = (PUBLISHED_PER_HOUR - 1).saturating_sub(published) as usize;
    if sent.len() <= free {
        return Publishing::Each;
    }
    let collected = oldest + DIGEST_AFTER;
    match collected <= now {
        true if published < PUBLISHED_PER_HOUR => Publishing::Digest,
        // All ten are used: the hour has to move on.
        true => Publishing::Wait { until: now + Duration::MINUTE },
        false => Publishing::Wait { until: collected },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    #[test]
    fn nine_an_hour_go_out_at_once_and_the_rest_in_a_digest() {
        let at = |minutes| NOW - Duration::minutes(minutes);
        assert_eq!(publishing(&[], 0, NOW), Publishing::Nothing);
        assert_eq!(publishing(&[NOW], 8, NOW), Publishing::Each);
        assert_eq!(publishing(&[at(2), at(1)], 8, NOW), Publishing::Wait { until: at(2) + DIGEST_AFTER });
        assert_eq!(publishing(&[NOW], 9, NOW), Publishing::Wait { until: NOW + DIGEST_AFTER });
        assert_eq!(publishing(&[at(30), at(1)], 9, NOW), Publishing::Digest);
        assert_eq!(publishing(&[at(30)], 10, NOW), Publishing::Wait { until: NOW + Duration::MINUTE });
    }

    proptest! {
        /// A busy day: never more than ten in any hour, and everything is published within an hour and a half.
        #[test]
        fn never_more_than_ten_an_hour_and_nothing_is_left(mut minutes in prop::collection::vec(0i64..600, 0..200)) {
            minutes.sort_unstable();
            let (mut waiting, mut published): (Vec<OffsetDateTime>, Vec<OffsetDateTime>) = Default::default();
            for minute in 0..720 {
                let now = NOW + Duration::minutes(minute);
                waiting.extend(minutes.iter().filter(|&&m| m == minute).map(|&m| NOW + Duration::minutes(m)));
                let lately = published.iter().filter(|&&at| at > now - Duration::HOUR).count() as u32;
                match publishing(&waiting, lately, now) {
                    Publishing::Each => published.extend(waiting.drain(..).map(|_| now)),
                    Publishing::Digest => {
                        waiting.clear();
                        published.push(now);
                    }
                    Publishing::Nothing => {}
                    Publishing::Wait { until } => prop_assert!(until > now),
                }
                let lately = published.iter().filter(|&&at| at > now - Duration::HOUR).count() as u32;
                prop_assert!(lately <= PUBLISHED_PER_HOUR);
                prop_assert!(waiting.iter().all(|&at| now - at < Duration::minutes(90)));
            }
            prop_assert!(waiting.is_empty());
        }
    }
}
