//! The map itself, layer by layer from the ground up.

use super::labels::{Box, LABEL, Placer, roomy};
use super::read::{Feature, Shape};
use super::sheet::{MAP_MM, Sheet};
use super::svg::{Svg, data, escaped, number, width_mm};
use super::{GridView, View};

/// Radius of a leader's star, in millimetres.
const STAR_MM: f64 = 1.25;

/// Draws the map with its frame.
pub(super) fn map(view: &View<'_>, sheet: &Sheet, out: &mut Svg) {
    let [x, y, r, b] = MAP_MM;
    out.rect([x, y], [r - x, b - y], "fill=\"#f6f4ee\"");
    out.open("clip-path=\"url(#frame)\"");
    let place = |s: &Shape| s.map(&|p| sheet.place(p));
    let mut placer = Placer::default();
    out.open("id=\"grids\"");
    let grid_shapes: Vec<Shape> = view.grids.iter().map(|g| place(&g.feature.shape)).collect();
    for (g, s) in view.grids.iter().zip(&grid_shapes) {
        grid(view, g, s, out);
    }
    out.close();
    out.open("id=\"barriers\"");
    for barrier in &view.plan.barriers {
        draw_barrier(barrier, &place(&barrier.shape), out);
    }
    out.close();
    borders(view, &place, out);
    if view.village.is_some() {
        dots(view, &place, &mut placer, out);
        let hulls = unit_hulls(view, &place, out);
        bridges(view, &place, out);
        officers(view, &place, &mut placer, out);
        grid_labels(view, &grid_shapes, &mut placer, out);
        unit_labels(view, &hulls, &mut placer, out);
        neighbours_names(view, &place, &mut placer, out);
    } else {
        bridges(view, &place, out);
        village_labels(view, &grid_shapes, &mut placer, out);
        grid_labels(view, &grid_shapes, &mut placer, out);
    }
    out.close();
    out.rect([x, y], [r - x, b - y], "fill=\"none\" stroke=\"#1a1a1a\" stroke-width=\"0.5\"");
}

fn rings(s: &Shape) -> Vec<Vec<[f64; 2]>> {
    s.polygons.iter().flatten().cloned().collect()
}

fn grid(view: &View<'_>, g: &GridView<'_>, s: &Shape, out: &mut Svg) {
    let fill = if g.dedicated { "dedicated".to_owned() } else { format!("g{}", g.colour) };
    let width = if view.village.is_some() { 0.45 } else { 0.2 };
    let attributes = format!(
        "class=\"grid\" data-code=\"{}\" data-colour=\"{}\" fill=\"url(#{fill})\" fill-rule=\"evenodd\" stroke=\"#4a4a4a\" stroke-width=\"{width}\"",
        escaped(&g.code),
        g.colour
    );
    let title = format!("{} {} {} 户", g.code, g.feature.text("name"), g.feature.text("households"));
    out.path(&data(&rings(s), true), &attributes, &title);
}

fn draw_barrier(b: &Feature, s: &Shape, out: &mut Svg) {
    let kind = b.text("kind");
    if kind == "bridge" {
        return;
    }
    let title = b.text("name");
    if !s.polygons.is_empty() {
        let fill = if is_water(&kind) { "#a9d3ee" } else { "#d8d4cc" };
        out.path(&data(&rings(s), true), &format!("fill=\"{fill}\" stroke=\"#2b7bba\" stroke-width=\"0.3\""), &title);
    }
    let d = data(&s.lines, false);
    if d.is_empty() {
        return;
    }
    match kind.as_str() {
        "river" | "stream" | "canal" | "lake" => {
            out.path(&d, "fill=\"none\" stroke=\"#2b7bba\" stroke-width=\"1.3\"", &title);
            out.path(&d, "fill=\"none\" stroke=\"#8cc4e8\" stroke-width=\"0.7\"", "");
        }
        "railway" => {
            out.path(&d, "fill=\"none\" stroke=\"#222\" stroke-width=\"1\" stroke-linecap=\"butt\"", &title);
            out.path(
                &d,
                "fill=\"none\" stroke=\"#fff\" stroke-width=\"0.6\" stroke-dasharray=\"3 3\" stroke-linecap=\"butt\"",
                "",
            );
        }
        "road" => {
            out.path(&d, "fill=\"none\" stroke=\"#8a8a8a\" stroke-width=\"0.9\"", &title);
            out.path(&d, "fill=\"none\" stroke=\"#f2f2f2\" stroke-width=\"0.5\"", "");
        }
        _ => {
            let dash = if b.flag("hard") { "" } else { " stroke-dasharray=\"1.5 1\"" };
            out.path(&d, &format!("fill=\"none\" stroke=\"#555\" stroke-width=\"0.6\"{dash}"), &title);
        }
    }
}

