//! The map itself, layer by layer from the ground up.

use super::inset::{Inset, extent, meet, title_box};
use super::labels::{Box, LABEL, Placer};
use super::read::{Feature, Shape};
use super::sheet::Sheet;
use super::svg::{Svg, data, escaped, number};
use super::{GridView, View};

/// Radius of a leader's star, in millimetres.
const STAR_MM: f64 = 1.25;
/// Bridges of an overview, in parts of those of a village's map.
const OVERVIEW_BRIDGE: f64 = 0.5;

/// Which map is drawn.
pub(super) enum Place<'a> {
    /// The main one, with the inset that will lie over it.
    Sheet(Option<&'a Inset>),
    /// The enlarged one.
    Inset,
}

impl Place<'_> {
    /// Before ids and classes, so that each stands once.
    const fn prefix(&self) -> &'static str {
        if matches!(self, Self::Inset) { "inset-" } else { "" }
    }
}

/// Draws a map with its frame. Returns the unit numbers for which there was no room.
pub(super) fn map(view: &View<'_>, sheet: &Sheet, which: &Place<'_>, out: &mut Svg) -> usize {
    let [x, y, r, b] = sheet.frame;
    let prefix = which.prefix();
    out.rect([x, y], [r - x, b - y], "fill=\"#f6f4ee\"");
    out.open(&format!("clip-path=\"url(#{prefix}frame)\""));
    let place = |s: &Shape| s.map(&|p| sheet.place(p));
    let mut placer = Placer::default();
    let mut enlarged = None;
    match which {
        Place::Sheet(Some(inset)) => {
            placer.occupy(inset.sheet.frame, LABEL);
            enlarged = Some(inset.window);
        }
        Place::Sheet(None) => {}
        Place::Inset => placer.occupy(title_box(sheet.frame), LABEL),
    }
    let complete = view.village.is_some() && matches!(which, Place::Sheet(_));
    let pen = Pen { view, prefix, frame: sheet.frame, complete, enlarged };
    out.open(&format!("id=\"{prefix}grids\""));
    let grid_shapes: Vec<Shape> = view.grids.iter().map(|g| place(&g.feature.shape)).collect();
    for (g, s) in view.grids.iter().zip(&grid_shapes) {
        pen.grid(g, s, out);
    }
    out.close();
    out.open(&format!("id=\"{prefix}barriers\""));
    for barrier in &view.plan.barriers {
        draw_barrier(barrier, &place(&barrier.shape), out);
    }
    out.close();
    pen.borders(&place, out);
    let mut left_out = 0;
    if view.village.is_some() {
        pen.dots(&place, &mut placer, out);
        let hulls = pen.unit_hulls(&place, out);
        pen.bridges(&place, out);
        pen.officers(&place, &mut placer, out);
        pen.grid_labels(&grid_shapes, &mut placer, out);
        left_out = pen.unit_labels(&hulls, &mut placer, out);
        pen.neighbours_names(&place, &mut placer, out);
    } else {
        pen.bridges(&place, out);
        pen.village_labels(&grid_shapes, &mut placer, out);
        pen.grid_labels(&grid_shapes, &mut placer, out);
    }
    out.close();
    out.rect([x, y], [r - x, b - y], "fill=\"none\" stroke=\"#1a1a1a\" stroke-width=\"0.5\"");
    left_out
}

/// What all layers of one map have in common.
pub(super) struct Pen<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) prefix: &'static str,
    pub(super) frame: Box,
    /// Whether every grid must be numbered here: an overview and an inset leave out those without room.
    pub(super) complete: bool,
    /// What an inset shows enlarged: units there are numbered in it alone.
    pub(super) enlarged: Option<Box>,
}

fn rings(s: &Shape) -> Vec<Vec<[f64; 2]>> {
    s.polygons.iter().flatten().cloned().collect()
}

