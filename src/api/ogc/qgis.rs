//! `/ogc/lianhu.qgs`: a project that shows every collection in QGIS at once, each with its style. It holds addresses and no data.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::Answer;
use crate::api::extract::Params;
use crate::api::memory::Collection;
use crate::api::memory::collection::Shapes;

use super::pages::bounds_of;

/// How a layer is drawn: fill and line as red, green, blue, opacity; millimetres of the line, or of the marker.
struct Style {
    fill: &'static str,
    line: &'static str,
    size_mm: f64,
}

const fn style(fill: &'static str, line: &'static str, size_mm: f64) -> Style {
    Style { fill, line, size_mm }
}

/// From the lowest to the uppermost.
const LAYERS: [(Collection, Style); Collection::SHOWN.len()] = [
    (Collection::Regions, style("0,0,0,0", "110,110,110,255", 0.6)),
    (Collection::Grids, style("66,133,180,40", "31,78,121,255", 0.5)),
    (Collection::Hotspots, style("214,69,65,70", "214,69,65,255", 0.3)),
    (Collection::Units, style("244,180,0,50", "190,120,0,255", 0.2)),
    (Collection::Buildings, style("150,150,150,255", "90,90,90,255", 1.4)),
    (Collection::Households, style("90,140,90,255", "60,100,60,255", 1.0)),
    (Collection::Leaders, style("200,50,50,255", "255,255,255,255", 2.2)),
    (Collection::Incidents, style("230,90,30,255", "255,255,255,255", 2.0)),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn system(name: &str) -> String {
    // a number above nought makes QGIS read the name
    format!("<spatialrefsys><srsid>3857</srsid><authid>{name}</authid></spatialrefsys>")
}

fn symbol(style: &Style, areas: bool) -> String {
    let size = style.size_mm.to_string();
    let (kind, class, options) = if areas {
        let of_area = [("outline_width", size.as_str()), ("outline_style", "solid"), ("style", "solid")];
        ("fill", "SimpleFill", of_area)
    } else {
        ("marker", "SimpleMarker", [("size", size.as_str()), ("name", "circle"), ("outline_width", "0.2")])
    };
    let colours = [("color", style.fill), ("outline_color", style.line)];
    let options: String = colours
        .iter()
        .chain(&options)
        .map(|(name, value)| format!("<Option type=\"QString\" name=\"{name}\" value=\"{value}\"/>"))
        .collect();
    format!(
        "<symbol type=\"{kind}\" name=\"0\" alpha=\"1\"><layer class=\"{class}\" enabled=\"1\" pass=\"0\">\
         <Option type=\"Map\">{options}</Option></layer></symbol>"
    )
}

/// Web Mercator metres of a place in degrees.
fn metres([lon, lat]: [f64; 2]) -> [f64; 2] {
    const RADIUS_M: f64 = 6_378_137.0;
    let lat = lat.clamp(-85.0, 85.0).to_radians();
    [lon.to_radians() * RADIUS_M, (std::f64::consts::FRAC_PI_4 + lat / 2.0).tan().ln() * RADIUS_M]
}

/// A project: layers from the uppermost to the lowest with whether they are areas; the bounds that are shown first, degrees.
fn project(base: &str, layers: &[(Collection, &Style, bool)], bounds_deg: Option<[f64; 4]>) -> String {
    let (mut tree, mut list) = (String::new(), String::new());
    for (collection, style, areas) in layers {
        let (id, spec) = (collection.id(), collection.spec());
        let source = escaped(&format!(
            " pagingEnabled='true' restrictToRequestBBOX='1' srsname='OGC:CRS84' typename='{id}' url='{base}'"
        ));
        let title = escaped(&format!("{} {}", spec.title, spec.title_en));
        tree += &format!(
            "<layer-tree-layer id=\"lianhu_{id}\" name=\"{title}\" providerKey=\"OAPIF\" checked=\"Qt::Checked\" expanded=\"0\" source=\"{source}\"/>"
        );
        list += &format!(
            "<maplayer type=\"vector\" geometry=\"{}\"><id>lianhu_{id}</id><datasource>{source}</datasource>\
             <layername>{title}</layername><srs>{}</srs><provider encoding=\"UTF-8\">OAPIF</provider>\
             <renderer-v2 type=\"singleSymbol\"><symbols>{}</symbols></renderer-v2></maplayer>",
            if *areas { "Polygon" } else { "Point" },
            system("OGC:CRS84"),
            symbol(style, *areas)
        );
    }
    let view = bounds_deg.map_or_else(String::new, |[w, s, e, n]| {
        let ([x0, y0], [x1, y1]) = (metres([w, s]), metres([e, n]));
        format!(
            "<mapcanvas name=\"theMapCanvas\"><units>meters</units><extent><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax>\
             <ymax>{y1}</ymax></extent><destinationsrs>{}</destinationsrs></mapcanvas>",
            system("EPSG:3857")
        )
    });
    format!(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis projectname=\"联户 Lianhu\" version=\"3.22.0\">\
         <title>联户 Lianhu</title><projectCrs>{}</projectCrs>{view}<layer-tree-group>{tree}</layer-tree-group>\
         <projectlayers>{list}</projectlayers><properties><SpatialRefSys><ProjectionsEnabled type=\"int\">1</ProjectionsEnabled>\
         </SpatialRefSys></properties></qgis>\n",
        system("EPSG:3857")
    )
}

pub(in crate::api) async fn qgis(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&[])?;
    let (mut layers, mut bounds) = (Vec::new(), None);
    for (collection, style) in LAYERS.iter().rev() {
        let areas = match collection.spec().shapes {
            Shapes::Areas => true,
            Shapes::Points => false,
            Shapes::Any => {
                // ground plans or points: as the first one is
                let (snapshot, view) = app.seen(*collection, &principal.scope).await?;
                let first = view.rows(0, snapshot.len() as u32).next();
                let shape = first.and_then(|row| snapshot.shape(row));
                shape.is_some_and(|s| !matches!(s, crate::api::memory::Shape::Point(_)))
            }
        };
        if *collection == Collection::Regions {
            let (snapshot, view) = app.seen(*collection, &principal.scope).await?;
            bounds = bounds_of(snapshot, view).await?;
        }
        layers.push((*collection, style, areas));
    }
    let base = format!("{}/ogc", app.keeper.origin(&headers));
    let kinds = [
        (header::CONTENT_TYPE, "application/x-qgis-project; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"lianhu.qgs\""),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    Ok((kinds, project(&base, &layers, bounds)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_is_xml_and_names_every_collection_once() {
        let layers: Vec<_> = LAYERS.iter().map(|(c, s)| (*c, s, c.spec().shapes == Shapes::Areas)).collect();
        let text = project("http://a.example/ogc?x=<&>", &layers, Some([105.0, 25.0, 106.0, 26.0]));
        let mut reader = quick_xml::Reader::from_str(&text);
        let (mut layers, mut depth) = (0, 0);
        loop {
            match reader.read_event().expect("XML") {
                quick_xml::events::Event::Start(e) => {
                    depth += 1;
                    layers += usize::from(e.name().as_ref() == "maplayer");
                }
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((layers, depth), (Collection::SHOWN.len(), 0));
        for collection in Collection::SHOWN {
            assert_eq!(text.matches(&format!("<id>lianhu_{}</id>", collection.id())).count(), 1);
        }
        assert!(!text.contains("<&>"));
    }

    #[test]
    fn place_in_metres_is_web_mercator_s() {
        // the corner of the world as EPSG:3857 has it
        let [x, y] = metres([180.0, 0.0]);
        assert!((x - 20_037_508.342_789_244).abs() < 1e-6 && y.abs() < 1e-6);
        let [_, y] = metres([0.0, 45.0]);
        assert!((y - 5_621_521.486_192_066).abs() < 1e-3, "{y}");
    }
}
