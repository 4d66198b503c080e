//! A cell as a field wants it, or what is wrong with it.

use time::macros::format_description;
use time::{Date, PrimitiveDateTime};

use crate::exchange::error::Fault;
use crate::exchange::table::Cell;

use super::schema::FieldKind;

/// Around the entries of a list as JSON has it, which is how the store's own tables hold theirs.
const MARKS_OF_JSON: &[char] = &['[', ']', '"', ' '];
/// Space that people put around words; control characters are content.
const SPACE: &[char] = &[' ', '\u{3000}', '\u{a0}'];
/// What stands between the entries of a list in one cell.
pub(crate) const LIST_MARKS: &[char] = &['、', ',', '，', ';', '；', '|'];
/// Fifteen digits: from there on a number may have been a code that Excel rounded.
const ROUNDED_FROM: i64 = 100_000_000_000_000;

/// The text of a cell without the space around it; `None` where it is empty.
fn trimmed(text: &str) -> Option<&str> {
    Some(text.trim_matches(SPACE)).filter(|t| !t.is_empty())
}

pub(super) fn shown(cell: &Cell) -> String {
    let text = match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.to_string(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    };
    text.chars().take(30).collect()
}

/// Brings a cell to what the field holds; an empty one stays empty.
///
/// # Errors
/// A fault whose message names the column.
pub(in crate::exchange) fn typed(kind: FieldKind, column: &str, cell: Cell) -> Result<Cell, Fault> {
    let cell = match cell {
        Cell::Text(t) => match trimmed(&t) {
            None => Cell::Empty,
            Some(inner) if inner.len() == t.len() => Cell::Text(t),
            Some(inner) => Cell::Text(inner.into()),
        },
        other => other,
    };
    if cell == Cell::Empty {
        return Ok(cell);
    }
    let fault = |code: &'static str, chinese: String, english: String| {
        let s = shown(&cell);
        Err(Fault::new(code, format!("列 {column}：“{s}”{chinese} / column {column}: \"{s}\" {english}")))
    };
    match kind {
        FieldKind::Text | FieldKind::Id => {
            let text = match &cell {
                Cell::Whole(v) if kind == FieldKind::Id && v.abs() >= ROUNDED_FROM => return not_text(column, &cell),
                Cell::Real(_) if kind == FieldKind::Id => return not_text(column, &cell),
                Cell::Text(t) => t.as_str(),
                _ => return Ok(Cell::Text(shown(&cell).into())),
            };
            if kind == FieldKind::Id && is_scientific(text) {
                return not_text(column, &cell);
            }
            if is_id_card(text) {
                // The number itself must not travel on in a message.
                return Err(Fault::new(
                    "id_card_number",
                    format!(
                        "列 {column}：是身份证号，不得导入，请改用户号等编号 / column {column} holds an identity card number, which is never imported; use an opaque id"
                    ),
                ));
            }
            Ok(cell)
        }
        FieldKind::Code(lengths) => match &cell {
            Cell::Text(t) if lengths.contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit()) => Ok(cell),
            Cell::Text(t) if !is_scientific(t) => {
                let list = lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join("/");
                fault("bad_code", format!("不是 {list} 位数字编码"), format!("is no code of {list} digits"))
            }
            _ => not_text(column, &cell),
        },
        FieldKind::Codes(lengths) => match &cell {
            Cell::Text(t) => {
                let parts: Vec<&str> = t
                    .split(LIST_MARKS)
                    .map(|p| p.trim_matches(MARKS_OF_JSON).trim_matches(SPACE))
                    .filter(|p| !p.is_empty())
                    .collect();
                let is_code = |p: &&str| lengths.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
                if !parts.is_empty() && parts.iter().all(is_code) {
                    return Ok(Cell::Text(parts.join("、").into()));
                }
                let list = lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join("/");
                fault(
                    "bad_code",
                    format!("不是以“、”分隔的 {list} 位数字编码"),
                    format!("are no codes of {list} digits with 、 or a comma between them"),
                )
            }
            _ => not_text(column, &cell),
        },
        FieldKind::Count(greatest) => match whole(&cell) {
            Some(v) if (0..=greatest).contains(&v) => Ok(Cell::Whole(v)),
            _ => fault(
                "not_a_count",
                format!("不是 0–{greatest} 的整数"),
                format!("is not a whole number in 0–{greatest}"),
            ),
        },
        FieldKind::Floor => {
            let text = shown(&cell);
            let digits = text.trim_end_matches(['层', '楼', 'F', 'f']).trim_start_matches(['第']);
            match whole(&Cell::Text(digits.into())).filter(|v| (-100..=1000).contains(v)) {
                Some(v) => Ok(Cell::Whole(v)),
                None => fault("not_a_floor", "不是楼层".to_owned(), "is no floor".to_owned()),
            }
        }
        FieldKind::Real => match number(&cell) {
            Some(v) => Ok(Cell::Real(v)),
            None => fault("not_a_number", "不是有限的数".to_owned(), "is not a finite number".to_owned()),
        },
        FieldKind::Bool => match (&cell, shown(&cell).to_lowercase().as_str()) {
            (Cell::Bool(_), _) => Ok(cell),
            (_, "true" | "1" | "是" | "yes" | "y" | "t") => Ok(Cell::Bool(true)),
            (_, "false" | "0" | "否" | "no" | "n" | "f") => Ok(Cell::Bool(false)),
            _ => fault("not_yes_or_no", "应为 是/否".to_owned(), "should be true/false, 1/0 or 是/否".to_owned()),
        },
        FieldKind::Date => match date(&shown(&cell)) {
            Some(d) => Ok(Cell::Date(d.to_string().into())),
            None => {
                fault("not_a_date", "不是日期（如 2021-05-03）".to_owned(), "is no date such as 2021-05-03".to_owned())
            }
        },
        FieldKind::Moment => match moment(&shown(&cell)) {
            Some(m) => Ok(Cell::Date(m.into())),
            None => fault(
                "not_a_date",
                "不是日期时间（如 2021-05-03 14:30）".to_owned(),
                "is no date with time such as 2021-05-03 14:30".to_owned(),
            ),
        },
        FieldKind::Word(words) => {
            let said = shown(&cell).to_lowercase();
            match words.iter().find(|(word, also)| *word == said || also.contains(&said.as_str())) {
                Some((word, _)) => Ok(Cell::Text((*word).into())),
                None => {
                    let list: Vec<&str> = words.iter().map(|w| w.0).collect();
                    let zh: Vec<&str> = words.iter().map(|w| w.1.first().copied().unwrap_or(w.0)).collect();
                    fault(
                        "unknown_word",
                        format!("不在 {} 之中", zh.join("、")),
                        format!("is none of {}", list.join(", ")),
                    )
                }
            }
        }
    }
}

