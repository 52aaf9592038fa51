//! What each worker is at, so that one that does not come back can be named.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::peer::Peer;

/// One post for each worker.
pub(crate) struct Posts {
    began: Instant,
    stuck_after: Duration,
    posts: Vec<Post>,
    /// For each post, the turn that was called stuck: its connection and its begin.
    stuck: Mutex<Vec<Option<(u64, u64)>>>,
}

/// Written by its worker, read by the watch.
#[derive(Default)]
struct Post {
    /// The connection it serves; 0 for none.
    id: AtomicU64,
    /// Since when, in milliseconds after `began`.
    since: AtomicU64,
}

impl Posts {
    pub(crate) fn new(workers: usize, stuck_after: Duration) -> Posts {
        Posts {
            began: Instant::now(),
            stuck_after,
            posts: (0..workers).map(|_| Post::default()).collect(),
            stuck: Mutex::new(vec![None; workers]),
        }
    }

    pub(crate) fn begin(&self, worker: usize, id: u64, now: Instant) {
        let post = &self.posts[worker];
        post.since.store(self.millis(now), Ordering::Relaxed);
        post.id.store(id, Ordering::Release);
    }

    pub(crate) fn end(&self, worker: usize) {
        self.posts[worker].id.store(0, Ordering::Release);
    }

    /// Workers that serve somebody now, and those of them that are stuck.
    pub(crate) fn load(&self) -> (usize, usize) {
        let busy = self
            .posts
            .iter()
            .filter(|post| post.id.load(Ordering::Relaxed) != 0)
            .count();
        (busy, self.stuck.lock().iter().flatten().count())
    }

    /// When the next worker will have been away for too long.
    pub(crate) fn next(&self) -> Option<Instant> {
        let busy = self
            .posts
            .iter()
            .filter(|post| post.id.load(Ordering::Acquire) != 0);
        let earliest = busy.map(|post| post.since.load(Ordering::Relaxed)).min()?;
        let due = self.began + Duration::from_millis(earliest) + self.stuck_after;
        // One that is stuck already is looked at once a second, to see it come back.
        Some(due.max(Instant::now() + Duration::from_secs(1)))
    }

    /// Names workers that are stuck, once, and says when they are back.
    pub(crate) fn look(&self, now: Instant, peer_of: impl Fn(u64) -> Option<Peer>) {
        let now = self.millis(now);
        let stuck_after = u64::try_from(self.stuck_after.as_millis()).unwrap_or(u64::MAX);
        let mut stuck = self.stuck.lock();
        for (worker, (post, known)) in self.posts.iter().zip(stuck.iter_mut()).enumerate() {
            let id = post.id.load(Ordering::Acquire);
            let since = post.since.load(Ordering::Relaxed);
            if let Some((was, began)) = *known
                && (was, began) != (id, since)
            {
                *known = None;
                let ms = now - began;
                info!(worker, id = was, ms, "the stuck worker is back");
            }
            let late = id != 0 && now.saturating_sub(since) >= stuck_after;
            if late && known.is_none() {
                *known = Some((id, since));
                let peer = peer_of(id).map(|peer| peer.to_string()).unwrap_or_default();
                let ms = now - since;
                warn!(
                    worker,
                    id, peer, ms, "a worker does not come back from its handler"
                );
            }
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}
