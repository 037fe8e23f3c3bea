//! Money that was put aside, spent, or lost on the way.

use proptest::prelude::*;

use super::*;
use crate::domain::{Level, Micros, Purpose, Reads, Spending, level};

const LIMIT: Micros = Micros(1_000_000);

async fn reserve(home: &Home, amount: u64, at: OffsetDateTime) -> Option<ReservationId> {
    home.store.reserve_money(PostSource::X, Purpose::Reading, Micros(amount), LIMIT, at).await.expect("reserves")
}

async fn account(home: &Home, at: OffsetDateTime) -> Spending {
    home.store.spending(PostSource::X, at).await.expect("reads")
}

fn posts(posts: u64) -> Reads {
    Reads { posts, ..Reads::default() }
}

#[tokio::test]
async fn what_was_put_aside_counts_until_its_answer_is_there() {
    let home = Home::new().await;
    let first = reserve(&home, 600_000, NOW).await.expect("fits");
    assert_eq!(reserve(&home, 400_001, NOW).await, None, "one millionth too much");
    assert_eq!(account(&home, NOW).await.reserved, Micros(600_000));
    home.store.settle_money(first, Micros(5_000), posts(1)).await.expect("settles");
    home.store.settle_money(first, Micros(5_000), posts(1)).await.expect("a second time is nothing");
    let now = account(&home, NOW).await;
    let expected = Spending { spent: Micros(5_000), reading: Micros(5_000), posts: 1, days: 1, ..Spending::default() };
    assert_eq!(now, expected);
    assert!(reserve(&home, 995_000, NOW).await.is_some(), "to the last millionth");
}

#[tokio::test]
async fn what_a_kill_left_open_is_spent() {
    let home = Home::new().await;
    reserve(&home, 300_000, NOW).await.expect("fits");
    let home = home.reopen().await;
    assert_eq!(account(&home, NOW).await.taken(), Micros(300_000), "also before it is settled");
    assert_eq!(home.store.settle_lost_money().await.expect("settles"), 1);
    assert_eq!((account(&home, NOW).await.spent, account(&home, NOW).await.reserved), (Micros(300_000), Micros(0)));
    assert_eq!(home.store.settle_lost_money().await.expect("settles"), 0);
    assert_eq!(account(&home, NOW).await.reading, Micros(0), "it says nothing of how much is read");
}

#[tokio::test]
async fn each_month_and_each_source_has_an_account_of_its_own() {
    let home = Home::new().await;
    let (last, next) = (datetime!(2026-11-30 23:59:59 UTC), datetime!(2026-12-01 0:00 UTC));
    let spent = reserve(&home, 1_000_000, last).await.expect("fits");
    home.store.settle_money(spent, Micros(1_000_000), posts(200)).await.expect("settles");
    assert_eq!(reserve(&home, 1, last).await, None);
    assert!(reserve(&home, 1_000_000, next).await.is_some());
    let december = account(&home, next).await;
    assert_eq!((december.spent, december.reserved), (Micros(0), Micros(1_000_000)));
    assert_eq!(
        (december.reading, december.posts, december.days),
        (Micros(1_000_000), 200, 2),
        "of the last seven days"
    );
    assert_eq!(home.store.spending(PostSource::Bluesky, last).await.expect("reads").taken(), Micros(0));
}

#[tokio::test]
async fn accounts_are_known_by_number_and_by_name() {
    let home = Home::new().await;
    let user = |id: &str, handle: &str, days: i64| XUser {
        id: id.into(),
        handle: handle.into(),
        name: None,
        protected: false,
        read_at: NOW + Duration::days(days),
    };
    home.store.keep_x_users(&[user("1", "Ada", 0), user("2", "grace", 1)]).await.expect("keeps");
    home.store.keep_x_users(&[user("3", "ada", 2), user("1", "ada_old", 3)]).await.expect("keeps");
    assert_eq!(home.store.x_user_named("ADA").await.expect("reads"), Some(user("3", "ada", 2)));
    let mut known = home.store.x_users(&["1".into(), "9".into(), "2".into()]).await.expect("reads");
    known.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(known, [user("1", "ada_old", 3), user("2", "grace", 1)]);
}

/// What happens to the money and its requests.
#[derive(Debug, Clone)]
enum Event {
    /// Asks for so many posts; the service bills this share of them, in 255ths.
    Ask(u8, u8),
    /// The answer of the n-th open request comes in.
    Answer(usize),
    /// It is lost.
    Lose(usize),
    /// The program is killed and started again.
    Kill,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u8.., any::<u8>()).prop_map(|(posts, share)| Event::Ask(posts, share)),
        3 => any::<usize>().prop_map(Event::Answer),
        1 => any::<usize>().prop_map(Event::Lose),
        1 => Just(Event::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_count_is_never_below_the_bill_nor_either_over_the_budget(events in proptest::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            const POST: u64 = 5_000;
            let mut home = Home::new().await;
            let (mut bill, mut lost) = (0, false);
            let mut open: Vec<(ReservationId, u64, u64)> = Vec::new();
            for event in events {
                match event {
                    Event::Ask(asked, share) => {
                        let asked = u64::from(asked);
                        if let Some(id) = reserve(&home, asked * POST, NOW).await {
                            let served = asked * u64::from(share) / 255;
                            bill += served * POST;
                            open.push((id, asked, served));
                        }
                    }
                    Event::Answer(n) if !open.is_empty() => {
                        let (id, _, served) = open.swap_remove(n % open.len());
                        home.store.settle_money(id, Micros(served * POST), posts(served)).await.expect("settles");
                    }
                    Event::Lose(n) if !open.is_empty() => {
                        let (id, asked, served) = open.swap_remove(n % open.len());
                        lost |= asked != served;
                        home.store.lose_money(id).await.expect("settles");
                    }
                    Event::Answer(_) | Event::Lose(_) => {}
                    Event::Kill => {
                        lost |= open.iter().any(|(_, asked, served)| asked != served);
                        open.clear();
                        home = home.reopen().await;
                        home.store.settle_lost_money().await.expect("settles");
                    }
                }
                let account = account(&home, NOW).await;
                prop_assert!(account.taken().0 >= bill, "{account:?} is below {bill}");
                prop_assert!(account.taken() <= LIMIT && bill <= LIMIT.0);
                if open.is_empty() && !lost {
                    prop_assert_eq!(account.spent.0, bill, "every answer came: equal");
                }
                prop_assert_eq!(level(account.taken(), LIMIT) == Level::Stop, account.taken() >= LIMIT);
            }
            Ok(())
        })?;
    }
}
