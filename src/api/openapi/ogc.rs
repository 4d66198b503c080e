//! OGC API – Features and Tiles.

use serde_json::{Map, Value, json};

use crate::api::memory::Collection;
use crate::api::ogc::{LIMIT, MOST};

use super::parts::{
    ALL, ANYBODY, also, answers, document as around, object, of, operation, parameters, path, query, text,
};

const JSON: &str = "application/json";
const GEOJSON: &str = "application/geo+json";

fn numbers(least: u32, most: u32) -> Value {
    json!({"type": "array", "minItems": least, "maxItems": most, "items": {"type": "number"}})
}

/// The document.
pub(in crate::api) fn document(origin: &str) -> Value {
    let collections: Vec<&str> = Collection::ALL.iter().map(|c| c.id()).collect();
    let collection = || path("collectionId", json!({"type": "string", "enum": collections}));
    let f = |values: &[&str]| query("f", "形式 / form", json!({"type": "string", "enum": values}));
    let page = || f(&["json", "html"]);
    let whole = || json!({"type": "integer", "minimum": 0});
    let found = |o: Value| also(o, &[(404, "")]);
    let known = |o: Value| also(o, &[(304, "未变 / not changed"), (404, "")]);
    let matrices = || path("tileMatrixSetId", json!({"type": "string", "enum": ["WebMercatorQuad"]}));
    let items = vec![
        collection(),
        f(&["json", "html", "fgb", "gpkg", "csv", "xlsx", "kml", "shp", "geojsonseq"]),
        query(
            "limit",
            "每页条数 / features of a page",
            json!({"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}),
        ),
        query("cursor", "从此之后 / after this one; see the link next", text()),
        query("bbox", "范围 / box", json!({"oneOf": [numbers(4, 4), numbers(6, 6)]})),
        query("bbox-crs", "范围的坐标系 / its system", json!({"type": "string", "format": "uri"})),
        query("crs", "坐标系 / system of the answer", json!({"type": "string", "format": "uri"})),
        query("datetime", "时间 / time", text()),
        query("ids", "编号 / ids", json!({"type": "array", "items": {"type": "string"}})),
        query("sortby", "排序 / order: the key, or - and the key", text()),
        query("properties", "字段 / fields", json!({"type": "array", "items": {"type": "string"}})),
        query("filter", "条件 / CQL2", text()),
        query("filter-lang", "", json!({"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"})),
        query("filter-crs", "", json!({"type": "string", "format": "uri"})),
        query("skipGeometry", "", json!({"type": "boolean", "default": false})),
    ];
    let get = |o: Value| json!({"get": o});
    let paths = json!({
        "/": get(parameters(answers(operation("landing", "首页 / landing page", ANYBODY), 200, JSON, of("Links")), vec![page()])),
        "/api": get(answers(operation("definition", "本文档 / this document", ANYBODY), 200, "application/vnd.oai.openapi+json;version=3.0", json!({"type": "object"}))),
        "/conformance": get(parameters(answers(operation("conformance", "符合的标准 / what is conformed to", ANYBODY), 200, JSON, object(&[("conformsTo", json!({"type": "array", "items": text()}))])), vec![page()])),
        "/collections": get(parameters(answers(operation("collections", "图层 / collections", ALL), 200, JSON, object(&[("links", json!({"type": "array", "items": of("Link")})), ("collections", json!({"type": "array", "items": of("Collection")}))])), vec![page()])),
        "/collections/{collectionId}": get(found(parameters(answers(operation("collection", "图层 / a collection", ALL), 200, JSON, of("Collection")), vec![collection(), page()]))),
        "/collections/{collectionId}/queryables": get(found(parameters(answers(operation("queryables", "可查询的字段 / what can be asked for", ALL), 200, "application/schema+json", json!({"type": "object"})), vec![collection(), page()]))),
        "/collections/{collectionId}/items": get(also(known(parameters(answers(operation("items", "要素 / features", ALL), 200, GEOJSON, of("FeatureCollection")), items)), &[(422, "")])),
        "/collections/{collectionId}/items/{featureId}": get(known(parameters(
            answers(operation("item", "要素 / a feature", ALL), 200, GEOJSON, of("Feature")),
            vec![collection(), path("featureId", text()), page(), query("crs", "坐标系 / system of the answer", json!({"type": "string", "format": "uri"}))],
        ))),
        "/collections/{collectionId}/tiles": get(found(parameters(answers(operation("tilesets", "切片集 / tilesets", ALL), 200, JSON, json!({"type": "object"})), vec![collection(), page()]))),
        "/collections/{collectionId}/tiles/{tileMatrixSetId}": get(found(parameters(answers(operation("tileset", "切片集 / a tileset", ALL), 200, JSON, json!({"type": "object"})), vec![collection(), matrices(), page()]))),
        "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": get(known(parameters(
            answers(operation("tile", "矢量切片 / a vector tile", ALL), 200, "application/vnd.mapbox-vector-tile", json!({"type": "string", "format": "binary"})),
            vec![collection(), matrices(), path("tileMatrix", whole()), path("tileRow", whole()), path("tileCol", whole()), f(&["mvt", "pbf"])],
        ))),
        "/tileMatrixSets": get(parameters(answers(operation("matrixSets", "切片方案 / tile matrix sets", ALL), 200, JSON, json!({"type": "object"})), vec![page()])),
        "/tileMatrixSets/{tileMatrixSetId}": get(found(parameters(answers(operation("matrixSet", "切片方案 / a tile matrix set", ALL), 200, JSON, json!({"type": "object"})), vec![matrices(), page()]))),
    });
    let links = || json!({"type": "array", "items": of("Link")});
    let feature = json!({
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": text(),
            "geometry": {"type": "object", "nullable": true},
            "properties": {"type": "object"},
            "links": links(),
        },
    });
    let mut schemas = Map::new();
    for (name, schema) in [
        (
            "Link",
            json!({"type": "object", "required": ["href", "rel"], "properties": {"href": text(), "rel": text(), "type": text(), "title": text(), "templated": {"type": "boolean"}}}),
        ),
        ("Links", object(&[("title", text()), ("links", links())])),
        (
            "Collection",
            object(&[
                ("id", text()),
                ("title", text()),
                ("description", text()),
                ("itemType", text()),
                ("extent", json!({"type": "object"})),
                ("crs", json!({"type": "array", "items": text()})),
                ("storageCrs", text()),
                ("links", links()),
            ]),
        ),
        ("Feature", feature),
        (
            "FeatureCollection",
            object(&[
                ("type", json!({"type": "string", "enum": ["FeatureCollection"]})),
                ("timeStamp", json!({"type": "string", "format": "date-time"})),
                ("numberMatched", whole()),
                ("numberReturned", whole()),
                ("links", links()),
                ("features", json!({"type": "array", "items": of("Feature")})),
            ]),
        ),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    around("联户 Lianhu · OGC API", &format!("{origin}/ogc"), paths, schemas)
}
