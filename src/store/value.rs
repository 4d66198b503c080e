//! Values between rows and columns, the same for both engines; and the check sum that names a flipped bit.

use crate::domain::register::{Geometry, Polygons, Tenure};
use crate::domain::{LonLat, hex};

use super::error::StoreError;
use super::wkb;

/// One value; the kind is kept when there is none, as PostgreSQL wants to know it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Real(Option<f64>),
    Bool(Option<bool>),
    Blob(Option<Vec<u8>>),
    /// WKB.
    Shape(Option<Vec<u8>>),
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(Some(v.to_owned()))
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(Some(v))
    }
}

impl From<Option<String>> for Value {
    fn from(v: Option<String>) -> Self {
        Self::Text(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}

impl From<u64> for Value {
    fn from(v: u64) -> Self {
        Self::Int(Some(v.cast_signed()))
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Real(Some(v))
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(Some(v))
    }
}

impl Value {
    pub(super) const fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Text(None)
                | Self::Int(None)
                | Self::Real(None)
                | Self::Bool(None)
                | Self::Blob(None)
                | Self::Shape(None)
        )
    }

    /// For per-cell logs: the value as JSON; shapes and blobs as hexadecimal digits.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::Text(v) => json!(v),
            Self::Int(v) => json!(v),
            Self::Real(v) => json!(v),
            Self::Bool(v) => json!(v),
            Self::Blob(v) | Self::Shape(v) => json!(v.as_deref().map(hex)),
        }
    }

    fn feed(&self, sum: &mut Crc32) {
        match self {
            _ if self.is_null() => sum.feed(&[0]),
            Self::Text(Some(v)) => sum.feed_framed(1, v.as_bytes()),
            Self::Int(Some(v)) => sum.feed_framed(2, &v.to_le_bytes()),
            Self::Bool(Some(v)) => sum.feed_framed(2, &i64::from(*v).to_le_bytes()),
            Self::Real(Some(v)) => sum.feed_framed(3, &v.to_bits().to_le_bytes()),
            Self::Blob(Some(v)) => sum.feed_framed(4, v),
            Self::Shape(Some(v)) => sum.feed_framed(5, v),
            _ => {}
        }
    }
}

/// CRC-32 (IEEE 802.3), table made at compile time.
struct Crc32(u32);

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut c, mut k) = (i as u32, 0);
        while k < 8 {
            c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
            k += 1;
        }
        table[i] = c;
        i += 1;
    }
    table
};

impl Crc32 {
    fn feed(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = CRC_TABLE[((self.0 ^ u32::from(*b)) & 0xFF) as usize] ^ (self.0 >> 8);
        }
    }

    fn feed_framed(&mut self, kind: u8, bytes: &[u8]) {
        self.feed(&[kind]);
        self.feed(&(bytes.len() as u64).to_le_bytes());
        self.feed(bytes);
    }
}

/// Check sum of a row's values: any single flipped bit changes it.
pub(super) fn row_sum<'a>(values: impl IntoIterator<Item = &'a Value>) -> i64 {
    let mut sum = Crc32(u32::MAX);
    for v in values {
        v.feed(&mut sum);
    }
    i64::from(!sum.0)
}

/// A type that stands in one column.
pub(super) trait Cell: Sized {
    fn to_value(&self) -> Value;
    /// What is wrong with the value, if anything.
    fn of_value(value: Value) -> Result<Self, &'static str>;
}

const WRONG: &str = "列的类型不对 / wrong type in the column";
const EMPTY: &str = "列不应为空 / the column is empty";
const RANGE: &str = "数值超出范围 / number out of range";

