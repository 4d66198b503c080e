//! `/api/jobs`: work that takes longer than a request, with its progress, its end, and a way to stop it. Whoever asked for a job is the
//! one who sees it, here and among the events.

use crate::store::Scope;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::{Params, Segments};
use crate::domain::hex;

/// Jobs of one kind that run at once; each takes all cores it finds.
const AT_ONCE: usize = 4;
/// How long the end of a job is remembered.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Between two tellings of one job's progress; a new stage and the end are told at once.
const PACE: Duration = Duration::from_millis(250);

/// What stands for a number nobody has told.
const UNKNOWN: u64 = u64::MAX;

/// All jobs of this process.
#[derive(Default)]
pub(crate) struct Jobs {
    list: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Counts what there was to tell of any job.
    news: watch::Sender<u64>,
}

struct Job {
    id: String,
    kind: &'static str,
    owner: String,
    /// As who the owner asked: whoever was moved meanwhile does not see it any more.
    scope: Scope,
    news: watch::Sender<u64>,
    /// Which of all news was the last of this job.
    turn: AtomicU64,
    cancel: Arc<AtomicBool>,
    /// Share done, in millionths.
    share: AtomicU64,
    /// Rows gone over and bytes of the file; [`UNKNOWN`] where the work has none.
    rows: AtomicU64,
    bytes: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    stage: String,
    told: Option<Instant>,
    ended: Option<Instant>,
    outcome: Option<Result<Value, Value>>,
}

impl Job {
    /// Says that there is something to tell.
    fn tell(&self) {
        self.news.send_modify(|n| {
            *n += 1;
            self.turn.store(*n, Ordering::Relaxed);
        });
    }

    fn status(&self, outcome: Option<&Result<Value, Value>>) -> &'static str {
        match outcome {
            None => "running",
            Some(Ok(_)) => "done",
            Some(Err(_)) if self.cancel.load(Ordering::Relaxed) => "cancelled",
            Some(Err(_)) => "failed",
        }
    }

    fn share(&self) -> f64 {
        self.share.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Rows gone over so far and bytes of the file, where they are known.
    fn amounts(&self) -> [Option<u64>; 2] {
        [&self.rows, &self.bytes].map(|n| Some(n.load(Ordering::Relaxed)).filter(|n| *n != UNKNOWN))
    }
}

/// What a job's work has at hand.
pub(crate) struct Work {
    job: Arc<Job>,
    /// Who asked for it.
    pub(crate) principal: Principal,
}

impl Work {
    /// Says how far it is.
    pub(crate) fn tell(&self, stage: &str, share: f64) {
        self.job.share.store((share.clamp(0.0, 1.0) * 1e6) as u64, Ordering::Relaxed);
        let mut inner = self.job.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = inner.stage != stage;
        if is_new {
            stage.clone_into(&mut inner.stage);
        }
        if is_new || inner.told.is_none_or(|at| at.elapsed() >= PACE) {
            inner.told = Some(Instant::now());
            drop(inner);
            self.job.tell();
        }
    }

    /// How many rows were gone over in this stage: what can be told where nobody knows how many there are.
    pub(crate) fn rows(&self, rows: u64) {
        self.job.rows.store(rows, Ordering::Relaxed);
    }

    /// How long the file is.
    pub(crate) fn bytes(&self, bytes: u64) {
        self.job.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Raised when it is to stop.
    pub(crate) fn cancel(&self) -> &AtomicBool {
        &self.job.cancel
    }

    /// The same, for work that goes on elsewhere.
    pub(crate) fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.job.cancel.clone()
    }
}

