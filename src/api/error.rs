//! The one envelope of errors: `application/problem+json` (RFC 9457) with a stable `code`, the field, a hint and the request's id.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::exchange::gate::GateError;
use crate::exchange::{ReadError, WriteError};
use crate::plan::register::RegisterError;
use crate::store::{StoreError, TransactError};

/// When the store was last found full, seconds since 1970.
static FULL_AT_S: AtomicI64 = AtomicI64::new(0);

/// Whether the store was found full within the last seconds: not ready then.
pub(super) fn store_is_full() -> bool {
    time::OffsetDateTime::now_utc().unix_timestamp() - FULL_AT_S.load(Ordering::Relaxed) < 5
}

tokio::task_local! {
    /// Id of the request being answered.
    pub(super) static REQUEST_ID: String;
}

/// Id of the request being answered; empty outside of one.
pub(super) fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// An answer that is not the one wished for.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// Apart, so that answers stay small.
    rest: Box<Rest>,
}

#[derive(Debug, Default)]
struct Rest {
    field: Option<String>,
    hint: Option<&'static str>,
    more: Map<String, Value>,
    retry_after_s: Option<u32>,
    noted: bool,
    /// For the log alone.
    cause: Option<String>,
}

/// What a problem's answer says of it to those around the handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) code: &'static str,
    /// Whoever made it told the audit log.
    pub(super) noted: bool,
}

/// Result of a handler.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem with its stable code and what to say, Chinese / English.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), rest: Box::default() }
    }

    /// 400 with the parameter or field to blame.
    pub fn bad(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).field(field)
    }

    /// 404.
    pub fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "没有这个资源 / there is no such resource")
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 401.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "请登录或提供令牌 / sign in or bring a token").hint(
            "POST /api/session；Authorization: Bearer 令牌 token；GIS：Basic，密码为令牌 with the token as password",
        )
    }

    /// 503.
    pub fn unavailable(retry_after_s: u32) -> Self {
        let mut p = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "服务暂时不可用，请稍后重试 / not available now, try again soon",
        );
        p.rest.retry_after_s = Some(retry_after_s);
        p
    }

    /// 500; the cause goes to the log, not to the client.
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut p = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "内部错误，请将 request_id 告知管理员 / internal error: tell the administrator the request_id",
        );
        p.rest.cause = Some(cause.into());
        p
    }

    /// The parameter or field to blame.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.rest.field = Some(field.chars().take(80).collect());
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.rest.hint = Some(hint);
        self
    }

    /// Another member of the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.rest.more.insert(name.to_owned(), value.into());
        self
    }

    /// The audit log knows of it.
    #[must_use]
    pub(super) fn noted(mut self) -> Self {
        self.rest.noted = true;
        self
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.rest.retry_after_s = Some(seconds);
        self
    }

    /// The same, said otherwise.
    #[must_use]
    pub fn reworded(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.detail = change(&self.detail);
        self
    }

    /// What is said to people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl Problem {
    /// The envelope; what must not leave goes to the log.
    pub(super) fn into_value(self) -> Value {
        let request_id = request_id();
        let hint = self.rest.hint.unwrap_or_else(|| super::hints::of(self.code, self.status));
        if let Some(cause) = &self.rest.cause {
            tracing::error!(request_id, code = self.code, cause, "failed");
        }
        let mut body = json!({
            "type": format!("urn:lianhu:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "hint": hint,
        });
        if let Some(map) = body.as_object_mut() {
            map.extend(self.rest.field.map(|f| ("field".to_owned(), f.into())));
            map.extend(self.rest.more);
            map.insert("request_id".to_owned(), request_id.into());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.rest.retry_after_s);
        let said = Said { code: self.code, noted: self.rest.noted };
        let mut response = (status, self.into_value().to_string()).into_response();
        response.extensions_mut().insert(said);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lianhu\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(e: StoreError) -> Self {
        let said = e.to_string();
        match e {
            StoreError::Newer { .. } | StoreError::Older { .. } => {
                let mut p = Self::unavailable(60);
                p.rest.cause = Some(said);
                p
            }
            StoreError::Busy { .. } => Self::unavailable(5),
            StoreError::Unavailable { retry_after_s } => Self::unavailable(retry_after_s.min(5)),
            StoreError::Conflict { grids, author, time, current_version, edit } => {
                Self::new(StatusCode::CONFLICT, "conflict", said)
                    .with("grids", grids)
                    .with("author", author)
                    .with("time", time)
                    .with("current_version", current_version)
                    .with("edit", edit)
                    .hint("请重新读取后再改 / read it again and edit that")
            }
            StoreError::NotFound { .. } => Self::missing(),
            StoreError::Forbidden { .. } => Self::forbidden(said),
            StoreError::Full => {
                FULL_AT_S.store(time::OffsetDateTime::now_utc().unix_timestamp(), Ordering::Relaxed);
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "store_full", said)
            }
            StoreError::Constraint { layer, id, what } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "constraint", what).with("layer", layer).with("id", id)
            }
            StoreError::Unsupported { filter, .. } => Self::bad(filter, said),
            StoreError::BadArgument { name, .. } => Self::bad(name, said),
            StoreError::KeyReused { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", said).field("Idempotency-Key")
            }
            StoreError::Cancelled => Self::new(StatusCode::CONFLICT, "cancelled", said),
            StoreError::Corrupt { .. } | StoreError::File { .. } | StoreError::Internal { .. } => Self::internal(said),
        }
    }
}

