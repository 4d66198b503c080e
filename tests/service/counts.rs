//! Incidents in numbers, each against a count of what it is about: on the screen, in files for Excel, for whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use calamine::Reader as _;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::incidents::{body, report};
use crate::room::all;
use crate::server::{Server, TOWNSHIP, VILLAGE, still, writing};

/// Count, open, overdue by key.
type Groups = BTreeMap<String, [u64; 3]>;

const BY: [(&str, &str); 7] = [
    ("category", "类别"),
    ("level", "层级"),
    ("state", "状态"),
    ("region", "区划"),
    ("day", "日期"),
    ("grid", "网格"),
    ("unit", "单元"),
];

/// The incidents counted one by one; of regions so many digits.
fn counted_by_hand(incidents: &[Value], by: &str, digits: usize) -> Groups {
    let mut groups = Groups::new();
    for incident in incidents {
        let text = |field: &str| incident[field].as_str().unwrap_or_default();
        let key = match by {
            "region" => text("region").get(..digits).unwrap_or(text("region")),
            // China's days
            "day" => &text("occurred_at")[..10],
            other => text(other),
        };
        let is_open = !matches!(text("state"), "closed" | "rejected");
        let group = groups.entry(key.to_owned()).or_default();
        for (n, counts) in group.iter_mut().zip([true, is_open, incident["overdue"] == true]) {
            *n += u64::from(counts);
        }
    }
    groups
}

fn total(groups: &Groups) -> [u64; 3] {
    groups.values().fold([0; 3], |t, g| [t[0] + g[0], t[1] + g[1], t[2] + g[2]])
}

fn groups_of(rows: &Value) -> Groups {
    let rows = rows.as_array().expect("rows");
    let number = |row: &Value, field: &str| row[field].as_u64().expect("a number");
    let group = |row: &Value| {
        let key = row["key"].as_str().expect("a key").to_owned();
        (key, ["count", "open", "overdue"].map(|field| number(row, field)))
    };
    let groups: Groups = rows.iter().map(group).collect();
    assert_eq!(groups.len(), rows.len(), "each group once");
    groups
}

fn codes(list: &Value) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().filter_map(|v| v["code"].as_str().map(str::to_owned)).collect()
}

/// The cells of a sheet or a table.
fn cells_of(file: &Reply, f: &str) -> Vec<Vec<String>> {
    if f == "csv" {
        let bytes = file.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&file.body);
        let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        return lines.records().map(|r| r.expect("a row").iter().map(str::to_owned).collect()).collect();
    }
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(&file.body)).expect("a workbook");
    let sheet = book.worksheet_range_at(0).expect("a sheet").expect("cells");
    sheet.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// What a file says: its groups, its total, its villages without an incident.
fn groups_of_file(file: &Reply, f: &str, title: &str) -> (Groups, [u64; 3], BTreeSet<String>) {
    let rows = cells_of(file, f);
    assert_eq!(rows[0], ["编码", title, "事件数", "未办结", "超期"]);
    let (mut groups, mut all, mut free) = (Groups::new(), None, BTreeSet::new());
    for row in &rows[1..] {
        let numbers = [2, 3, 4].map(|at| row[at].parse::<u64>().expect("a number"));
        if row[1] == "合计" {
            assert!(row[0].is_empty() && all.replace(numbers).is_none(), "one total");
        } else if row[1].starts_with("零发案村") {
            assert!(numbers == [0; 3] && free.insert(row[0].clone()), "{row:?}");
        } else {
            assert!(all.is_none() && groups.insert(row[0].clone(), numbers).is_none(), "{row:?}");
        }
    }
    (groups, all.expect("a total"), free)
}

/// Compares what somebody is told in numbers, as JSON and as files, with the incidents that somebody is shown.
fn numbers_are_counts(server: &Server, token: &str, query: &str, with_files: bool) {
    let ask = |path: &str| server.get_as(token, path).is(200);
    let incidents = |query: &str| {
        let answer = ask(&format!("/api/incidents?limit=1000&{query}")).json();
        assert!(answer["next"].is_null(), "one page holds all here");
        answer["incidents"].as_array().expect("incidents").clone()
    };
    let listed = incidents(query);
    // whatever became of an incident, there was one
    let ever: Vec<&str> =
        query.split('&').filter(|p| ["open=", "overdue=", "state="].iter().all(|n| !p.starts_with(n))).collect();
    let had: BTreeSet<String> =
        incidents(&ever.join("&")).iter().filter_map(|i| i["region"].as_str().map(str::to_owned)).collect();
    let within = query.split('&').find_map(|p| p.strip_prefix("region=")).unwrap_or_default();
    let mut free = codes(&ask("/api/regions?level=village").json()["regions"]);
    free.retain(|code| code.starts_with(within) && !had.contains(code));
    for (by, title) in BY {
        let path = format!("/api/statistics?by={by}&{query}");
        let told = ask(&path).json();
        let groups = groups_of(&told["rows"]);
        let digits = groups.keys().map(String::len).max().unwrap_or_default();
        let mut filled = groups.clone();
        filled.retain(|_, g| *g != [0; 3]);
        let by_hand = counted_by_hand(&listed, by, digits);
        assert_eq!(filled, by_hand, "{by} {query}");
        let numbers = ["incidents", "open", "overdue"].map(|n| told["totals"][n].as_u64().expect("a number"));
        assert_eq!((numbers, total(&groups)), (total(&by_hand), total(&by_hand)), "{by} {query}");
        assert_eq!(codes(&told["incident_free"]), free, "{by} {query}");
        for f in ["csv", "xlsx"].into_iter().filter(|_| with_files) {
            let file = ask(&format!("{path}&f={f}"));
            assert_eq!(groups_of_file(&file, f, title), (groups.clone(), numbers, free.clone()), "{by} {query} {f}");
        }
    }
}

