//! CQL2 as JSON.

use geo::{Rect, coord};
use serde_json::Value;

use super::tree::{DEEPEST, Fault, MOST, Tree};

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Tree, Fault> {
    // serde_json itself refuses what is nested deeper than 128
    let value: Value = serde_json::from_str(text).map_err(|e| Fault::new(format!("JSON: {e}")))?;
    tree(&value, 0)
}

fn strings(value: &Value) -> Option<(String, String)> {
    match value.as_array()?.as_slice() {
        [Value::String(a), Value::String(b)] => Some((a.clone(), b.clone())),
        _ => None,
    }
}

fn tree(value: &Value, depth: u32) -> Result<Tree, Fault> {
    if depth > DEEPEST {
        return Err(Fault::new("嵌套过深 / nested too deep"));
    }
    let map = match value {
        Value::String(t) => return Ok(Tree::Text(t.clone())),
        Value::Bool(b) => return Ok(Tree::Bool(*b)),
        Value::Number(n) => {
            return n.as_f64().filter(|n| n.is_finite()).map(Tree::Number).ok_or_else(|| Fault::new("数 / number"));
        }
        Value::Array(list) if list.len() <= MOST => {
            return Ok(Tree::List(list.iter().map(|v| tree(v, depth + 1)).collect::<Result<_, _>>()?));
        }
        Value::Array(_) => return Err(Fault::new("值过多 / too many values")),
        Value::Null => return Err(Fault::new("null 不能比较，请用 isNull / null cannot be compared: use isNull")),
        Value::Object(map) => map,
    };
    if let (Some(Value::String(op)), Some(Value::Array(args))) = (map.get("op"), map.get("args")) {
        let args = args.iter().map(|v| tree(v, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        return Ok(Tree::Op(op.to_ascii_lowercase(), args));
    }
    if let Some(Value::String(name)) = map.get("property") {
        return Ok(Tree::Property(name.clone()));
    }
    if let Some(Value::String(t)) = map.get("date").or_else(|| map.get("timestamp")) {
        return Ok(Tree::Time(t.clone()));
    }
    if let Some(pair) = map.get("interval") {
        let (from, to) = strings(pair).ok_or_else(|| Fault::new("interval 应为两个时间 / two times"))?;
        return Ok(Tree::Interval(from, to));
    }
    if let Some(Value::Array(numbers)) = map.get("bbox") {
        let numbers: Vec<f64> = numbers.iter().filter_map(Value::as_f64).collect();
        return match numbers.as_slice() {
            &[a, b, c, d] => {
                Ok(Tree::Geometry(Rect::new(coord! { x: a, y: b }, coord! { x: c, y: d }).to_polygon().into()))
            }
            _ => Err(Fault::new("bbox 应有四个数 / bbox wants four numbers")),
        };
    }
    if map.contains_key("coordinates") {
        let bad = || Fault::new("几何无效 / not a geometry");
        let parsed: geojson::Geometry = serde_json::from_value(value.clone()).map_err(|_| bad())?;
        return geo::Geometry::try_from(parsed).map(Tree::Geometry).map_err(|_| bad());
    }
    Err(Fault::new("不认识的成员 / unknown member"))
}
