//! CQL2 over a collection's fields: comparisons, AND/OR/NOT, IN, BETWEEN, LIKE, IS NULL, CASEI, S_INTERSECTS, times. Names and types are
//! settled before the first row; what is not understood is an error, never left out. An absent value is unknown, as in SQL.

mod bind;
mod json;
mod text;
mod tree;

use std::borrow::Cow;

use geo::{BoundingRect, Geometry, Intersects};

use crate::api::error::{Answer, Problem};
use crate::api::memory::{Shape, Snapshot};

use super::time::{Span, span};

pub(super) use bind::Names;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A constant, of the kind of the field it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Text(String),
    Number(f64),
    Bool(bool),
    Time(Span),
}

/// How two times lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temporal {
    After,
    Before,
    During,
    Equals,
    Intersects,
    Disjoint,
}

/// A piece of `LIKE`'s pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// `%`.
    Any,
    /// `_`.
    One,
    Char(char),
}

/// A filter ready for rows; fields by their position.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Known(bool),
    Compare(usize, Compare, Constant, Case),
    Between(usize, Constant, Constant),
    In(usize, Vec<Constant>, Case),
    Like(usize, Vec<Piece>, Case),
    IsNull(usize),
    Time(usize, Temporal, Span),
    Intersects(Box<Geometry<f64>>),
}

/// Whether letters of either case are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Told,
    Same,
}

/// How a filter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Text,
    Json,
}

/// Reads a filter.
///
/// # Errors
/// 400 with what was not understood, and where; 403 for fields the reader may not see.
pub(super) fn parse(writing: Writing, filter: &str, names: &Names<'_>) -> Answer<Filter> {
    let read = match writing {
        Writing::Text => text::parse(filter),
        Writing::Json => json::parse(filter),
    };
    let bound = read.and_then(|tree| bind::filter(tree, names));
    bound.map_err(|fault| {
        let mut p = Problem::new(axum::http::StatusCode::BAD_REQUEST, "bad_filter", fault.what).field("filter");
        if let Some(at) = fault.at {
            p = p.with("at", at);
        }
        p
    })
}

/// A field's text out of JSON.
fn text_of(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(json);
    if inner.contains('\\') {
        serde_json::from_str(json).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

fn order(json: &str, constant: &Constant, case: Case) -> Option<std::cmp::Ordering> {
    match constant {
        Constant::Text(t) if case == Case::Same => Some(text_of(json).to_lowercase().as_str().cmp(t)),
        Constant::Text(t) => Some(text_of(json).as_ref().cmp(t)),
        Constant::Number(n) => json.parse::<f64>().ok()?.partial_cmp(n),
        Constant::Bool(b) => Some((json == "true").cmp(b)),
        Constant::Time(s) => {
            let of = span(&text_of(json))?;
            // equal is what lies within a day that was named
            if of.from >= s.from && of.to <= s.to {
                Some(std::cmp::Ordering::Equal)
            } else {
                Some(of.from.cmp(&s.from))
            }
        }
    }
}

/// Greedy matching with one place to go back to: linear times the number of `%`, never exponential.
fn is_like(text: &str, pattern: &[Piece]) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < chars.len() {
        let fits = match pattern.get(p) {
            Some(Piece::Any) => {
                back = Some((t, p));
                p += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Char(c)) => chars.get(t) == Some(c),
            None => false,
        };
        if fits {
            (t, p) = (t + 1, p + 1);
        } else if let Some((bt, bp)) = back {
            back = Some((bt + 1, bp));
            (t, p) = (bt + 1, bp + 1);
        } else {
            return false;
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|x| *x == Piece::Any))
}

impl Filter {
    /// All of several.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::And(parts)
    }

    /// Whether a row fits; `None` when that is unknown.
    fn holds(&self, fields: &[&str], shape: Option<&Shape>) -> Option<bool> {
        let value = |at: &usize| fields.get(*at).copied().filter(|v| *v != "null");
        match self {
            Self::And(parts) => {
                let mut known = Some(true);
                for part in parts {
                    match part.holds(fields, shape) {
                        Some(false) => return Some(false),
                        None => known = None,
                        Some(true) => {}
                    }
                }
                known
            }
            Self::Or(parts) => {
                let mut known = Some(false);
                for part in parts {
                    match part.holds(fields, shape) {
                        Some(true) => return Some(true),
                        None => known = None,
                        Some(false) => {}
                    }
                }
                known
            }
            Self::Not(inner) => inner.holds(fields, shape).map(|b| !b),
            Self::Known(b) => Some(*b),
            Self::Compare(at, how, constant, case) => order(value(at)?, constant, *case).map(|o| how.holds(o)),
            Self::Between(at, low, high) => {
                let v = value(at)?;
                Some(order(v, low, Case::Told)?.is_ge() && order(v, high, Case::Told)?.is_le())
            }
            Self::In(at, list, case) => {
                let v = value(at)?;
                Some(list.iter().any(|c| order(v, c, *case).is_some_and(std::cmp::Ordering::is_eq)))
            }
            Self::Like(at, pattern, case) => {
                let text = text_of(value(at)?);
                Some(if *case == Case::Same { is_like(&text.to_lowercase(), pattern) } else { is_like(&text, pattern) })
            }
            Self::IsNull(at) => Some(value(at).is_none()),
            Self::Time(at, how, s) => {
                let of = span(&text_of(value(at)?))?;
                Some(match how {
                    Temporal::After => of.from >= s.to,
                    Temporal::Before => of.to <= s.from,
                    Temporal::During => of.from >= s.from && of.to <= s.to,
                    Temporal::Equals => of == *s,
                    Temporal::Intersects => of.meets(s),
                    Temporal::Disjoint => !of.meets(s),
                })
            }
            Self::Intersects(g) => Some(match shape? {
                Shape::Point([x, y]) => g.intersects(&geo::Point::new(*x, *y)),
                Shape::Other(of) => g.intersects(of.as_ref()),
            }),
        }
    }

    /// Whether a row of a snapshot fits.
    pub(super) fn fits<'s>(&self, snapshot: &'s Snapshot, row: u32, fields: &mut Vec<&'s str>) -> bool {
        fields.clear();
        fields.extend(snapshot.fields(row).map(|(_, v)| v));
        self.holds(fields, snapshot.shape(row)) == Some(true)
    }

    /// A box in degrees outside of which nothing fits, where one can be told.
    pub(super) fn box_deg(&self) -> Option<[f64; 4]> {
        match self {
            Self::Intersects(g) => {
                let r = g.bounding_rect()?;
                Some([r.min().x, r.min().y, r.max().x, r.max().y])
            }
            Self::And(parts) => parts.iter().find_map(Self::box_deg),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
