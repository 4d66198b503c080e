//! An incident as somebody sends it: every field known, no person among them.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::domain::LonLat;
use crate::domain::incident::{Dictionaries, Level};
use crate::exchange::gate::moment_of;
use crate::exchange::{is_person_field, tells_of_a_person};
use crate::store::NewIncident;

use super::moments;

/// Fields of an incident.
pub const FIELDS: [&str; 9] =
    ["id", "region", "category", "dispute", "level", "occurred_at", "due_at", "summary", "at"];
/// Fields of an incident that another system sends.
pub const INTAKE_FIELDS: [&str; 11] =
    ["id", "region", "category", "dispute", "level", "occurred_at", "due_at", "summary", "at", "source", "source_id"];
/// Longest summary, characters.
const LONGEST_SUMMARY: usize = 500;
/// Longest id, source and source's id, bytes.
const LONGEST_ID: usize = 128;
/// Clocks of others may go before ours by this much.
const SKEW: Duration = Duration::hours(24);

/// A field that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct Refused {
    /// `person_field`, `unknown_field` or `bad_field`.
    pub code: &'static str,
    /// The field.
    pub field: String,
    /// Why, Chinese / English.
    pub detail: String,
}

fn bad(field: &str, detail: impl Into<String>) -> Refused {
    Refused { code: "bad_field", field: field.to_owned(), detail: detail.into() }
}

/// The fields that are not known: those of persons first, as those must never be sent again.
fn check_names(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refused> {
    let unknown = || body.keys().filter(|name| !known.contains(&name.as_str()));
    let shown = |name: &String| name.chars().take(40).collect::<String>();
    if let Some(name) = unknown().find(|name| is_person_field(name)) {
        let field = shown(name);
        let detail =
            "不接收个人信息（姓名、电话、身份证号等）/ names, telephones, identity numbers of persons are not taken";
        return Err(Refused { code: "person_field", field, detail: detail.to_owned() });
    }
    match unknown().next() {
        None => Ok(()),
        Some(name) => {
            let detail = format!("没有这个字段；可用 {0} / no such field; there are {0}", known.join(", "));
            Err(Refused { code: "unknown_field", field: shown(name), detail })
        }
    }
}

struct Body<'b>(&'b Map<String, Value>);

impl Body<'_> {
    fn text(&self, field: &str, longest_bytes: usize) -> Result<Option<String>, Refused> {
        let text = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim(),
            Some(_) => return Err(bad(field, "应为文字 / a text")),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > longest_bytes || text.chars().any(char::is_control) {
            let what =
                format!("最多 {longest_bytes} 字节，无控制字符 / at most {longest_bytes} bytes, no control characters");
            return Err(bad(field, what));
        }
        Ok(Some(text.to_owned()))
    }

    fn moment(&self, field: &str) -> Result<Option<OffsetDateTime>, Refused> {
        let Some(text) = self.text(field, 64)? else { return Ok(None) };
        // as in files: what names no zone is China's, long numbers are seconds or milliseconds since 1970
        let at = moments::parse(&text).or_else(|| moment_of(&text)).filter(|at| moments::is_kept(*at));
        let what = "应为 1970 年以后的时间，如 2026-05-01T10:00:00+08:00；不写时区为北京时间 / a time since 1970; without an offset it is China's";
        at.map(Some).ok_or_else(|| bad(field, what))
    }

    fn place(&self) -> Result<Option<LonLat>, Refused> {
        let Some(at) = self.0.get("at").filter(|v| !v.is_null()) else { return Ok(None) };
        let numbers: Option<Vec<f64>> = at.as_array().map(|l| l.iter().filter_map(Value::as_f64).collect());
        match (numbers.as_deref(), at.as_array().map(Vec::len)) {
            (Some([0.0, 0.0]), Some(2)) => Err(bad(
                "at",
                "坐标为 0,0，不是实际位置；没有位置请不填 / 0,0 is no place: leave it out where none is known",
            )),
            (Some(&[lon_deg, lat_deg]), Some(2)) if lon_deg.abs() <= 180.0 && lat_deg.abs() <= 90.0 => {
                Ok(Some(LonLat { lon_deg, lat_deg }))
            }
            _ => Err(bad("at", "应为 [经度, 纬度] / [lon, lat] in degrees")),
        }
    }
}