impl Pen<'_> {
    fn grid(&self, g: &GridView<'_>, s: &Shape, out: &mut Svg) {
        let fill = if g.dedicated { "dedicated".to_owned() } else { format!("g{}", g.colour) };
        let width = if self.view.village.is_some() { 0.45 } else { 0.2 };
        let prefix = self.prefix;
        let attributes = format!(
            "class=\"{prefix}grid\" data-code=\"{}\" data-colour=\"{}\" fill=\"url(#{fill})\" fill-rule=\"evenodd\" stroke=\"#4a4a4a\" stroke-width=\"{width}\"",
            escaped(&g.code),
            g.colour
        );
        let title = format!("{} {} {} 户", g.code, g.feature.text("name"), g.feature.text("households"));
        out.path(&data(&rings(s), true), &attributes, &title);
    }
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

impl Pen<'_> {
    /// Bridges lie above units and grids: they say where a hard line may be crossed.
    fn bridges(&self, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) {
        let size = if self.view.village.is_some() { 1.0 } else { OVERVIEW_BRIDGE };
        out.open(&format!("id=\"{}bridges\"", self.prefix));
        for b in crossing_bridges(self.view) {
            for line in &place(&b.shape).lines {
                bridge(line, size, &b.text("name"), out);
            }
        }
        out.close();
    }
}

/// The bridges that cross a barrier which is drawn: a footbridge over nothing that parts grids says nothing.
pub(super) fn crossing_bridges<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Feature> {
    let is_bridge = |b: &&Feature| b.text("kind") == "bridge";
    let barriers: Vec<(Box, &Feature)> =
        view.plan.barriers.iter().filter(|b| !is_bridge(b)).filter_map(|b| Some((extent(&b.shape)?, b))).collect();
    view.plan.barriers.iter().filter(is_bridge).filter(move |bridge| {
        let Some(own) = extent(&bridge.shape) else { return false };
        barriers
            .iter()
            .filter(|(b, _)| b[0] <= own[2] && b[2] >= own[0] && b[1] <= own[3] && b[3] >= own[1])
            .any(|(_, b)| segments(&bridge.shape).any(|s| segments(&b.shape).any(|t| meet(s, t))))
    })
}

fn segments(s: &Shape) -> impl Iterator<Item = [[f64; 2]; 2]> {
    s.lines.iter().chain(s.polygons.iter().flatten()).flat_map(|l| l.windows(2).map(|w| [w[0], w[1]]))
}

/// Two parapets with splayed ends, at least 4 mm (times `size`) long whatever the scale.
pub(super) fn bridge(line: &[[f64; 2]], size: f64, name: &str, out: &mut Svg) {
    let (Some(a), Some(z)) = (line.first(), line.last()) else { return };
    let length = (z[0] - a[0]).hypot(z[1] - a[1]);
    if length < 1e-9 {
        return;
    }
    let (ux, uy) = ((z[0] - a[0]) / length, (z[1] - a[1]) / length);
    let half = (length / 2.0).max(2.0 * size);
    let middle = [(a[0] + z[0]) / 2.0, (a[1] + z[1]) / 2.0];
    let at = |along: f64, across: f64| [middle[0] + ux * along - uy * across, middle[1] + uy * along + ux * across];
    let parapet = |side: f64| {
        let (inner, outer, splay) = (0.75 * side * size, 1.35 * side * size, 0.6 * size);
        vec![at(-half - splay, outer), at(-half, inner), at(half, inner), at(half + splay, outer)]
    };
    out.path(
        &data(&[vec![at(-half, 0.0), at(half, 0.0)]], false),
        &format!("class=\"bridge\" stroke=\"#fff\" stroke-width=\"{}\" stroke-linecap=\"butt\"", number(1.4 * size)),
        name,
    );
    let look = format!("fill=\"none\" stroke=\"#111\" stroke-width=\"{}\"", number(0.4 * size.sqrt()));
    out.path(&data(&[parapet(1.0), parapet(-1.0)], false), &look, "");
}

