//! GDAL's OAPIF driver, as QGIS uses it: layers, pages of its own size, attribute and box filters.

use std::process::Command;

use crate::server::Server;

fn ogr(program: &str, server: &Server, arguments: &[&str]) -> String {
    let out = Command::new(program)
        .env("GDAL_HTTP_HEADERS", format!("Authorization: Bearer {}", server.token))
        .args(arguments)
        .output()
        .expect("GDAL starts");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && !said.contains("ERROR"), "{arguments:?}: {said}");
    said
}

pub(crate) fn ogr_reads_pages_filters_and_boxes(server: &Server) {
    let source = format!("OAPIF:{}/ogc", server.base);
    let layers = ogr("ogrinfo", server, &["-ro", "-q", &source]);
    for collection in ["regions", "grids", "units", "leaders", "buildings", "incidents", "households", "hotspots"] {
        assert!(layers.contains(&format!(": {collection} ")), "{layers}");
    }
    // every page, in pages of GDAL's own size
    let csv = ogr("ogr2ogr", server, &["-f", "CSV", "/vsistdout/", &source, "households"]);
    assert_eq!(csv.lines().count(), 1 + server.all(&server.token, "households", "").len());
    let count = |more: &[&str]| -> usize {
        let said = ogr("ogrinfo", server, &[&["-ro", "-so", source.as_str(), "households"], more].concat());
        let line = said.lines().find_map(|l| l.strip_prefix("Feature Count: ")).expect("a count");
        line.trim().parse().expect("a number")
    };
    let of = |query: &str| server.all(&server.token, "households", query).len();
    assert_eq!(count(&["-spat", "105.64", "25.95", "105.66", "25.98"]), of("&bbox=105.64,25.95,105.66,25.98"));
    assert_eq!(count(&["-where", "persons = 4"]), of("&persons=4"));
    // the order of axes survives
    let one = ogr("ogrinfo", server, &["-ro", &source, "households", "-where", "id = 'H0000001'"]);
    assert!(one.contains("POINT (105.64"), "{one}");
}
