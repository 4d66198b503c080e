//! The report's map and chart, as SVG inside the page: presentation attributes only, as the page's policy allows no inline style.

use std::fmt::Write as _;

use crate::api::ogc::html::escape;
use crate::api::statistics::Line;
use crate::domain::LonLat;
use crate::plan::room::Ground;
use crate::space::projection::LocalProjection;

const WIDTH: f64 = 720.0;
const MOST_HEIGHT: f64 = 520.0;
const MARGIN: f64 = 8.0;
const INK: &str = "#1b2733";
const LAND: &str = "#eef1f4";
const DOT: &str = "#b3261e";

/// Outlines and incidents in metres, north up.
pub(super) fn map(ground: &Ground) -> String {
    let corners = ground.outline.iter().flatten().flatten().copied();
    let places = ground.incidents.iter().map(|(p, _)| [p.lon_deg, p.lat_deg]);
    let all: Vec<[f64; 2]> = corners.chain(places).collect();
    let low = all.iter().fold([f64::INFINITY; 2], |a, p| [a[0].min(p[0]), a[1].min(p[1])]);
    let high = all.iter().fold([f64::NEG_INFINITY; 2], |a, p| [a[0].max(p[0]), a[1].max(p[1])]);
    if low[0] > high[0] {
        return "<p class=\"note\">没有界线，也没有事件 / no outline and no incident</p>\n".to_owned();
    }
    let middle = LonLat { lon_deg: f64::midpoint(low[0], high[0]), lat_deg: f64::midpoint(low[1], high[1]) };
    let plane = LocalProjection::centred_on(middle);
    let metres = |[lon_deg, lat_deg]: [f64; 2]| plane.forward(LonLat { lon_deg, lat_deg });
    let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for p in all.iter().map(|p| metres(*p)) {
        lo = [lo[0].min(p.x), lo[1].min(p.y)];
        hi = [hi[0].max(p.x), hi[1].max(p.y)];
    }
    let (width_m, height_m) = ((hi[0] - lo[0]).max(100.0), (hi[1] - lo[1]).max(100.0));
    let scale = ((WIDTH - 2.0 * MARGIN) / width_m).min((MOST_HEIGHT - 2.0 * MARGIN) / height_m);
    let height = height_m * scale + 2.0 * MARGIN;
    let at = |p: [f64; 2]| {
        let p = metres(p);
        (MARGIN + (p.x - lo[0]) * scale, height - MARGIN - (p.y - lo[1]) * scale)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" width=\"100%\" role=\"img\">\
         <title>事件位置 / where incidents are</title>\n"
    );
    for polygon in &ground.outline {
        let mut d = String::new();
        for ring in polygon {
            for (i, p) in ring.iter().enumerate() {
                let (x, y) = at(*p);
                let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
            }
            d.push('Z');
        }
        let _ = writeln!(
            svg,
            "<path d=\"{d}\" fill=\"{LAND}\" fill-rule=\"evenodd\" stroke=\"{INK}\" stroke-width=\"0.7\"/>"
        );
    }
    for (p, _) in &ground.incidents {
        let (x, y) = at([p.lon_deg, p.lat_deg]);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" fill=\"{DOT}\" fill-opacity=\"0.75\"/>");
    }
    svg.push_str("</svg>\n");
    svg
}

/// One bar a day, with its number.
pub(super) fn bars(lines: &[Line]) -> String {
    const HEIGHT: f64 = 180.0;
    const FOOT: f64 = 34.0;
    let most = lines.iter().map(|l| l.count).max().unwrap_or(0).max(1) as f64;
    let step = WIDTH / lines.len().max(1) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" width=\"100%\" role=\"img\" font-size=\"9\" text-anchor=\"middle\" fill=\"{INK}\">\
         <title>每日事件数 / incidents a day</title>\n"
    );
    for (i, line) in lines.iter().enumerate() {
        let tall = (HEIGHT - FOOT - 14.0) * line.count as f64 / most;
        let (x, y) = (i as f64 * step, HEIGHT - FOOT - tall);
        let middle = x + step / 2.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"#0b5cad\"/>",
            x + step * 0.12,
            step * 0.76
        );
        let _ = writeln!(svg, "<text x=\"{middle:.1}\" y=\"{:.1}\">{}</text>", y - 3.0, line.count);
        // month and day, every other one where they are many
        if lines.len() <= 16 || i % 2 == 0 {
            let day = line.name.get(5..).unwrap_or(&line.name);
            let _ = writeln!(svg, "<text x=\"{middle:.1}\" y=\"{:.1}\">{}</text>", HEIGHT - FOOT + 14.0, escape(day));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(day: &str, count: u64) -> Line {
        Line { key: day.to_owned(), name: day.to_owned(), count, open: 0, overdue: 0 }
    }

    #[test]
    fn bars_are_as_tall_as_their_numbers() {
        let svg = bars(&[line("2026-05-01", 10), line("2026-05-02", 5), line("<b>", 0)]);
        let heights: Vec<f64> =
            svg.split("height=\"").skip(1).filter_map(|p| p.split('"').next()?.parse().ok()).collect();
        assert_eq!(heights.len(), 3);
        assert!((heights[0] - 2.0 * heights[1]).abs() < 0.1 && heights[2] == 0.0, "{heights:?}");
        assert!(!svg.contains("<b>"));
    }

    #[test]
    fn map_holds_every_incident_within_its_frame() {
        let at = |lon_deg, lat_deg| (LonLat { lon_deg, lat_deg }, 0);
        let outline = vec![vec![vec![[105.6, 25.9], [105.7, 25.9], [105.7, 26.0], [105.6, 25.9]]]];
        let ground = Ground { incidents: vec![at(105.65, 25.95), at(105.72, 25.91)], outline, ..Ground::default() };
        let svg = map(&ground);
        assert_eq!((svg.matches("<circle").count(), svg.matches("<path").count()), (2, 1));
        for number in svg.split("cx=\"").skip(1).filter_map(|p| p.split('"').next()?.parse::<f64>().ok()) {
            assert!((0.0..=WIDTH).contains(&number), "{number}");
        }
        assert!(!svg.contains("style="), "the page's policy allows no inline style");
        assert!(map(&Ground::default()).contains("note"));
    }
}
