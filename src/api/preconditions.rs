//! `If-Match` on single resources (RFC 9110 §13.1.1): absent 428, stale 412. An ETag is the row's version.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::error::{Answer, Problem};

/// Longest list of ETags that is read.
const MOST: usize = 20;

/// What a client believes the version to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Versions(Vec<u64>);

impl Versions {
    /// The versions a request is ready to change.
    ///
    /// # Errors
    /// 428 where it names none, 400 for what is no ETag.
    pub(super) fn of(headers: &HeaderMap) -> Answer<Self> {
        let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            let what = "请求头须有 If-Match：所读到的 ETag / the header If-Match is wanted: the ETag that was read";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "if_match_missing", what).field("If-Match"));
        }
        let wrong = || Problem::bad("If-Match", "不是 ETag / no ETag");
        let mut versions = Vec::new();
        for line in lines {
            for tag in line.to_str().map_err(|_| wrong())?.split(',').map(str::trim).take(MOST) {
                // weak ones and * never stand for one version
                if tag == "*" || tag.starts_with("W/\"") {
                    continue;
                }
                let inner = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or_else(wrong)?;
                versions.extend(inner.parse::<u64>().ok());
            }
        }
        Ok(Self(versions))
    }

    /// The current version, when it is among them.
    ///
    /// # Errors
    /// 412.
    pub(super) fn check(&self, current: u64) -> Answer<u64> {
        if self.0.contains(&current) {
            return Ok(current);
        }
        Err(stale(current))
    }
}

/// 412: somebody changed it meanwhile.
pub(super) fn stale(current: u64) -> Problem {
    let what = "已被他人修改 / somebody changed it meanwhile";
    let p = Problem::new(StatusCode::PRECONDITION_FAILED, "stale", what).with("current_version", current);
    p.hint("请重新读取后再改 / read it again and change that")
}

/// A version as an ETag.
pub(super) fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e13_only_a_strong_etag_of_the_version_is_a_match() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            Versions::of(&headers)
        };
        assert_eq!(of("\"3\"").expect("one").check(3).expect("fits"), 3);
        assert_eq!(of("\"2\", \"3\"").expect("two").check(3).expect("fits"), 3);
        for stale in ["\"2\"", "*", "W/\"3\"", "\"x\"", "\"\""] {
            assert_eq!(of(stale).expect(stale).check(3).expect_err(stale).status(), StatusCode::PRECONDITION_FAILED);
        }
        for garbage in ["3", "\"3", ""] {
            assert_eq!(of(garbage).expect_err(garbage).status(), StatusCode::BAD_REQUEST, "{garbage}");
        }
        let none = Versions::of(&HeaderMap::new()).expect_err("none");
        assert_eq!(none.status(), StatusCode::PRECONDITION_REQUIRED);
    }
}
