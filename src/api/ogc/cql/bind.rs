//! Names become positions, constants take the kind of the field they are compared with.

use geo::{CoordsIter, Geometry, MapCoords};

use crate::api::memory::collection::{Kind, Spec};

use super::super::crs::Crs;
use super::super::time::{Span, span};
use super::tree::{Fault, MOST, Tree};
use super::{Case, Compare, Constant, Filter, Piece, Temporal};

/// Whose names a filter uses, and in which system its geometries are.
pub(crate) struct Names<'a> {
    pub(crate) spec: &'static Spec,
    /// Whether personal fields may be asked for.
    pub(crate) personal: bool,
    pub(crate) crs: Crs,
    /// Told when a field is asked for that the reader may not see.
    pub(crate) refused: &'a std::cell::Cell<bool>,
}

type Bound<T = Filter> = Result<T, Fault>;

/// Names by which a filter can mean the geometry.
const GEOMETRY: [&str; 3] = ["geometry", "geom", "place"];

struct Named {
    at: usize,
    kind: Kind,
    case: Case,
}

impl Names<'_> {
    fn named(&self, tree: &Tree) -> Bound<Option<Named>> {
        match tree {
            Tree::Property(name) => {
                let at = self.spec.position(name).and_then(|at| Some((at, self.spec.fields.get(at)?)));
                match at {
                    Some((_, field)) if field.personal && !self.personal => {
                        self.refused.set(true);
                        Err(unknown(name))
                    }
                    Some((at, field)) => Ok(Some(Named { at, kind: field.kind, case: Case::Told })),
                    None => Err(unknown(name)),
                }
            }
            Tree::Op(op, args) if op == "casei" => match args.as_slice() {
                [inner] => Ok(self.named(inner)?.map(|n| Named { case: Case::Same, ..n })),
                _ => Err(Fault::new("casei")),
            },
            _ => Ok(None),
        }
    }

    fn must_be_named(&self, tree: Option<&Tree>) -> Bound<Named> {
        let named = tree.map(|t| self.named(t)).transpose()?.flatten();
        named.ok_or_else(|| Fault::new("应为字段名 / the name of a field is wanted"))
    }
}

fn unknown(name: &str) -> Fault {
    let name: String = name.chars().take(40).collect();
    Fault::new(format!("没有字段“{name}”，见 queryables / no field \"{name}\": see queryables"))
}

fn constant(tree: &Tree, of: &Named) -> Bound<Constant> {
    let made = match (of.kind, tree) {
        (_, Tree::Op(op, args)) if op == "casei" => match args.as_slice() {
            [Tree::Text(t)] if of.kind == Kind::Text => Some(Constant::Text(t.to_lowercase())),
            _ => None,
        },
        (Kind::Text, Tree::Text(t)) => {
            Some(Constant::Text(if of.case == Case::Same { t.to_lowercase() } else { t.clone() }))
        }
        (Kind::Whole | Kind::Real, Tree::Number(n)) => Some(Constant::Number(*n)),
        (Kind::Bool, Tree::Bool(b)) => Some(Constant::Bool(*b)),
        (Kind::Day | Kind::Moment, Tree::Time(t) | Tree::Text(t)) => span(t).map(Constant::Time),
        _ => None,
    };
    made.ok_or_else(|| {
        Fault::new(match of.kind {
            Kind::Text => "该字段是文字，值要加引号 / the field is text: put the value in quotes",
            Kind::Whole | Kind::Real => "该字段是数 / the field is a number",
            Kind::Bool => "该字段是 TRUE 或 FALSE / the field is TRUE or FALSE",
            Kind::Day | Kind::Moment => "该字段是日期或时间 / the field is a date or a time: DATE('2021-05-03')",
        })
    })
}

fn compare(op: &str) -> Option<Compare> {
    Some(match op {
        "=" => Compare::Equal,
        "<>" => Compare::NotEqual,
        "<" => Compare::Less,
        "<=" => Compare::LessOrEqual,
        ">" => Compare::Greater,
        ">=" => Compare::GreaterOrEqual,
        _ => return None,
    })
}

fn mirrored(how: Compare) -> Compare {
    match how {
        Compare::Less => Compare::Greater,
        Compare::LessOrEqual => Compare::GreaterOrEqual,
        Compare::Greater => Compare::Less,
        Compare::GreaterOrEqual => Compare::LessOrEqual,
        same => same,
    }
}

fn temporal(op: &str) -> Option<Temporal> {
    Some(match op {
        "t_after" => Temporal::After,
        "t_before" => Temporal::Before,
        "t_during" => Temporal::During,
        "t_equals" => Temporal::Equals,
        "t_intersects" => Temporal::Intersects,
        "t_disjoint" => Temporal::Disjoint,
        _ => return None,
    })
}

fn pattern(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            c => Piece::Char(c),
        });
    }
    pieces.dedup_by(|a, b| *a == Piece::Any && *b == Piece::Any);
    pieces
}

