//! Money for a service that is paid by what is read: prices, the month's budget, what it will come to, and how fast to read so
//! that it lasts. Amounts are whole millionths of a dollar.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use time::{Month, OffsetDateTime, Time};

/// An amount in millionths of a US dollar. Sums stop at the largest there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

impl Micros {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// What is left of it; nothing when more was taken.
    #[must_use]
    pub fn less(self, taken: Self) -> Self {
        Self(self.0.saturating_sub(taken.0))
    }

    /// How many of this price can be had for the amount.
    pub fn buys(self, price: Self) -> u64 {
        self.0.checked_div(price.0).unwrap_or(u64::MAX)
    }

    /// Over a span that may be no whole number of days, rounded up.
    fn for_days(self, days: f64) -> Self {
        Self((self.0 as f64 * days.max(0.0)).ceil() as u64)
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// `$1.25`; more digits only where they say something.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let digits = format!("{rest:06}");
        let shown = digits.trim_end_matches('0').len().max(2);
        write!(f, "${whole}.{}", &digits[..shown])
    }
}

/// Not an amount of dollars with at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount in US dollars with at most six decimals, like 0.005")]
pub struct NoAmount;

/// `25`, `0.005`, `$25`.
impl FromStr for Micros {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let text = text.trim();
        let (whole, decimals) = text.strip_prefix('$').unwrap_or(text).split_once('.').unwrap_or_else(|| {
            let text = text.strip_prefix('$').unwrap_or(text);
            (text, "0")
        });
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
            return Err(NoAmount);
        }
        let whole: u64 = whole.parse().map_err(|_| NoAmount)?;
        let decimals: u64 = format!("{decimals:0<6}").parse().map_err(|_| NoAmount)?;
        whole.checked_mul(1_000_000).and_then(|whole| whole.checked_add(decimals)).map(Self).ok_or(NoAmount)
    }
}

/// What one thing read costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    pub post: Micros,
    pub user: Micros,
    /// Of pictures that come along with a post.
    pub media: Micros,
}

/// X's list of 2026-08. What it sells cheaper as one's own data is counted in full.
impl Default for Prices {
    fn default() -> Self {
        Self { post: Micros(5_000), user: Micros(10_000), media: Micros::ZERO }
    }
}

/// Things read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    pub posts: u64,
    pub users: u64,
    pub media: u64,
}

impl Prices {
    pub fn of(&self, reads: Reads) -> Micros {
        self.post.times(reads.posts) + self.user.times(reads.users) + self.media.times(reads.media)
    }
}

/// What money is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// New posts, and who wrote them.
    Reading,
    /// Whether what is kept is still there.
    Rechecking,
}

impl Purpose {
    pub const ALL: [Self; 2] = [Self::Reading, Self::Rechecking];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Rechecking => "rechecking",
        }
    }
}

/// A month's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// What answers cost, and in full what answers that were lost may have cost.
    pub spent: Micros,
    /// Put aside for requests that are on their way.
    pub reserved: Micros,
    /// Spent on new posts within the last seven days, today included; answers that were lost are not in it.
    pub reading: Micros,
    /// Posts that this brought.
    pub posts: u64,
    /// For how many days that was, 1 to 7: since the first such day.
    pub days: u32,
}

impl Spending {
    /// What can no longer be spent.
    pub fn taken(&self) -> Micros {
        self.spent + self.reserved
    }
}

/// How much of the budget is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    /// 80 % or more.
    Warning,
    /// All of it: nothing is asked before the next month.
    Stop,
}

pub fn level(taken: Micros, budget: Micros) -> Level {
    if taken >= budget {
        Level::Stop
    } else if u128::from(taken.0) * 10 >= u128::from(budget.0) * 8 {
        Level::Warning
    } else {
        Level::Fine
    }
}

/// Midnight UTC at which the month of `now` begins, and the next one.
pub fn month_of(now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
    let date = now.to_offset(time::UtcOffset::UTC).date();
    let first = date.replace_day(1).unwrap_or(date);
    let (year, month) = match first.month() {
        Month::December => (first.year() + 1, Month::January),
        month => (first.year(), month.next()),
    };
    let next = time::Date::from_calendar_date(year, month, 1).unwrap_or(time::Date::MAX);
    (first.with_time(Time::MIDNIGHT).assume_utc(), next.with_time(Time::MIDNIGHT).assume_utc())
}

fn days_left(now: OffsetDateTime) -> f64 {
    (month_of(now).1 - now).as_seconds_f64().max(0.0) / 86_400.0
}

/// What the money goes on being spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    pub budget: Micros,
    pub prices: Prices,
    pub spending: Spending,
    /// Posts that are looked after once a day.
    pub kept: u64,
}