impl Jobs {
    /// Starts work on a thread that may compute; its id.
    ///
    /// # Errors
    /// 429 when too many run.
    pub(crate) fn start<F>(
        &self,
        kind: &'static str,
        principal: &Principal,
        work: impl FnOnce(Work) -> F + Send + 'static,
    ) -> Answer<String>
    where
        F: Future<Output = Answer<Value>>,
    {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|_, job| {
            let inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.ended.is_none_or(|at| at.elapsed() < REMEMBERED)
        });
        let running =
            list.values().filter(|j| j.kind == kind && j.inner.lock().is_ok_and(|i| i.ended.is_none())).count();
        if running >= AT_ONCE {
            let what =
                format!("已有 {AT_ONCE} 个任务在进行，请等一个结束 / {AT_ONCE} jobs run already: wait for one to end");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_jobs", what).retry_after_s(5));
        }
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes).map_err(|e| Problem::internal(e.to_string()))?;
        let id = hex(&bytes);
        let job = Arc::new(Job {
            id: id.clone(),
            kind,
            owner: principal.actor.clone(),
            scope: principal.scope.clone(),
            news: self.news.clone(),
            turn: AtomicU64::new(0),
            cancel: Arc::default(),
            share: AtomicU64::new(0),
            rows: AtomicU64::new(UNKNOWN),
            bytes: AtomicU64::new(UNKNOWN),
            inner: Mutex::default(),
        });
        list.insert(id.clone(), job.clone());
        job.tell();
        let own = Work { job: job.clone(), principal: principal.clone() };
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let worked = std::panic::AssertUnwindSafe(|| apart(|| runtime.block_on(work(own))));
            let outcome = match std::panic::catch_unwind(worked) {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(problem)) => Err(problem.into_value()),
                Err(_) => {
                    metrics::counter!("lianhu_panics_total").increment(1);
                    Err(Problem::internal("a job panicked").into_value())
                }
            };
            let mut inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.ended = Some(Instant::now());
            inner.outcome = Some(outcome);
            drop(inner);
            job.tell();
        });
        Ok(id)
    }

    /// Grows with everything there is to tell of any job.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// How somebody's own jobs stand that had something to tell after a turn and up to another, the oldest first; each as one line of JSON.
    pub(super) fn told_between(&self, actor: &str, after: u64, up_to: u64, running_only: bool) -> Vec<String> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = |job: &Job| job.turn.load(Ordering::Relaxed);
        let mut own: Vec<(u64, &Arc<Job>)> = list.values().filter(|j| j.owner == actor).map(|j| (turn(j), j)).collect();
        own.retain(|(turn, _)| *turn > after && *turn <= up_to);
        own.sort_unstable_by_key(|(turn, _)| *turn);
        let shown = |(turn, job): &(u64, &Arc<Job>)| {
            let inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let status = job.status(inner.outcome.as_ref());
            let [rows, bytes] = job.amounts();
            let data = json!({
                "id": job.id, "kind": job.kind, "status": status, "share": job.share(), "stage": inner.stage,
                "rows": rows, "bytes": bytes, "version": turn,
            });
            (status == "running" || !running_only).then(|| data.to_string())
        };
        own.iter().filter_map(shown).collect()
    }

    /// Whether a job runs or ended well; false for one that is forgotten.
    pub(crate) fn has_not_failed(&self, id: &str) -> bool {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.get(id).is_some_and(|job| {
            let inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
            !matches!(inner.outcome, Some(Err(_)))
        })
    }

    fn find(&self, principal: &Principal, id: &str) -> Answer<Arc<Job>> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |j: &&Arc<Job>| j.owner == principal.actor && j.scope == principal.scope;
        list.get(id).filter(own).cloned().ok_or_else(Problem::missing)
    }
}

/// Computes on threads of a job's own: what is computed for a request does not queue behind it.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().thread_name(|n| format!("job {n}")).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let job = app.jobs.find(&principal, &id)?;
    let inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
    let (result, problem) = match &inner.outcome {
        None => (&Value::Null, &Value::Null),
        Some(Ok(result)) => (result, &Value::Null),
        Some(Err(problem)) => (&Value::Null, problem),
    };
    let status = job.status(inner.outcome.as_ref());
    let [rows, bytes] = job.amounts();
    Ok(axum::Json(json!({
        "id": id, "kind": job.kind, "status": status, "share": job.share(), "stage": inner.stage, "rows": rows,
        "bytes": bytes, "result": result, "problem": problem,
    })))
}

/// Asks a job to stop; what it would have stored is not stored.
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
) -> Answer<StatusCode> {
    app.jobs.find(&principal, &id)?.cancel.store(true, Ordering::Relaxed);
    Ok(StatusCode::ACCEPTED)
}
