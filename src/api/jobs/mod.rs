//! `/api/jobs`: work that takes longer than a request, with its progress, its end, and a way to stop it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::Params;
use crate::domain::hex;

/// Jobs of one kind that run at once; each takes all cores it finds.
const AT_ONCE: usize = 4;
/// How long the end of a job is remembered.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// All jobs of this process.
#[derive(Default)]
pub(crate) struct Jobs {
    list: Mutex<BTreeMap<String, Arc<Job>>>,
}

struct Job {
    kind: &'static str,
    owner: String,
    cancel: AtomicBool,
    /// Share done, in millionths.
    share: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    stage: String,
    ended: Option<Instant>,
    outcome: Option<Result<Value, Value>>,
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
        if inner.stage != stage {
            stage.clone_into(&mut inner.stage);
        }
    }

    /// Raised when it is to stop.
    pub(crate) fn cancel(&self) -> &AtomicBool {
        &self.job.cancel
    }
}

impl Jobs {
    /// Starts work on a thread that may compute; its id.
    ///
    /// # Errors
    /// 503 when too many run.
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
            return Err(Problem::unavailable(5));
        }
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes).map_err(|e| Problem::internal(e.to_string()))?;
        let id = hex(&bytes);
        let job = Arc::new(Job {
            kind,
            owner: principal.actor.clone(),
            cancel: AtomicBool::new(false),
            share: AtomicU64::new(0),
            inner: Mutex::default(),
        });
        list.insert(id.clone(), job.clone());
        let own = Work { job: job.clone(), principal: principal.clone() };
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let worked = std::panic::AssertUnwindSafe(|| runtime.block_on(work(own)));
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
        });
        Ok(id)
    }

    fn find(&self, principal: &Principal, id: &str) -> Answer<Arc<Job>> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.get(id).filter(|j| j.owner == principal.actor).cloned().ok_or_else(Problem::missing)
    }
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    principal: Principal,
    Path(id): Path<String>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&[])?;
    let job = app.jobs.find(&principal, &id)?;
    let inner = job.inner.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, result, problem) = match &inner.outcome {
        None => ("running", Value::Null, Value::Null),
        Some(Ok(result)) => ("done", result.clone(), Value::Null),
        Some(Err(problem)) if job.cancel.load(Ordering::Relaxed) => ("cancelled", Value::Null, problem.clone()),
        Some(Err(problem)) => ("failed", Value::Null, problem.clone()),
    };
    let share = job.share.load(Ordering::Relaxed) as f64 / 1e6;
    Ok(axum::Json(json!({
        "id": id, "kind": job.kind, "status": status, "share": share, "stage": inner.stage, "result": result, "problem": problem,
    })))
}

/// Asks a job to stop; what it would have stored is not stored.
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    app.jobs.find(&principal, &id)?.cancel.store(true, Ordering::Relaxed);
    Ok(StatusCode::ACCEPTED)
}