/// What the month will come to, if it goes on like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    pub level: Level,
    /// If nothing stopped it.
    pub by_end: Micros,
    /// Of that, for looking whether what is kept is still there.
    pub rechecking: Micros,
    /// When the budget is spent, if that is before the month's end.
    pub stops: Option<OffsetDateTime>,
}

impl Outlook {
    fn reading_per_day(&self) -> Micros {
        Micros(self.spending.reading.0.div_ceil(u64::from(self.spending.days.max(1))))
    }

    fn rechecking_per_day(&self) -> Micros {
        self.prices.post.times(self.kept)
    }

    pub fn forecast(&self, now: OffsetDateTime) -> Forecast {
        let left = days_left(now);
        let per_day = self.reading_per_day() + self.rechecking_per_day();
        let taken = self.spending.taken();
        let lasts = self.budget.less(taken).0 as f64 / per_day.0 as f64 * 86_400.0;
        let stops = lasts.is_finite().then(|| now.saturating_add(time::Duration::seconds_f64(lasts.min(1e9))));
        Forecast {
            level: level(taken, self.budget),
            by_end: taken + per_day.for_days(left),
            rechecking: self.rechecking_per_day().for_days(left),
            stops: stops.filter(|at| *at < month_of(now).1),
        }
    }

    /// How often and how much to read of each of so many feeds, so that the money lasts to the month's end.
    pub fn pace(&self, now: OffsetDateTime, feeds: u64) -> Pace {
        let left = days_left(now).max(1.0 / 24.0);
        let money = self.budget.less(self.spending.taken()).less(self.rechecking_per_day().for_days(left));
        let per_day = money.0 as f64 / left;
        if per_day >= FREELY * self.reading_per_day().0 as f64
            && money >= self.prices.post.times(u64::from(Pace::FREE.page))
        {
            return Pace::FREE;
        }
        // What a post really costs, with its author and where it was reposted from.
        let post = (self.spending.reading.0 / self.spending.posts.max(1)).max(self.prices.post.0).max(1);
        let posts_per_day = per_day / post as f64 / feeds.max(1) as f64;
        let pause = f64::from(Pace::SLOW_PAGE) / posts_per_day * 86_400.0;
        let pause = if pause.is_finite() {
            pause.clamp(Pace::FREE.pause.as_secs_f64(), LONGEST.as_secs_f64())
        } else {
            LONGEST.as_secs_f64()
        };
        let page = (posts_per_day * pause / 86_400.0).floor().clamp(1.0, f64::from(Pace::SLOW_PAGE)) as u32;
        // Bursts are read whole while the money is enough on the whole.
        let enough = per_day >= self.reading_per_day().0 as f64;
        Pace { pause: Duration::from_secs_f64(pause), page, pages: if enough { Pace::FREE.pages } else { 1 } }
    }
}

/// Money enough for this many times what was read lately: no need to slow down.
const FREELY: f64 = 1.5;
const LONGEST: Duration = Duration::from_hours(24);

/// How one feed is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two visits.
    pub pause: Duration,
    /// Posts asked for at once, at most.
    pub page: u32,
    /// Of one visit; what is older is left out.
    pub pages: u32,
}

impl Pace {
    pub const FREE: Self = Self { pause: Duration::from_mins(5), page: 100, pages: 5 };
    const SLOW_PAGE: u32 = 20;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn outlook(budget: u64, spent: u64, reading: u64, kept: u64) -> Outlook {
        let spending = Spending {
            spent: Micros(spent),
            reading: Micros(reading),
            posts: reading / 5_000,
            days: 7,
            ..Spending::default()
        };
        Outlook { budget: Micros(budget), prices: Prices::default(), spending, kept }
    }

    #[test]
    fn amounts_are_read_and_shown_to_the_millionth() {
        for (text, micros, shown) in [
            ("25", 25_000_000, "$25.00"),
            ("0.005", 5_000, "$0.005"),
            ("$1.5", 1_500_000, "$1.50"),
            ("0.000001", 1, "$0.000001"),
            (" 0 ", 0, "$0.00"),
        ] {
            assert_eq!(text.parse(), Ok(Micros(micros)), "{text}");
            assert_eq!(Micros(micros).to_string(), shown);
        }
        for text in ["", ".", "-1", "1,5", "0.0000001", "1e3", ".5", "99999999999999999999", "1.+5"] {
            assert_eq!(text.parse::<Micros>(), Err(NoAmount), "{text}");
        }
    }

