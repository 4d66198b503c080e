//! Why something is changed, as the logs keep it.

use axum::http::StatusCode;

use super::error::{Answer, Problem};
use crate::exchange::tells_of_a_person;

/// Longest reason, characters.
const LONGEST: usize = 500;

/// A reason as it is kept: one line. Logs are never changed, so it names nobody by number.
///
/// # Errors
/// 422 with the field.
pub(super) fn checked(said: Option<&str>) -> Answer<Option<String>> {
    let wrong = |what: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field("reason"));
    match said.map(str::trim).filter(|r| !r.is_empty()) {
        None => Ok(None),
        Some(r) if r.chars().count() > LONGEST || r.chars().any(char::is_control) => {
            wrong(format!("最多 {LONGEST} 字，一行 / one line of so many characters at most"))
        }
        Some(r) if tells_of_a_person(r) => {
            wrong("含身份证号或手机号，原因会长期留在记录里 / it holds an identity card or telephone number, and stays in the logs".to_owned())
        }
        Some(r) => Ok(Some(r.to_owned())),
    }
}
