//! Files by `f=`: the same rows as the query's GeoJSON, read back by GDAL.

use std::process::Command;

use crate::server::{Server, VILLAGE};

pub(crate) fn files_hold_what_the_query_means(server: &Server) {
    let query = format!("village={VILLAGE}&properties=id,village,households");
    let expected =
        server.get(&format!("/ogc/collections/buildings/items?limit=1&{query}")).is(200).json()["numberMatched"]
            .clone();
    let folder = tempfile::tempdir().expect("folder");
    for (form, ending) in [
        ("gpkg", "gpkg"),
        ("fgb", "fgb"),
        ("shp", "zip"),
        ("kml", "kml"),
        ("csv", "csv"),
        ("xlsx", "xlsx"),
        ("geojsonseq", "geojsonl"),
    ] {
        let reply = server.get(&format!("/ogc/collections/buildings/items?f={form}&{query}")).is(200);
        assert!(reply.header("content-disposition").contains(&format!("buildings.{ending}")));
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        // by this name GDAL knows an archive with a Shapefile in it
        let path = folder.path().join(format!("x.{}", ending.replace("zip", "shp.zip")));
        std::fs::write(&path, &reply.body).expect("written");
        let out = Command::new("ogrinfo")
            .env("OGR_XLSX_HEADERS", "FORCE")
            .args(["-ro", "-so", "-al"])
            .arg(&path)
            .output()
            .expect("ogrinfo starts");
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(
            said.contains(&format!("Feature Count: {expected}")),
            "{form}: {said}{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    server
        .get("/ogc/collections/grids/items?f=gpkg&crs=http://www.opengis.net/def/crs/EPSG/0/3857")
        .problem(400, "bad_parameter");
}