pub(crate) fn statistics_sum_to_the_incidents_by_every_group(server: &Server) {
    let _still = still();
    for (query, with_files) in [
        ("", true),
        ("from=2025-03-01&to=2025-09-30", false),
        ("category=dispute", false),
        ("region=520423102001", false),
        ("open=true", false),
        ("overdue=true&level=grid,village", true),
        ("state=closed,rejected", false),
    ] {
        numbers_are_counts(server, &server.token, query, with_files);
    }
    let counted = server.get("/api/statistics?by=region").is(200).json();
    let totals = &counted["totals"];
    for (collection, name) in [("grids", "grids"), ("units", "units"), ("households", "households")] {
        assert_eq!(totals[name].as_u64(), Some(server.all(&server.token, collection, "").len() as u64), "{name}");
    }
    for bad in ["by=x", "f=pdf", "from=x", "region=1", "color=red", "state=x", "open=1"] {
        assert_eq!(server.get(&format!("/api/statistics?{bad}")).status, 400, "{bad}");
    }
}

/// What stands in numbers beside the map, each against a count of what it is about.
pub(crate) fn totals_of_leaders_day_and_week_are_a_count(server: &Server) {
    let _writing = writing();
    let china = time::macros::offset!(+8);
    let today = || time::OffsetDateTime::now_utc().to_offset(china).date();
    // one of each day of a week and more; the seventh day back is not of the week
    for days in 0..9 {
        let at = time::OffsetDateTime::now_utc() - time::Duration::days(days);
        let mut wish = body("opinion");
        wish["occurred_at"] = at.format(&time::format_description::well_known::Rfc3339).expect("a time").into();
        report(server, &wish);
    }
    let leaders = server.all(&server.token, "leaders", "");
    for region in ["", TOWNSHIP, VILLAGE, "520423102002"] {
        let query = if region.is_empty() { String::new() } else { format!("region={region}") };
        // the day may turn while we count
        let (day, totals, incidents) = loop {
            let day = today();
            let totals = server.get(&format!("/api/statistics?{query}")).is(200).json()["totals"].clone();
            let incidents = all(server, &query);
            if today() == day {
                break (day, totals, incidents);
            }
        };
        let since = |first: time::Date| {
            let first = first.to_string();
            let is = |i: &&Value| i["occurred_at"].as_str().is_some_and(|t| t[..10] >= *first);
            incidents.iter().filter(is).count() as u64
        };
        let week = since(day - time::Duration::days(6));
        assert_eq!((&totals["today"], &totals["days7"]), (&json!(since(day)), &json!(week)), "{region}");
        let heads = leaders.iter().filter(|l| {
            let unit = l["properties"]["unit"].as_str().expect("a unit");
            l["properties"]["role"] == "leader" && unit.starts_with(region)
        });
        assert_eq!(totals["leaders"], json!(heads.count()), "{region}");
        if region == VILLAGE {
            assert!(since(day) >= 1 && week >= 7 && week < incidents.len() as u64, "{week}");
            assert!(totals["leaders"].as_u64() > Some(0));
        }
    }
}

pub(crate) fn m11_files_of_statistics_are_for_those_who_take_copies(server: &Server) {
    let _still = still();
    let exporter = server.token_for("exporter", VILLAGE);
    let json = server.get_as(&exporter, "/api/statistics?by=category").is(200).json();
    let csv = server.get_as(&exporter, "/api/statistics?by=category&f=csv").is(200);
    let text = csv.text();
    assert!(csv.header("content-disposition").contains("statistics.csv"));
    let total = text.lines().find(|l| l.contains("合计")).expect("a total");
    assert!(total.contains(&json["totals"]["incidents"].to_string()), "{total}");
    let xlsx = server.get_as(&exporter, "/api/statistics?by=region&f=xlsx").is(200);
    assert!(xlsx.body.starts_with(b"PK"));
    numbers_are_counts(server, &exporter, "", true);
    // the leader of a unit gets the same of the unit, and nothing of what others had
    let ours = all(server, "region=520423102001");
    let unit = ours.iter().find_map(|i| i["unit"].as_str()).expect("an incident of a unit");
    let leader = server.token_for("exporter", unit);
    numbers_are_counts(server, &leader, "", true);
    let of_unit = server.get_as(&leader, "/api/statistics?by=unit").is(200).json();
    let known = ours.iter().filter(|i| i["unit"] == unit).count();
    assert_eq!(
        (of_unit["totals"]["incidents"].as_u64(), of_unit["rows"][0]["key"].as_str()),
        (Some(known as u64), Some(unit))
    );
    assert_eq!(of_unit["incident_free"], json!([]), "whether the village had none is not the unit's to say");
    for role in ["viewer", "auditor"] {
        let token = server.token_for(role, VILLAGE);
        server.get_as(&token, "/api/statistics?f=csv").problem(403, "forbidden");
        server.get_as(&token, "/api/statistics").is(200);
    }
}
