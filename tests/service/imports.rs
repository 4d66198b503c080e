//! Files from offices: judged, brought in whole or not at all, refused with every reason.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Reply, send};
use crate::server::{Server, VILLAGE};

/// A place in the first village.
const AT: [f64; 2] = [105.643_564_4, 25.974_987_4];

impl Server {
    /// Sends a file, as a token.
    pub(crate) fn upload_as(&self, token: &str, query: &str, body: &[u8]) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
        send("POST", &format!("{}{query}", self.base), &headers, Some(body))
    }

    /// Waits for a job's end.
    pub(crate) fn job_as(&self, token: &str, started: &Value) -> Value {
        let path = format!("/api/jobs/{}", started["job"].as_str().unwrap_or_else(|| panic!("a job: {started}")));
        let begun = Instant::now();
        loop {
            let job = self.get_as(token, &path).is(200).json();
            if job["status"] != "running" {
                return job;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{job}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Brings an upload in under a key.
    pub(crate) fn commit_as(&self, token: &str, import: &str, key: &str, partial: bool) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        self.ask("POST", &format!("/api/imports/{import}/commit"), &headers, Some(&json!({"partial": partial})))
    }
}

fn uploaded(server: &Server, layer: &str, name: &str, body: &[u8]) -> Value {
    let query = format!("/api/imports?layer={layer}&file_name={name}");
    server.upload_as(&server.token, &query, body).is(202).json()
}

/// The preview of a file that can be read.
fn preview(server: &Server, layer: &str, name: &str, body: &[u8]) -> Value {
    let job = server.job_as(&server.token, &uploaded(server, layer, name, body));
    assert_eq!(job["status"], "done", "{job}");
    job["result"].clone()
}

/// The problem of one that cannot.
fn refused(server: &Server, layer: &str, name: &str, body: &[u8]) -> Value {
    let job = server.job_as(&server.token, &uploaded(server, layer, name, body));
    assert_eq!(job["status"], "failed", "{job}");
    job["problem"].clone()
}

fn stored(server: &Server, preview: &Value, key: &str, partial: bool) -> Value {
    let import = preview["import"]["id"].as_str().expect("an import");
    let started = server.commit_as(&server.token, import, key, partial).is(202).json();
    server.job_as(&server.token, &started)
}

/// Rows of the layer `buildings`, named after a case.
fn buildings(case: &str, n: usize) -> String {
    let row = |i: usize| format!("{case}-{i},{VILLAGE},{},{}\n", AT[0] + i as f64 * 1e-7, AT[1]);
    std::iter::once("楼栋编号,村编码,经度,纬度\n".to_owned()).chain((0..n).map(row)).collect()
}

fn there(server: &Server, collection: &str, id: &str) -> bool {
    server.get(&format!("/ogc/collections/{collection}/items/{id}")).status == 200
}

fn comes(server: &Server, collection: &str, id: &str) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if there(server, collection, id) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

pub(crate) fn file_is_judged_by_the_store_then_stored_and_served(server: &Server) {
    let header = "户号,经度,纬度,楼栋,村编码,人口,身份证号,电话\n";
    let row = |i: usize, persons: usize| {
        format!(
            "JS{i},{},{},JSB{},{VILLAGE},{persons},52042119700101001{i},1380013800{i}\n",
            AT[0],
            AT[1] + (i / 2) as f64 * 1e-4,
            i / 2
        )
    };
    let file = |persons: usize| header.to_owned() + &(0..4).map(|i| row(i, persons)).collect::<String>();
    let first = preview(server, "households", "住户.csv", file(3).as_bytes());
    assert_eq!(
        (&first["format"], &first["encoding"], &first["crs"]),
        (&json!("csv"), &json!("utf-8"), &json!("EPSG:4326"))
    );
    assert_eq!(
        (&first["rows"], &first["error_count"], &first["datum_suspected"]),
        (&json!(4), &json!(0), &Value::Null)
    );
    let counts = &first["counts"];
    assert_eq!((&counts["insert"], &counts["buildings"], &counts["unchanged"]), (&json!(4), &json!(2), &json!(0)));
    let column =
        |name: &str| first["columns"].as_array().expect("columns").iter().find(|c| c["column"] == name).cloned();
    assert_eq!(column("人口").expect("there")["field"], "persons");
    for personal in ["身份证号", "电话"] {
        assert_eq!(column(personal).expect("there")["dropped"], "person");
    }
    assert_eq!(first["regions"], json!([{"code": VILLAGE, "name": "黄果树社区居民委员会", "rows": 4}]));
    assert_eq!(first["sample"].as_array().map(Vec::len), Some(4));
    assert!(!first.to_string().contains("5204211970"), "nothing personal comes back");
    assert!(!there(server, "households", "JS0"), "judging stores nothing");
    let done = stored(server, &first, "judged-1", false);
    assert_eq!((&done["result"]["inserted"], &done["result"]["refused"]), (&json!(4), &json!(0)), "{done}");
    assert!(comes(server, "households", "JS3") && comes(server, "buildings", "JSB1"));
    // the same again changes nothing; other numbers change cells
    let again = preview(server, "households", "住户.csv", file(3).as_bytes());
    assert_eq!((&again["counts"]["unchanged"], &again["counts"]["insert"]), (&json!(4), &json!(0)));
    let changed = preview(server, "households", "住户.csv", file(5).as_bytes());
    assert_eq!((&changed["counts"]["update"], &changed["counts"]["buildings"]), (&json!(4), &json!(0)));
    assert_eq!(stored(server, &changed, "judged-2", false)["result"]["updated"], 4);
}

pub(crate) fn i06_faulty_rows_are_all_named_and_the_good_ones_wait(server: &Server) {
    let mut file = buildings("I06", 3);
    file += &format!("I06-far,{VILLAGE},100.0,20.0\nI06-0,{VILLAGE},{},{}\n", AT[0], AT[1]);
    file += &format!("I06-nan,{VILLAGE},NaN,{}\nI06-code,52042310200,{},{}\n", AT[1], AT[0], AT[1]);
    let shown = preview(server, "buildings", "楼栋.csv", file.as_bytes());
    assert_eq!(
        (&shown["rows"], &shown["counts"]["insert"], &shown["counts"]["refused"]),
        (&json!(7), &json!(3), &json!(4))
    );
    let codes: Vec<(u64, &str)> = shown["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| (e["row"].as_u64().expect("a row"), e["code"].as_str().expect("a code")))
        .collect();
    // I03, I06, I14
    for (row, code) in [(5, "outside_region"), (6, "duplicate_id"), (7, "not_a_number")] {
        assert!(codes.contains(&(row, code)), "{row} {code}: {codes:?}");
    }
    assert!(codes.iter().any(|c| c.0 == 8) && shown["errors"].to_string().contains("楼栋.csv"));
    let failed = stored(server, &shown, "i06-whole", false);
    assert_eq!((&failed["status"], &failed["problem"]["code"]), (&json!("failed"), &json!("faulty_rows")), "{failed}");
    assert!(!there(server, "buildings", "I06-0"));
    let import = shown["import"]["id"].as_str().expect("an import");
    let list = server.get(&format!("/api/imports/{import}/errors")).is(200).text();
    let lines: Vec<&str> = list.trim().lines().collect();
    assert_eq!(lines.len(), 5, "{list}");
    assert!(lines[0].starts_with("\u{feff}行 row,楼栋编号") || lines[0].starts_with("行 row,楼栋编号"), "{list}");
    assert!(
        lines[0].ends_with("原因 reason") && lines[1].contains("I06-far") && lines[1].contains("outside_region"),
        "{list}"
    );
    let book = server.get(&format!("/api/imports/{import}/errors?f=xlsx")).is(200);
    assert!(book.body.starts_with(b"PK") && book.header("content-disposition").contains("errors.xlsx"));
    let partly = stored(server, &shown, "i06-partly", true);
    assert_eq!((&partly["result"]["inserted"], &partly["result"]["refused"]), (&json!(3), &json!(4)), "{partly}");
    assert!(comes(server, "buildings", "I06-2") && !there(server, "buildings", "I06-far"));
}

pub(crate) fn i18_gb18030_and_i17_mark_are_read_with_their_names(server: &Server) {
    let text = format!("楼栋编号,村编码,名称,经度,纬度\nI18,{VILLAGE},大寨,{},{}\n", AT[0], AT[1]);
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let shown = preview(server, "buildings", "excel.csv", &bytes);
    assert_eq!((&shown["encoding"], &shown["sample"][0]["name"]), (&json!("gb18030"), &json!("大寨")));
    let marked = ["\u{feff}", &text].concat();
    let shown = preview(server, "buildings", "excel.csv", marked.as_bytes());
    assert_eq!((&shown["encoding"], &shown["sample"][0]["name"]), (&json!("utf-8"), &json!("大寨")));
}

pub(crate) fn i28_personal_columns_leave_no_byte(server: &Server) {
    let mark = "520421199912319876";
    let file = format!("楼栋编号,村编码,经度,纬度,身份证号\nI28,{VILLAGE},{},{},{mark}\n", AT[0], AT[1]);
    let shown = preview(server, "buildings", "楼栋.csv", file.as_bytes());
    let id = shown["import"]["id"].as_str().expect("an import").to_owned();
    assert_eq!(stored(server, &shown, "i28", false)["status"], "done");
    let delete = |id: &str| {
        server.ask(
            "DELETE",
            &format!("/api/imports/{id}"),
            &[("authorization", &format!("Bearer {}", server.token))],
            None,
        )
    };
    delete(&id).is(204);
    delete(&id).problem(404, "not_found");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(server.place.folder.path()).expect("a folder").flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).expect("a file");
            assert!(!bytes.windows(mark.len()).any(|w| w == mark.as_bytes()), "{}", entry.path().display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 0 && !server.log().contains(mark));
}

pub(crate) fn hostile_files_are_refused_with_their_code_and_no_path(server: &Server) {
    let folder = server.place.folder.path().to_string_lossy().into_owned();
    let check = |layer: &str, name: &str, body: &[u8], status: u16, code: &str| {
        let problem = refused(server, layer, name, body);
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{name}: {problem}");
        let said = problem.to_string();
        assert!(!said.contains(&folder) && !said.contains("/tmp/"), "{said}");
        assert!(problem["import"]["id"].is_string() && said.contains(name), "{said}");
    };
    // I01, I22, I38, I32
    let deep =
        format!("{{\"type\":\"FeatureCollection\",\"features\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    check("buildings", "i01.geojson", deep.as_bytes(), 400, "json_depth");
    check("buildings", "i22.geojson", b"{\"type\":\"FeatureCollection\",\"features\":[", 400, "json_syntax");
    check("buildings", "i38.gpkg", b"SQLite format 3\0and then nothing of the kind", 422, "corrupt_file");
    check("buildings", "i38.xlsx", b"PK\x03\x04 cut", 422, "corrupt_file");
    check("buildings", "empty.csv", b"", 422, "empty_file");
    check("buildings", "i30.xlsx", &bomb(), 413, "decompressed_too_large");
    let missing = refused(server, "buildings", "other.csv", b"a,b,c\n1,2,3\n");
    assert_eq!(missing["code"], "missing_column");
    assert_eq!(missing["columns"].as_array().map(Vec::len), Some(3), "what to map: {missing}");
    let import = missing["import"]["id"].as_str().expect("an import");
    let map = json!({"map": {"a": "id", "b": "lon", "c": "lat"}, "crs": "EPSG:9999"});
    server.write("POST", &format!("/api/imports/{import}/preview"), &map).problem(422, "bad_field");
    let map = json!({"map": {"a": "id", "b": "lon", "c": "lat"}, "crs": "GCJ-02"});
    let again = server.write("POST", &format!("/api/imports/{import}/preview"), &map).is(202).json();
    let shown = server.job_as(&server.token, &again);
    assert_eq!((&shown["result"]["crs"], &shown["result"]["error_count"]), (&json!("GCJ-02"), &json!(1)), "{shown}");
    for (query, status) in [
        ("layer=buildings&file_name=x.exe", 422),
        ("layer=buildings&file_name=x.xls", 422),
        ("layer=buildings", 400),
        ("layer=nothing&file_name=x.csv", 400),
        ("layer=buildings&file_name=x.csv&unknown=1", 400),
        ("layer=buildings&file_name=x.csv&region=5204231", 422),
    ] {
        server.upload_as(&server.token, &format!("/api/imports?{query}"), b"x").is(status);
    }
}

/// I30: half a gigabyte of zeros in half a megabyte.
fn bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for name in ["[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"] {
        zip.start_file(name, options).expect("an entry");
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..if name.ends_with("sheet1.xml") { 512 } else { 1 } {
            zip.write_all(&zeros).expect("bytes");
        }
    }
    zip.finish().expect("a zip").into_inner()
}

pub(crate) fn i42_same_file_under_the_same_key_is_stored_once(server: &Server) {
    let file = buildings("I42", 5);
    let shown = preview(server, "buildings", "楼栋.csv", file.as_bytes());
    let first = stored(server, &shown, "i42", false);
    assert_eq!(first["result"]["inserted"], 5, "{first}");
    // the reply was lost: the client sends everything again
    let again = preview(server, "buildings", "楼栋.csv", file.as_bytes());
    assert_ne!(again["import"], shown["import"]);
    assert_eq!(stored(server, &again, "i42", false)["result"], first["result"]);
    let import = again["import"]["id"].as_str().expect("an import");
    server.commit_as(&server.token, import, "i42", true).problem(422, "idempotency_key_reused");
    let bearer = format!("Bearer {}", server.token);
    let path = format!("/api/imports/{import}/commit");
    server.ask("POST", &path, &[("authorization", &bearer)], Some(&json!({}))).problem(400, "idempotency_key_missing");
}

pub(crate) fn row_that_others_changed_is_a_conflict(server: &Server) {
    let file = |version: u32, name: &str| {
        format!("楼栋编号,村编码,名称,经度,纬度,行版本\nCNF,{VILLAGE},{name},{},{},{version}\n", AT[0], AT[1])
    };
    for (key, version, name) in [("cnf-1", 0, "甲"), ("cnf-2", 1, "乙")] {
        let shown = preview(server, "buildings", "楼栋.csv", file(version, name).as_bytes());
        assert_eq!(stored(server, &shown, key, false)["status"], "done");
    }
    let stale = preview(server, "buildings", "楼栋.csv", file(1, "丙").as_bytes());
    assert_eq!((&stale["counts"]["conflict"], &stale["counts"]["update"]), (&json!(1), &json!(0)));
    let refused = stored(server, &stale, "cnf-3", false);
    assert_eq!((&refused["problem"]["status"], &refused["problem"]["code"]), (&json!(409), &json!("row_conflicts")));
    assert_eq!(refused["problem"]["conflicts"][0]["store_version"], 2);
}

pub(crate) fn cancelled_import_leaves_the_old_state(server: &Server) {
    let row = |i: usize| format!("CAN{i},{},{},CANB{},{VILLAGE}\n", AT[0] + (i / 8) as f64 * 1e-8, AT[1], i / 8);
    let file: String = std::iter::once("户号,经度,纬度,楼栋,村编码\n".to_owned()).chain((0..30_000).map(row)).collect();
    let shown = preview(server, "households", "住户.csv", file.as_bytes());
    assert_eq!((&shown["counts"]["insert"], &shown["error_count"]), (&json!(30_000), &json!(0)));
    let version = || server.get("/ogc/collections/buildings/items?ids=CANB0,CANB3749").json()["numberMatched"].clone();
    let import = shown["import"]["id"].as_str().expect("an import");
    let started = server.commit_as(&server.token, import, "can", false).is(202).json();
    let job = format!("/api/jobs/{}", started["job"].as_str().expect("a job"));
    server.ask("DELETE", &job, &[("authorization", &format!("Bearer {}", server.token))], None).is(202);
    assert_eq!(server.job_as(&server.token, &started)["status"], "cancelled");
    assert_eq!(version(), 0, "the buildings it would have made are not there either");
    // the same key is free for another try
    let again = stored(server, &shown, "can", false);
    assert_eq!((&again["status"], &again["result"]["inserted"]), (&json!("done"), &json!(30_000)), "{again}");
}

pub(crate) fn a01_uploads_are_their_owners_and_rows_their_area_s(server: &Server) {
    let neighbour = server.token_for("planner", "520423102002");
    let file = buildings("A01I", 2);
    let started = server.upload_as(&neighbour, "/api/imports?layer=buildings&file_name=a.csv", file.as_bytes()).is(202);
    let job = server.job_as(&neighbour, &started.json());
    let errors = job["result"]["errors"].as_array().expect("errors").clone();
    assert_eq!(errors.len(), 2, "{job}");
    assert!(errors.iter().all(|e| e["code"] == "outside_region" || e["code"] == "outside_area"), "{errors:?}");
    let import = job["result"]["import"]["id"].as_str().expect("an import").to_owned();
    server.get(&format!("/api/imports/{import}/errors")).problem(404, "not_found");
    server.commit_as(&server.token, &import, "a01", false).problem(404, "not_found");
    for role in ["viewer", "exporter", "auditor"] {
        let token = server.token_for(role, "*");
        server
            .upload_as(&token, "/api/imports?layer=buildings&file_name=a.csv", file.as_bytes())
            .problem(403, "forbidden");
    }
    // no region column: a planner's own township is meant
    let planner = server.token_for("planner", "520423102");
    let line = json!({"type": "FeatureCollection", "features": [{"type": "Feature", "id": "A01R", "properties": {"kind": "river"},
        "geometry": {"type": "LineString", "coordinates": [AT, [AT[0] + 0.01, AT[1]]]}}]});
    let query = "/api/imports?layer=barriers&file_name=river.geojson";
    let started = server.upload_as(&planner, query, line.to_string().as_bytes()).is(202).json();
    let job = server.job_as(&planner, &started);
    assert_eq!(
        (&job["result"]["counts"]["insert"], &job["result"]["regions"][0]["code"]),
        (&json!(1), &json!("520423102")),
        "{job}"
    );
}
