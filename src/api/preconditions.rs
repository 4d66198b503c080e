//! `If-Match` on single resources (RFC 9110 §13.1.1): absent 428, stale 412. An ETag is the row's version; with a feature's goes a mark of
//! what it says, as a store that was brought back from a copy counts its versions a second time.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::error::{Answer, Problem};

/// Longest list of ETags that is read.
const MOST: usize = 20;

/// What a client believes the version to be, and the mark where it sent one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Versions(Vec<(u64, Option<String>)>);

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
                let (version, mark) = match inner.split_once('.') {
                    None => (inner, None),
                    Some((version, mark)) => (version, Some(mark.to_owned())),
                };
                versions.extend(version.parse::<u64>().ok().map(|v| (v, mark)));
            }
        }
        Ok(Self(versions))
    }

    /// The current version, when it is among them.
    ///
    /// # Errors
    /// 412.
    pub(super) fn check(&self, current: u64) -> Answer<u64> {
        self.found(current, |mark| mark.is_none())
    }

    /// The same for a feature's row: a mark, where there is one, must be that of what the row says.
    ///
    /// # Errors
    /// 412.
    pub(super) fn check_row(&self, current: u64, content: u64) -> Answer<u64> {
        let own = mark(content);
        self.found(current, |mark| mark.is_none_or(|mark| *mark == own))
    }

    fn found(&self, current: u64, fits: impl Fn(Option<&String>) -> bool) -> Answer<u64> {
        let is_there = self.0.iter().any(|(version, mark)| *version == current && fits(mark.as_ref()));
        if is_there { Ok(current) } else { Err(stale(current)) }
    }
}

/// 412: somebody changed it meanwhile.
pub(super) fn stale(current: u64) -> Problem {
    let what = "已被他人修改 / somebody changed it meanwhile";
    let p = Problem::new(StatusCode::PRECONDITION_FAILED, "stale", what).with("current_version", current);
    p.hint("请重新读取后再改 / read it again and change that")
}

fn mark(content: u64) -> String {
    format!("{content:016x}")
}

/// A feature's row as an ETag: its version, and the hash of what it says.
pub(super) fn etag_of_row(version: u64, content: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}.{}\"", mark(content))).unwrap_or_else(|_| etag(version))
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
        let marked = etag_of_row(3, 0xab);
        assert_eq!(marked, "\"3.00000000000000ab\"");
        let of_row = |text: &HeaderValue| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.clone());
            Versions::of(&headers).expect("one")
        };
        assert_eq!(of_row(&marked).check_row(3, 0xab).expect("fits"), 3);
        assert_eq!(of_row(&etag(3)).check_row(3, 0xab).expect("a version alone says enough"), 3);
        // the same number of another history, and another number
        for (version, content) in [(3, 0xac), (4, 0xab)] {
            let refused = of_row(&marked).check_row(version, content).expect_err("stale");
            assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED);
        }
        assert!(of_row(&marked).check(3).is_err());
        let none = Versions::of(&HeaderMap::new()).expect_err("none");
        assert_eq!(none.status(), StatusCode::PRECONDITION_REQUIRED);
    }
}
