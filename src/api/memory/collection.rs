//! What is served: collections with their fields.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Real,
    Bool,
    /// `YYYY-MM-DD`.
    Day,
    /// RFC 3339 UTC.
    Moment,
}

/// A field of a collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Its name as it stands in a JSON object after another: `,"name":`.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// Tells of a household's people: shown by role. Such fields stand last.
    pub(crate) personal: bool,
}

/// What geometries a collection's features have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shapes {
    Points,
    /// Points or ground plans.
    Any,
    Areas,
}

/// Of which fields a feature's time is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Time {
    /// From a day up to, but without, another; either may be open.
    Days(&'static str, &'static str),
    /// From a day on.
    Since(&'static str),
    Moment(&'static str),
    None,
}

/// A collection.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) title: &'static str,
    pub(crate) title_en: &'static str,
    pub(crate) about: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) shapes: Shapes,
    pub(crate) time: Time,
    /// Where it comes from a column with the key's own name, that field; features are sorted by it.
    pub(crate) key: Option<&'static str>,
}

/// The collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Collection {
    Regions,
    Buildings,
    Households,
    Grids,
    Units,
    Leaders,
    Incidents,
    /// Not stored: made of incidents, for whoever looks.
    Hotspots,
}

macro_rules! field {
    ($name:literal, $title:literal, $kind:expr, $personal:literal) => {
        Field { name: $name, key: concat!(",\"", $name, "\":"), title: $title, kind: $kind, personal: $personal }
    };
}

macro_rules! f {
    ($name:literal, $title:literal, $kind:expr) => {
        field!($name, $title, $kind, false)
    };
}

macro_rules! p {
    ($name:literal, $title:literal, $kind:expr) => {
        field!($name, $title, $kind, true)
    };
}

use Kind::{Bool, Day, Moment, Real, Text, Whole};

const REGIONS: Spec = Spec {
    title: "行政区",
    title_en: "Administrative divisions",
    about: "省、市、县、乡镇、村的代码、名称和界线 / codes, names and outlines, province to village",
    fields: &[
        f!("code", "区划代码", Text),
        f!("name", "名称", Text),
        f!("level", "级别", Text),
        f!("parent", "上级代码", Text),
        f!("valid_from", "启用日期", Day),
        f!("valid_to", "停用日期", Day),
    ],
    shapes: Shapes::Areas,
    time: Time::Days("valid_from", "valid_to"),
    key: Some("code"),
};

const BUILDINGS: Spec = Spec {
    title: "楼栋",
    title_en: "Buildings",
    about: "网格边界不会分开的单位：点或轮廓 / what a grid's border never splits: points or ground plans",
    fields: &[
        f!("id", "楼栋编号", Text),
        f!("village", "村编码", Text),
        f!("name", "名称", Text),
        f!("kind", "类型", Text),
        f!("households", "户数", Whole),
        f!("dedicated", "专属网格", Text),
        f!("stairwells", "单元", Text),
        f!("valid_from", "启用日期", Day),
        f!("valid_to", "拆除日期", Day),
    ],
    shapes: Shapes::Any,
    time: Time::Days("valid_from", "valid_to"),
    key: Some("id"),
};

const HOUSEHOLDS: Spec = Spec {
    title: "住户",
    title_en: "Households",
    about: "实有住户所在的位置，不含姓名 / where households live, never who",
    fields: &[
        f!("id", "户号", Text),
        f!("village", "村编码", Text),
        f!("building", "楼栋", Text),
        f!("stairwell", "单元", Text),
        f!("floor", "楼层", Whole),
        f!("hamlet", "自然寨", Text),
        f!("group", "村民小组", Text),
        f!("valid_from", "迁入日期", Day),
        f!("valid_to", "迁出日期", Day),
        p!("persons", "人口", Whole),
        p!("tenure", "居住方式", Text),
        p!("eligible", "候选", Bool),
    ],
    shapes: Shapes::Points,
    time: Time::Days("valid_from", "valid_to"),
    key: Some("id"),
};

const GRIDS: Spec = Spec {
    title: "网格",
    title_en: "Grids",
    about: "现行方案的网格 / grids of the plans in force",
    fields: &[
        f!("code", "网格编码", Text),
        f!("name", "网格名称", Text),
        f!("kind", "类型", Text),
        f!("village", "村编码", Text),
        f!("households", "户数", Whole),
        f!("buildings", "楼栋数", Whole),
        f!("persons", "人口", Whole),
        f!("deviation", "偏差", Real),
        f!("area_m2", "面积", Real),
        f!("perimeter_m", "周长", Real),
        f!("polsby_popper", "紧凑度", Real),
        f!("locked", "锁定", Bool),
        f!("valid_from", "启用日期", Day),
        f!("plan", "方案", Text),
    ],
    shapes: Shapes::Areas,
    time: Time::Since("valid_from"),
    key: Some("code"),
};