fn is_water(kind: &str) -> bool {
    matches!(kind, "lake" | "river" | "water" | "reservoir" | "pond")
}

/// Bridges lie above units and grids: they say where a hard line may be crossed.
fn bridges(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) {
    out.open("id=\"bridges\"");
    for b in view.plan.barriers.iter().filter(|b| b.text("kind") == "bridge") {
        for line in &place(&b.shape).lines {
            bridge(line, &b.text("name"), out);
        }
    }
    out.close();
}

/// Two parapets with splayed ends, at least 4 mm long whatever the scale.
pub(super) fn bridge(line: &[[f64; 2]], name: &str, out: &mut Svg) {
    let (Some(a), Some(z)) = (line.first(), line.last()) else { return };
    let length = (z[0] - a[0]).hypot(z[1] - a[1]);
    if length < 1e-9 {
        return;
    }
    let (ux, uy) = ((z[0] - a[0]) / length, (z[1] - a[1]) / length);
    let half = (length / 2.0).max(2.0);
    let middle = [(a[0] + z[0]) / 2.0, (a[1] + z[1]) / 2.0];
    let at = |along: f64, across: f64| [middle[0] + ux * along - uy * across, middle[1] + uy * along + ux * across];
    let parapet = |side: f64| {
        let (inner, outer) = (0.75 * side, 1.35 * side);
        vec![at(-half - 0.6, outer), at(-half, inner), at(half, inner), at(half + 0.6, outer)]
    };
    out.path(
        &data(&[vec![at(-half, 0.0), at(half, 0.0)]], false),
        "stroke=\"#fff\" stroke-width=\"1.4\" stroke-linecap=\"butt\"",
        name,
    );
    out.path(&data(&[parapet(1.0), parapet(-1.0)], false), "fill=\"none\" stroke=\"#111\" stroke-width=\"0.4\"", "");
}

/// Borders of villages and townships; the village drawn gets the strong line, the others only an indication.
fn borders(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) {
    out.open("id=\"borders\" fill=\"none\"");
    for r in &view.plan.regions {
        let level = r.text("level");
        let own = view.village.as_ref().is_none_or(|v| r.text("code") == *v);
        let attributes = match (level.as_str(), own) {
            ("village" | "", true) => "stroke=\"#b0203a\" stroke-width=\"0.9\" stroke-dasharray=\"5 1.2 0.8 1.2\"",
            ("village" | "", false) => "stroke=\"#9a8f8f\" stroke-width=\"0.35\" stroke-dasharray=\"3 1.2 0.6 1.2\"",
            (_, _) if view.village.is_some() => continue,
            (_, _) => "stroke=\"#b0203a\" stroke-width=\"1.3\" stroke-opacity=\"0.35\"",
        };
        out.path(&data(&rings(&place(&r.shape)), true), attributes, &r.text("name"));
    }
    out.close();
}

fn dots(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
    out.open("id=\"buildings\" fill=\"#3b3b3b\" fill-opacity=\"0.75\"");
    let mut drawn: Vec<(&Feature, [f64; 2])> = Vec::new();
    for b in view.plan.buildings.iter().filter(|b| view.shown(b)) {
        if let Some(&p) = place(&b.shape).points.first() {
            drawn.push((b, p));
        }
    }
    for (b, p) in drawn {
        let r = radius_mm(b.number("households").unwrap_or(1.0));
        out.raw(&format!("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>", number(p[0]), number(p[1]), number(r)));
        placer.occupy([p[0] - r, p[1] - r, p[0] + r, p[1] + r], 4.0);
    }
    out.close();
}

/// Radius of a building's dot: its area grows with the households.
pub(super) fn radius_mm(households: f64) -> f64 {
    0.28 * households.clamp(0.6, 60.0).sqrt().max(0.8)
}

