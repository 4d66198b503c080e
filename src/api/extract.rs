//! What handlers take from a request: JSON bodies with every field known, query parameters with every name known.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::error::{Answer, Problem};
use super::listen::body_time;
use crate::domain::hex;
use crate::store::Idempotency;

/// Most bytes of a JSON body.
const JSON_BYTES: usize = 1 << 20;
/// Most bytes of a JSON body of thousands of rows.
const LONG_JSON_BYTES: usize = 16 << 20;
const JSON: [&str; 1] = ["application/json"];

/// All bytes of a body, up to a limit, within the time a body may take.
///
/// # Errors
/// 413, 408.
pub(crate) async fn read_body(body: Body, most_bytes: usize, time: Duration) -> Answer<Vec<u8>> {
    match tokio::time::timeout(time, Limited::new(body, most_bytes).collect()).await {
        Err(_) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "请求体传送超时 / the body came too slowly"))
        }
        Ok(Ok(all)) => Ok(all.to_bytes().to_vec()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large(most_bytes as u64)),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "broken_body", "请求体不完整 / the body is not whole")),
    }
}

/// 413.
pub(crate) fn too_large(most_bytes: u64) -> Problem {
    let what = format!("请求体超过 {most_bytes} 字节 / the body is longer than {most_bytes} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", what)
}

/// What stands in the path; what is no text (or holds NUL, which no store keeps) is no resource there.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::missing());
        }
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(t)| Self(t)).map_err(|_| Problem::missing())
    }
}

/// A JSON body. Types that are read this way refuse unknown fields.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        json_of(request, JSON_BYTES, &JSON).await.map(Json)
    }
}

/// A JSON body of thousands of rows.
pub(crate) struct LongJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for LongJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        json_of(request, LONG_JSON_BYTES, &JSON).await.map(LongJson)
    }
}

/// JSON of any shape, and of some names.
///
/// # Errors
/// 400, 408, 413, 415.
pub(crate) async fn long_json(request: Request, kinds: &[&str]) -> Answer<serde_json::Value> {
    json_of(request, LONG_JSON_BYTES, kinds).await
}

async fn json_of<T: DeserializeOwned>(request: Request, most_bytes: usize, kinds: &[&str]) -> Answer<T> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kinds.iter().any(|k| kind.eq_ignore_ascii_case(k)) {
        let what = format!("Content-Type 须为 {0} / the body must be {0}", kinds.join(", "));
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", what));
    }
    let time = body_time(request.extensions());
    let bytes = read_body(request.into_body(), most_bytes, time).await?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|e| {
        let what = format!("JSON 第 {0} 行第 {1} 列：{e} / line {0}, column {1}", e.line(), e.column());
        let (status, code) = match e.classify() {
            serde_json::error::Category::Data => (StatusCode::UNPROCESSABLE_ENTITY, "bad_field"),
            _ => (StatusCode::BAD_REQUEST, "bad_json"),
        };
        let problem = Problem::new(status, code, what);
        match field_of(&e.to_string()) {
            Some(field) => problem.field(field),
            None => problem,
        }
    })
}

/// The field that the reader of JSON blames: one nobody knows, or one that is not there.
fn field_of(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once(" field `")?;
    rest.split_once('`').map(|(field, _)| field)
}

/// The key under which a request is done once, and what it was sent with.
///
/// # Errors
/// 400 where there is none.
pub(crate) fn idempotency(headers: &HeaderMap, request: &impl Serialize) -> Answer<Idempotency> {
    let key = super::idempotency::key_of(headers)?;
    let body = serde_json::to_vec(request).map_err(|e| Problem::internal(e.to_string()))?;
    Ok(Idempotency { key, body_sha256: hex(&Sha256::digest(&body)) })
}

/// Query parameters, decoded. Whoever takes them says which names there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query, or a form that was sent.
    ///
    /// # Errors
    /// 400 for what is no text, or a name that comes twice.
    pub(crate) fn parse(query: &str) -> Answer<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| {
                let text = text.replace('+', " ");
                percent_decode_str(&text)
                    .decode_utf8()
                    .map(std::borrow::Cow::into_owned)
                    .map_err(|_| Problem::bad(name, "参数不是 UTF-8 / the parameter is not UTF-8"))
            };
            let (name, value) = (decode(name)?, decode(value)?);
            if value.contains('\0') || name.contains('\0') {
                return Err(Problem::bad(&name, "参数含 NUL / the parameter holds NUL"));
            }
            if pairs.iter().any(|(n, _)| *n == name) {
                return Err(Problem::bad(&name, "参数重复 / the parameter comes twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Parameters as a test has them.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    /// Refuses names nobody knows.
    ///
    /// # Errors
    /// 400 with the name.
    pub(crate) fn only(&self, known: &[&str]) -> Answer<()> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(40).collect();
                let what = if known.is_empty() {
                    format!("没有参数“{shown}”；此处不接受参数 / no parameter \"{shown}\"; none is understood here")
                } else {
                    format!("没有参数“{shown}”；可用 {0} / no parameter \"{shown}\"; there are {0}", known.join(", "))
                };
                Err(Problem::new(StatusCode::BAD_REQUEST, "unknown_parameter", what).field(&shown))
            }
        }
    }

    /// A parameter's value; an empty one counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// A whole number within a range.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Answer<Option<u64>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || {
            let what = format!("应为 {0}–{1} 的整数 / a whole number, {0}–{1}", range.start(), range.end());
            Problem::bad(name, what)
        };
        text.parse().ok().filter(|n| range.contains(n)).map(Some).ok_or_else(wrong)
    }

    /// All pairs, for links to the same with something changed.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_json_is_refused_for_are_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wish {
            #[expect(dead_code, reason = "only read")]
            name: String,
        }
        for (text, field) in
            [(r#"{"name": "a", "nmae": 1}"#, Some("nmae")), ("{}", Some("name")), (r#"{"name": 1}"#, None)]
        {
            let said = serde_json::from_str::<Wish>(text).expect_err("refused").to_string();
            assert_eq!(field_of(&said), field, "{said}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_known_or_refused() {
        let p = Params::parse("bbox=1%2C2&名=%E6%9D%91+a&x").expect("parameters");
        assert_eq!((p.get("bbox"), p.get("名"), p.get("x")), (Some("1,2"), Some("村 a"), None));
        assert!(p.only(&["bbox", "名", "x"]).is_ok() && p.only(&["bbox"]).is_err());
        for bad in ["a=1&a=2", "a=%00", "a=%FF"] {
            assert!(Params::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Params::parse("n=7").expect("parameters").number("n", 1..=7).expect("number"), Some(7));
        assert!(Params::parse("n=8").expect("parameters").number("n", 1..=7).is_err());
    }
}