impl Pen<'_> {
    /// Borders of villages and townships; the village drawn gets the strong line, the others only an indication.
    fn borders(&self, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) {
        let view = self.view;
        out.open(&format!("id=\"{}borders\" fill=\"none\"", self.prefix));
        for r in &view.plan.regions {
            let level = r.text("level");
            let own = view.village.as_ref().is_none_or(|v| r.text("code") == *v);
            let attributes = match (level.as_str(), own) {
                ("village" | "", true) => "stroke=\"#b0203a\" stroke-width=\"0.9\" stroke-dasharray=\"5 1.2 0.8 1.2\"",
                ("village" | "", false) => {
                    "stroke=\"#9a8f8f\" stroke-width=\"0.35\" stroke-dasharray=\"3 1.2 0.6 1.2\""
                }
                (_, _) if view.village.is_some() => continue,
                (_, _) => "stroke=\"#b0203a\" stroke-width=\"1.3\" stroke-opacity=\"0.35\"",
            };
            out.path(&data(&rings(&place(&r.shape)), true), attributes, &r.text("name"));
        }
        out.close();
    }

    fn dots(&self, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
        let view = self.view;
        out.open(&format!("id=\"{}buildings\" fill=\"#3b3b3b\" fill-opacity=\"0.75\"", self.prefix));
        let mut drawn: Vec<(&Feature, [f64; 2])> = Vec::new();
        for b in view.plan.buildings.iter().filter(|b| view.shown(b)) {
            if let Some(&p) = place(&b.shape).points.first().filter(|p| self.shows(p)) {
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
}

/// Radius of a building's dot: its area grows with the households.
pub(super) fn radius_mm(households: f64) -> f64 {
    0.28 * households.clamp(0.6, 60.0).sqrt().max(0.8)
}

impl Pen<'_> {
    /// Whether a place lies within the map's frame.
    pub(super) fn shows(&self, p: &[f64; 2]) -> bool {
        p[0] > self.frame[0] && p[1] > self.frame[1] && p[0] < self.frame[2] && p[1] < self.frame[3]
    }

    /// Unit hulls; returns them on the sheet for the labels, empty ones for those beyond the frame.
    fn unit_hulls(&self, place: &impl Fn(&Shape) -> Shape, out: &mut Svg) -> Vec<Shape> {
        let (view, prefix) = (self.view, self.prefix);
        out.open(&format!("id=\"{prefix}units\""));
        let mut hulls = Vec::with_capacity(view.units.len());
        for u in &view.units {
            let s = place(&u.shape);
            if !s.positions().any(|p| self.shows(p)) {
                hulls.push(Shape::default());
                continue;
            }
            let code = u.text("code");
            let reason = u.text("exception");
            let look = if reason.is_empty() {
                "fill=\"none\" stroke=\"#1d3d6b\" stroke-width=\"0.25\""
            } else {
                "fill=\"url(#exception)\" fill-opacity=\"0.55\" stroke=\"#c4161c\" stroke-width=\"0.4\""
            };
            let title = format!("{code} {} 户 {reason}", u.text("households"));
            let attributes = format!("class=\"{prefix}unit\" data-code=\"{}\" {look}", escaped(&code));
            out.path(&data(&rings(&s), true), &attributes, title.trim_end());
            hulls.push(s);
        }
        out.close();
        hulls
    }

    /// Leaders as stars, deputies as triangles; symbols at one place stand side by side.
    fn officers(&self, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
        let (view, prefix) = (self.view, self.prefix);
        out.open(&format!("id=\"{prefix}leaders\""));
        let mut taken: Vec<[f64; 2]> = Vec::new();
        let list: Vec<&Feature> = view.plan.leaders.iter().filter(|l| view.shown(l)).collect();
        // Deputies first, so that no star is covered.
        for role in ["deputy", "leader"] {
            for l in list.iter().filter(|l| l.text("role") == role) {
                let Some(&p) = place(&l.shape).points.first().filter(|p| self.shows(p)) else { continue };
                let at = beside(p, &taken);
                taken.push(at);
                let title = format!("{} {}", l.text("unit"), if role == "leader" { "联户长" } else { "副联户长" });
                let id = escaped(&l.text("id"));
                let class =
                    format!("class=\"{prefix}{role}\" data-id=\"{id}\" data-unit=\"{}\"", escaped(&l.text("unit")));
                if role == "leader" {
                    star(at, &class, &title, out);
                } else {
                    triangle(at, &class, &title, out);
                }
                let r = if role == "leader" { STAR_MM } else { 0.8 };
                placer
                    .occupy([at[0] - r, at[1] - r, at[0] + r, at[1] + r], if role == "leader" { 120.0 } else { 40.0 });
            }
        }
        out.close();
    }
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
