//! Column names, Chinese and English, and the columns that are never kept.

/// The standard name of a column, for any of its English or Chinese names.
pub(super) fn standard_name(header: &str) -> Option<&'static str> {
    let lower = header.trim().to_lowercase();
    Some(match lower.as_str() {
        "id" | "户号" | "编号" | "住户编号" => "id",
        "x" => "x",
        "y" => "y",
        "lon" | "lng" | "longitude" | "经度" => "lon",
        "lat" | "latitude" | "纬度" => "lat",
        "building" | "楼栋" | "楼栋编号" | "房屋" => "building",
        "village" | "村" | "社区" | "村(社区)" | "村（社区）" | "所属村(社区)" | "所属村（社区）" | "村编码" => {
            "village"
        }
        "hamlet" | "自然寨" | "寨" => "hamlet",
        "group" | "村民小组" | "组" => "group",
        "stairwell" | "单元" | "楼道" => "stairwell",
        "floor" | "楼层" | "层" => "floor",
        "persons" | "人口" | "人数" => "persons",
        "households" | "户数" => "households",
        "eligible" | "候选" | "可任" => "eligible",
        "lock" | "锁定" => "lock",
        "dedicated" | "专属网格" => "dedicated",
        _ => return None,
    })
}

/// The name under which a column of households is kept: the standard one for any of its English or Chinese names, else its own.
#[must_use]
pub fn column_name(header: &str) -> &str {
    standard_name(header).unwrap_or(header.trim())
}

/// Words of columns that are never kept, in any layer.
const SENSITIVE: &[&str] = &[
    "身份证",
    "证件",
    "公民身份",
    "出生",
    "生日",
    "民族",
    "宗教",
    "健康",
    "信访",
    "性别",
    "id_card",
    "idcard",
    "id_number",
    "birth",
    "ethnic",
    "religion",
    "health",
    "petition",
    "gender",
];
/// Words of columns that name a person or how to reach one: kept for officers alone.
const CONTACT: &[&str] = &["电话", "手机", "联系方式", "姓名", "户主", "phone", "mobile"];

fn has_word(header: &str, words: &[&str]) -> bool {
    let lower = header.trim().to_lowercase();
    words.iter().any(|w| lower.contains(w))
}

/// Whether a column holds what nobody may keep about persons: identity numbers, birth, ethnicity, religion, health, petitions.
pub(super) fn is_sensitive(header: &str) -> bool {
    has_word(header, SENSITIVE) || header.trim().eq_ignore_ascii_case("sex")
}

/// Whether a column names a person or how to reach one.
pub(super) fn is_contact(header: &str) -> bool {
    has_word(header, CONTACT) || header.trim().eq_ignore_ascii_case("name")
}

/// Further words that name a person where events are sent and nothing is to be dropped silently.
const PERSON_WORDS: &[&str] =
    &["idnumber", "identity", "person", "contact", "reporter", "victim", "报案人", "当事人", "联系人", "住址"];

/// Whether a field of an event tells of a person: a name, a telephone, an identity number, what nobody may keep.
#[must_use]
pub fn is_person_field(field: &str) -> bool {
    let lower = field.trim().to_lowercase();
    let named = ["name", "tel"].iter().any(|w| lower == *w || lower.ends_with(&format!("_{w}")));
    named || is_personal(field) || has_word(field, PERSON_WORDS)
}

/// Whether a column of households holds what the product must not keep about persons.
pub(super) fn is_personal(header: &str) -> bool {
    is_sensitive(header) || is_contact(header)
}
