//! What stands around the map: title, table of grids, legend, scale bar, north arrow, source.

use std::collections::BTreeSet;

use super::colours::PALETTE;
use super::read::Shape;
use super::sheet::{MAP_MM, PAGE_MM, PANEL_MM, Sheet, scale_words};
use super::svg::{Svg, fitted, number};
use super::{GridView, View};
use super::{layers, lettering};

/// Rows of a table, at most; the rest is summed up in one row.
const MOST_ROWS: usize = 48;

/// The sheet's title.
pub(super) fn title(view: &View<'_>) -> String {
    match &view.village {
        Some(code) => format!("{} 网格与十联户划分图", view.name(code)),
        None => format!("{}网格划分总图", township(view)),
    }
}

/// The township's name where all villages lie in one, else nothing.
fn township(view: &View<'_>) -> String {
    let names: Vec<String> =
        view.plan.regions.iter().filter(|r| r.text("level") == "township").map(|r| r.text("name")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("{one} "),
        [one, ..] => format!("{one}等 {} 个乡镇 ", names.len()),
    }
}

/// Codes of the villages drawn.
pub(super) fn villages(view: &View<'_>) -> BTreeSet<String> {
    view.grids.iter().map(|g| g.feature.text("village")).collect()
}

fn households(view: &View<'_>) -> u64 {
    view.grids.iter().filter_map(|g| g.feature.number("households")).sum::<f64>() as u64
}

/// Title and subtitle above the map.
pub(super) fn heading(view: &View<'_>, out: &mut Svg) {
    let middle = PAGE_MM[0] / 2.0;
    out.text([middle, 17.0], 9.5, "text-anchor=\"middle\" font-weight=\"bold\"", &fitted(&title(view), 9.5, 380.0));
    let (grids, units) = (view.grids.len(), view.units.len());
    let subtitle = match &view.village {
        Some(code) => format!(
            "Grids and ten-household units of village {code}　·　{grids} 个网格 grids　·　{units} 个联户单元 units　·　{} 户 households",
            households(view)
        ),
        None => format!(
            "Overview of {} villages　·　{grids} 个网格 grids　·　{units} 个联户单元 units　·　{} 户 households",
            villages(view).len(),
            households(view)
        ),
    };
    out.text([middle, 26.0], 4.2, "text-anchor=\"middle\" fill=\"#444\"", &subtitle);
}

/// The panel right of the map. `left_out`: unit numbers for which there was no room.
pub(super) fn side(view: &View<'_>, sheet: &Sheet, left_out: usize, out: &mut Svg) {
    let [x, y, r, b] = PANEL_MM;
    out.rect([x, y], [r - x, b - y], "fill=\"#ffffff\" stroke=\"#1a1a1a\" stroke-width=\"0.5\"");
    let symbols = symbols(view, sheet);
    let legend_top = b - 52.0 - 6.4 * symbols.len().div_ceil(2) as f64;
    table(view, [x + 3.0, y + 2.0, r - 3.0, legend_top - 4.0], out);
    legend(&symbols, [x + 3.0, legend_top], out);
    scale(sheet, [x + 5.0, b - 29.0], out);
    north([r - 14.0, b - 31.0], out);
    source(view, left_out, [x + 3.0, b - 14.5], r - x - 6.0, out);
}

fn rule(a: [f64; 2], to_x: f64, out: &mut Svg) {
    out.line(a, [to_x, a[1]], "stroke=\"#888\" stroke-width=\"0.2\"");
}

fn percent(deviation: Option<f64>) -> String {
    deviation.map_or_else(|| "–".to_owned(), |d| format!("{:+.1}%", (d * 1_000.0).round() / 10.0 + 0.0))
}

/// A swatch and five cells.
struct Row {
    fill: Option<String>,
    cells: [String; 5],
}

fn grid_rows(view: &View<'_>) -> Vec<Row> {
    let row = |g: &GridView<'_>| {
        let households = g.feature.number("households").unwrap_or(0.0);
        // The village's name stands in the title already.
        let (name, village) = (g.feature.text("name"), g.feature.text("village"));
        let name = name.strip_prefix(view.name(&village)).filter(|n| !n.is_empty()).unwrap_or(&name).to_owned();
        Row {
            fill: Some(if g.dedicated { "dedicated".to_owned() } else { format!("g{}", g.colour) }),
            cells: [
                g.code.chars().skip(g.code.chars().count().saturating_sub(3)).collect(),
                if name.is_empty() { g.code.clone() } else { name },
                number(households),
                if g.dedicated { "专属".to_owned() } else { percent(g.feature.number("deviation")) },
                if g.exceptions > 0 { format!("{}({})", g.units, g.exceptions) } else { g.units.to_string() },
            ],
        }
    };
    view.grids.iter().map(row).collect()
}

