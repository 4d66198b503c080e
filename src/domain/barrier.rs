//! Barriers: what a grid should not (soft) or must not (hard) cross.

/// Geometry of a barrier; coordinates are `[x, y]`, degrees or metres like the households they come with.
#[derive(Clone, Debug, PartialEq)]
pub enum BarrierShape {
    /// An open line (river, railway, road, bridge).
    Line(Vec<[f64; 2]>),
    /// A filled area, exterior ring first (lake, reservoir, motorway junction).
    Area(Vec<Vec<[f64; 2]>>),
}

/// One barrier (H11 when hard, S2 when soft), or a bridge that re-opens a crossing.
#[derive(Clone, Debug, PartialEq)]
pub struct Barrier {
    /// `river`, `railway`, `road`, `bridge`, … as the file says.
    pub kind: String,
    /// A hard barrier removes adjacency, a soft one only costs.
    pub hard: bool,
    /// Name, for messages and the map.
    pub name: Option<String>,
    /// Where it runs.
    pub shape: BarrierShape,
}

impl Barrier {
    /// Whether this feature re-opens a crossing instead of closing one.
    #[must_use]
    pub fn is_bridge(&self) -> bool {
        self.kind == "bridge"
    }
}
