//! The wall map: grids, units and leaders of one village on an A3 sheet, or an overview of all villages.
//!
//! The picture is a pure function of the plan directory: no date, no random choice. Lengths are millimetres of the sheet; the map is
//! drawn in metres of a transverse Mercator about its middle, at a round scale, north up.

mod colours;
mod from_store;
mod inset;
mod labels;
mod layers;
mod lettering;
mod panel;
mod pdf;
mod read;
mod sheet;
mod svg;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::store::{Scope, Store, StoreError};

use read::{Feature, Plan};
use sheet::Sheet;
use svg::Svg;

pub use pdf::{Pdf, to_pdf};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The folder is no plan directory.
    #[error(
        "{folder} 不是方案文件夹：缺少 {file}；请先运行 lianhu plan … --out {folder}\n{folder} is no plan directory: {file} is missing; run lianhu plan … --out {folder} first"
    )]
    NoPlan {
        /// Folder.
        folder: String,
        /// First missing file.
        file: String,
    },
    /// A file could not be used.
    #[error("{file}：{message}\n{file}: {message}")]
    File {
        /// File.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The plan has no such village.
    #[error("方案中没有村 {code}；已有：{found}\nthe plan has no village {code}; there are: {found}")]
    UnknownVillage {
        /// Asked for.
        code: String,
        /// Codes there are.
        found: String,
    },
    /// Nothing to draw.
    #[error("方案中没有网格，无图可画\nthe plan has no grid: nothing to draw")]
    NoGrid,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No font of this computer has Chinese letters.
    #[error(
        "本机没有中文字体，无法生成 PDF；请安装，例如 apt-get install fonts-noto-cjk（或把 .ttf/.otf/.ttc 放入系统字体文件夹），或输出 SVG\nno font on this computer has Chinese letters, so no PDF is made; install one, e.g. apt-get install fonts-noto-cjk, or write SVG"
    )]
    NoFont,
    /// The picture could not be put into a PDF.
    #[error("无法生成 PDF：{0}\nno PDF could be made: {0}")]
    Pdf(String),
}

/// Villages named in an error message.
const LISTED: usize = 40;

/// A grid as drawn.
struct GridView<'a> {
    code: String,
    feature: &'a Feature,
    dedicated: bool,
    units: usize,
    exceptions: usize,
    /// Index of its colour.
    colour: usize,
}

/// What goes on one sheet.
struct View<'a> {
    plan: &'a Plan,
    /// The village drawn; none for the overview.
    village: Option<String>,
    /// Names of villages by code.
    names: BTreeMap<String, String>,
    grids: Vec<GridView<'a>>,
    units: Vec<&'a Feature>,
}

impl View<'_> {
    fn name<'b>(&'b self, code: &'b str) -> &'b str {
        self.names.get(code).filter(|n| !n.is_empty()).map_or(code, String::as_str)
    }

    fn shown(&self, f: &Feature) -> bool {
        self.village.as_ref().is_none_or(|v| f.text("village") == *v)
    }
}

/// Draws a village of the plan in `folder`, or all of them, as SVG text.
///
/// `village`: a 12-digit code; without it, the only village of the plan or, where there are several, an overview without units.
///
/// # Errors
/// A folder that holds no plan, files that cannot be read, a village that is not in it (its villages are then listed).
pub fn draw(folder: &Path, village: Option<&str>) -> Result<String, DrawError> {
    picture_of(&read::read(folder)?, village)
}

/// Draws a village of a plan in the store, or all of them: the plan of this id, or the plans in force.
///
/// # Errors
/// What the store says, a village that is not in the plan, or no plan at all.
pub async fn draw_store(
    store: &dyn Store,
    scope: &Scope,
    plan: Option<&str>,
    village: Option<&str>,
) -> Result<String, DrawError> {
    picture_of(&from_store::read(store, scope, plan, village).await?, village)
}

/// As [`DrawError::UnknownVillage`], with the villages there are.
fn unknown(code: &str, villages: &BTreeSet<String>) -> DrawError {
    let mut found: Vec<&str> = villages.iter().map(String::as_str).take(LISTED).collect();
    if villages.len() > LISTED {
        found.push("…");
    }
    DrawError::UnknownVillage { code: code.to_owned(), found: found.join(", ") }
}

