//! Types that stand in one column, and the way between them and values.

use crate::domain::LonLat;
use crate::domain::register::{Geometry, Polygons, Tenure};

use super::seen::Seen;
use super::value::Value;
use super::wkb;

/// A type that stands in one column.
pub(super) trait Cell: Sized {
    fn to_value(&self) -> Value;
    /// What is wrong with the value, if anything.
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str>;
    /// The same of an owned value.
    fn of_value(value: Value) -> Result<Self, &'static str> {
        Self::of_seen(value.seen())
    }
    /// The same in the place of what was there: texts keep their room.
    fn put(&mut self, seen: Seen<'_>) -> Result<(), &'static str> {
        *self = Self::of_seen(seen)?;
        Ok(())
    }
}

const WRONG: &str = "列的类型不对 / wrong type in the column";
pub(super) const EMPTY: &str = "列不应为空 / the column is empty";
const RANGE: &str = "数值超出范围 / number out of range";

impl Cell for Option<String> {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Text(t) => Ok(Some(t.to_owned())),
            Seen::Nothing => Ok(None),
            _ => Err(WRONG),
        }
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Text(v) => Ok(v),
            v => Self::of_seen(v.seen()),
        }
    }
    fn put(&mut self, seen: Seen<'_>) -> Result<(), &'static str> {
        match self {
            Some(room) if seen != Seen::Nothing => room.put(seen),
            cell => {
                *cell = Self::of_seen(seen)?;
                Ok(())
            }
        }
    }
}

impl Cell for String {
    fn to_value(&self) -> Value {
        Value::Text(Some(self.clone()))
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        Option::<Self>::of_seen(seen)?.ok_or(EMPTY)
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        Option::<Self>::of_value(value)?.ok_or(EMPTY)
    }
    fn put(&mut self, seen: Seen<'_>) -> Result<(), &'static str> {
        match seen {
            Seen::Text(t) => {
                self.clear();
                self.push_str(t);
                Ok(())
            }
            Seen::Nothing => Err(EMPTY),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<i64> {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Int(v) => Ok(Some(v)),
            Seen::Bool(v) => Ok(Some(i64::from(v))),
            Seen::Nothing => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<bool> {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match Option::<i64>::of_seen(seen)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err(RANGE),
        }
    }
}

impl Cell for Option<Vec<u8>> {
    fn to_value(&self) -> Value {
        Value::Blob(self.clone())
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Bytes(bytes) => Ok(Some(bytes.to_owned())),
            Seen::Nothing => Ok(None),
            _ => Err(WRONG),
        }
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Blob(v) => Ok(v),
            v => Self::of_seen(v.seen()),
        }
    }
}

impl Cell for Option<Geometry> {
    fn to_value(&self) -> Value {
        Value::Shape(self.as_ref().map(wkb::to_wkb))
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Bytes(bytes) => wkb::read(bytes).map(Some),
            Seen::Nothing => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<Polygons> {
    fn to_value(&self) -> Value {
        self.clone().map(Geometry::MultiPolygon).to_value()
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match Option::<Geometry>::of_seen(seen)? {
            None => Ok(None),
            Some(Geometry::MultiPolygon(parts)) => Ok(Some(parts)),
            Some(Geometry::Polygon(rings)) => Ok(Some(vec![rings])),
            Some(_) => Err(WRONG),
        }
    }
}

impl Cell for Option<LonLat> {
    fn to_value(&self) -> Value {
        self.map(|p| Geometry::Point([p.lon_deg, p.lat_deg])).to_value()
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match Option::<Geometry>::of_seen(seen)? {
            None => Ok(None),
            Some(Geometry::Point([lon_deg, lat_deg])) => Ok(Some(LonLat { lon_deg, lat_deg })),
            Some(_) => Err(WRONG),
        }
    }
}

impl Cell for Option<f64> {
    fn to_value(&self) -> Value {
        Value::Real(*self)
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Real(v) => Ok(Some(v)),
            Seen::Int(v) => Ok(Some(v as f64)),
            Seen::Nothing => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<Tenure> {
    fn to_value(&self) -> Value {
        Value::Text(self.map(|t| {
            match t {
                Tenure::Own => "own",
                Tenure::Rented => "rented",
                Tenure::Vacant => "vacant",
            }
            .to_owned()
        }))
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Nothing => Ok(None),
            Seen::Text("own") => Ok(Some(Tenure::Own)),
            Seen::Text("rented") => Ok(Some(Tenure::Rented)),
            Seen::Text("vacant") => Ok(Some(Tenure::Vacant)),
            Seen::Text(_) => Err(RANGE),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Vec<String> {
    fn to_value(&self) -> Value {
        Value::Text(Some(serde_json::Value::from(self.as_slice()).to_string()))
    }
    fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
        match seen {
            Seen::Text("[]") => Ok(Self::new()),
            Seen::Text(json) => serde_json::from_str(json).map_err(|_| "JSON 无效 / bad JSON"),
            Seen::Nothing => Err(EMPTY),
            _ => Err(WRONG),
        }
    }
}

/// Cells that are never empty, by way of those that may be.
macro_rules! never_empty {
    ($($ty:ty),*) => { $(
        impl Cell for $ty {
            fn to_value(&self) -> Value {
                Some(self.clone()).to_value()
            }
            fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
                Option::<Self>::of_seen(seen)?.ok_or(EMPTY)
            }
        }
    )* };
}
never_empty!(i64, bool, f64, Geometry, Polygons, LonLat);

/// Whole numbers of other widths, by way of `i64`.
macro_rules! whole_number {
    ($($ty:ty),*) => { $(
        impl Cell for $ty {
            fn to_value(&self) -> Value {
                Value::Int(i64::try_from(*self).ok())
            }
            fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
                Self::try_from(i64::of_seen(seen)?).map_err(|_| RANGE)
            }
        }
        impl Cell for Option<$ty> {
            fn to_value(&self) -> Value {
                Value::Int(self.and_then(|v| i64::try_from(v).ok()))
            }
            fn of_seen(seen: Seen<'_>) -> Result<Self, &'static str> {
                Option::<i64>::of_seen(seen)?.map(<$ty>::try_from).transpose().map_err(|_| RANGE)
            }
        }
    )* };
}
whole_number!(u32, u64, i32);