const UNITS: Spec = Spec {
    title: "十联户单元",
    title_en: "Ten-household units",
    about: "现行方案的联户单元 / units of the plans in force",
    fields: &[
        f!("code", "单元编码", Text),
        f!("grid", "所属网格", Text),
        f!("households", "户数", Whole),
        f!("sse_m2", "离差平方和", Real),
        f!("reach_m", "最远距离", Real),
        f!("leader", "联户长户号", Text),
        f!("deputies", "副联户长户号", Text),
        f!("exception", "例外原因", Text),
        f!("locked", "锁定", Bool),
        f!("founded_on", "成立日期", Day),
        f!("plan", "方案", Text),
    ],
    shapes: Shapes::Areas,
    time: Time::Since("founded_on"),
    key: Some("code"),
};

const LEADERS: Spec = Spec {
    title: "联户长",
    title_en: "Leaders and deputies",
    about: "联户长、副联户长所在住户，不含姓名 / the households of leaders and deputies, without names",
    fields: &[
        f!("unit", "单元编码", Text),
        f!("household", "户号", Text),
        f!("role", "身份", Text),
        f!("plan", "方案", Text),
    ],
    shapes: Shapes::Points,
    time: Time::None,
    key: None,
};

const INCIDENTS: Spec = Spec {
    title: "事件",
    title_en: "Incidents",
    about: "事件的位置、类别和办理状态 / where, of what category, in what state",
    fields: &[
        f!("id", "事件编号", Text),
        f!("region", "区划代码", Text),
        f!("grid", "网格编码", Text),
        f!("unit", "单元编码", Text),
        f!("category", "类别", Text),
        f!("dispute", "纠纷类型", Text),
        f!("level", "级别", Text),
        f!("state", "状态", Text),
        f!("occurred_at", "发生时间", Moment),
        f!("due_at", "办结期限", Moment),
        p!("summary", "摘要", Text),
    ],
    shapes: Shapes::Points,
    time: Time::Moment("occurred_at"),
    key: Some("id"),
};

const HOTSPOTS: Spec = Spec {
    title: "热点",
    title_en: "Hotspots",
    about: "近 30 天事件聚集的 H3 单元：Gi*、显著性、类别 / H3 cells where incidents of the last thirty days concentrate: Gi*, significance, class",
    fields: &[
        f!("h3", "H3 单元", Text),
        f!("count", "事件数", Whole),
        f!("expected", "期望数", Real),
        f!("neighbours", "邻元数", Whole),
        f!("z", "z 值", Real),
        f!("p", "p 值", Real),
        f!("p_sim", "置换 p 值", Real),
        f!("fdr05", "FDR 0.05 显著", Bool),
        f!("class", "类别", Text),
        f!("rank", "名次", Whole),
        f!("period_from", "起", Day),
        f!("period_to", "止（不含）", Day),
    ],
    shapes: Shapes::Areas,
    time: Time::Days("period_from", "period_to"),
    key: Some("h3"),
};

impl Collection {
    /// Those that are shown, in the order of pages.
    pub(crate) const SHOWN: [Self; 8] = [
        Self::Regions,
        Self::Grids,
        Self::Units,
        Self::Leaders,
        Self::Buildings,
        Self::Incidents,
        Self::Households,
        Self::Hotspots,
    ];

    /// Those that are stored.
    pub(crate) const ALL: [Self; 7] =
        [Self::Regions, Self::Grids, Self::Units, Self::Leaders, Self::Buildings, Self::Incidents, Self::Households];

    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Regions => "regions",
            Self::Buildings => "buildings",
            Self::Households => "households",
            Self::Grids => "grids",
            Self::Units => "units",
            Self::Leaders => "leaders",
            Self::Incidents => "incidents",
            Self::Hotspots => "hotspots",
        }
    }

    pub(crate) fn named(id: &str) -> Option<Self> {
        Self::SHOWN.into_iter().find(|c| c.id() == id)
    }

    pub(crate) const fn spec(self) -> &'static Spec {
        match self {
            Self::Regions => &REGIONS,
            Self::Buildings => &BUILDINGS,
            Self::Households => &HOUSEHOLDS,
            Self::Grids => &GRIDS,
            Self::Units => &UNITS,
            Self::Leaders => &LEADERS,
            Self::Incidents => &INCIDENTS,
            Self::Hotspots => &HOTSPOTS,
        }
    }
}

impl Spec {
    pub(crate) fn position(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == field)
    }

    /// Fields that a reader may see.
    pub(crate) fn seen(&self, personal: bool) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().filter(move |f| personal || !f.personal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_fields_stand_last_and_never_first() {
        assert!(Collection::ALL.iter().all(|c| Collection::SHOWN.contains(c)));
        for c in Collection::SHOWN {
            let fields = c.spec().fields;
            let first = fields.iter().position(|f| f.personal).unwrap_or(fields.len());
            assert!(first > 0 && fields.iter().skip(first).all(|f| f.personal), "{}", c.id());
            assert_eq!(Collection::named(c.id()), Some(c));
        }
    }
}