fn not_text(column: &str, cell: &Cell) -> Result<Cell, Fault> {
    let s = shown(cell);
    Err(Fault::new(
        "code_not_text",
        format!(
            "列 {column}：编码 {s} 是数字而不是文本，可能已丢失末位；请把该列改为文本后重新导出 / column {column}: the code {s} is a number, not text, and may have lost its last digits; make the column text and export again"
        ),
    ))
}

/// `5.2E+17`: what Excel leaves of a code.
fn is_scientific(text: &str) -> bool {
    text.contains(['e', 'E'])
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.parse::<f64>().is_ok()
        && text.contains(['+', '.'])
}

/// An identity card number (GB 11643): 17 digits and a check digit over them, with a birth date inside.
fn is_id_card(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: &[u8; 11] = b"10X98765432";
    let b = text.as_bytes();
    let (Some(body), Some(last)) = (b.get(..17), b.get(17)) else { return false };
    if b.len() != 18 || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(d, w)| u32::from(d - b'0') * w).sum();
    let born = text.get(6..14).is_some_and(|d| {
        let part = |r: std::ops::Range<usize>| d.get(r).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
        (1900..=2100).contains(&part(0..4)) && (1..=12).contains(&part(4..6)) && (1..=31).contains(&part(6..8))
    });
    born && CHECK.get((sum % 11) as usize) == Some(&last.to_ascii_uppercase())
}

