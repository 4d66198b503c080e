//! Administrative regions with their outline.

/// One village (村/社区) or higher division as read from a regions file.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// 12-digit code, if the file has one.
    pub code: Option<String>,
    /// Name, if the file has one.
    pub name: Option<String>,
    /// `city`, `county`, `township`, `village`; empty means village.
    pub level: String,
    /// Outline: polygons, each a list of rings, exterior first; coordinates like the households they come with.
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
}
