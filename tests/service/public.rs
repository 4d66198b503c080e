//! A22: what everybody may see, against the incidents as they were written into the file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Place, ROLES, Server, TOWNSHIP};

const K: u64 = 5;
const CELLS: &str = "/ogc/collections/public-hotspots";
const TOTALS: &str = "/ogc/collections/public-totals";
/// Incidents by hexagon in the month made for this: a few of one to four.
const PLANTED: [u64; 8] = [14, 1, 9, 4, 2, 30, 3, 6];

/// Month → part → count, told from the file alone.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

fn fixture(name: &str) -> String {
    format!("{}/fixtures/township/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn cell(lon: &str, lat: &str) -> String {
    let place = h3o::LatLng::new(lat.parse().expect("degrees"), lon.parse().expect("degrees")).expect("a place");
    place.to_cell(h3o::Resolution::Seven).to_string()
}

/// The fixture's incidents and those planted in March 2024, as a file; and what there is to count.
fn incidents() -> (String, Counts, Counts) {
    let text = std::fs::read_to_string(fixture("incidents.csv")).expect("the fixture");
    let text = text.trim_start_matches('\u{feff}');
    let (head, rows) = text.split_once('\n').expect("a header");
    let mut rows: Vec<Vec<String>> =
        rows.lines().map(|l| l.trim_end().split(',').map(str::to_owned).collect()).collect();
    let mut places: BTreeMap<String, (String, String)> = BTreeMap::new();
    for row in &rows {
        places.entry(cell(&row[4], &row[5])).or_insert_with(|| (row[4].clone(), row[5].clone()));
    }
    assert!(places.len() > PLANTED.len(), "{places:?}");
    for (at, (n, (lon, lat))) in PLANTED.iter().zip(places.values()).enumerate() {
        for i in 0..*n {
            // one of the dispute category alone has less than five
            let category = if at == 1 || i < 3 && at == 0 { "矛盾劝解" } else { "民生服务" };
            let id = format!("P{at}-{i}");
            let row = [&id, "2024-03-31T23:59:00+08:00", category, "网格", lon.as_str(), lat.as_str(), "已办结"];
            rows.push(row.map(str::to_owned).to_vec());
        }
    }
    let (mut cells, mut categories) = (Counts::new(), Counts::new());
    for row in rows.iter().filter(|r| r[6] != "不予受理") {
        let month = row[1][..7].to_owned();
        *cells.entry(month.clone()).or_default().entry(cell(&row[4], &row[5])).or_default() += 1;
        *categories.entry(month).or_default().entry(row[2].clone()).or_default() += 1;
    }
    let lines: Vec<String> = rows.iter().map(|r| r.join(",")).collect();
    (format!("{head}\n{}\n", lines.join("\n")), cells, categories)
}

fn import(place: &Place, text: &str) {
    let file = place.folder.path().join("incidents.csv");
    std::fs::write(&file, text).expect("written");
    place.run(&["import", "--layer", "incidents", &file.to_string_lossy()], "");
}

/// A service on the store, with what is public turned on.
fn open(place: &Place, token: &str) -> Server {
    let own = Place { url: place.url.clone(), folder: tempfile::tempdir().expect("folder") };
    let environment = [("LIANHU_PUBLIC_INCIDENTS", "true"), ("LIANHU_PUBLIC_PER_MINUTE", "100000")];
    Server::start_with(own, token.to_owned(), &[], &environment)
}

fn features(server: &Server, layer: &str) -> Vec<Value> {
    let body = server.ask("GET", &format!("{layer}/items?limit=10000"), &[], None).is(200).json();
    let features = body["features"].as_array().expect("features").clone();
    assert_eq!(body["numberMatched"].as_u64(), Some(features.len() as u64));
    features
}

fn published(server: &Server) -> (Vec<Value>, Vec<Value>) {
    let begun = Instant::now();
    loop {
        let cells = features(server, CELLS);
        if !cells.is_empty() {
            return (cells, features(server, TOTALS));
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was published: {}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn text<'v>(feature: &'v Value, field: &str) -> &'v str {
    feature["properties"][field].as_str().unwrap_or_else(|| panic!("{field} of {feature}"))
}

/// Told parts (of hexagons: those with a class, which are taken for told here) are true and none is below k; what is kept back cannot be computed from the total, whoever knows where there was something.
fn protected(month: &str, truth: &BTreeMap<String, u64>, told: &BTreeMap<String, u64>, total: u64) {
    assert_eq!(truth.values().sum::<u64>(), total, "{month}");
    for (part, count) in told {
        assert_eq!((truth.get(part), *count >= K), (Some(count), true), "{month} {part}");
    }
    let kept_back: Vec<u64> = truth.iter().filter(|(p, _)| !told.contains_key(*p)).map(|(_, n)| *n).collect();
    assert!(truth.values().all(|n| *n >= K) || kept_back.iter().any(|n| *n < K), "{month}");
    let residual = total - told.values().sum::<u64>();
    if kept_back.is_empty() {
        assert_eq!(residual, 0);
        return;
    }
    // each of them is at least 1: it may have all that the others do not need, or 1
    assert!(kept_back.len() > 1, "{month}: one alone is the difference: {kept_back:?}");
    let most = residual - (kept_back.len() as u64 - 1);
    assert!(most >= K, "{month}: {kept_back:?} are known to be at most {most}");
}

pub(crate) fn a22_small_counts_are_kept_back_and_cannot_be_computed(place: &Place) {
    let (file, cells, categories) = incidents();
    place.run(&["import", "--layer", "regions", &fixture("regions.geojson")], "");
    import(place, &file);
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], crate::server::PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    let mut server = open(place, &token);
    let (shown, totals) = published(&server);

    // hexagons have a class and no number; whoever knew the counts of those that have one could not tell the others'
    let mut told = Counts::new();
    for f in &shown {
        let fields: Vec<&str> = f["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
        assert_eq!(fields.iter().copied().collect::<BTreeSet<_>>(), ["h3", "window", "from", "to", "class"].into());
        assert!(["hot", "cold", "none"].contains(&text(f, "class")), "{f}");
        assert_eq!(f["id"], format!("{}.{}", text(f, "window"), text(f, "h3")));
        assert_eq!(f["geometry"]["type"], "Polygon");
        let (window, h3) = (text(f, "window").to_owned(), text(f, "h3").to_owned());
        let count = cells[&window][&h3];
        assert!(told.entry(window).or_default().insert(h3, count).is_none());
    }
    let mut all = BTreeMap::new();
    let mut by_category = Counts::new();
    for f in &totals {
        match (text(f, "category"), f["properties"]["count"].as_u64()) {
            ("all", count) => drop(all.insert(text(f, "window").to_owned(), count.expect("a total"))),
            (_, None) => {}
            (_, Some(n)) => {
                by_category.entry(text(f, "window").to_owned()).or_default().insert(text(f, "name").to_owned(), n);
            }
        }
    }
    assert!(all.len() >= 10 && all.contains_key("2024-03"), "{all:?}");
    let none = BTreeMap::new();
    for (month, total) in &all {
        protected(month, &cells[month], told.get(month).unwrap_or(&none), *total);
        protected(month, &categories[month], by_category.get(month).unwrap_or(&none), *total);
    }
    let march = &told["2024-03"];
    assert_eq!(march.len(), 3, "of four large ones one stays with the small ones: {march:?}");
    assert!(told.keys().all(|m| all.contains_key(m)), "no cell of a month without a total");

    // the requests: nothing chooses incidents, everybody gets the same
    for bad in ["category=dispute", "resolution=9", "from=2024-03-01", "filter=count%3E5", "region=520423102001", "k=1"]
    {
        server.ask("GET", &format!("{CELLS}/items?{bad}"), &[], None).problem(400, "unknown_parameter");
    }
    for path in
        [format!("{CELLS}/items?limit=3"), format!("{TOTALS}/items"), CELLS.to_owned(), format!("{CELLS}/items?f=csv")]
    {
        let open = server.ask("GET", &path, &[], None).is(200);
        for (role, area) in ROLES.iter().zip(["*", TOWNSHIP, "520424", "520423102001", "520423102001001"]) {
            let same = server.get_as(&server.token_for(role, area), &path).is(200);
            assert_eq!(
                (&same.body, same.header("etag")),
                (&open.body, open.header("etag")),
                "{role} of {area}: {path}"
            );
        }
    }
    let csv = server.ask("GET", &format!("{CELLS}/items?f=csv&limit=10000"), &[], None).is(200);
    assert_eq!(csv.text().lines().count(), shown.len() + 1);
    let page = server.ask("GET", &format!("{TOTALS}/items?f=html"), &[], None).is(200);
    assert!(page.header("content-type").starts_with("text/html") && page.text().contains("2024-03"));
    server.ask("GET", &format!("{CELLS}/items?f=gpkg"), &[], None).problem(400, "bad_parameter");

    // pages, boxes, times choose among what is published
    let mut paged = Vec::new();
    let mut next = Some(format!("{CELLS}/items?limit=2"));
    while let Some(path) = next {
        let body = server.ask("GET", &path, &[], None).is(200).json();
        paged.extend(body["features"].as_array().expect("features").clone());
        let links = body["links"].as_array().expect("links");
        next = links
            .iter()
            .find(|l| l["rel"] == "next")
            .map(|l| l["href"].as_str().expect("href")[server.base.len()..].to_owned());
    }
    assert_eq!(paged, shown);
    let in_march = server.ask("GET", &format!("{CELLS}/items?datetime=2024-03-15"), &[], None).is(200).json();
    assert_eq!(in_march["numberMatched"].as_u64(), Some(march.len() as u64));
    let elsewhere = server.ask("GET", &format!("{CELLS}/items?bbox=100,20,101,21"), &[], None).is(200).json();
    assert_eq!(elsewhere["numberMatched"], 0);
    let id = shown[0]["id"].as_str().expect("an id");
    let one = server.ask("GET", &format!("{CELLS}/items/{id}"), &[], None).is(200).json();
    assert_eq!(one["properties"], shown[0]["properties"]);
    let hidden = cells["2024-03"].iter().find(|(_, n)| **n < K).expect("a small cell").0;
    server.ask("GET", &format!("{CELLS}/items/2024-03.{hidden}"), &[], None).problem(404, "not_found");
    let known = server.ask("GET", &format!("{CELLS}/items"), &[], None).is(200);
    let again = server.ask("GET", &format!("{CELLS}/items"), &[("if-none-match", known.header("etag"))], None);
    assert_eq!(again.status, 304);
    let landing = server.ask("GET", "/ogc", &[], None).is(200).text();
    assert!(landing.contains(CELLS) && landing.contains(TOTALS));
    let listed = server.get("/ogc/collections").is(200).text();
    assert!(listed.contains("\"public-hotspots\""));
    server.ask("GET", "/ogc/collections/incidents/items", &[], None).problem(401, "unauthenticated");

    // what comes to light later changes nothing that was shown: the difference would tell it
    server.terminate();
    assert!(server.ended());
    let (lon, lat) = file
        .lines()
        .find(|l| l.starts_with("P1-0,"))
        .map(|l| (l.split(',').nth(4), l.split(',').nth(5)))
        .expect("a row");
    let (lon, lat) = (lon.expect("lon"), lat.expect("lat"));
    let head = file.lines().next().expect("a header");
    import(place, &format!("{head}\nP9,2024-03-02T08:00:00+08:00,民生服务,网格,{lon},{lat},已上报\n"));
    let server = open(place, &token);
    assert_eq!(published(&server), (shown, totals));
}

/// Nothing of it is there unless it is turned on.
pub(crate) fn nothing_is_public_unless_it_is_said(server: &Server) {
    for path in ["", "/items", "/items/2025-03.all"] {
        for layer in [CELLS, TOTALS] {
            server.ask("GET", &format!("{layer}{path}"), &[], None).problem(404, "not_found");
            server.get(&format!("{layer}{path}")).problem(404, "not_found");
        }
    }
    assert!(!server.ask("GET", "/ogc", &[], None).is(200).text().contains("public-"));
}

#[test]
fn a22_small_counts_are_kept_back_and_cannot_be_computed_sqlite() {
    a22_small_counts_are_kept_back_and_cannot_be_computed(&Place::sqlite());
}

#[test]
fn a22_small_counts_are_kept_back_and_cannot_be_computed_postgis() {
    a22_small_counts_are_kept_back_and_cannot_be_computed(&Place::postgis());
}