fn village_rows(view: &View<'_>) -> Vec<Row> {
    villages(view)
        .iter()
        .map(|code| {
            let own: Vec<&GridView<'_>> = view.grids.iter().filter(|g| g.feature.text("village") == *code).collect();
            let sum: f64 = own.iter().filter_map(|g| g.feature.number("households")).sum();
            let tail: String = code.chars().skip(code.chars().count().saturating_sub(6)).collect();
            let cells = [
                tail,
                lettering::short(view.name(code)).to_owned(),
                number(sum),
                own.len().to_string(),
                own.iter().map(|g| g.units).sum::<usize>().to_string(),
            ];
            Row { fill: None, cells }
        })
        .collect()
}

fn table(view: &View<'_>, area: [f64; 4], out: &mut Svg) {
    let [x, y, r, b] = area;
    let (heads, mut rows) = if view.village.is_some() {
        ([("网格", "No."), ("名称", "Name"), ("户数", "Hh."), ("偏差", "Dev."), ("单元", "Units")], grid_rows(view))
    } else {
        (
            [("编码", "No."), ("村（社区）", "Village"), ("户数", "Hh."), ("网格", "Grids"), ("单元", "Units")],
            village_rows(view),
        )
    };
    let hidden = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    let lines = rows.len() + 2 + usize::from(hidden > 0);
    let step = ((b - y - 9.0) / lines as f64).min(6.2);
    let size = (step * 0.62).min(3.5);
    // Right edges of the columns of figures; the first two begin at the left.
    let right = [0.0, 0.0, r - 29.0, r - 14.0, r];
    // Villages have no swatch and six digits, since townships may repeat the last three.
    let left = if view.village.is_some() { [x + 8.5, x + 18.0] } else { [x + 1.0, x + 18.0] };
    for (i, (zh, en)) in heads.iter().enumerate() {
        let (at, anchor) = if i < 2 { (left[i], "start") } else { (right[i], "end") };
        out.text([at, y + 4.0], 3.4, &format!("text-anchor=\"{anchor}\" font-weight=\"bold\""), zh);
        out.text([at, y + 7.4], 2.5, &format!("text-anchor=\"{anchor}\" fill=\"#555\""), en);
    }
    rule([x, y + 9.0], r, out);
    let mut at = y + 9.0;
    for row in &rows {
        at += step;
        let base = at - step * 0.28;
        if let Some(fill) = &row.fill {
            let height = (step * 0.66).min(4.0);
            out.rect(
                [x, at - step * 0.5 - height / 2.0],
                [6.8, height],
                &format!("fill=\"url(#{fill})\" stroke=\"#4a4a4a\" stroke-width=\"0.25\""),
            );
        }
        for (i, cell) in row.cells.iter().enumerate() {
            if i < 2 {
                let room = if i == 0 { left[1] - left[0] - 1.0 } else { 35.0 };
                out.text([left[i], base], size, "", &fitted(cell, size, room));
            } else {
                out.text([right[i], base], size, "text-anchor=\"end\"", cell);
            }
        }
    }
    if hidden > 0 {
        at += step;
        out.text([left[0], at - step * 0.28], size, "fill=\"#555\"", &format!("… 另有 {hidden} 行 / {hidden} more"));
    }
    rule([x, at + 0.8], r, out);
    at += step + 0.8;
    let sums: Vec<String> = vec![
        households(view).to_string(),
        if view.village.is_some() { String::new() } else { view.grids.len().to_string() },
        view.units.len().to_string(),
    ];
    out.text([left[0], at - step * 0.28], size, "font-weight=\"bold\"", "合计 Total");
    for (i, s) in sums.iter().enumerate() {
        out.text([right[i + 2], at - step * 0.28], size, "text-anchor=\"end\" font-weight=\"bold\"", s);
    }
}

/// A symbol of the legend and its words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Grid,
    Dedicated,
    Unit,
    Exception,
    Leader,
    Deputy,
    Building,
    Village,
    River,
    Lake,
    Railway,
    Road,
    Bridge,
}