/// Whether a text holds an identity card number or a Chinese mobile number, be it written with spaces or hyphens.
#[must_use]
pub fn tells_of_a_person(text: &str) -> bool {
    let mut run = String::new();
    let is_one = |run: &str| {
        let mobile = run.strip_prefix("86").filter(|r| r.len() == 11).unwrap_or(run);
        let second = mobile.as_bytes().get(1);
        let is_mobile = mobile.len() == 11
            && mobile.starts_with('1')
            && second.is_some_and(|d| (b'3'..=b'9').contains(d))
            && !mobile.ends_with(['X', 'x']);
        is_mobile || is_id_card(run)
    };
    for c in text.chars().chain(['。']) {
        match c {
            '0'..='9' => run.push(c),
            'X' | 'x' if run.len() == 17 => run.push(c),
            ' ' | '-' if !run.is_empty() => {}
            _ => {
                if is_one(&run) {
                    return true;
                }
                run.clear();
            }
        }
    }
    false
}

/// A whole number; `12.0` is how a real column holds 12.
fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Whole(v) => Some(*v),
        Cell::Real(v) if v.fract() == 0.0 && v.abs() < 9e15 => Some(*v as i64),
        Cell::Text(t) => t.parse::<i64>().ok().or_else(|| {
            let v = t.parse::<f64>().ok().filter(|v| v.fract() == 0.0 && v.abs() < 9e15)?;
            t.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')).then_some(v as i64)
        }),
        _ => None,
    }
}

/// A finite number.
pub(super) fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Whole(v) => Some(*v as f64),
        Cell::Real(v) => Some(*v),
        Cell::Text(t) => t.trim().parse::<f64>().ok().filter(|v| v.is_finite()),
        _ => None,
    }
}

/// `2021-05-03`, `2021/5/3`, `2021.5.3`, `2021年5月3日`, `20210503`.
fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.split(['T', ' ']).next()?;
    let plain = day.replace(['年', '月', '/', '.'], "-").replace('日', "");
    if plain.len() == 8 && plain.bytes().all(|b| b.is_ascii_digit()) {
        return Date::parse(&plain, format_description!("[year][month][day]")).ok();
    }
    let mut parts = plain.trim_end_matches('-').split('-').map(|p| p.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1000..=9999).contains(&year) {
        return None;
    }
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

/// A day, or a day with hour and minute, as `2021-05-03` or `2021-05-03T14:30:00` (`.250` where it has milliseconds), with the zone it was written with, if any, as `Z` or
/// `+08:00`. Nine digits or more are seconds since 1970, twelve or more milliseconds.
fn moment(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(at) = epoch(text) {
        return Some(at);
    }
    let day = date(text)?;
    let Some((_, clock)) = text.split_once(['T', ' ']) else { return Some(day.to_string()) };
    let clock = clock.trim();
    let clock = clock.strip_suffix("UTC").or_else(|| clock.strip_suffix("GMT")).map_or(clock, |c| c.trim_end());
    let named = text.ends_with("UTC") || text.ends_with("GMT");
    let at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at_checked(at)?;
    let mut parts = clock.trim().split([':', '时', '分']).map(|p| p.trim_end_matches('秒'));
    let mut part = |most: u8| -> Option<u8> {
        let text = parts.next().filter(|t| !t.is_empty()).unwrap_or("0");
        text.split('.').next()?.parse().ok().filter(|v| *v <= most)
    };
    let (hour, minute, second) = (part(23)?, part(59)?, part(59)?);
    let whole = PrimitiveDateTime::new(day, time::Time::from_hms(hour, minute, second).ok()?);
    let decimals = clock.split([':', '时', '分']).nth(2).and_then(|s| s.split_once('.')).map_or("", |(_, d)| d);
    let (zone, parts) = (if named { Some("Z".to_owned()) } else { zone_of(zone) }, thousandths(decimals));
    zone.map(|zone| format!("{}T{hour:02}:{minute:02}:{second:02}{parts}{zone}", whole.date()))
}

/// Milliseconds out of a second's decimals, with their point; nothing where there are none.
fn thousandths(decimals: &str) -> String {
    let digits: String = decimals.chars().take_while(char::is_ascii_digit).take(3).collect();
    if digits.bytes().all(|d| d == b'0') { String::new() } else { format!(".{digits:0<3}") }
}

