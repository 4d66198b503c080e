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
    /// Moves when anybody's rights changed.
    doors: tokio::sync::watch::Receiver<u64>,
    jobs: tokio::sync::watch::Receiver<u64>,
    /// Up to where jobs were told of; nothing before the first time.
    jobs_told: Option<u64>,
    came_back: bool,
    beat_at: Instant,
    stopping: tokio::sync::watch::Receiver<bool>,
    greeted: bool,
    ended: bool,
}

/// What a look at whoever listens says.
enum Look {
    /// All as it was.
    Same,
    /// Another role or area: what was read with the old one is not to be kept.
    Moved,
    /// May not come in any more, or nobody can say.
    Out,
}

impl Client {
    async fn look(&self) -> Look {
        match self.app.keeper.now(&self.principal).await {
            Ok(Some(now)) if now.scope == self.principal.scope => Look::Same,
            Ok(Some(_)) => Look::Moved,
            Ok(None) | Err(_) => Look::Out,
        }
    }

    /// Looks at whoever listens, where rights changed since the last time; what to say instead of going on, `None` to go on.
    async fn shut(&mut self) -> Option<Option<String>> {
        if !self.doors.has_changed().unwrap_or(true) {
            return None;
        }
        self.doors.mark_unchanged();
        match self.look().await {
            Look::Same => None,
            Look::Moved => {
                // the client comes again as who it is now, and reads everything anew
                self.ended = true;
                Some(Some(format!("id: {}\nevent: reset\ndata: {{}}\n\n", self.last)))
            }
            Look::Out => {
                // the log may tell of it only a moment later
                self.app.keeper.doubt(&self.principal);
                Some(None)
            }
        }
    }

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
        if self.ended {
            return None;
        }
        loop {
            if let Some(last) = self.shut().await {
                return last;
            }
            if self.beat_at <= Instant::now() {
                self.beat_at = Instant::now() + BEAT;
                // a session or token that ran out changes nothing that is told
                return matches!(self.look().await, Look::Same).then(|| ": 跳 beat\n\n".to_owned());
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
                        // these may be later than a change of rights that came meanwhile
                        if let Some(last) = self.shut().await {
                            return last;
                        }
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
                changed = self.doors.changed() => {
                    changed.ok()?;
                    // noted at the look
                    self.doors.mark_changed();
                }
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
    let (stopping, jobs, mut doors) = (app.stopping.clone(), app.jobs.news(), app.keeper.doors());
    // who asks was known before we began to watch
    doors.mark_changed();
    let client = Client {
        app,
        principal,
        last,
        head,
        doors,
        jobs,
        jobs_told: None,
        came_back: named.is_some(),
        beat_at: Instant::now() + BEAT,
        stopping,
        greeted: false,
        ended: false,
    };
    let pieces = stream::unfold(client, |mut client| async move {
        let piece = client.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(piece)), client))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, [("x-accel-buffering", "no")], Body::from_stream(pieces)))
}