/// Reads an incident. `from_outside`: it is another system's, with `source` and `source_id`, which then must be there.
///
/// # Errors
/// The first field that is not taken, and why.
pub fn incident_of(
    body: &Map<String, Value>,
    lists: &Dictionaries,
    from_outside: bool,
    now: OffsetDateTime,
) -> Result<NewIncident, Refused> {
    check_names(body, if from_outside { &INTAKE_FIELDS } else { &FIELDS })?;
    let body = Body(body);
    let missing = |field: &str| bad(field, "必填 / is wanted");
    let said = body.text("category", 80)?.ok_or_else(|| missing("category"))?;
    let category = lists.category(&said).ok_or_else(|| {
        let known: Vec<&str> = lists.categories.iter().filter(|c| c.enabled).map(|c| c.key.as_str()).collect();
        bad("category", format!("没有这个类别；可用 {0} / no such category; there are {0}", known.join(", ")))
    })?;
    if !category.enabled {
        return Err(bad("category", "此类别未启用 / this category is not in use"));
    }
    let dispute = match body.text("dispute", 80)? {
        None => None,
        Some(said) => Some(lists.dispute(&said).map(|d| d.key.clone()).ok_or_else(|| {
            bad("dispute", "没有这个纠纷类型，见 /api/dictionaries / no such type of dispute, see /api/dictionaries")
        })?),
    };
    let level = match body.text("level", 20)? {
        None => Level::Grid,
        Some(said) => Level::find(&said).ok_or_else(|| bad("level", "grid、village、township、county"))?,
    };
    let region = body.text("region", 20)?;
    if let Some(code) = &region
        && !([2, 4, 6, 9, 12].contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(bad("region", "应为 2、4、6、9 或 12 位数字 / 2, 4, 6, 9 or 12 digits"));
    }
    let occurred = body.moment("occurred_at")?.ok_or_else(|| missing("occurred_at"))?;
    if occurred > now + SKEW {
        return Err(bad("occurred_at", "时间在未来，请检查时钟 / the time is in the future: check the clock"));
    }
    let due = match body.moment("due_at")? {
        Some(due) => due,
        None => moments::of_ms(category.due_ms(moments::ms(occurred), level)),
    };
    let summary = body.text("summary", LONGEST_SUMMARY * 4)?;
    if let Some(text) = &summary {
        if text.chars().count() > LONGEST_SUMMARY {
            return Err(bad("summary", format!("最多 {LONGEST_SUMMARY} 字 / at most {LONGEST_SUMMARY} characters")));
        }
        if tells_of_a_person(text) {
            let detail = "含身份证号或手机号，请删去 / holds an identity or a mobile number: leave it out";
            return Err(Refused { code: "person_field", field: "summary".to_owned(), detail: detail.to_owned() });
        }
    }
    let source = match (body.text("source", LONGEST_ID)?, body.text("source_id", LONGEST_ID)?) {
        (Some(source), Some(id)) => Some((source, id)),
        (None, _) if from_outside => return Err(missing("source")),
        (_, None) if from_outside => return Err(missing("source_id")),
        _ => None,
    };
    Ok(NewIncident {
        id: body.text("id", LONGEST_ID)?,
        region,
        category: category.key.clone(),
        dispute,
        level: level.word().to_owned(),
        occurred_at: moments::stored(occurred),
        due_at: Some(moments::stored(due)),
        summary,
        place: body.place()?,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-05-02 00:00 UTC);

    fn read(body: Value, from_outside: bool) -> Result<NewIncident, Refused> {
        let Value::Object(map) = body else { panic!("an object") };
        incident_of(&map, &Dictionaries::shipped(), from_outside, NOW)
    }

    fn good() -> Value {
        json!({"category": "突发事件", "occurred_at": "2026-05-01T10:00:00+08:00", "at": [105.6, 25.9], "summary": "路口积水"})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut body = good();
        body[field] = value;
        body
    }

    #[test]
    fn incident_is_read_and_completed() {
        let i = read(good(), false).expect("an incident");
        assert_eq!((i.category.as_str(), i.level.as_str()), ("emergency", "grid"));
        assert_eq!(i.occurred_at, "2026-05-01T02:00:00.000Z");
        assert_eq!(i.due_at.as_deref(), Some("2026-05-01T03:00:00.000Z"), "an emergency is due within the hour");
        assert_eq!(i.place, Some(LonLat { lon_deg: 105.6, lat_deg: 25.9 }));
    }

    #[test]
    fn times_are_taken_as_files_have_them() {
        for said in ["2026-05-01T02:00:00Z", "2026-05-01 10:00", "2026年5月1日 10时0分", "1777600800", "1777600800000"]
        {
            let i = read(with("occurred_at", json!(said)), false).expect(said);
            assert_eq!(i.occurred_at, "2026-05-01T02:00:00.000Z", "{said}");
        }
        for said in ["1900-01-01T00:00:00Z", "gestern", "44319"] {
            assert_eq!(read(with("occurred_at", json!(said)), false).expect_err(said).field, "occurred_at");
        }
        assert_eq!(read(with("at", json!([0, 0])), false).expect_err("no place").field, "at");
    }

    #[test]
    fn person_fields_are_refused_by_name_and_by_content() {
        for field in [
            "name",
            "姓名",
            "phone",
            "联系电话",
            "id_card",
            "身份证号",
            "mobile",
            "reporter_name",
            "idNumber",
            "contact",
        ] {
            let e = read(with(field, json!("x")), true).expect_err(field);
            assert_eq!((e.code, e.field.as_str()), ("person_field", field));
        }
        // a made-up number with a right check digit, and a made-up mobile
        for text in
            ["张某 11010519491231002X 报", "请联系13800000000处理", "电话 138 0000 0000", "电话：+86-138-0000-0000"]
        {
            let e = read(with("summary", json!(text)), false).expect_err(text);
            assert_eq!((e.code, e.field.as_str()), ("person_field", "summary"));
            assert!(!e.to_string().contains("138") && !e.to_string().contains("1101"));
        }
        for text in ["单元 520423102001003012 积水", "网格 520423102001003", "2026年5月1日 10时，约 15000000 平方米"]
        {
            assert!(read(with("summary", json!(text)), false).is_ok(), "{text}");
        }
    }

    #[test]
    fn field_that_is_wrong_or_unknown_is_named() {
        for (field, value, code) in [
            ("color", json!(1), "unknown_field"),
            ("source", json!("x"), "unknown_field"),
            ("category", json!("flood"), "bad_field"),
            ("category", json!("special_group"), "bad_field"),
            ("category", json!(null), "bad_field"),
            ("category", json!({"a": 1}), "bad_field"),
            ("dispute", json!("99"), "bad_field"),
            ("level", json!("country"), "bad_field"),
            ("region", json!("52042310200x"), "bad_field"),
            ("region", json!(520423), "bad_field"),
            ("occurred_at", json!("昨天"), "bad_field"),
            ("occurred_at", json!("2026-06-01T10:00:00+08:00"), "bad_field"),
            ("due_at", json!("soon"), "bad_field"),
            ("at", json!([25.9, 105.6]), "bad_field"),
            ("at", json!([105.6]), "bad_field"),
            ("at", json!([105.6, "25.9"]), "bad_field"),
            ("at", json!([105.6, 25.9, 1.0]), "bad_field"),
            ("summary", json!("a\u{0}b"), "bad_field"),
            ("summary", json!("字".repeat(501)), "bad_field"),
        ] {
            let e = read(with(field, value.clone()), false).expect_err(field);
            assert_eq!((e.code, e.field.as_str()), (code, field), "{value}");
        }
    }

    #[test]
    fn another_system_says_who_it_is() {
        assert_eq!(read(good(), true).expect_err("no source").field, "source");
        assert_eq!(read(with("source", json!("门禁")), true).expect_err("no id").field, "source_id");
        let mut body = with("source", json!("门禁"));
        body["source_id"] = json!("17");
        assert_eq!(read(body, true).expect("fine").source, Some(("门禁".to_owned(), "17".to_owned())));
    }
}
