//! What a statistic cannot be computed from.

/// Input that no statistic can be made of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HotspotError {
    /// There is no cell, no incident, or nothing inside the study area.
    #[error("没有可分析的数据：{chinese} / nothing to analyse: {english}")]
    Nothing {
        /// What is missing, in Chinese.
        chinese: &'static str,
        /// What is missing, in English.
        english: &'static str,
    },
    /// A resolution that H3 does not have.
    #[error("H3 分辨率应为 0–15，而不是 {0} / an H3 resolution is 0 to 15, not {0}")]
    Resolution(u8),
    /// Cells of several resolutions.
    #[error(
        "六边形 {first} 和 {other} 的分辨率不同，请统一 / the cells {first} and {other} are of different resolutions; make them one"
    )]
    MixedResolutions {
        /// The first cell.
        first: String,
        /// One of another resolution.
        other: String,
    },
    /// More cells than memory should be filled with.
    #[error(
        "研究区超过 {most} 个六边形，请用较低的分辨率 / the study area has more than {most} cells; use a lower resolution"
    )]
    TooManyCells {
        /// The most there may be.
        most: usize,
    },
    /// A surface of more nodes than memory should be filled with.
    #[error(
        "网格超过 {most} 个节点，请增大格距，或检查有无离群的坐标 / the surface has more than {most} nodes; put them farther apart, or look for a place that is far from all others"
    )]
    TooManyNodes {
        /// The most there may be.
        most: usize,
    },
    /// A neighbourhood so wide that its pairs would fill the memory.
    #[error(
        "邻域过大：超过 {most} 对邻接，请缩小距离或降低分辨率 / the neighbourhood is too wide: more than {most} pairs; use a shorter distance or a lower resolution"
    )]
    TooManyNeighbours {
        /// The most pairs there may be.
        most: u64,
    },
    /// A distance that is none.
    #[error(
        "距离应在 {least_m}–{most_m} 米之间，而不是 {given_m} / a distance lies between {least_m} and {most_m} m, not {given_m}"
    )]
    Distance {
        /// The distance given, in metres.
        given_m: f64,
        /// The shortest that is accepted.
        least_m: f64,
        /// The longest that is accepted.
        most_m: f64,
    },
    /// Lists that should be equally long.
    #[error("{what}：应有 {wanted} 个值，实有 {found} 个 / {what}: {wanted} values wanted, {found} found")]
    Length {
        /// Which list.
        what: &'static str,
        /// How many values it should have.
        wanted: usize,
        /// How many it has.
        found: usize,
    },
    /// A number of time steps that no trend can be told from, or too many of them.
    #[error(
        "时段数应为 {least}–{most}，而不是 {given}：{} / {least} to {most} time steps are needed, not {given}: {}",
        step_advice(*.given, *.least).0, step_advice(*.given, *.least).1
    )]
    Steps {
        /// The number given.
        given: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
}

fn step_advice(given: usize, least: usize) -> (&'static str, &'static str) {
    match given < least {
        true => ("请选择更长的时间范围，或更短的时段", "choose a longer period, or shorter steps"),
        false => ("请选择更短的时间范围，或更长的时段", "choose a shorter period, or longer steps"),
    }
}