/// Unit hulls; returns them on the sheet for the labels.
fn unit_hulls(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) -> Vec<Shape> {
    out.open("id=\"units\"");
    let mut hulls = Vec::with_capacity(view.units.len());
    for u in &view.units {
        let s = place(&u.shape);
        let code = u.text("code");
        let reason = u.text("exception");
        let look = if reason.is_empty() {
            "fill=\"none\" stroke=\"#1d3d6b\" stroke-width=\"0.25\""
        } else {
            "fill=\"url(#exception)\" fill-opacity=\"0.55\" stroke=\"#c4161c\" stroke-width=\"0.4\""
        };
        let title = format!("{code} {} 户 {reason}", u.text("households"));
        let attributes = format!("class=\"unit\" data-code=\"{}\" {look}", escaped(&code));
        out.path(&data(&rings(&s), true), &attributes, title.trim_end());
        hulls.push(s);
    }
    out.close();
    hulls
}

/// Leaders as stars, deputies as triangles; symbols at one place stand side by side.
fn officers(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
    out.open("id=\"leaders\"");
    let mut taken: Vec<[f64; 2]> = Vec::new();
    let list: Vec<&Feature> = view.plan.leaders.iter().filter(|l| view.shown(l)).collect();
    // Deputies first, so that no star is covered.
    for role in ["deputy", "leader"] {
        for l in list.iter().filter(|l| l.text("role") == role) {
            let Some(&p) = place(&l.shape).points.first() else { continue };
            let at = beside(p, &taken);
            taken.push(at);
            let title = format!("{} {}", l.text("unit"), if role == "leader" { "联户长" } else { "副联户长" });
            let id = escaped(&l.text("id"));
            let class = format!("class=\"{role}\" data-id=\"{id}\" data-unit=\"{}\"", escaped(&l.text("unit")));
            if role == "leader" {
                star(at, &class, &title, out);
            } else {
                triangle(at, &class, &title, out);
            }
            let r = if role == "leader" { STAR_MM } else { 0.8 };
            placer.occupy([at[0] - r, at[1] - r, at[0] + r, at[1] + r], if role == "leader" { 120.0 } else { 40.0 });
        }
    }
    out.close();
}

/// `p`, or the nearest free place of a small spiral around it.
fn beside(p: [f64; 2], taken: &[[f64; 2]]) -> [f64; 2] {
    let near: Vec<&[f64; 2]> =
        taken.iter().filter(|t| (t[0] - p[0]).abs() < 9.0 && (t[1] - p[1]).abs() < 9.0).collect();
    for k in 0..40_u32 {
        let (turn, r) = (f64::from(k) * 2.4, 0.85 * f64::from(k).sqrt());
        let q = [p[0] + r * turn.cos(), p[1] + r * turn.sin()];
        if near.iter().all(|t| (t[0] - q[0]).hypot(t[1] - q[1]) > 1.35) {
            return q;
        }
    }
    p
}

/// A five-pointed star.
pub(super) fn star(at: [f64; 2], class: &str, title: &str, out: &mut Svg) {
    let corners: Vec<[f64; 2]> = (0..10_u32)
        .map(|i| {
            let r = if i % 2 == 0 { STAR_MM } else { STAR_MM * 0.42 };
            let a = f64::from(i) * std::f64::consts::PI / 5.0 - std::f64::consts::FRAC_PI_2;
            [at[0] + r * a.cos(), at[1] + r * a.sin()]
        })
        .collect();
    out.path(
        &data(&[corners], true),
        &format!("{class} fill=\"#d4141c\" stroke=\"#fff\" stroke-width=\"0.18\""),
        title,
    );
}

/// A small triangle.
pub(super) fn triangle(at: [f64; 2], class: &str, title: &str, out: &mut Svg) {
    let corners = vec![[at[0], at[1] - 0.9], [at[0] + 0.8, at[1] + 0.55], [at[0] - 0.8, at[1] + 0.55]];
    out.path(
        &data(&[corners], true),
        &format!("{class} fill=\"#f08c00\" stroke=\"#fff\" stroke-width=\"0.15\""),
        title,
    );
}

const HALO: &str = "text-anchor=\"middle\" stroke=\"#fff\" stroke-opacity=\"0.9\" paint-order=\"stroke\"";

fn last_three(code: &str) -> &str {
    let cut = code.char_indices().rev().nth(2).map_or(0, |c| c.0);
    &code[cut..]
}

