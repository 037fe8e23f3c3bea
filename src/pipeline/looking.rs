//! One look a picture: posts that show the same one may be on their way at the same time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::PictureId;

/// A lock a picture.
#[derive(Debug, Default)]
pub(super) struct Looking {
    locks: std::sync::Mutex<HashMap<PictureId, Weak<Mutex<()>>>>,
}

impl Looking {
    /// Waits until nobody else looks at the picture.
    pub(super) async fn alone(&self, picture: PictureId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            if let Some(lock) = locks.get(&picture).and_then(Weak::upgrade) {
                lock
            } else {
                let lock = Arc::new(Mutex::new(()));
                locks.insert(picture, Arc::downgrade(&lock));
                lock
            }
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_picture_waits_and_another_does_not() {
        let looking = Looking::default();
        let first = looking.alone(PictureId([1; 32])).await;
        let other = looking.alone(PictureId([2; 32])).await;
        let mut again = Box::pin(looking.alone(PictureId([1; 32])));
        assert!(futures_pending(&mut again).await);
        drop(first);
        drop(again.await);
        drop(other);
        drop(looking.alone(PictureId([3; 32])).await);
        assert_eq!(looking.locks.lock().unwrap().len(), 1, "those that nobody holds are let go");
    }

    async fn futures_pending<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }
}