    #[test]
    fn a_warning_comes_at_80_percent_and_the_stop_at_all_of_it() {
        let of = |taken| level(Micros(taken), Micros(1_000));
        assert_eq!([of(0), of(799), of(800), of(999)], [Level::Fine, Level::Fine, Level::Warning, Level::Warning]);
        assert_eq!([of(1_000), of(1_001), level(Micros(0), Micros(0))], [Level::Stop; 3]);
    }

    #[test]
    fn months_are_of_the_calendar_in_utc() {
        let of = |at| month_of(at);
        assert_eq!(
            of(datetime!(2026-12-31 23:59 UTC)),
            (datetime!(2026-12-01 0:00 UTC), datetime!(2027-01-01 0:00 UTC))
        );
        assert_eq!(of(datetime!(2027-01-01 8:00 +9)).0, datetime!(2026-12-01 0:00 UTC));
    }

    #[test]
    fn a_month_with_ten_days_to_go_is_foreseen() {
        // Seven days brought $7, so $1 a day; 20 posts are looked after, 10 cents a day.
        let now = datetime!(2026-11-21 0:00 UTC);
        let rich = outlook(25_000_000, 10_000_000, 7_000_000, 20).forecast(now);
        assert_eq!((rich.by_end, rich.rechecking, rich.stops), (Micros(21_000_000), Micros(1_000_000), None));
        let poor = outlook(15_500_000, 10_000_000, 7_000_000, 20).forecast(now);
        assert_eq!(poor.stops, Some(datetime!(2026-11-26 0:00 UTC)));
        assert_eq!(outlook(5, 5, 0, 0).forecast(now).level, Level::Stop);
    }

    #[test]
    fn reading_slows_down_when_the_money_would_not_last() {
        let now = datetime!(2026-11-21 0:00 UTC);
        assert_eq!(outlook(25_000_000, 1_000_000, 7_000_000, 0).pace(now, 1), Pace::FREE);
        // $1 for ten days: 20 posts a day.
        let slow = outlook(10_000_000, 9_000_000, 7_000_000, 0).pace(now, 1);
        assert_eq!(slow, Pace { pause: Duration::from_hours(24), page: 20, pages: 1 });
        let faster = outlook(13_000_000, 9_000_000, 7_000_000, 0).pace(now, 1);
        assert_eq!(faster.pause, Duration::from_hours(6));
        assert_eq!(outlook(13_000_000, 9_000_000, 7_000_000, 0).pace(now, 2).pause, Duration::from_hours(12));
    }

    proptest! {
        #[test]
        fn more_spent_never_foresees_less(
            budget in 0..100_000_000_u64, spent in 0..100_000_000_u64, more in 0..100_000_000_u64,
            reading in 0..100_000_000_u64, kept in 0..100_000_u64, seconds in 0..5_000_000_i64,
        ) {
            let now = datetime!(2026-11-01 0:00 UTC) + time::Duration::seconds(seconds);
            let less = outlook(budget, spent, reading, kept).forecast(now);
            for dearer in [
                outlook(budget, spent.saturating_add(more), reading, kept),
                outlook(budget, spent, reading.saturating_add(more), kept),
                outlook(budget, spent, reading, kept + more / 1_000),
            ] {
                let dearer = dearer.forecast(now);
                prop_assert!(dearer.by_end >= less.by_end && dearer.level >= less.level);
                prop_assert!(less.stops.is_none_or(|at| dearer.stops.is_some_and(|earlier| earlier <= at)));
            }
            prop_assert!(less.by_end >= Micros(spent) && less.stops.is_none_or(|at| at >= now));
        }

        #[test]
        fn a_slow_pace_makes_the_month(
            budget in 0..50_000_000_u64, spent in 0..50_000_000_u64, reading in 0..50_000_000_u64,
            kept in 0..1_000_u64, feeds in 1..300_u64, seconds in 0..2_500_000_i64,
        ) {
            let now = datetime!(2026-11-01 0:00 UTC) + time::Duration::seconds(seconds);
            let outlook = outlook(budget, spent, reading, kept);
            let pace = outlook.pace(now, feeds);
            prop_assert!(pace.page >= 1 && pace.pause >= Pace::FREE.pause && pace.pause <= LONGEST);
            // Enough money for what is read, or one visit a day: there the hard stop holds.
            if pace.pages == 1 && pace.pause < LONGEST {
                let visits = days_left(now) * 86_400.0 / pace.pause.as_secs_f64();
                let cost = visits * feeds as f64 * f64::from(pace.page) * outlook.prices.post.0 as f64;
                prop_assert!(cost <= budget.saturating_sub(spent) as f64 * 1.001 + 1.0, "{cost}");
            }
        }
    }
}
