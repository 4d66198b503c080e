//! What every map must show, checked on the markup.

use std::path::Path;

use super::*;

fn feature(geometry: &str, properties: &str) -> String {
    format!("{{\"type\":\"Feature\",\"properties\":{properties},\"geometry\":{geometry}}}")
}

fn put(folder: &Path, name: &str, features: &[String]) {
    let text = format!(
        "{{\"type\":\"FeatureCollection\",\"lianhu:coordinates\":\"metres\",\"features\":[{}]}}",
        features.join(",")
    );
    std::fs::write(folder.join(name), text).expect("writable");
}

fn square(x: f64, y: f64, w: f64) -> String {
    let (r, t) = (x + w, y + w);
    format!("{{\"type\":\"Polygon\",\"coordinates\":[[[{x},{y}],[{r},{y}],[{r},{t}],[{x},{t}],[{x},{y}]]]}}")
}

fn point(x: f64, y: f64) -> String {
    format!("{{\"type\":\"Point\",\"coordinates\":[{x},{y}]}}")
}

/// Two villages of 3 × 3 grids side by side; the first has units with leaders, one of them an exception, and a bad name.
fn sample(folder: &Path) {
    let (mut grids, mut units, mut leaders, mut buildings, mut regions) = (vec![], vec![], vec![], vec![], vec![]);
    for v in 0..2_u32 {
        let village = format!("52042310200{}", v + 1);
        let x0 = f64::from(v) * 900.0;
        regions.push(feature(
            &square(x0, 0.0, 900.0),
            &format!("{{\"code\":\"{village}\",\"name\":\"<&\\\">村\",\"level\":\"village\"}}"),
        ));
        let level1 =
            format!("{{\"code\":\"{village}000\",\"kind\":\"level1\",\"village\":\"{village}\",\"households\":90}}");
        grids.push(feature(&square(x0, 0.0, 900.0), &level1));
        for k in 0..9_u32 {
            let (x, y) = (x0 + f64::from(k % 3) * 300.0, f64::from(k / 3) * 300.0);
            let code = format!("{village}{:03}", k + 1);
            grids.push(feature(
                &square(x, y, 300.0),
                &format!("{{\"code\":\"{code}\",\"name\":\"网格<{k}>\",\"kind\":\"base\",\"village\":\"{village}\",\"households\":10,\"deviation\":-0.013}}"),
            ));
            let exception = if k == 4 { "\"too_few\"" } else { "null" };
            units.push(feature(
                &square(x + 40.0, y + 40.0, 120.0),
                &format!("{{\"code\":\"{code}001\",\"grid\":\"{code}\",\"village\":\"{village}\",\"households\":10,\"leader\":\"h{k}\",\"deputies\":[\"d{k}\"],\"exception\":{exception}}}"),
            ));
            for (role, id) in [("leader", format!("{v}h{k}")), ("deputy", format!("{v}d{k}"))] {
                leaders.push(feature(
                    &point(x + 90.0, y + 90.0),
                    &format!("{{\"id\":\"{id}\",\"role\":\"{role}\",\"unit\":\"{code}001\",\"grid\":\"{code}\",\"village\":\"{village}\"}}"),
                ));
            }
            buildings.push(feature(
                &point(x + 90.0, y + 90.0),
                &format!("{{\"id\":\"b{v}{k}\",\"village\":\"{village}\",\"grid\":\"{code}\",\"households\":10}}"),
            ));
        }
    }
    put(folder, "grids.geojson", &grids);
    put(folder, "units.geojson", &units);
    put(folder, "leaders.geojson", &leaders);
    put(folder, "buildings.geojson", &buildings);
    put(folder, "regions.geojson", &regions);
    let line = |a: &str| format!("{{\"type\":\"LineString\",\"coordinates\":{a}}}");
    put(
        folder,
        "barriers.geojson",
        &[
            feature(&line("[[0,310],[900,320]]"), "{\"kind\":\"river\",\"hard\":true,\"name\":\"<河>\"}"),
            feature(&line("[[400,290],[400,330]]"), "{\"kind\":\"bridge\",\"hard\":false,\"name\":\"桥\"}"),
            feature(&line("[[600,500],[600,540]]"), "{\"kind\":\"bridge\",\"hard\":false,\"name\":\"旱桥\"}"),
        ],
    );
}

fn drawn(village: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("folder");
    sample(folder.path());
    draw(folder.path(), village).expect("drawn")
}