/// Only what the map shows.
fn symbols(view: &View<'_>, sheet: &Sheet) -> Vec<(Symbol, &'static str, &'static str)> {
    let shown = |s: &Shape| {
        s.positions()
            .map(|&p| sheet.place(p))
            .any(|[x, y]| x > MAP_MM[0] && x < MAP_MM[2] && y > MAP_MM[1] && y < MAP_MM[3])
    };
    let kinds: BTreeSet<String> =
        view.plan.barriers.iter().filter(|b| shown(&b.shape)).map(|b| b.text("kind")).collect();
    let bridges = layers::crossing_bridges(view).any(|b| shown(&b.shape));
    let one = view.village.is_some();
    let role = |r: &str| one && view.plan.leaders.iter().any(|l| view.shown(l) && l.text("role") == r);
    [
        (Symbol::Grid, "网格", "Grid", true),
        (Symbol::Dedicated, "专属网格", "Dedicated grid", view.grids.iter().any(|g| g.dedicated)),
        (Symbol::Unit, "联户单元", "Unit", one && !view.units.is_empty()),
        (Symbol::Exception, "例外单元", "Exception", one && view.grids.iter().any(|g| g.exceptions > 0)),
        (Symbol::Leader, "联户长", "Leader", role("leader")),
        (Symbol::Deputy, "副联户长", "Deputy", role("deputy")),
        (Symbol::Building, "楼栋（按户数）", "Building", one && view.plan.buildings.iter().any(|b| view.shown(b))),
        (Symbol::Village, "村界", "Village border", !view.plan.regions.is_empty()),
        (Symbol::River, "河流", "River", kinds.contains("river")),
        (Symbol::Lake, "水库、湖泊", "Lake", kinds.contains("lake")),
        (Symbol::Railway, "铁路", "Railway", kinds.contains("railway")),
        (Symbol::Road, "道路", "Road", kinds.contains("road")),
        (Symbol::Bridge, "桥、道口", "Bridge, crossing", bridges),
    ]
    .into_iter()
    .filter(|s| s.3)
    .map(|s| (s.0, s.1, s.2))
    .collect()
}

fn legend(list: &[(Symbol, &str, &str)], at: [f64; 2], out: &mut Svg) {
    out.text([at[0], at[1] + 3.0], 4.0, "font-weight=\"bold\"", "图例 Legend");
    for (i, (symbol, zh, en)) in list.iter().enumerate() {
        let x = at[0] + if i % 2 == 0 { 0.0 } else { 48.0 };
        let y = at[1] + 9.0 + (i / 2) as f64 * 6.4;
        sample(*symbol, [x, y], out);
        out.text([x + 12.0, y + 0.2], 3.0, "", zh);
        out.text([x + 12.0, y + 2.9], 2.2, "fill=\"#666\"", en);
    }
}

fn sample(symbol: Symbol, [x, y]: [f64; 2], out: &mut Svg) {
    let wave = format!("M{} {}q2.5 -2 5 0t5 0", number(x), number(y));
    match symbol {
        Symbol::Grid => {
            for k in 0..2_usize {
                let fill = PALETTE.get(k).copied().unwrap_or("#ccc");
                out.rect([x + 5.0 * k as f64, y - 2.2], [5.0, 4.4], &format!("fill=\"{fill}\" fill-opacity=\"0.5\" stroke=\"#4a4a4a\" stroke-width=\"0.45\""));
            }
        }
        Symbol::Dedicated => out.rect([x, y - 2.2], [10.0, 4.4], "fill=\"url(#dedicated)\" stroke=\"#4a4a4a\" stroke-width=\"0.45\""),
        Symbol::Unit | Symbol::Exception => {
            let look = if symbol == Symbol::Unit {
                "fill=\"none\" stroke=\"#1d3d6b\" stroke-width=\"0.25\""
            } else {
                "fill=\"url(#exception)\" fill-opacity=\"0.55\" stroke=\"#c4161c\" stroke-width=\"0.4\""
            };
            let d = format!("M{} {}l3 -1.8l4 0.4l1 2.2l-3.5 1.6l-4 -0.6z", number(x + 1.0), number(y + 0.2));
            out.path(&d, look, "");
            if symbol == Symbol::Unit {
                out.text([x + 5.2, y + 0.6], 1.9, "text-anchor=\"middle\" fill=\"#1d3d6b\" font-weight=\"600\"", "012");
            }
        }
        Symbol::Leader => layers::star([x + 5.0, y], "", "", out),
        Symbol::Deputy => layers::triangle([x + 5.0, y], "", "", out),
        Symbol::Building => {
            for (k, n) in [1.0, 10.0, 40.0].into_iter().enumerate() {
                let r = number(layers::radius_mm(n));
                out.raw(&format!("<circle cx=\"{}\" cy=\"{}\" r=\"{r}\" fill=\"#3b3b3b\" fill-opacity=\"0.75\"/>", number(x + 1.5 + 3.2 * k as f64), number(y)));
            }
        }
        Symbol::Village => out.path(&format!("M{} {}h10", number(x), number(y)), "stroke=\"#b0203a\" stroke-width=\"0.9\" stroke-dasharray=\"5 1.2 0.8 1.2\"", ""),
        Symbol::River => {
            out.path(&wave, "fill=\"none\" stroke=\"#2b7bba\" stroke-width=\"1.3\"", "");
            out.path(&wave, "fill=\"none\" stroke=\"#8cc4e8\" stroke-width=\"0.7\"", "");
        }
        Symbol::Lake => out.raw(&format!("<ellipse cx=\"{}\" cy=\"{}\" rx=\"4.5\" ry=\"2\" fill=\"#a9d3ee\" stroke=\"#2b7bba\" stroke-width=\"0.3\"/>", number(x + 5.0), number(y))),
        Symbol::Railway => {
            let d = format!("M{} {}h10", number(x), number(y));
            out.path(&d, "stroke=\"#222\" stroke-width=\"1\" stroke-linecap=\"butt\"", "");
            out.path(&d, "stroke=\"#fff\" stroke-width=\"0.6\" stroke-dasharray=\"3 3\" stroke-linecap=\"butt\"", "");
        }
        Symbol::Road => {
            out.path(&wave, "fill=\"none\" stroke=\"#8a8a8a\" stroke-width=\"0.9\"", "");
            out.path(&wave, "fill=\"none\" stroke=\"#f2f2f2\" stroke-width=\"0.5\"", "");
        }
        Symbol::Bridge => {
            out.path(&format!("M{} {}v4.4", number(x + 5.0), number(y - 2.2)), "stroke=\"#2b7bba\" stroke-width=\"1.3\"", "");
            layers::bridge(&[[x + 2.0, y], [x + 8.0, y]], 1.0, "", out);
        }
    }
}

