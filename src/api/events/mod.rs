//! `/api/events`: what changed, as it changes (SSE). Events are the audit log's entries that concern data: its numbers are their ids, so
//! they come in commit order, from whichever process wrote, and a client that names the last one it saw misses none. Beside them, whoever
//! asked this process for a job is told how it stands: such events have no id, since each tells the whole of a state, and whoever comes
//! back is told the last one anew.

mod tail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use futures_util::stream;

use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::Params;
use super::{App, raised};

pub(super) use tail::Tail;
use tail::{Event, Since};

/// A sign of life within this time.
const BEAT: Duration = Duration::from_secs(15);

struct Client {
    app: Arc<App>,
    principal: Principal,
    last: u64,
    head: tokio::sync::watch::Receiver<u64>,
    jobs: tokio::sync::watch::Receiver<u64>,
    /// Up to where jobs were told of; nothing before the first time.
    jobs_told: Option<u64>,
    came_back: bool,
    beat_at: Instant,
    stopping: tokio::sync::watch::Receiver<bool>,
    greeted: bool,
}

impl Client {
    fn text(&self, events: &[Arc<Event>]) -> String {
        let seen = events.iter().filter(|e| e.is_seen_by(&self.principal.scope));
        seen.map(|e| format!("id: {}\nevent: {}\ndata: {}\n\n", e.id, e.kind, e.data)).collect()
    }

    /// Own jobs that had something to tell since the last time. At first: those that run, and for a client that was here before also
    /// those that ended, as it may have missed that.
    fn jobs(&mut self) -> String {
        let up_to = *self.jobs.borrow_and_update();
        let first = self.jobs_told.is_none();
        let after = self.jobs_told.replace(up_to).unwrap_or_default();
        if after == up_to {
            return String::new();
        }
        let told = self.app.jobs.told_between(&self.principal.actor, after, up_to, first && !self.came_back);
        told.iter().map(|data| format!("event: job\ndata: {data}\n\n")).collect()
    }

    /// The next piece of the stream; `None` ends it.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            // the id tells a client that reconnects before the first event where it was
            return Some(format!("retry: 2000\nid: {}\n: 你好 hello\n\n", self.last));
        }
        loop {
            if self.beat_at <= Instant::now() {
                self.beat_at = Instant::now() + BEAT;
                // whoever may no longer come in does not go on listening
                return self.app.keeper.still_known(&self.principal).await.then(|| ": 跳 beat\n\n".to_owned());
            }
            let told = self.jobs();
            if !told.is_empty() {
                return Some(told);
            }
            let head = *self.head.borrow_and_update();
            // also an id beyond the head: it is of another log
            if head != self.last {
                match self.app.tail.since(self.last).await {
                    Ok(Since::Events(events, up_to)) => {
                        let text = self.text(&events);
                        self.last = up_to;
                        if !text.is_empty() {
                            return Some(text);
                        }
                        continue;
                    }
                    Ok(Since::Gone(head)) => {
                        self.last = head;
                        return Some(format!("id: {head}\nevent: reset\ndata: {{}}\n\n"));
                    }
                    // the client comes again with the last id it saw
                    Err(_) => return None,
                }
            }
            tokio::select! {
                changed = self.head.changed() => changed.ok()?,
                changed = self.jobs.changed() => changed.ok()?,
                () = raised(&mut self.stopping) => return None,
                () = tokio::time::sleep_until(self.beat_at.into()) => {}
            }
        }
    }
}

pub(super) async fn stream(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<impl IntoResponse> {
    params.only(&["last_event_id"])?;
    let named = headers.get("last-event-id").and_then(|v| v.to_str().ok()).or_else(|| params.get("last_event_id"));
    let head = app.tail.head();
    let now = *head.borrow();
    let last = match named {
        None => now,
        Some(text) => text.trim().parse().map_err(|_| Problem::bad("Last-Event-ID", "应为整数 / a whole number"))?,
    };
    let (stopping, jobs) = (app.stopping.clone(), app.jobs.news());
    let client = Client {
        app,
        principal,
        last,
        head,
        jobs,
        jobs_told: None,
        came_back: named.is_some(),
        beat_at: Instant::now() + BEAT,
        stopping,
        greeted: false,
    };
    let pieces = stream::unfold(client, |mut client| async move {
        let piece = client.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(piece)), client))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, [("x-accel-buffering", "no")], Body::from_stream(pieces)))
}
