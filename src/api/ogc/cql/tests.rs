use std::cell::Cell;

use serde_json::json;

use super::*;
use crate::api::memory::Collection;
use crate::api::ogc::crs::Crs;

/// A household's fields as JSON text, by name; the others are null.
fn row(values: &[(&str, &'static str)]) -> Vec<&'static str> {
    let spec = Collection::Households.spec();
    spec.fields.iter().map(|f| values.iter().find(|(n, _)| *n == f.name).map_or("null", |(_, v)| v)).collect()
}

fn read(writing: Writing, text: &str, personal: bool) -> Answer<Filter> {
    let refused = Cell::new(false);
    parse(writing, text, &Names { spec: Collection::Households.spec(), personal, crs: Crs::Crs84, refused: &refused })
}

fn holds(text: &str, fields: &[&str], at: [f64; 2]) -> Option<bool> {
    read(Writing::Text, text, true).expect(text).holds(fields, Some(&Shape::Point(at)))
}

#[test]
fn what_holds_of_a_row() {
    let fields = row(&[
        ("id", "\"H-1\""),
        ("village", "\"520423102001\""),
        ("hamlet", "\"O'Hara\\\"寨\""),
        ("floor", "-1"),
        ("persons", "4"),
        ("eligible", "true"),
        ("valid_from", "\"2021-05-03\""),
    ]);
    let at = [105.5, 26.0];
    for (text, expected) in [
        ("id = 'H-1'", Some(true)),
        ("'H-1' <> id", Some(false)),
        ("persons > 3 AND persons <= 4 and floor<0", Some(true)),
        ("3 < persons", Some(true)),
        ("floor = -1", Some(true)),
        ("persons BETWEEN 1 AND 3", Some(false)),
        ("persons NOT BETWEEN 1 AND 3", Some(true)),
        ("persons IN (1, 4)", Some(true)),
        ("id NOT IN ('a','H-1')", Some(false)),
        ("hamlet = 'O''Hara\"寨'", Some(true)),
        ("hamlet LIKE 'O%寨'", Some(true)),
        ("hamlet LIKE 'o%'", Some(false)),
        ("CASEI(hamlet) LIKE CASEI('o%')", Some(true)),
        ("CASEI(id) = casei('h-1')", Some(true)),
        ("id LIKE 'H__'", Some(true)),
        ("id LIKE 'H_'", Some(false)),
        ("\"village\" LIKE '520423%'", Some(true)),
        ("stairwell IS NULL", Some(true)),
        ("stairwell IS NOT NULL", Some(false)),
        // unknown, as in SQL
        ("stairwell = 'a'", None),
        ("NOT stairwell = 'a'", None),
        ("stairwell = 'a' OR id = 'H-1'", Some(true)),
        ("stairwell = 'a' AND id = 'x'", Some(false)),
        ("stairwell = 'a' AND id = 'H-1'", None),
        ("eligible", Some(true)),
        ("eligible = FALSE", Some(false)),
        ("NOT (eligible = false OR persons = 5)", Some(true)),
        ("valid_from = DATE('2021-05-03')", Some(true)),
        ("valid_from < DATE('2021-05-04')", Some(true)),
        ("valid_from >= TIMESTAMP('2021-05-03T00:00:00Z')", Some(false)),
        ("T_DURING(valid_from, INTERVAL('2021-05-01','2021-05-31'))", Some(true)),
        ("T_AFTER(valid_from, DATE('2021-05-03'))", Some(false)),
        ("T_BEFORE(valid_from, INTERVAL('2022-01-01','..'))", Some(true)),
        ("S_INTERSECTS(geometry, BBOX(105,25,106,27))", Some(true)),
        ("S_INTERSECTS(geometry, POLYGON((105 25, 105.4 25, 105.4 27, 105 25)))", Some(false)),
        ("S_INTERSECTS(geom, POINT(105.5 26))", Some(true)),
        ("TRUE", Some(true)),
    ] {
        assert_eq!(holds(text, &fields, at), expected, "{text}");
    }
}

#[test]
fn json_says_the_same_as_text() {
    let square =
        json!({"type": "Polygon", "coordinates": [[[105.0, 25.0], [106.0, 25.0], [106.0, 27.0], [105.0, 25.0]]]});
    for (text, json) in [
        ("persons > 3", json!({"op": ">", "args": [{"property": "persons"}, 3]})),
        ("NOT id = 'a'", json!({"op": "not", "args": [{"op": "=", "args": [{"property": "id"}, "a"]}]})),
        ("persons BETWEEN 1 AND 2", json!({"op": "between", "args": [{"property": "persons"}, 1, 2]})),
        ("id IN ('a','b')", json!({"op": "in", "args": [{"property": "id"}, ["a", "b"]]})),
        ("id LIKE 'a%'", json!({"op": "like", "args": [{"property": "id"}, "a%"]})),
        ("floor IS NULL", json!({"op": "isNull", "args": [{"property": "floor"}]})),
        (
            "T_DURING(valid_from, INTERVAL('2021-05-01','..'))",
            json!({"op": "t_during", "args": [{"property": "valid_from"}, {"interval": ["2021-05-01", ".."]}]}),
        ),
        (
            "S_INTERSECTS(geometry, POLYGON((105 25, 106 25, 106 27, 105 25)))",
            json!({"op": "s_intersects", "args": [{"property": "geometry"}, square]}),
        ),
        (
            "id = 'a' AND (persons = 1 OR eligible = TRUE)",
            json!({"op": "and", "args": [
                {"op": "=", "args": [{"property": "id"}, "a"]},
                {"op": "or", "args": [
                    {"op": "=", "args": [{"property": "persons"}, 1]},
                    {"op": "=", "args": [{"property": "eligible"}, true]},
                ]},
            ]}),
        ),
    ] {
        let of_text = read(Writing::Text, text, true).expect(text);
        assert_eq!(read(Writing::Json, &json.to_string(), true).expect(text), of_text, "{text}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let deep = format!("{}id = 'a'{}", "(".repeat(5_000), ")".repeat(5_000));
    let nots = format!("{} id = 'a'", "NOT ".repeat(5_000));
    let casei = format!("{}id{} = 'a'", "casei(".repeat(5_000), ")".repeat(5_000));
    for text in [
        "",
        "id",
        "id =",
        "= 'a'",
        "id = 'a",
        "id = a",
        "nothing = 1",
        "id = 1",
        "persons = 'x'",
        "persons > 1e999",
        "id = 'a' id = 'b'",
        "persons IN ()",
        "id LIKE 3",
        "S_WITHIN(geometry, BBOX(1,2,3,4))",
        "S_INTERSECTS(id, BBOX(1,2,3,4))",
        "S_INTERSECTS(geometry, POLYGON((1 2)",
        "T_DURING(id, DATE('2021-05-03'))",
        "valid_from = 'gestern'",
        "id; DROP TABLE x",
        "foo(id) = 1",
        "persons + 1 = 2",
        "1 = 1",
        "id = 'a' AND",
        "DATE('2021-05-03')",
        &deep,
        &nots,
        &casei,
    ] {
        assert!(read(Writing::Text, text, true).is_err(), "{}", text.chars().take(60).collect::<String>());
    }
    let deep = format!("{}1{}", "{\"op\":\"not\",\"args\":[".repeat(5_000), "]}".repeat(5_000));
    for json in [
        "{}",
        "[]",
        "null",
        "{\"op\":\"and\",\"args\":[]}",
        "{\"op\":\"=\",\"args\":[{\"property\":\"id\"},null]}",
        &deep,
    ] {
        assert!(read(Writing::Json, json, true).is_err());
    }
}

#[test]
fn a04_personal_fields_are_refused_by_name() {
    assert!(read(Writing::Text, "persons = 1", false).is_err());
    assert!(read(Writing::Text, "floor = 1", false).is_ok());
}

#[test]
fn like_takes_no_exponential_time() {
    let text = "a".repeat(2_000);
    let pattern = format!("{}b", "%a".repeat(500));
    let like = read(Writing::Text, &format!("id LIKE '{pattern}'"), true).expect("filter");
    let quoted: &'static str = Box::leak(format!("\"{text}\"").into_boxed_str());
    assert_eq!(like.holds(&row(&[("id", quoted)]), None), Some(false));
}

#[test]
fn box_of_a_filter_is_what_can_be_looked_up() {
    let of = |text: &str| read(Writing::Text, text, true).expect(text).box_deg();
    assert_eq!(of("S_INTERSECTS(geometry, BBOX(1,2,3,4)) AND persons = 1"), Some([1.0, 2.0, 3.0, 4.0]));
    assert_eq!(of("S_INTERSECTS(geometry, BBOX(1,2,3,4)) OR persons = 1"), None);
    assert_eq!(of("NOT S_INTERSECTS(geometry, BBOX(1,2,3,4))"), None);
}
