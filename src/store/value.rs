//! Values between rows and columns, the same for both engines; and the check sum that names a flipped bit.

use crate::domain::hex;

use super::cell::EMPTY;
use super::error::StoreError;
use super::seen::Seen;

pub(super) use super::cell::Cell;

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

impl From<Seen<'_>> for Value {
    fn from(seen: Seen<'_>) -> Self {
        match seen {
            Seen::Nothing => Self::Text(None),
            Seen::Text(t) => Self::from(t),
            Seen::Int(n) => Self::from(n),
            Seen::Real(x) => Self::from(x),
            Seen::Bool(b) => Self::from(b),
            Seen::Bytes(bytes) => Self::Blob(Some(bytes.to_owned())),
        }
    }
}

impl Value {
    /// It as one that an engine has.
    pub(super) fn seen(&self) -> Seen<'_> {
        match self {
            Self::Text(Some(t)) => Seen::Text(t),
            Self::Int(Some(n)) => Seen::Int(*n),
            Self::Real(Some(x)) => Seen::Real(*x),
            Self::Bool(Some(b)) => Seen::Bool(*b),
            Self::Blob(Some(bytes)) | Self::Shape(Some(bytes)) => Seen::Bytes(bytes),
            _ => Seen::Nothing,
        }
    }

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
