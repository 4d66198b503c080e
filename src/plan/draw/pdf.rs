//! The picture as a PDF of one page: vectors stay vectors, letters stay text, with the part of the computer's own font that is used.

use std::collections::BTreeSet;
use std::sync::Arc;

use krilla::Document;
use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};
use usvg::fontdb::{Database, Family, Query};
use usvg::{Group, Node, Options, Tree};

use super::DrawError;
use super::svg::FONTS;

/// Points an inch of a PDF, and pixels an inch of an SVG.
const POINTS_PER_PIXEL: f32 = 72.0 / 96.0;
/// A letter that stands on every map.
const ON_EVERY_MAP: char = '网';

/// A page, and the letters that no font of this computer has.
#[derive(Debug)]
pub struct Pdf {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Letters left out.
    pub missing: BTreeSet<char>,
}

/// Makes a PDF of the SVG text that [`super::draw`] gave. Fonts are those of the system; only the letters used are embedded.
///
/// # Errors
/// No font with Chinese letters, or a picture that cannot be converted.
pub fn to_pdf(svg: &str) -> Result<Pdf, DrawError> {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    choose_family(&mut fonts);
    let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| DrawError::Pdf(e.to_string()))?;
    let mut letters = Letters::default();
    letters.gather(tree.root());
    if !letters.shown.contains(&ON_EVERY_MAP) {
        return Err(DrawError::NoFont);
    }
    let (w, h) = (tree.size().width() * POINTS_PER_PIXEL, tree.size().height() * POINTS_PER_PIXEL);
    let size = Size::from_wh(w, h).ok_or_else(|| DrawError::Pdf(format!("{w} × {h}")))?;
    let mut document = Document::new();
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    let drawn = surface.draw_svg(&tree, size, SvgSettings::default());
    surface.finish();
    page.finish();
    drawn.ok_or_else(|| DrawError::Pdf("svg".to_owned()))?;
    let bytes = document.finish().map_err(|e| DrawError::Pdf(format!("{e:?}")))?;
    Ok(Pdf { bytes, missing: letters.missing })
}

/// Where none of the families that the picture names is there, any family will do to begin with: single letters are then sought in all.
fn choose_family(fonts: &mut Database) {
    let named = FONTS.split(',').map(|f| f.trim().trim_matches('\''));
    let there = |name: &str| fonts.query(&Query { families: &[Family::Name(name)], ..Query::default() }).is_some();
    let family = match named.filter(|n| *n != "sans-serif").find(|n| there(n)) {
        Some(name) => Some(name.to_owned()),
        None => fonts.faces().find_map(|f| f.families.first().map(|(name, _)| name.clone())),
    };
    if let Some(family) = family {
        fonts.set_sans_serif_family(family);
    }
}

#[derive(Default)]
struct Letters {
    shown: BTreeSet<char>,
    missing: BTreeSet<char>,
}

impl Letters {
    fn gather(&mut self, group: &Group) {
        for node in group.children() {
            match node {
                Node::Group(inner) => self.gather(inner),
                Node::Text(text) => {
                    for glyph in text.layouted().iter().flat_map(|s| &s.positioned_glyphs) {
                        let there = if glyph.id.0 == 0 { &mut self.missing } else { &mut self.shown };
                        there.extend(glyph.text.chars());
                    }
                }
                _ => {}
            }
        }
    }
}
