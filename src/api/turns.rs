//! Work that goes through many rows: off the request threads, a few at a time, so that it neither holds up who asks for little nor fills
//! the pool of threads when many ask for the same at once.

use tokio::sync::Semaphore;

use super::error::{Answer, Problem};

/// Done at once; others wait.
static TURNS: Semaphore = Semaphore::const_new(8);

/// Does what takes long when it is its turn. The work itself must not wait for another turn.
///
/// # Errors
/// 500 where it breaks down.
pub(super) async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let turn = TURNS.acquire().await.ok();
    let work = move || {
        // held until it is done, also when whoever asked went away
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(format!("work: {e}")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);

    #[tokio::test]
    async fn no_more_than_so_many_at_once_and_all_of_them() {
        let one = |n: usize| {
            in_turn(move || {
                MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(2));
                NOW.fetch_sub(1, Ordering::SeqCst);
                n
            })
        };
        let all = futures_util::future::join_all((0..64).map(one)).await;
        let done: Vec<usize> = all.into_iter().map(|n| n.expect("done")).collect();
        assert_eq!(done, (0..64).collect::<Vec<_>>());
        assert!((1..=8).contains(&MOST.load(Ordering::SeqCst)));
    }
}