impl Cell for Option<String> {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Text(v) => Ok(v),
            v if v.is_null() => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<i64> {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Int(v) => Ok(v),
            Value::Bool(Some(v)) => Ok(Some(i64::from(v))),
            v if v.is_null() => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<bool> {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match Option::<i64>::of_value(value)? {
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
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Blob(v) => Ok(v),
            v if v.is_null() => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<Geometry> {
    fn to_value(&self) -> Value {
        Value::Shape(self.as_ref().map(wkb::to_wkb))
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Blob(Some(v)) | Value::Shape(Some(v)) => wkb::read(&v).map(Some),
            v if v.is_null() => Ok(None),
            _ => Err(WRONG),
        }
    }
}

impl Cell for Option<Polygons> {
    fn to_value(&self) -> Value {
        self.clone().map(Geometry::MultiPolygon).to_value()
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match Option::<Geometry>::of_value(value)? {
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
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match Option::<Geometry>::of_value(value)? {
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
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Real(v) => Ok(v),
            Value::Int(v) => Ok(v.map(|v| v as f64)),
            v if v.is_null() => Ok(None),
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
    fn of_value(value: Value) -> Result<Self, &'static str> {
        match Option::<String>::of_value(value)?.as_deref() {
            None => Ok(None),
            Some("own") => Ok(Some(Tenure::Own)),
            Some("rented") => Ok(Some(Tenure::Rented)),
            Some("vacant") => Ok(Some(Tenure::Vacant)),
            Some(_) => Err(RANGE),
        }
    }
}

impl Cell for Vec<String> {
    fn to_value(&self) -> Value {
        Value::Text(Some(serde_json::Value::from(self.as_slice()).to_string()))
    }
    fn of_value(value: Value) -> Result<Self, &'static str> {
        serde_json::from_str(&String::of_value(value)?).map_err(|_| "JSON 无效 / bad JSON")
    }
}

/// Cells that are never empty, by way of those that may be.
macro_rules! never_empty {
    ($($ty:ty),*) => { $(
        impl Cell for $ty {
            fn to_value(&self) -> Value {
                Some(self.clone()).to_value()
            }
            fn of_value(value: Value) -> Result<Self, &'static str> {
                Option::<Self>::of_value(value)?.ok_or(EMPTY)
            }
        }
    )* };
}
never_empty!(String, i64, bool, f64, Geometry, Polygons, LonLat);

/// Whole numbers of other widths, by way of `i64`.
macro_rules! whole_number {
    ($($ty:ty),*) => { $(
        impl Cell for $ty {
            fn to_value(&self) -> Value {
                Value::Int(i64::try_from(*self).ok())
            }
            fn of_value(value: Value) -> Result<Self, &'static str> {
                Self::try_from(i64::of_value(value)?).map_err(|_| RANGE)
            }
        }
        impl Cell for Option<$ty> {
            fn to_value(&self) -> Value {
                Value::Int(self.and_then(|v| i64::try_from(v).ok()))
            }
            fn of_value(value: Value) -> Result<Self, &'static str> {
                Option::<i64>::of_value(value)?.map(<$ty>::try_from).transpose().map_err(|_| RANGE)
            }
        }
    )* };
}
whole_number!(u32, u64, i32);

/// A row as the engine gave it, taken column by column in the order of the statement.
#[derive(Debug)]
pub(super) struct Row {
    place: &'static str,
    column: usize,
    values: std::vec::IntoIter<Value>,
}

impl Row {
    pub(super) fn new(place: &'static str, values: Vec<Value>) -> Self {
        Self { place, column: 0, values: values.into_iter() }
    }

    /// The next column.
    pub(super) fn take<T: Cell>(&mut self) -> Result<T, StoreError> {
        self.column += 1;
        let value = self.values.next().ok_or(EMPTY);
        value.and_then(T::of_value).map_err(|what| {
            StoreError::decoding(&format!("{} 第{}列 column {}", self.place, self.column, self.column), what)
        })
    }

    /// The next column, as it is.
    pub(super) fn take_value(&mut self) -> Value {
        self.column += 1;
        self.values.next().unwrap_or(Value::Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sum_is_the_known_one() {
        let mut crc = Crc32(u32::MAX);
        crc.feed(b"123456789");
        assert_eq!(!crc.0, 0xCBF4_3926);
    }

    #[test]
    fn flipped_bit_moved_text_and_null_change_the_sum() {
        let sum = |v: &[Value]| row_sum(v);
        let base = sum(&[Value::from("ab"), Value::from("c")]);
        assert_ne!(base, sum(&[Value::from("a"), Value::from("bc")]));
        assert_ne!(base, sum(&[Value::from("ab"), Value::Text(None)]));
        assert_ne!(sum(&[Value::from("")]), sum(&[Value::Text(None)]));
        for bit in 0..64 {
            assert_ne!(sum(&[Value::from(5_i64)]), sum(&[Value::from(5_i64 ^ (1 << bit))]));
        }
    }
}