/// `Z`, `+08`, `+0800` or `+08:00` as RFC 3339 has it; nothing stays nothing.
fn zone_of(text: &str) -> Option<String> {
    let Some(digits) = text.strip_prefix(['+', '-']) else {
        return matches!(text, "" | "Z").then(|| text.to_owned());
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    let number = |t: &str, most: u8| t.len() == 2 && t.parse::<u8>().is_ok_and(|v| v <= most);
    let sign = text.get(..1)?;
    (number(hours, 23) && number(minutes, 59)).then(|| format!("{sign}{hours}:{minutes}"))
}

/// Seconds or milliseconds since 1970 as a moment in UTC.
fn epoch(text: &str) -> Option<String> {
    let digits = text.split('.').next()?;
    let fraction = text.strip_prefix(digits)?.trim_start_matches('.');
    if !(9..=14).contains(&digits.len()) || !digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse::<i64>().ok()?;
    let (seconds, parts) = match digits.len() {
        12.. => (number.div_euclid(1_000), thousandths(&format!("{:03}", number.rem_euclid(1_000)))),
        _ => (number, String::new()),
    };
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let (day, clock) = (at.date(), at.time());
    Some(format!("{day}T{:02}:{:02}:{:02}{parts}Z", clock.hour(), clock.minute(), clock.second()))
}

/// A moment in the many ways people write it, as a point in time; without a zone it is China's (UTC+8).
#[must_use]
pub fn moment_of(text: &str) -> Option<time::OffsetDateTime> {
    use time::format_description::well_known::Rfc3339;
    use time::macros::offset;
    let written = moment(text)?;
    time::OffsetDateTime::parse(&written, &Rfc3339)
        .or_else(|_| time::OffsetDateTime::parse(&format!("{written}+08:00"), &Rfc3339))
        .or_else(|e| date(&written).map(|d| d.midnight().assume_offset(offset!(+8))).ok_or(e))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(kind: FieldKind, cell: Cell) -> &'static str {
        typed(kind, "列", cell).expect_err("a fault").code
    }

    fn text(t: &str) -> Cell {
        Cell::Text(t.into())
    }

    #[test]
    fn codes_are_text_and_nothing_else() {
        let kind = FieldKind::Code(&[12, 15, 18]);
        assert_eq!(typed(kind, "c", text(" 520402102201 ")), Ok(text("520402102201")));
        for cell in [Cell::Whole(520_402_102_201), Cell::Real(5.204e17), text("5.2E+17")] {
            assert_eq!(code(kind, cell), "code_not_text");
        }
        assert_eq!(code(kind, text("52040210220x")), "bad_code");
        assert_eq!(code(FieldKind::Id, Cell::Whole(520_402_102_201_001)), "code_not_text");
        assert_eq!(typed(FieldKind::Id, "c", Cell::Whole(12)), Ok(text("12")));
    }

    #[test]
    fn lists_of_codes_are_text_and_every_code_is_looked_at() {
        let kind = FieldKind::Codes(&[9, 12]);
        assert_eq!(
            typed(kind, "c", text("520423102，520424107000; 520425108")),
            Ok(text("520423102、520424107000、520425108"))
        );
        for bad in ["52042310", "520423102、x", "、"] {
            assert_eq!(code(kind, text(bad)), "bad_code", "{bad}");
        }
        assert_eq!(code(kind, Cell::Whole(520_423_102)), "code_not_text");
    }

    #[test]
    fn i23_counts_are_whole_not_negative_and_bounded() {
        for bad in ["-1", "99999999999999999999", "1.5", "x", "1e3", "NaN"] {
            assert_eq!(code(FieldKind::Count(i64::MAX), text(bad)), "not_a_count", "{bad}");
        }
        assert_eq!(typed(FieldKind::Count(10), "c", text("3.0")), Ok(Cell::Whole(3)));
        assert_eq!(code(FieldKind::Count(10), Cell::Whole(11)), "not_a_count");
    }

    #[test]
    fn days_are_read_in_the_ways_offices_write_them() {
        for t in ["2021-05-03", "2021/5/3", "2021.5.3", "2021年5月3日", "20210503", "2021-05-03T00:00:00"] {
            assert_eq!(typed(FieldKind::Date, "c", text(t)), Ok(Cell::Date("2021-05-03".into())), "{t}");
        }
        assert_eq!(code(FieldKind::Date, text("2021-02-30")), "not_a_date");
        assert_eq!(code(FieldKind::Date, text("44319")), "not_a_date");
        let at = |t: &str| typed(FieldKind::Moment, "c", text(t)).expect("moment");
        assert_eq!(at("2021/5/3 14:30"), Cell::Date("2021-05-03T14:30:00".into()));
        assert_eq!(at("2021-05-03T14:30:00+08:00"), Cell::Date("2021-05-03T14:30:00+08:00".into()));
        assert_eq!(at("2021-05-03"), Cell::Date("2021-05-03".into()));
        assert_eq!(at("2021-05-03 14:30+0800"), Cell::Date("2021-05-03T14:30:00+08:00".into()));
        assert_eq!(at("2021-05-03 14:30:05 UTC"), Cell::Date("2021-05-03T14:30:05Z".into()));
        for epoch in ["1620023400", "1620023400000", "1620023400.25"] {
            assert_eq!(at(epoch), Cell::Date("2021-05-03T06:30:00Z".into()), "{epoch}");
        }
        assert_eq!(typed(FieldKind::Moment, "c", Cell::Whole(1_620_023_400)), Ok(at("1620023400")));
        assert_eq!(at("2021-05-03 14:30:05.25"), Cell::Date("2021-05-03T14:30:05.250".into()));
        assert_eq!(at("2021-05-03T06:30:05.2509Z"), Cell::Date("2021-05-03T06:30:05.250Z".into()));
        assert_eq!(at("2021-05-03T06:30:05.000Z"), Cell::Date("2021-05-03T06:30:05Z".into()));
        assert_eq!(at("1620023400250"), Cell::Date("2021-05-03T06:30:00.250Z".into()));
        assert_eq!(code(FieldKind::Moment, text("44319")), "not_a_date");
        assert_eq!(code(FieldKind::Moment, text("2021-05-03 14:30+8")), "not_a_date");
        assert_eq!(code(FieldKind::Moment, text("2021-05-03 25:00")), "not_a_date");
    }

    #[test]
    fn moments_without_a_zone_are_those_of_china() {
        let utc = |t: &str| moment_of(t).map(time::OffsetDateTime::unix_timestamp);
        for t in [
            "2021-05-03 14:30",
            "2021-05-03T06:30:00Z",
            "2021/5/3 14:30:00+08:00",
            "1620023400",
            "2021年5月3日 14时30分",
        ] {
            assert_eq!(utc(t), Some(1_620_023_400), "{t}");
        }
        assert_eq!(utc("2021-05-03"), Some(1_619_971_200));
        for t in ["2021-05-03 14:30:00.25", "2021-05-03T06:30:00.250Z", "1620023400250"] {
            assert_eq!(moment_of(t).map(|m| m.unix_timestamp_nanos()), Some(1_620_023_400_250_000_000), "{t}");
        }
        assert_eq!(utc("gestern"), None);
    }

    #[test]
    fn i28_identity_card_numbers_are_refused_wherever_they_stand_and_not_repeated() {
        // A made-up number with a right check digit.
        let made_up = "11010519491231002X";
        let fault = typed(FieldKind::Text, "备注", text(made_up)).expect_err("refused");
        assert_eq!(fault.code, "id_card_number");
        assert!(!fault.message.contains(made_up));
        assert!(typed(FieldKind::Id, "c", text("520402102201001001")).is_ok());
    }

    #[test]
    fn tenure_and_yes_and_floors_are_read_in_both_languages() {
        let tenure = FieldKind::Word(&[("own", &["自有"]), ("rented", &["租住"])]);
        assert_eq!(typed(tenure, "c", text("自有")), Ok(text("own")));
        assert_eq!(typed(tenure, "c", text("Rented")), Ok(text("rented")));
        assert_eq!(code(tenure, text("借住")), "unknown_word");
        assert_eq!(typed(FieldKind::Bool, "c", text("否")), Ok(Cell::Bool(false)));
        assert_eq!(code(FieldKind::Bool, text("也许")), "not_yes_or_no");
        assert_eq!(typed(FieldKind::Floor, "c", text("3层")), Ok(Cell::Whole(3)));
        assert_eq!(typed(FieldKind::Floor, "c", text("-1F")), Ok(Cell::Whole(-1)));
    }
}