/// Grid numbers, large, in the roomiest free place; beside the grid with a leading line where it is too small.
fn grid_labels(view: &View<'_>, shapes: &[Shape], placer: &mut Placer, out: &mut Svg) {
    let size = if view.village.is_some() { 5.0 } else { 2.2 };
    out.open(&format!("id=\"grid-labels\" font-weight=\"bold\" fill=\"#14213d\" stroke-width=\"{}\"", size * 0.2));
    for (g, s) in view.grids.iter().zip(shapes) {
        let text = last_three(&g.code).to_owned();
        let box_size = [width_mm(&text, size) + 0.6, size * 0.95];
        let inside = roomy(&s.polygons);
        let Some(&(heart, room)) = inside.first() else { continue };
        let fits = box_size[1] * 0.75;
        let mut candidates: Vec<([f64; 2], f64)> =
            inside.iter().filter(|c| c.1 >= fits).map(|&(p, r)| (p, (room - r) * 3.0)).collect();
        if candidates.is_empty() && view.village.is_none() {
            candidates.push((heart, 0.0));
        }
        if candidates.is_empty() {
            candidates = around(heart, room + 4.0, box_size, 40.0);
        }
        let Some(at) = placer.place(box_size, inner(), &candidates) else { continue };
        if (at[0] - heart[0]).hypot(at[1] - heart[1]) > 0.1 && !inside.iter().any(|c| c.0 == at) {
            out.line(heart, at, "stroke=\"#14213d\" stroke-width=\"0.25\" stroke-opacity=\"1\"");
        }
        out.text([at[0], at[1] + size * 0.36], size, &format!("class=\"grid-label\" {HALO}"), &text);
    }
    out.close();
}

fn inner() -> Box {
    [MAP_MM[0] + 1.0, MAP_MM[1] + 1.0, MAP_MM[2] - 1.0, MAP_MM[3] - 1.0]
}

/// Candidate middles on rings about `p`, farther ones dearer.
fn around(p: [f64; 2], from_mm: f64, size: [f64; 2], extra: f64) -> Vec<([f64; 2], f64)> {
    let mut list = Vec::new();
    for ring in 0..6_u32 {
        let r = from_mm + f64::from(ring) * 1.8;
        for k in 0..16_u32 {
            let a = f64::from(k) * std::f64::consts::TAU / 16.0;
            let q = [p[0] + (r + size[0] / 2.0) * a.cos(), p[1] + (r + size[1] / 2.0) * a.sin()];
            list.push((q, extra + f64::from(ring) * 14.0));
        }
    }
    list
}

/// Unit numbers, small: at the middle of the hull where that is free, else beside it.
fn unit_labels(view: &View<'_>, hulls: &[Shape], placer: &mut Placer, out: &mut Svg) {
    const SIZE: f64 = 1.9;
    out.open("id=\"unit-labels\" fill=\"#1d3d6b\" font-weight=\"600\" stroke-width=\"0.45\"");
    // Small hulls first: they have the least choice.
    let extent = |s: &Shape| {
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in s.positions() {
            lo = [lo[0].min(p[0]), lo[1].min(p[1])];
            hi = [hi[0].max(p[0]), hi[1].max(p[1])];
        }
        (lo, hi)
    };
    let area = |s: &Shape| {
        let (lo, hi) = extent(s);
        (hi[0] - lo[0]) * (hi[1] - lo[1])
    };
    let mut order: Vec<usize> = (0..hulls.len()).filter(|&i| hulls[i].positions().next().is_some()).collect();
    order.sort_by(|&a, &b| area(&hulls[a]).total_cmp(&area(&hulls[b])).then(a.cmp(&b)));
    for i in order {
        let text = last_three(&view.units[i].text("code")).to_owned();
        let size = [width_mm(&text, SIZE) + 0.3, SIZE * 0.85];
        let inside = roomy(&hulls[i].polygons);
        let (lo, hi) = extent(&hulls[i]);
        let middle = [(lo[0] + hi[0]) / 2.0, (lo[1] + hi[1]) / 2.0];
        let mut candidates: Vec<([f64; 2], f64)> = vec![(middle, 0.0)];
        let roomiest = inside.first().map_or(0.0, |c| c.1);
        candidates.extend(inside.iter().step_by(3).map(|&(p, r)| (p, 2.0 + (roomiest - r) * 2.0)));
        candidates.extend(around(middle, ((hi[0] - lo[0]).min(hi[1] - lo[1]) / 2.0).max(0.4), size, 35.0));
        let Some(at) = placer.place(size, inner(), &candidates) else { continue };
        let outside = at[0] < lo[0] || at[0] > hi[0] || at[1] < lo[1] || at[1] > hi[1];
        if outside && (at[0] - middle[0]).hypot(at[1] - middle[1]) > 2.4 {
            out.line(middle, at, "stroke=\"#1d3d6b\" stroke-width=\"0.15\" stroke-opacity=\"0.8\"");
        }
        out.text([at[0], at[1] + SIZE * 0.36], SIZE, &format!("class=\"unit-label\" {HALO}"), &text);
    }
    out.close();
}

