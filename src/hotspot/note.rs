//! What a reader of a result must know beside its figures.

use std::fmt;

/// One remark, Chinese then English when shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Too few cells for the normal law.
    FewCells {
        /// How many there are.
        cells: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// All values are equal.
    Constant,
    /// Cells without any neighbour.
    Islands {
        /// How many.
        cells: usize,
    },
    /// Cells with five sides.
    Pentagons {
        /// How many.
        cells: usize,
    },
    /// Cells in whose neighbourhood nobody lives.
    NoHouseholds {
        /// How many.
        cells: usize,
    },
    /// The law of the counts was sampled, since it was too large to be computed.
    SampledLaw,
    /// Cells beyond the study's edge whose incidents count for those inside.
    BeyondTheEdge {
        /// How many cells.
        cells: usize,
        /// How many incidents lie in them.
        incidents: u64,
    },
    /// Bins of a cube too few for the normal law.
    FewBins {
        /// How many there are.
        bins: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// Cells of a cube without any neighbour.
    Alone {
        /// How many.
        cells: usize,
    },
    /// Rates that differ no more than chance.
    RatesAlike,
    /// An area around the incidents that holds next to none of them.
    MostlyEmpty {
        /// Its cells.
        cells: usize,
        /// Those that hold an incident.
        occupied: usize,
    },
    /// Parts of an outline that are no valid polygon.
    InvalidOutline {
        /// How many.
        parts: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewCells { cells, wanted } => write!(
                f,
                "只有 {cells} 个六边形（少于 {wanted}）：不给出 z 和正态 p，只按排列检验判断\n\
                 only {cells} cells (fewer than {wanted}): no z and no normal p, permutations alone decide"
            ),
            Self::Constant => {
                write!(f, "所有六边形的数值相同：没有热点可言\nall cells have the same value: nothing can stand out")
            }
            Self::Islands { cells } => write!(
                f,
                "{cells} 个六边形没有邻格，不作判断（class = island）\n{cells} cells have no neighbour and are not judged (class = island)"
            ),
            Self::Pentagons { cells } => {
                write!(f, "{cells} 个五边形只有五个邻格\n{cells} cells are pentagons and have five neighbours")
            }
            Self::NoHouseholds { cells } => write!(
                f,
                "{cells} 个六边形及其邻格无住户，不作判断（class = no_households）\n\
                 nobody lives in or around {cells} cells: they are not judged (class = no_households)"
            ),
            Self::SampledLaw => write!(
                f,
                "数值太大，排列分布改为抽样，p 不低于抽样数的倒数\n\
                 the counts are too large for the exact law of permutations: it was sampled, and p is no smaller than one in the draws"
            ),
            Self::BeyondTheEdge { cells, incidents } => write!(
                f,
                "边界外 {cells} 个邻格的 {incidents} 件事件计入边缘六边形的邻域，但不单独列出\n\
                 {incidents} incidents in {cells} cells beyond the edge count as neighbours; those cells are not listed"
            ),
            Self::FewBins { bins, wanted } => write!(
                f,
                "只有 {bins} 个时空格（少于 {wanted}）：不给出 z，只按排列分布判断\n\
                 only {bins} bins (fewer than {wanted}): no z, the law under permutation alone decides"
            ),
            Self::Alone { cells } => write!(
                f,
                "{cells} 个六边形没有邻格，只与自己的前一时段相比\n\
                 {cells} cells have no neighbour and are compared with themselves one step before alone"
            ),
            Self::RatesAlike => write!(
                f,
                "各格发生率的差异不超过偶然：不给出 z，类别按户数的二项分布判断\n\
                 rates of single cells differ no more than chance: no z, classes go by the binomial law over households"
            ),
            Self::MostlyEmpty { cells, occupied } => write!(
                f,
                "研究区是事件的凸包，{cells} 个六边形中只有 {occupied} 个有事件：请检查远处的坐标，或用边界划定研究区\n\
                 the area is the hull of the incidents, and only {occupied} of its {cells} cells hold any: look for places far away, or give a boundary"
            ),
            Self::InvalidOutline { parts } => write!(
                f,
                "边界中 {parts} 个面无效，未使用\n{parts} parts of the boundary are no valid polygons and were left out"
            ),
        }
    }
}