/// Checks that tags nest and that no bare markup character stands in text: enough of XML for what we write.
fn assert_well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("declaration");
    for piece in body.split('<').skip(1) {
        let (tag, rest) = piece.split_once('>').expect("a tag ends");
        assert!(!rest.contains('>') && rest.split('&').skip(1).all(|e| e.find(';').is_some_and(|i| i < 6)), "{rest}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("name"));
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_grid_unit_and_leader_of_the_village_stands_once_on_the_map() {
    let text = drawn(Some("520423102001"));
    assert_well_formed(&text);
    for k in 0..9 {
        let once = |s: String| assert_eq!(text.matches(&s).count(), 1, "{s}");
        once(format!("class=\"grid\" data-code=\"52042310200100{}\"", k + 1));
        once(format!("class=\"unit\" data-code=\"52042310200100{}001\"", k + 1));
        once(format!("class=\"leader\" data-id=\"0h{k}\""));
        once(format!("class=\"deputy\" data-id=\"0d{k}\""));
    }
    assert!(!text.contains("520423102002001") && !text.contains("\"1h0\""), "another village's parts");
    assert!(!text.contains("data-code=\"520423102001000\""), "level 1 is no area");
    assert_eq!(text.matches("class=\"unit-label\"").count(), 9);
    assert_eq!(text.matches("class=\"grid-label\"").count(), 9);
    for words in ["网格与十联户划分图", "图例 Legend", "北 N", "比例尺", "例外单元", "-1.3%", "联户长"]
    {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn grids_side_by_side_have_different_colours() {
    let text = drawn(Some("520423102001"));
    let colour = |k: usize| -> String {
        let from = text.find(&format!("data-code=\"52042310200100{}\" data-colour=\"", k + 1)).expect("grid");
        text[from..].split('"').nth(3).expect("colour").to_owned()
    };
    for k in 0..9 {
        if k % 3 < 2 {
            assert_ne!(colour(k), colour(k + 1));
        }
        if k < 6 {
            assert_ne!(colour(k), colour(k + 3));
        }
    }
}

#[test]
fn names_with_markup_are_escaped() {
    let text = drawn(Some("520423102001"));
    assert!(text.contains("&lt;&amp;&quot;&gt;村") && !text.contains("<&"));
    assert!(text.contains("网格&lt;4&gt;"));
}

#[test]
fn overview_shows_all_villages_without_units() {
    let text = drawn(None);
    assert_well_formed(&text);
    assert_eq!(text.matches("class=\"grid\"").count(), 18);
    assert_eq!(text.matches("class=\"unit\"").count(), 0);
    assert_eq!(text, drawn(None), "the same picture each time");
}

#[test]
fn bridges_are_drawn_where_they_cross_a_barrier_and_smaller_in_overviews() {
    let width = |text: &str| -> f64 {
        assert_eq!(text.matches("class=\"bridge\"").count(), 2, "one on the map, one in the legend");
        assert!(text.contains(">桥<") && !text.contains("旱桥"));
        let at = text.find("class=\"bridge\"").expect("bridge");
        text[at..]
            .split("stroke-width=\"")
            .nth(1)
            .and_then(|t| t.split('"').next())
            .expect("width")
            .parse()
            .expect("number")
    };
    assert!(width(&drawn(None)) < 0.6 * width(&drawn(Some("520423102001"))));
}

/// Boxes that the texts of a class cover on the sheet, with their words.
fn label_boxes(text: &str, class: &str) -> Vec<([f64; 4], String)> {
    text.lines()
        .filter(|l| l.starts_with("<text ") && l.contains(&format!("class=\"{class}\"")))
        .map(|l| {
            let value = |name: &str| -> f64 {
                let from = l.find(&format!(" {name}=\"")).expect("attribute") + name.len() + 3;
                l[from..].split('"').next().expect("value").parse().expect("number")
            };
            let words = l.split('>').nth(1).and_then(|t| t.split('<').next()).expect("words").to_owned();
            let (x, y, size) = (value("x"), value("y") - value("font-size") * 0.36, value("font-size"));
            let half = [svg::width_mm(&words, size) / 2.0, size * 0.85 / 2.0];
            ([x - half[0], y - half[1], x + half[0], y + half[1]], words)
        })
        .collect()
}

/// A village of 1.6 × 2.4 km with one grid, 12 scattered units and a town quarter of 10 × 8 units, 16 m apart.
fn town(folder: &Path) {
    let code = "520423102001";
    let (mut units, mut n) = (Vec::new(), 0);
    let mut unit = |x: f64, y: f64| {
        n += 1;
        units.push(feature(
            &square(x, y, 9.0),
            &format!(
                "{{\"code\":\"{code}001{n:03}\",\"grid\":\"{code}001\",\"village\":\"{code}\",\"households\":10}}"
            ),
        ));
    };
    (0..80).for_each(|i| unit(400.0 + f64::from(i % 10) * 16.0, 700.0 + f64::from(i / 10) * 16.0));
    (0..12).for_each(|i| unit(300.0 + f64::from(i % 4) * 300.0, 1_000.0 + f64::from(i / 4) * 400.0));
    let whole = "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1600,0],[1600,2400],[0,2400],[0,0]]]}";
    put(
        folder,
        "grids.geojson",
        &[feature(
            whole,
            &format!("{{\"code\":\"{code}001\",\"kind\":\"base\",\"village\":\"{code}\",\"households\":920}}"),
        )],
    );
    put(folder, "units.geojson", &units);
    put(
        folder,
        "regions.geojson",
        &[feature(whole, &format!("{{\"code\":\"{code}\",\"name\":\"镇上\",\"level\":\"village\"}}"))],
    );
}

#[test]
fn a_dense_quarter_is_enlarged_and_no_number_covers_another() {
    let folder = tempfile::tempdir().expect("folder");
    town(folder.path());
    let text = draw(folder.path(), Some("520423102001")).expect("drawn");
    assert_well_formed(&text);
    assert_eq!(text.matches("class=\"inset-window\"").count(), 1);
    let (main, large) = (label_boxes(&text, "unit-label"), label_boxes(&text, "inset-unit-label"));
    // Each unit is numbered once, the quarter's in the inset.
    let mut all: Vec<String> = main.iter().chain(&large).map(|l| l.1.clone()).collect();
    all.sort();
    assert_eq!(all, (1..=92).map(|n| format!("{n:03}")).collect::<Vec<_>>());
    assert!(large.len() >= 80 && main.len() <= 12, "{} {}", large.len(), main.len());
    assert!(!text.contains("个单元号未标"));
    for list in [main, large] {
        let list: Vec<_> = list.into_iter().chain(label_boxes(&text, "grid-label")).map(|l| l.0).collect();
        for (i, a) in list.iter().enumerate() {
            for b in &list[i + 1..] {
                let apart = a[0] >= b[2] - 0.05 || b[0] >= a[2] - 0.05 || a[1] >= b[3] - 0.05 || b[1] >= a[3] - 0.05;
                assert!(apart, "{a:?} covers {b:?}");
            }
        }
    }
}

#[test]
fn numbers_without_room_are_left_out_and_counted_where_no_corner_is_free() {
    let folder = tempfile::tempdir().expect("folder");
    town(folder.path());
    // Grids all over the sheet: a second village's worth of ground under every corner.
    let code = "520423102001";
    let wide = "{\"type\":\"Polygon\",\"coordinates\":[[[-700,0],[3200,0],[3200,2400],[-700,2400],[-700,0]]]}";
    put(
        folder.path(),
        "grids.geojson",
        &[feature(
            wide,
            &format!("{{\"code\":\"{code}001\",\"kind\":\"base\",\"village\":\"{code}\",\"households\":920}}"),
        )],
    );
    let text = draw(folder.path(), Some(code)).expect("drawn");
    let shown = label_boxes(&text, "unit-label").len();
    assert!(!text.contains("inset-window") && shown > 12 && shown < 92, "{shown}");
    assert!(text.contains(&format!("过密处 {} 个单元号未标", 92 - shown)));
}

#[test]
fn unknown_village_lists_the_codes_there_are() {
    let folder = tempfile::tempdir().expect("folder");
    sample(folder.path());
    let e = draw(folder.path(), Some("1")).expect_err("unknown").to_string();
    assert!(e.contains("520423102001") && e.contains("520423102002"), "{e}");
}

#[test]
fn folder_without_a_plan_is_said() {
    let folder = tempfile::tempdir().expect("folder");
    let e = draw(folder.path(), None).expect_err("empty");
    assert!(matches!(e, DrawError::NoPlan { .. }) && e.to_string().contains("grids.geojson"));
    std::fs::write(folder.path().join("grids.geojson"), "{\"type\":").expect("writable");
    assert!(matches!(draw(folder.path(), None), Err(DrawError::File { .. })));
    put(folder.path(), "grids.geojson", &[]);
    put(folder.path(), "units.geojson", &[]);
    assert!(matches!(draw(folder.path(), None), Err(DrawError::NoGrid)));
}