/// Names of the villages of an overview, before the grids' numbers.
fn village_labels(view: &View<'_>, shapes: &[Shape], placer: &mut Placer, out: &mut Svg) {
    const SIZE: f64 = 3.6;
    out.open("id=\"village-labels\" font-weight=\"bold\" fill=\"#7a1026\" stroke-width=\"0.8\"");
    for code in super::panel::villages(view) {
        let own: Vec<_> = view
            .grids
            .iter()
            .zip(shapes)
            .filter(|(g, _)| g.feature.text("village") == code)
            .flat_map(|(_, s)| s.polygons.iter().cloned())
            .collect();
        let text = short(view.name(&code));
        let size = [width_mm(text, SIZE) + 1.0, SIZE * 1.1];
        let spots = roomy(&own);
        let n = spots.len().max(1) as f64;
        let mean = spots.iter().fold([0.0; 2], |m, (p, _)| [m[0] + p[0] / n, m[1] + p[1] / n]);
        let candidates: Vec<_> = spots.iter().map(|&(p, _)| (p, (p[0] - mean[0]).hypot(p[1] - mean[1]))).collect();
        if let Some(at) = placer.place(size, inner(), &candidates) {
            out.text([at[0], at[1] + SIZE * 0.36], SIZE, HALO, text);
        }
    }
    out.close();
}

/// A village's name without the words for its committee.
pub(super) fn short(name: &str) -> &str {
    ["社区居民委员会", "村村民委员会", "居民委员会", "村民委员会"]
        .iter()
        .find_map(|w| name.strip_suffix(w))
        .filter(|n| !n.is_empty())
        .unwrap_or(name)
}

/// Names of the villages around, where there is room beside the one drawn.
fn neighbours_names(view: &View<'_>, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
    const SIZE: f64 = 3.4;
    for g in &view.grids {
        for polygon in &place(&g.feature.shape).polygons {
            // The own village is no place for another's name.
            for (p, r) in roomy(std::slice::from_ref(polygon)).iter().step_by(4) {
                placer.occupy([p[0] - r, p[1] - r, p[0] + r, p[1] + r], LABEL);
            }
        }
    }
    out.open("id=\"neighbours\" fill=\"#8a7f7f\" stroke-width=\"0.5\"");
    for r in view.plan.regions.iter().filter(|r| matches!(r.text("level").as_str(), "village" | "")) {
        if Some(r.text("code")) == view.village {
            continue;
        }
        let name = r.text("name");
        let text = short(&name);
        let size = [width_mm(text, SIZE) + 1.0, SIZE * 1.1];
        let frame = inner();
        let shown = |p: &[f64; 2]| p[0] > frame[0] && p[1] > frame[1] && p[0] < frame[2] && p[1] < frame[3];
        let spots: Vec<_> = roomy(&place(&r.shape).polygons)
            .into_iter()
            .filter(|(p, room)| shown(p) && *room > 2.0)
            .map(|(p, room)| (p, -room.min(8.0)))
            .filter(|(p, _)| {
                let half = [size[0] / 2.0, size[1] / 2.0];
                placer.cost([p[0] - half[0], p[1] - half[1], p[0] + half[0], p[1] + half[1]]) < 1.0
                    && p[0] - half[0] > frame[0]
                    && p[0] + half[0] < frame[2]
                    && p[1] - half[1] > frame[1]
                    && p[1] + half[1] < frame[3]
            })
            .collect();
        if let Some(at) = (!spots.is_empty()).then(|| placer.place(size, frame, &spots)).flatten() {
            out.text([at[0], at[1] + SIZE * 0.36], SIZE, HALO, text);
        }
    }
    out.close();
}
