//! What an adapter keeps elsewhere: the account of the money, and what was paid for already.

use std::fmt::Debug;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use crate::domain::{Micros, Purpose, Reads, Spending, level, month_of};
use crate::pipeline::Clock;
use crate::timelines::{Account, Answer, TimelineError};

/// The account of what was spent, on disk.
pub trait Ledger: Debug + Send + Sync {
    /// Puts the amount aside, on disk when it answers; `None`: this month's account would be over the limit.
    fn reserve(&self, purpose: Purpose, amount: Micros, limit: Micros, at: OffsetDateTime) -> Answer<'_, Option<i64>>;
    /// What it cost in the end.
    fn settle(&self, reservation: i64, cost: Micros, reads: Reads) -> Answer<'_, ()>;
    /// Its answer was lost: it counts in full, and apart from what was read.
    fn lose(&self, reservation: i64) -> Answer<'_, ()>;
    /// The account of the month of `now`.
    fn spending(&self, now: OffsetDateTime) -> Answer<'_, Spending>;
    /// Posts kept that are looked after once a day.
    fn kept(&self) -> Answer<'_, u64>;
}

/// Accounts that were paid for already.
pub trait People: Debug + Send + Sync {
    /// With the time when each was read.
    fn by_ids<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<(Account, OffsetDateTime)>>;
    fn by_handle<'a>(&'a self, handle: &'a str) -> Answer<'a, Option<(Account, OffsetDateTime)>>;
    fn keep<'a>(&'a self, accounts: &'a [Account], now: OffsetDateTime) -> Answer<'a, ()>;
}

/// Money put aside for a request that is about to leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved {
    id: i64,
    amount: Micros,
}

/// The budget's guard: nothing that is paid leaves without it.
#[derive(Debug)]
pub(super) struct Purse {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) budget: Micros,
}

/// Nothing is asked so shortly before the month's end: its answer could be billed to the next month. Longer than a request may
/// take.
const MONTHS_END: Duration = Duration::minutes(2);

impl Purse {
    pub(super) async fn reserve(&self, purpose: Purpose, amount: Micros) -> Result<Reserved, TimelineError> {
        let now = self.clock.now();
        let end = month_of(now).1;
        if end - now < MONTHS_END {
            return Err(TimelineError::Wait((end - now).unsigned_abs()));
        }
        match self.ledger.reserve(purpose, amount, self.budget, now).await? {
            Some(id) => Ok(Reserved { id, amount }),
            None => Err(TimelineError::Budget),
        }
    }

    /// The answer is there: exactly what it cost.
    pub(super) async fn settle(&self, reserved: Reserved, cost: Micros, reads: Reads) -> Result<(), TimelineError> {
        self.ledger.settle(reserved.id, cost, reads).await?;
        self.warn(cost).await
    }

    /// Nobody knows whether it was served: then it counts as if it had been, in full.
    pub(super) async fn lose(&self, reserved: Reserved) -> Result<(), TimelineError> {
        self.ledger.lose(reserved.id).await?;
        self.warn(reserved.amount).await
    }

    /// Says it once that 80 % are spent: when this cost has made it so.
    async fn warn(&self, cost: Micros) -> Result<(), TimelineError> {
        let spent = self.ledger.spending(self.clock.now()).await?.spent;
        let (before, after) = (level(spent.less(cost), self.budget), level(spent, self.budget));
        if after > before {
            tracing::warn!(%spent, budget = %self.budget, "80 % or more of this month's money for X is spent");
        }
        Ok(())
    }

    pub(super) async fn left(&self) -> Result<Micros, TimelineError> {
        Ok(self.budget.less(self.ledger.spending(self.clock.now()).await?.taken()))
    }
}
