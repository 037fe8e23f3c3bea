//! As in production: `discord.com` over TLS, with serenity's rate limits on.

use std::time::{Duration, Instant};

use super::fake::{Draft, Fault, Limits};
use super::inside::{Inside, Odds};
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_keeps_to_the_limits_and_waits_after_a_429() {
    let Some(stage) = Stage::watching(641).await else { return };
    let window = Duration::from_secs(2);
    let bot = Inside::on_discord(&stage, Odds { limits: Some(Limits::new(2, window)), ..Odds::default() }).await;
    let path = format!("channels/{}/messages", stage.art);
    let began = Instant::now();
    let mut posts = Vec::new();
    for seed in 60..66 {
        posts.push(stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed])));
    }
    let mut replies = 0;
    for &at in &posts {
        // A drawing whose face is not found gets none.
        replies += usize::from(stage.settled(at).await);
    }
    assert!(replies >= 5, "{replies}");
    assert!(began.elapsed() > window, "{replies} replies at two in {window:?} came in {:?}", began.elapsed());
    let refused = stage.discord.refusals(429);
    assert!(!refused.iter().any(|asked| asked == &format!("POST {path}")), "{refused:?}");

    stage.discord.faults(|faults| faults.next.push(("POST".into(), path, Fault::RateLimited)));
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[super::watching::ONE]));
    stage.discord.reply_to(at).await;
    assert_eq!(stage.discord.faults(|faults| faults.next.len()), 0);
    assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
    bot.stop().await;
}