fn scale(sheet: &Sheet, [x, y]: [f64; 2], out: &mut Svg) {
    let bar_m = sheet.bar_m();
    let length = bar_m / sheet.metres_per_mm;
    for k in 0..4_u32 {
        let fill = if k % 2 == 0 { "#1a1a1a" } else { "#ffffff" };
        out.rect(
            [x + length / 4.0 * f64::from(k), y],
            [length / 4.0, 1.8],
            &format!("fill=\"{fill}\" stroke=\"#1a1a1a\" stroke-width=\"0.2\""),
        );
    }
    let label = |m: f64| if m >= 2_000.0 { format!("{} km", number(m / 1_000.0)) } else { format!("{} m", number(m)) };
    out.text([x, y - 1.2], 3.0, "text-anchor=\"middle\"", "0");
    out.text([x + length / 2.0, y - 1.2], 3.0, "text-anchor=\"middle\"", &label(bar_m / 2.0));
    out.text([x + length, y - 1.2], 3.0, "text-anchor=\"middle\"", &label(bar_m));
    out.text([x, y + 6.4], 3.2, "", &format!("比例尺 Scale {}（A3）", scale_words(sheet)));
}

fn north([x, y]: [f64; 2], out: &mut Svg) {
    out.text([x, y - 4.0], 4.2, "text-anchor=\"middle\" font-weight=\"bold\"", "北 N");
    let p = |dx: f64, dy: f64| format!("{} {}", number(x + dx), number(y + dy));
    out.path(
        &format!("M{}L{}L{}Z", p(0.0, -3.0), p(-4.0, 10.0), p(0.0, 7.4)),
        "fill=\"#1a1a1a\" stroke=\"#1a1a1a\" stroke-width=\"0.2\"",
        "",
    );
    out.path(
        &format!("M{}L{}L{}Z", p(0.0, -3.0), p(4.0, 10.0), p(0.0, 7.4)),
        "fill=\"#fff\" stroke=\"#1a1a1a\" stroke-width=\"0.2\"",
        "",
    );
}

fn source(view: &View<'_>, left_out: usize, [x, y]: [f64; 2], width_mm: f64, out: &mut Svg) {
    rule([x, y - 4.5], x + width_mm, out);
    let plane = if view.plan.planar {
        "平面坐标（米）planar metres"
    } else {
        "WGS 84，横轴墨卡托 transverse Mercator"
    };
    let mut lines = vec![
        format!("坐标 Coordinates：{plane}"),
        "网格界由楼栋的泰森多边形合并；单元界为成员凸包外扩 5 米。".to_owned(),
        "Grids: merged Voronoi cells; units: hull of members + 5 m.".to_owned(),
        format!("联户 lianhu {}　户数含租住户 renters included", env!("CARGO_PKG_VERSION")),
    ];
    if left_out > 0 {
        lines.push(format!("过密处 {left_out} 个单元号未标 / {left_out} unit numbers left out for want of room"));
    }
    for (i, l) in lines.iter().enumerate() {
        out.text(
            [x, y + if left_out > 0 { 2.8 } else { 3.5 } * i as f64],
            2.4,
            "fill=\"#555\"",
            &fitted(l, 2.4, width_mm),
        );
    }
}
