//! Incidents of the demonstration: those of the synthetic year drawn together into the thirty days before now, an outbreak of the last three
//! days, and an emergency of this very hour, so that a room that opens on it is never empty. Apart from the shift to today all is fixed.

use std::fmt::Write as _;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::domain::LonLat;
use crate::domain::incident::dictionary::EMERGENCY;
use crate::domain::incident::{Dictionaries, State};
use crate::plan::room::moments;
use crate::store::NewIncident;

/// Days the year is drawn together into.
const DAYS: i64 = 30;
/// Days of the synthetic year.
const YEAR_DAYS: i64 = 365;
/// Where the outbreak and the emergency are: a street of the first village.
const STREET: LonLat = LonLat { lon_deg: 105.643_564, lat_deg: 25.974_987 };
const OUTBREAK: i64 = 16;
/// Incidents that are overdue: a handful, each of which somebody can look at.
const LATE: usize = 3;

/// What people say of each category.
const WORDS: [(&str, [&str; 3]); 7] = [
    ("民生服务", ["路灯不亮", "井盖松动", "自来水水压不足"]),
    ("矛盾劝解", ["邻里因通道堆物争执", "宅基地边界有争议", "噪音扰民"]),
    ("治安防控", ["电动车被盗", "夜间有人撬门", "店铺卷帘门损坏"]),
    ("社情民意", ["建议增设垃圾桶", "反映公交班次少", "要求公示低保名单"]),
    ("政策宣传", ["宣传森林防火", "宣传反诈", "宣传医保缴费"]),
    ("突发事件", ["道路积水", "电线起火", "山体小面积滑落"]),
    ("其他", ["流浪犬出没", "占道经营", "广告牌松动"]),
];

fn words(category: &str, i: usize) -> &'static str {
    let of = WORDS.iter().find(|w| w.0 == category).map_or(["其他", "其他", "其他"], |w| w.1);
    of.get(i % of.len()).copied().unwrap_or("其他")
}

/// The fixture's rows as a file whose times lie in the days before now; lines that are none are left out.
pub(super) fn drawn_together(fixture: &str, now: OffsetDateTime) -> String {
    let mut out = "编号,时间,类别,级别,经度,纬度,状态,办理时限,摘要\n".to_owned();
    let (lists, mut running) = (Dictionaries::shipped(), 0);
    for (i, line) in fixture.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.trim().split(',').collect();
        let &[id, at, category, level, lon, lat, state] = cells.as_slice() else { continue };
        let Ok(at) = OffsetDateTime::parse(at, &Rfc3339) else { continue };
        let days_back = (YEAR_DAYS - i64::from(at.ordinal())) * DAYS / YEAR_DAYS;
        let today = moments::china_day(now);
        let mut moved = moments::start_of(today) - Duration::days(days_back) + (at.time() - time::Time::MIDNIGHT);
        if moved > now {
            moved -= Duration::DAY;
        }
        let due_ms = lists.category(category).map(|c| c.allowance_ms()[0]).unwrap_or_default();
        let mut due = moments::of_ms(moments::ms(moved) + due_ms);
        // the first that are still to be done were left lying; the others have time
        if State::find(state).is_some_and(State::is_running) {
            running += 1;
            if running > LATE {
                due = due.max(now + Duration::hours(8 + i as i64 % 40));
            }
        }
        let (moved, due) = (moments::stored(moved), moments::stored(due));
        let _ = writeln!(out, "{id},{moved},{category},{level},{lon},{lat},{state},{due},{}", words(category, i));
    }
    out
}

fn at_the_street(east_m: f64, north_m: f64) -> LonLat {
    LonLat { lon_deg: STREET.lon_deg + east_m / 100_100.0, lat_deg: STREET.lat_deg + north_m / 110_800.0 }
}

/// Thefts of three days in one street.
pub(super) fn outbreak(now: OffsetDateTime) -> Vec<NewIncident> {
    (0..OUTBREAK)
        .map(|i| {
            let (angle, reach) = (i as f64 * 2.4, 12.0 * (i as f64).sqrt());
            let occurred = now - Duration::minutes(95 + i * 4 * 60);
            NewIncident {
                id: Some(format!("demo-outbreak-{i:02}")),
                category: "security".to_owned(),
                level: "grid".to_owned(),
                occurred_at: moments::stored(occurred),
                due_at: Some(moments::stored(occurred + Duration::hours(72))),
                summary: Some(words("治安防控", i as usize).to_owned()),
                place: Some(at_the_street(reach * angle.cos(), reach * angle.sin())),
                ..NewIncident::default()
            }
        })
        .collect()
}

/// An emergency nobody has looked at yet.
pub(super) fn emergency(now: OffsetDateTime) -> NewIncident {
    let occurred = now - Duration::minutes(4);
    NewIncident {
        id: Some("demo-emergency".to_owned()),
        category: EMERGENCY.to_owned(),
        level: "grid".to_owned(),
        occurred_at: moments::stored(occurred),
        due_at: Some(moments::stored(occurred + Duration::HOUR)),
        summary: Some("电线起火，已疏散".to_owned()),
        place: Some(at_the_street(60.0, 20.0)),
        ..NewIncident::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const FIXTURE: &str = include_str!("../../fixtures/township/incidents.csv");

    #[test]
    fn year_lies_in_the_thirty_days_before_now_and_some_of_it_is_late() {
        for hour in 0..24 {
            lies_in_the_thirty_days_before(datetime!(2026-11-26 00:30 +8) + Duration::hours(hour));
        }
    }

    fn lies_in_the_thirty_days_before(now: OffsetDateTime) {
        let text = drawn_together(FIXTURE, now);
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
        assert_eq!(rows.len(), 600);
        let moment = |t: &str| OffsetDateTime::parse(t, &Rfc3339).expect("a time");
        assert!(rows.iter().all(|r| moment(r[1]) <= now && now - moment(r[1]) <= Duration::days(31)));
        let running = || rows.iter().filter(|r| State::find(r[6]).is_some_and(State::is_running));
        let late = running().filter(|r| moment(r[7]) < now).count();
        assert!(running().count() > 10 && late == LATE, "{late} of {}", running().count());
        let fresh = rows.iter().filter(|r| now - moment(r[1]) <= Duration::DAY).count();
        assert!(fresh > 0, "the room shows something of the last day");
        assert_eq!(drawn_together(FIXTURE, now), text);
    }

    #[test]
    fn outbreak_is_within_three_days_and_one_street() {
        let now = datetime!(2026-11-26 12:30 +8);
        let all = outbreak(now);
        let moment = |i: &NewIncident| moments::parse(&i.occurred_at).expect("a time");
        assert!(all.iter().all(|i| moment(i) < now && now - moment(i) < Duration::days(3)));
        let near = |p: LonLat| (p.lon_deg - STREET.lon_deg).abs() < 1e-3 && (p.lat_deg - STREET.lat_deg).abs() < 1e-3;
        assert!(all.iter().all(|i| i.place.is_some_and(near)));
    }
}
