//! Shards: which of them are this process's, and whether each is alive.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serenity::all::{OnlineStatus, ShardId, ShardManager};
use serenity::gateway::ConnectionStage;
use tokio::time::Instant;

use super::status::Status;

/// How long things about the connection may take before something is done about it. Tests have less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often the watchdog looks.
    pub look: Duration,
    /// A shard without any sign for so long is silent.
    pub silence: Duration,
    /// A shard that is not connected any more has this long to become so.
    pub connecting: Duration,
    /// One that never was has this long: then Discord does not take it, and is asked anew what it would take.
    pub accepting: Duration,
    /// Restarts of one shard in a row, never connected between, after which the whole connection is made anew.
    pub restarts: u32,
    /// The first pause between two connections; each is twice the one before.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// Connections in a row that shards died of, none of which held for longer than the longest pause.
    pub connections: u32,
}

impl Patience {
    const DEFAULT: Self = Self {
        look: Duration::from_secs(5),
        // Discord's heartbeat takes 41 s: twice that and a little.
        silence: Duration::from_secs(90),
        connecting: Duration::from_mins(1),
        accepting: Duration::from_secs(30),
        // Few, since a runner whose connection has ended otherwise than it thinks waits for its end for ever.
        restarts: 3,
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_mins(1),
        connections: 10,
    };
}

impl Default for Patience {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Shards of one process, of all there are. As text: `a..b/n`, the shards from `a` to before `b` of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardRange {
    pub from: u32,
    /// Not included.
    pub to: u32,
    pub total: u32,
}

/// The text is not `a..b/n` with a < b ≤ n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("shards are named FROM..TO/TOTAL, like 0..4/8 for the first four of eight")]
pub struct BadShardRange;

impl FromStr for ShardRange {
    type Err = BadShardRange;

    fn from_str(s: &str) -> Result<Self, BadShardRange> {
        let number = |s: &str| s.parse().map_err(|_| BadShardRange);
        let (range, total) = s.split_once('/').ok_or(BadShardRange)?;
        let (from, to) = range.split_once("..").ok_or(BadShardRange)?;
        let shards = Self { from: number(from)?, to: number(to)?, total: number(total)? };
        if shards.from < shards.to && shards.to <= shards.total { Ok(shards) } else { Err(BadShardRange) }
    }
}

impl ShardRange {
    /// Whether the guild's events come to this process.
    pub fn has_guild(self, guild: u64) -> bool {
        let shard = (guild >> 22) % u64::from(self.total);
        (u64::from(self.from)..u64::from(self.to)).contains(&shard)
    }
}

/// One look at a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) connected: bool,
    /// Of the last heartbeat: another one each time.
    pub(super) latency: Option<Duration>,
    /// Events heard so far.
    pub(super) events: u64,
}

/// What is wrong with a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ill {
    Silent,
    NotConnected,
    /// It never was connected: for a close code that serenity takes for nothing (4003, 4010, 4011), for instance.
    NotTaken,
}

/// What is known of one shard.
#[derive(Debug)]
pub(super) struct Pulse {
    sign: Sign,
    heard_at: Instant,
    connected_at: Instant,
    was_connected: bool,
    restarts: u32,
}

impl Pulse {
    pub(super) fn new(sign: Sign, now: Instant) -> Self {
        Self { sign, heard_at: now, connected_at: now, was_connected: sign.connected, restarts: 0 }
    }

    /// Takes a sign in; answers what is wrong.
    pub(super) fn feel(&mut self, sign: Sign, patience: &Patience, now: Instant) -> Option<Ill> {
        if sign != self.sign {
            self.heard_at = now;
            self.sign = sign;
        }
        if sign.connected {
            self.connected_at = now;
            self.was_connected = true;
            self.restarts = 0;
        }
        let connecting = now - self.connected_at;
        if !self.was_connected {
            (connecting >= patience.accepting).then_some(Ill::NotTaken)
        } else if connecting >= patience.connecting {
            Some(Ill::NotConnected)
        } else if sign.connected && now - self.heard_at >= patience.silence {
            Some(Ill::Silent)
        } else {
            None
        }
    }

    /// It is restarted now; false when that has been in vain too often.
    pub(super) fn restarted(&mut self, patience: &Patience, now: Instant) -> bool {
        self.heard_at = now;
        self.connected_at = now;
        self.restarts += 1;
        self.restarts <= patience.restarts
    }
}

/// Restarts shards that hear nothing. Ends when restarting does not help.
pub(super) async fn watch(
    manager: &Arc<ShardManager>,
    status: &Status,
    patience: &Patience,
    events: impl Fn(u32) -> u64,
) -> ShardId {
    let mut pulses: HashMap<ShardId, Pulse> = HashMap::new();
    let mut nobody_since = Instant::now();
    loop {
        tokio::time::sleep(patience.look).await;
        let now = Instant::now();
        let signs = signs(manager, &events).await;
        status.set_connected(signs.iter().any(|(_, sign)| sign.connected));
        // Serenity starts one shard after the other, and waits for ever where one gets no answer.
        if !signs.is_empty() {
            nobody_since = now;
        } else if now - nobody_since >= patience.connecting {
            return pulses.keys().copied().min().unwrap_or(ShardId(0));
        }
        // One that is not among the runners is being started by serenity: a second start would be a second session.
        for (id, sign) in signs {
            let pulse = pulses.entry(id).or_insert_with(|| Pulse::new(sign, now));
            let Some(ill) = pulse.feel(sign, patience, now) else { continue };
            tracing::warn!(shard = id.0, ?ill, "a shard does not answer");
            if ill == Ill::NotTaken || !pulse.restarted(patience, now) {
                return id;
            }
            metrics::counter!("mekiki_discord_shard_restarts_total").increment(1);
            release(manager, Some(id)).await;
            manager.restart(id).await;
        }
    }
}