impl From<TransactError> for Problem {
    fn from(e: TransactError) -> Self {
        match e {
            TransactError::Store(e) => e.into(),
            TransactError::Refused(refusal) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invariant", refusal.message)
                    .with("refusal", refusal.detail)
            }
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(e: RegisterError) -> Self {
        let said = e.to_string();
        let faulty = |code| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, said.clone());
        match e {
            RegisterError::Store(e) => e.into(),
            RegisterError::Transact(e) => e.into(),
            RegisterError::Write(e) => e.into(),
            RegisterError::Gate(GateError::Read(e)) | RegisterError::Read(e) => of_file(&e),
            RegisterError::Gate(GateError::Mapping(_)) => faulty("bad_mapping").field("map"),
            RegisterError::Plan(_) => faulty("cannot_plan"),
            RegisterError::NoLayer { .. } => Self::missing(),
            RegisterError::NoHousehold { .. } => faulty("no_household"),
            RegisterError::State(_) => faulty("differs"),
            RegisterError::NotLegal { plan, breaches } => faulty("not_legal")
                .with("plan", plan)
                .with("breaches", serde_json::to_value(breaches).unwrap_or_default()),
            RegisterError::NoNet { .. } => faulty("no_net"),
            RegisterError::Seal(_) => faulty("no_key"),
        }
    }
}

/// What is wrong with a file: 413 beyond a cap, 400 where it is not even JSON, 422 for all else.
fn of_file(e: &ReadError) -> Problem {
    let status = match (e, e.code()) {
        (ReadError::Unreadable { .. }, _) => return Problem::internal(e.to_string()),
        (ReadError::Json { .. }, _) | (_, "json_depth") => StatusCode::BAD_REQUEST,
        (ReadError::Limit { .. }, "unsafe_name" | "encrypted") => StatusCode::UNPROCESSABLE_ENTITY,
        (ReadError::Limit { .. }, _) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, e.code(), e.to_string())
}

impl From<WriteError> for Problem {
    fn from(e: WriteError) -> Self {
        let said = e.to_string();
        match e {
            WriteError::TooManyRows { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_rows", said),
            WriteError::Format => Self::bad("f", said),
            WriteError::File { .. } | WriteError::Fields { .. } => Self::internal(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_text_stays_inside() {
        let e = StoreError::Corrupt { what: "SECRET".to_owned(), place: "page 3".to_owned() };
        let p = Problem::from(e);
        assert_eq!(p.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!p.detail.contains("SECRET") && p.rest.cause.is_some_and(|c| c.contains("SECRET")));
    }

    #[test]
    fn full_disk_is_507_and_conflict_names_grids() {
        assert_eq!(Problem::from(StoreError::Full).status.as_u16(), 507);
        let conflict = StoreError::Conflict {
            grids: vec!["520423102001001".to_owned()],
            author: "u-1".to_owned(),
            time: "t".to_owned(),
            current_version: 7,
            edit: None,
        };
        let p = Problem::from(conflict);
        assert_eq!((p.status.as_u16(), p.rest.more.get("current_version")), (409, Some(&Value::from(7))));
    }
}
