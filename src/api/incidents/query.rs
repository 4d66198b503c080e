//! Which incidents are asked for.

use axum::http::StatusCode;
use time::{Duration, OffsetDateTime};

use crate::api::error::{Answer, Problem};
use crate::api::extract::Params;
use crate::domain::incident::{Dictionaries, Level, State};
use crate::plan::room::moments;
use crate::store::IncidentFilter;

/// Parameters that choose incidents.
pub(in crate::api) const FILTERS: [&str; 11] =
    ["region", "grid", "unit", "category", "level", "state", "open", "overdue", "from", "to", "bbox"];

/// `true` or `false`.
fn flag(params: &Params, name: &str) -> Answer<Option<bool>> {
    match params.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Problem::bad(name, "true、false")),
    }
}

/// A code of one of some lengths.
fn code(params: &Params, name: &str, lengths: &[usize]) -> Answer<Option<String>> {
    let Some(code) = params.get(name) else { return Ok(None) };
    // those that lie in none
    if code == "none" && name != "region" {
        return Ok(Some(String::new()));
    }
    if lengths.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Some(code.to_owned()));
    }
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    Err(Problem::bad(name, format!("应为 {0} 位数字 / {0} digits", lengths.join("/"))))
}

/// A moment, or a day: its beginning or, for an end, the beginning of the next.
pub(in crate::api) fn moment(params: &Params, name: &str, is_end: bool) -> Answer<Option<OffsetDateTime>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    if let Some(day) = moments::day(text) {
        let start = moments::start_of(day);
        return Ok(Some(if is_end { start + Duration::days(1) } else { start }));
    }
    // a plus that was not escaped reads as a blank
    let what =
        "应为 2026-05-01 或 2026-05-01T10:00:00+08:00（+ 写作 %2B） / a day, or a time with its offset (+ as %2B)";
    let at = moments::parse(text).or_else(|| moments::parse(&text.replace(' ', "+")));
    at.map(Some).ok_or_else(|| Problem::bad(name, what))
}

fn bbox(params: &Params) -> Answer<Option<[f64; 4]>> {
    let Some(text) = params.get("bbox") else { return Ok(None) };
    let numbers: Vec<f64> = text.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    match numbers.as_slice() {
        &[a, b, c, d] if text.split(',').count() == 4 && a <= c && b <= d => Ok(Some([a, b, c, d])),
        _ => Err(Problem::bad("bbox", "最小经度,最小纬度,最大经度,最大纬度 / min lon, min lat, max lon, max lat")),
    }
}

/// A list of words, each of which must be known.
fn words<T>(params: &Params, name: &str, find: impl Fn(&str) -> Option<T>) -> Answer<Option<Vec<T>>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let one = |word: &str| {
        let shown: String = word.chars().take(40).collect();
        find(word.trim()).ok_or_else(|| Problem::bad(name, format!("没有“{shown}” / there is no \"{shown}\"")))
    };
    text.split(',').map(one).collect::<Answer<Vec<T>>>().map(Some)
}

/// The filter of a request.
///
/// # Errors
/// 400 with the parameter to blame.
pub(in crate::api) fn filter_of(params: &Params, lists: &Dictionaries) -> Answer<IncidentFilter> {
    let both = |word: &'static str, name: &'static str| [word.to_owned(), name.to_owned()];
    let states = words(params, "state", State::find)?;
    let levels = words(params, "level", Level::find)?;
    let categories = words(params, "category", |w| lists.category(w).map(|c| lists.stored_words(&c.key)))?;
    let (from, to) = (moment(params, "from", false)?, moment(params, "to", true)?);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        let what = "from 须早于 to / from must be before to";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", what).field("from"));
    }
    Ok(IncidentFilter {
        region: code(params, "region", &[2, 4, 6, 9, 12])?,
        grid: code(params, "grid", &[15])?,
        unit: code(params, "unit", &[18])?,
        categories: categories.map(|lists| lists.concat()),
        levels: levels.map(|l| l.into_iter().flat_map(|l| both(l.word(), l.name())).collect()),
        states: states.map(|l| l.into_iter().flat_map(|s| both(s.word(), s.name())).collect()),
        open: flag(params, "open")?,
        overdue: flag(params, "overdue")?,
        from: from.map(moments::stored),
        to: to.map(moments::stored),
        bbox_deg: bbox(params)?,
        now: moments::stored(OffsetDateTime::now_utc()),
    })
}