async fn signs(manager: &ShardManager, events: impl Fn(u32) -> u64) -> Vec<(ShardId, Sign)> {
    let runners = manager.runners.lock().await;
    let sign = |(id, info): (&ShardId, &serenity::gateway::ShardRunnerInfo)| {
        let connected = info.stage == ConnectionStage::Connected;
        (*id, Sign { connected, latency: info.latency, events: events(id.0) })
    };
    runners.iter().map(sign).collect()
}

/// Lets runners end whose connection has ended without their noticing: told to shut down, they would wait for a goodbye in
/// a loop that never pauses, and hold a thread of the program for ever. Having something to send, they end by themselves; to
/// Discord, on a connection that is alive, it says nothing new.
pub(super) async fn release(manager: &ShardManager, only: Option<ShardId>) {
    for (id, info) in &*manager.runners.lock().await {
        if only.is_none_or(|only| only == *id) {
            info.runner_tx.set_presence(None, OnlineStatus::Online);
        }
    }
}

/// Shards that serenity may still be starting are shut down should they ever be: nothing else ends what starts them.
pub(super) async fn abandon(manager: Arc<ShardManager>, shards: ShardRange) {
    for id in shards.from..shards.to {
        manager.shutdown(ShardId(id), 1000).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_a_wrong_one_refused() {
        assert_eq!("0..4/8".parse(), Ok(ShardRange { from: 0, to: 4, total: 8 }));
        for wrong in ["", "0..4", "4..4/8", "5..4/8", "0..9/8", "0-4/8", "a..b/n", "0..1/0", "-1..1/2"] {
            assert_eq!(wrong.parse::<ShardRange>(), Err(BadShardRange), "{wrong}");
        }
    }

    #[test]
    fn every_guild_is_some_process_business_once() {
        let processes: Vec<ShardRange> = ["0..1/8", "1..5/8", "5..8/8"].iter().map(|s| s.parse().unwrap()).collect();
        for n in 0..1000u64 {
            let guild = n << 22 | n;
            assert_eq!(processes.iter().filter(|p| p.has_guild(guild)).count(), 1);
        }
    }

    const PATIENCE: Patience = Patience::DEFAULT;
    const UP: Sign = Sign { connected: true, latency: Some(Duration::from_millis(40)), events: 7 };

    #[test]
    fn a_quiet_shard_is_well_as_long_as_its_heart_beats() {
        let start = Instant::now();
        let mut pulse = Pulse::new(UP, start);
        for beat in 1..100u64 {
            let now = start + Duration::from_secs(41 * beat);
            let sign = Sign { latency: Some(Duration::from_micros(40_000 + beat)), ..UP };
            assert_eq!(pulse.feel(sign, &PATIENCE, now), None);
        }
        let last = start + Duration::from_secs(41 * 99);
        let sign = Sign { latency: Some(Duration::from_micros(40_099)), ..UP };
        assert_eq!(pulse.feel(sign, &PATIENCE, last + PATIENCE.silence - Duration::from_secs(1)), None);
        assert_eq!(pulse.feel(sign, &PATIENCE, last + PATIENCE.silence), Some(Ill::Silent));
        assert_eq!(
            pulse.feel(Sign { events: 8, ..sign }, &PATIENCE, last + PATIENCE.silence),
            None,
            "an event is a sign, too"
        );
    }

    const DOWN: Sign = Sign { connected: false, latency: None, events: 0 };

    #[test]
    fn one_that_does_not_come_back_is_given_up_after_some_restarts() {
        let mut now = Instant::now();
        let mut pulse = Pulse::new(UP, now);
        let mut restarts = 0;
        loop {
            now += PATIENCE.connecting;
            assert_eq!(pulse.feel(DOWN, &PATIENCE, now), Some(Ill::NotConnected));
            if !pulse.restarted(&PATIENCE, now) {
                break;
            }
            restarts += 1;
        }
        assert_eq!(restarts, PATIENCE.restarts);
        assert_eq!(pulse.feel(UP, &PATIENCE, now), None);
        assert!(pulse.restarted(&PATIENCE, now), "once it was connected, the count begins anew");
    }

    #[test]
    fn one_that_was_never_connected_is_left_to_serenity_for_a_while() {
        let start = Instant::now();
        let mut pulse = Pulse::new(DOWN, start);
        assert_eq!(pulse.feel(DOWN, &PATIENCE, start + PATIENCE.accepting - Duration::from_secs(1)), None);
        assert_eq!(pulse.feel(DOWN, &PATIENCE, start + PATIENCE.accepting), Some(Ill::NotTaken));
    }
}