fn interval(from: &str, to: &str) -> Bound<Span> {
    let open = |t: &str| t == "..";
    let read = |t: &str| {
        span(t).ok_or_else(|| Fault::new(format!("不是时间 / not a time: {}", t.chars().take(40).collect::<String>())))
    };
    let from = if open(from) { i64::MIN } else { read(from)?.from };
    let to = if open(to) { i64::MAX } else { read(to)?.to };
    if from < to {
        Ok(Span { from, to })
    } else {
        Err(Fault::new("区间的终点早于起点 / the interval ends before it begins"))
    }
}

fn geometry(g: &Geometry<f64>, crs: Crs) -> Bound<Geometry<f64>> {
    let sound =
        g.coords_iter().all(|c| c.x.is_finite() && c.y.is_finite()) && g.coords_count() <= MOST && g.coords_count() > 0;
    if !sound {
        return Err(Fault::new("几何无效 / not a geometry"));
    }
    Ok(g.map_coords(|c| {
        let [x, y] = crs.to_lonlat([c.x, c.y]);
        geo::coord! { x: x, y: y }
    }))
}

/// A filter for rows.
pub(super) fn filter(tree: Tree, names: &Names<'_>) -> Bound {
    let (op, args) = match tree {
        Tree::Op(op, args) => (op, args),
        Tree::Bool(b) => return Ok(Filter::Known(b)),
        Tree::Property(_) => {
            let n = names.must_be_named(Some(&tree))?;
            if n.kind == Kind::Bool {
                return Ok(Filter::Compare(n.at, Compare::Equal, Constant::Bool(true), Case::Told));
            }
            return Err(Fault::new("应为条件 / a condition is wanted"));
        }
        _ => return Err(Fault::new("应为条件 / a condition is wanted")),
    };
    if let Some(how) = compare(&op) {
        let [left, right] = args.as_slice() else { return Err(Fault::new(format!("{op}: 2"))) };
        let (named, how, value) = match (names.named(left)?, right) {
            (Some(n), value) => (n, how, value),
            (None, right) => (names.must_be_named(Some(right))?, mirrored(how), left),
        };
        let constant = constant(value, &named)?;
        return Ok(Filter::Compare(named.at, how, constant, named.case));
    }
    if let Some(how) = temporal(&op) {
        let [left, right] = args.as_slice() else { return Err(Fault::new(format!("{op}: 2"))) };
        let named = names.must_be_named(Some(left))?;
        if !matches!(named.kind, Kind::Day | Kind::Moment) {
            return Err(Fault::new("该字段不是时间 / the field is no time"));
        }
        let of = match right {
            Tree::Interval(from, to) => interval(from, to)?,
            Tree::Time(t) | Tree::Text(t) => interval(t, t)?,
            _ => return Err(Fault::new("应为时间 / a time is wanted: DATE('…'), INTERVAL('…','…')")),
        };
        return Ok(Filter::Time(named.at, how, of));
    }
    match op.as_str() {
        "and" | "or" => {
            let parts = args.into_iter().map(|t| filter(t, names)).collect::<Bound<Vec<_>>>()?;
            if parts.is_empty() {
                return Err(Fault::new(format!("{op}: 缺少条件 / conditions are missing")));
            }
            Ok(if op == "and" { Filter::And(parts) } else { Filter::Or(parts) })
        }
        "not" => {
            let mut args = args.into_iter();
            match (args.next(), args.next()) {
                (Some(inner), None) => Ok(Filter::Not(Box::new(filter(inner, names)?))),
                _ => Err(Fault::new("not: 1")),
            }
        }
        "isnull" => Ok(Filter::IsNull(names.must_be_named(args.first())?.at)),
        "between" => {
            let [of, low, high] = args.as_slice() else { return Err(Fault::new("between: 3")) };
            let named = names.must_be_named(Some(of))?;
            Ok(Filter::Between(named.at, constant(low, &named)?, constant(high, &named)?))
        }
        "in" => {
            let [of, Tree::List(list)] = args.as_slice() else {
                return Err(Fault::new("in: 字段, 值列表 / field, list"));
            };
            let named = names.must_be_named(Some(of))?;
            let list = list.iter().map(|v| constant(v, &named)).collect::<Bound<Vec<_>>>()?;
            Ok(Filter::In(named.at, list, named.case))
        }
        "like" => {
            let [of, like] = args.as_slice() else { return Err(Fault::new("like: 2")) };
            let named = names.must_be_named(Some(of))?;
            if named.kind != Kind::Text {
                return Err(Fault::new("LIKE 只用于文字 / LIKE is for text"));
            }
            match constant(like, &named)? {
                Constant::Text(t) => Ok(Filter::Like(named.at, pattern(&t), named.case)),
                _ => Err(Fault::new("like")),
            }
        }
        "s_intersects" => match args.as_slice() {
            [Tree::Property(p), Tree::Geometry(g)] | [Tree::Geometry(g), Tree::Property(p)]
                if GEOMETRY.contains(&p.as_str()) =>
            {
                Ok(Filter::Intersects(Box::new(geometry(g, names.crs)?)))
            }
            _ => Err(Fault::new("S_INTERSECTS(geometry, POLYGON((…)) | BBOX(…))")),
        },
        other => {
            Err(Fault::new(format!("不支持 / not supported here: {}", other.chars().take(30).collect::<String>())))
        }
    }
}