fn picture_of(plan: &Plan, village: Option<&str>) -> Result<String, DrawError> {
    let is_area = |g: &&Feature| g.text("kind") != "level1" && !g.text("code").ends_with("000");
    let villages: BTreeSet<String> = plan.grids.iter().filter(is_area).map(|g| g.text("village")).collect();
    let village = match village {
        Some(code) if villages.contains(code) => Some(code.to_owned()),
        Some(code) => return Err(unknown(code, &villages)),
        None if villages.len() == 1 => villages.first().cloned(),
        None => None,
    };
    let names = plan
        .regions
        .iter()
        .filter(|r| matches!(r.text("level").as_str(), "village" | ""))
        .map(|r| (r.text("code"), r.text("name")))
        .collect();
    let mut view = View { plan, village, names, grids: Vec::new(), units: Vec::new() };
    let mut units = Vec::new();
    let (mut count, mut exceptions): (BTreeMap<String, usize>, BTreeMap<String, usize>) = Default::default();
    for u in plan.units.iter().filter(|u| view.shown(u)) {
        *count.entry(u.text("grid")).or_default() += 1;
        *exceptions.entry(u.text("grid")).or_default() += usize::from(!u.text("exception").is_empty());
        units.push(u);
    }
    units.sort_by_key(|u| u.text("code"));
    let mut grids: Vec<GridView<'_>> = plan
        .grids
        .iter()
        .filter(is_area)
        .filter(|g| view.shown(g))
        .map(|g| {
            let code = g.text("code");
            let tally = |m: &BTreeMap<String, usize>| m.get(&code).copied().unwrap_or(0);
            GridView {
                feature: g,
                dedicated: g.text("kind") == "dedicated",
                units: tally(&count),
                exceptions: tally(&exceptions),
                colour: 0,
                code,
            }
        })
        .collect();
    if grids.is_empty() {
        return Err(DrawError::NoGrid);
    }
    grids.sort_by(|a, b| a.code.cmp(&b.code));
    let shapes: Vec<_> = grids.iter().map(|g| &g.feature.shape).collect();
    let colours = colours::colouring(grids.len(), &colours::neighbours(&shapes));
    for (g, c) in grids.iter_mut().zip(colours) {
        g.colour = c;
    }
    view.grids = grids;
    view.units = units;
    let sheet = Sheet::around(view.grids.iter().flat_map(|g| g.feature.shape.positions()), plan.planar);
    Ok(picture(&view, &sheet))
}

fn picture(view: &View<'_>, sheet: &Sheet) -> String {
    let mut out = Svg::default();
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let [w, h] = sheet::PAGE_MM;
    out.raw(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}mm\" height=\"{h}mm\" viewBox=\"0 0 {w} {h}\" font-family=\"{}\" fill=\"#1a1a1a\" stroke-linejoin=\"round\" stroke-linecap=\"round\">",
        svg::FONTS
    ));
    out.raw(&format!("<title>{}</title>", svg::escaped(&panel::title(view))));
    definitions(view, &mut out);
    out.rect([0.0, 0.0], sheet::PAGE_MM, "fill=\"#ffffff\"");
    panel::heading(view, &mut out);
    let inset = inset::choose(view, sheet);
    let mut left_out = layers::map(view, sheet, &layers::Place::Sheet(inset.as_ref()), &mut out);
    if let Some(inset) = &inset {
        left_out += inset::draw(view, inset, &mut out);
    }
    panel::side(view, sheet, left_out, &mut out);
    out.raw("</svg>");
    out.finish()
}

fn definitions(view: &View<'_>, out: &mut Svg) {
    out.raw("<defs>");
    let most = view.grids.iter().map(|g| g.colour).max().unwrap_or(0);
    for i in 0..=most {
        out.raw(&colours::pattern(i));
    }
    out.raw("<pattern id=\"dedicated\" width=\"3\" height=\"3\" patternUnits=\"userSpaceOnUse\"><rect width=\"3\" height=\"3\" fill=\"#d6d6d6\"/><path d=\"M0 3L3 0M0 0L3 3\" stroke=\"#7a4b9a\" stroke-width=\"0.25\"/></pattern>");
    out.raw("<pattern id=\"exception\" width=\"1.2\" height=\"1.2\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"0.5\" height=\"1.2\" fill=\"#c4161c\"/></pattern>");
    let [x, y, r, b] = sheet::MAP_MM;
    out.raw(&format!(
        "<clipPath id=\"frame\"><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\"/></clipPath>",
        r - x,
        b - y
    ));
    out.raw("</defs>");
}
