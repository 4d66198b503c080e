//! The layers of the register as files carry them: fields with their English and Chinese names, and what may stand in them.

/// What may stand in a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// An opaque id; a number of fifteen digits or more is refused, since Excel may have rounded it.
    Id,
    /// A code of one of these numbers of digits, always text.
    Code(&'static [usize]),
    /// Codes of these numbers of digits, one after the other with `、` between them (`,` and `;` are read too).
    Codes(&'static [usize]),
    /// Text.
    Text,
    /// A whole number from 0 to the greatest given.
    Count(i64),
    /// A whole number; `3层`, `3楼`, `3F` are 3.
    Floor,
    /// A number.
    Real,
    /// 是/否, true/false, 1/0, yes/no.
    Bool,
    /// A day.
    Date,
    /// A day, or a day with its time.
    Moment,
    /// One of some words: the word kept, then what else means it.
    Word(&'static [(&'static str, &'static [&'static str])]),
}

/// One field of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its English name, which exports use and `--map` takes.
    pub name: &'static str,
    /// Its Chinese title.
    pub title: &'static str,
    /// Other names it is known by, in lower case.
    pub also: &'static [&'static str],
    /// What may stand in it.
    pub kind: FieldKind,
    /// Whether a row without it is refused.
    pub required: bool,
}

/// What geometry the features of a layer have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None.
    None,
    /// A point, or a polygon whose interior point is taken by whoever needs a place; from columns too.
    Place,
    /// A point where known.
    OptionalPlace,
    /// Lines or polygons.
    LineOrArea,
    /// Polygons.
    Area,
}

/// A layer that can be imported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerSchema {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its Chinese title.
    pub title: &'static str,
    /// Fields in the order exports write them.
    pub fields: &'static [Field],
    /// Its geometry.
    pub shape: Shape,
}

const fn field(name: &'static str, title: &'static str, also: &'static [&'static str], kind: FieldKind) -> Field {
    Field { name, title, also, kind, required: false }
}

const fn needed(name: &'static str, title: &'static str, also: &'static [&'static str], kind: FieldKind) -> Field {
    Field { name, title, also, kind, required: true }
}

const VILLAGE: &[&str] =
    &["村", "社区", "村(社区)", "村（社区）", "所属村(社区)", "所属村（社区）", "村编码", "village_code"];
const VALID_FROM: Field = field("valid_from", "启用日期", &["生效日期"], FieldKind::Date);
const VALID_TO: Field = field("valid_to", "停用日期", &["失效日期"], FieldKind::Date);
/// Version the row had in the store when it was exported; Shapefile cuts the name to ten letters.
const ROW_VERSION: Field = field("row_version", "行版本", &["row_versio"], FieldKind::Count(MOST_VERSIONS));
/// Beyond 2^53 spreadsheets lose digits.
const MOST_VERSIONS: i64 = 1 << 53;
const MOST_PERSONS: i64 = 1_000_000;
const LEVELS: &[(&str, &[&str])] = &[
    ("village", &["村", "社区", "村(社区)", "村（社区）"]),
    ("township", &["town", "乡", "镇", "乡镇", "街道", "乡镇(街道)", "乡镇（街道）"]),
    ("county", &["县", "区", "县区", "县(区)", "县（区）"]),
    ("city", &["市"]),
];
/// Digits of a division's code, higher ones with or without their zeros.
const DIVISION: &[usize] = &[2, 4, 6, 9, 12];

const OCCURRED_AT: Field = needed(
    "occurred_at",
    "发生时间",
    // Shapefile cuts the name to ten letters.
    &[
        "occurred_a",
        "上报时间",
        "时间",
        "发生日期",
        "日期",
        "reported_at",
        "date",
        "time",
        "datetime",
        "date_time",
        "timestamp",
    ],
    FieldKind::Moment,
);

/// Every layer.
pub const LAYERS: &[LayerSchema] =
    &[REGIONS, BUILDINGS, HOUSEHOLDS, BARRIERS, OFFICERS, INCIDENTS, OLD_NETS, CENTRES, ZONES, PROFILES, DICTIONARIES];

/// 行政区划.
pub const REGIONS: LayerSchema = LayerSchema {
    name: "regions",
    title: "行政区划",
    fields: &[
        needed("code", "编码", &["区划编码", "区划代码", "村编码", "代码"], FieldKind::Code(DIVISION)),
        needed("name", "名称", &["区划名称"], FieldKind::Text),
        field("level", "级别", &["层级"], FieldKind::Word(LEVELS)),
        field("parent", "上级", &["上级编码"], FieldKind::Code(DIVISION)),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::Area,
};

/// 楼栋.
pub const BUILDINGS: LayerSchema = LayerSchema {
    name: "buildings",
    title: "楼栋",
    fields: &[
        needed("id", "楼栋编号", &["编号", "楼栋", "building", "building_id"], FieldKind::Id),
        field("village", "所属村", VILLAGE, FieldKind::Code(&[12])),
        field("name", "名称", &["楼栋名称"], FieldKind::Text),
        field("kind", "类型", &["用途"], FieldKind::Text),
        field("households", "户数", &[], FieldKind::Count(100_000)),
        field("dedicated", "专属网格", &[], FieldKind::Text),
        field("stairwells", "单元", &["楼道", "stairwell"], FieldKind::Text),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::Place,
};

/// 住户.
pub const HOUSEHOLDS: LayerSchema = LayerSchema {
    name: "households",
    title: "住户",
    fields: &[
        needed("id", "户号", &["编号", "住户编号", "household", "household_id"], FieldKind::Id),
        field("village", "所属村", VILLAGE, FieldKind::Code(&[12])),
        field("building", "楼栋", &["楼栋编号", "房屋", "building_id"], FieldKind::Id),
        field("stairwell", "单元", &["楼道"], FieldKind::Text),
        field("floor", "楼层", &["层"], FieldKind::Floor),
        field("hamlet", "自然寨", &["寨"], FieldKind::Text),
        field("group", "村民小组", &["组", "group_name"], FieldKind::Text),
        field("persons", "人口", &["人数", "常住人口", "家庭人口"], FieldKind::Count(MOST_PERSONS)),
        field(
            "tenure",
            "居住性质",
            &["房屋性质", "居住类型"],
            FieldKind::Word(&[
                ("own", &["自有", "自住", "owned", "owner"]),
                ("rented", &["租住", "出租", "租赁", "rent"]),
                ("vacant", &["空置", "空房", "无人居住", "empty"]),
            ]),
        ),
        field("eligible", "候选", &["可任"], FieldKind::Bool),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
        // Of the building rather than the dwelling: read, and written with the buildings.
        field("households", "户数", &[], FieldKind::Count(100_000)),
        field("dedicated", "专属网格", &[], FieldKind::Text),
    ],
    shape: Shape::Place,
};

/// 障碍.
pub const BARRIERS: LayerSchema = LayerSchema {
    name: "barriers",
    title: "障碍",
    fields: &[
        field("id", "编号", &["障碍编号"], FieldKind::Id),
        field("region", "所属区划", &["区划编码"], FieldKind::Code(DIVISION)),
        field(
            "kind",
            "类型",
            &["类别"],
            FieldKind::Word(&[
                ("river", &["河", "河流"]),
                ("railway", &["铁路"]),
                ("road", &["公路", "道路"]),
                ("bridge", &["桥", "桥梁"]),
                ("lake", &["湖", "水库"]),
                ("barrier", &["其他", "障碍"]),
            ]),
        ),
        field("hard", "硬性", &["硬"], FieldKind::Bool),
        field("name", "名称", &[], FieldKind::Text),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::LineOrArea,
};

/// 网格长、网格员、联户长: the one layer with names and telephones, both optional.
pub const OFFICERS: LayerSchema = LayerSchema {
    name: "officers",
    title: "人员",
    fields: &[
        needed("id", "人员编号", &["编号", "officer"], FieldKind::Id),
        needed(
            "region",
            "所属编码",
            &["网格编码", "单元编码", "区划编码", "grid", "unit"],
            FieldKind::Code(&[2, 4, 6, 9, 12, 15, 18]),
        ),
        needed(
            "role",
            "职务",
            &["角色"],
            FieldKind::Word(&[
                ("grid_head", &["网格长"]),
                ("grid_worker", &["网格员", "兼职网格员"]),
                ("leader", &["联户长"]),
                ("deputy", &["副联户长"]),
                ("building_head", &["楼栋长"]),
                ("manager", &["联户单元管理员", "管理员"]),
            ]),
        ),
        field("name", "姓名", &["名字"], FieldKind::Text),
        field("phone", "电话", &["手机", "手机号", "联系电话", "联系方式", "mobile"], FieldKind::Text),
        field("household", "户号", &["household_id"], FieldKind::Id),
        field("elected_on", "选举日期", &["任职日期", "当选日期"], FieldKind::Date),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::None,
};

/// 事件.
pub const INCIDENTS: LayerSchema = LayerSchema {
    name: "incidents",
    title: "事件",
    fields: &[
        needed("id", "事件编号", &["编号", "incident"], FieldKind::Id),
        field("region", "所属村", VILLAGE, FieldKind::Code(DIVISION)),
        field("grid", "网格编码", &["网格", "grid_code"], FieldKind::Code(&[15])),
        needed("category", "类别", &["事件类别", "类型", "kind"], FieldKind::Text),
        field("dispute", "纠纷类型", &["矛盾类型"], FieldKind::Text),
        field(
            "level",
            "层级",
            &["级别"],
            FieldKind::Word(&[
                ("grid", &["网格"]),
                ("village", &["村", "社区"]),
                ("township", &["乡镇", "街道", "乡", "镇"]),
                ("county", &["县", "区"]),
            ]),
        ),
        field(
            "state",
            "状态",
            &["办理状态"],
            FieldKind::Word(&[
                ("reported", &["已上报", "上报"]),
                ("accepted", &["已受理", "受理"]),
                ("rejected", &["不予受理"]),
                ("dispatched", &["已派遣", "已派单"]),
                ("handling", &["处置中", "办理中"]),
                ("suspended", &["已挂起", "挂起"]),
                ("handled", &["已处置"]),
                ("verified", &["已核查", "已核实"]),
                ("closed", &["已办结", "办结", "已结案"]),
            ]),
        ),
        OCCURRED_AT,
        field("due_at", "办理时限", &["截止时间"], FieldKind::Moment),
        field("summary", "摘要", &["事件内容", "描述"], FieldKind::Text),
        ROW_VERSION,
    ],
    shape: Shape::OptionalPlace,
};

/// When and where something happened, whatever else the file says: what statistics need of incidents.
pub const OCCURRENCES: LayerSchema =
    LayerSchema { name: "occurrences", title: "事件时空", fields: &[OCCURRED_AT], shape: Shape::OptionalPlace };

/// Counts of H3 cells.
pub const CELL_COUNTS: LayerSchema = LayerSchema {
    name: "cell_counts",
    title: "六边形计数",
    fields: &[
        needed("h3", "六边形", &["h3_index", "h3index", "hex", "hexid", "cell"], FieldKind::Id),
        needed("count", "数量", &["件数", "事件数", "n"], FieldKind::Count(u32::MAX as i64)),
    ],
    shape: Shape::None,
};

/// 原有网格 (公安、城管、旅游、扶贫等).
pub const OLD_NETS: LayerSchema = LayerSchema {
    name: "old_nets",
    title: "原有网格",
    fields: &[
        field("id", "编号", &["网格编号", "code", "编码"], FieldKind::Id),
        needed("net", "所属网", &["网", "条线", "部门"], FieldKind::Text),
        field("region", "所属区划", &["区划编码", "所属村"], FieldKind::Code(DIVISION)),
        field("name", "名称", &["网格名称"], FieldKind::Text),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::Area,
};

/// 综治中心.
pub const CENTRES: LayerSchema = LayerSchema {
    name: "centres",
    title: "综治中心",
    fields: &[
        needed("id", "中心编号", &["编号", "centre"], FieldKind::Id),
        needed("region", "所属区划", &["区划编码", "所属编码"], FieldKind::Code(DIVISION)),
        field(
            "level",
            "级别",
            &["层级"],
            FieldKind::Word(&[
                ("village", &["村", "社区", "村(社区)", "村（社区）"]),
                ("township", &["town", "乡", "镇", "乡镇", "街道"]),
                ("county", &["县", "区"]),
            ]),
        ),
        needed("name", "名称", &["中心名称"], FieldKind::Text),
        field("address", "地址", &["位置"], FieldKind::Text),
        field("duty_hours", "值班时间", &["开放时间"], FieldKind::Text),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::OptionalPlace,
};

/// 功能区: townships of several counties under one administration.
pub const ZONES: LayerSchema = LayerSchema {
    name: "zones",
    title: "功能区",
    fields: &[
        needed("id", "功能区编号", &["编号", "zone"], FieldKind::Id),
        needed("name", "名称", &["功能区名称"], FieldKind::Text),
        needed("townships", "所辖乡镇", &["乡镇", "乡镇编码", "所辖乡镇编码", "township"], FieldKind::Codes(&[9, 12])),
        VALID_FROM,
        VALID_TO,
        ROW_VERSION,
    ],
    shape: Shape::None,
};

/// 规则: a county's rules, whole as TOML in one cell, or as a TOML file.
pub const PROFILES: LayerSchema = LayerSchema {
    name: "profiles",
    title: "规则",
    fields: &[
        needed("name", "规则名", &["规则名称", "profile"], FieldKind::Id),
        field("title", "名称", &["标题"], FieldKind::Text),
        needed("toml", "规则内容", &["内容", "text"], FieldKind::Text),
        ROW_VERSION,
    ],
    shape: Shape::None,
};

/// 字典: entries of the lists that an office extends or words in its own way.
pub const DICTIONARIES: LayerSchema = LayerSchema {
    name: "dictionaries",
    title: "字典",
    fields: &[
        needed("dictionary", "字典", &["字典名称", "列表", "list"], FieldKind::Text),
        needed("key", "键", &["代码", "编码", "code"], FieldKind::Text),
        needed("name", "名称", &["中文名称"], FieldKind::Text),
        field("name_en", "英文名称", &["英文"], FieldKind::Text),
        field("position", "序号", &["排序", "顺序"], FieldKind::Count(1_000_000)),
        field("enabled", "启用", &["是否启用"], FieldKind::Bool),
        field(
            "due_hours",
            "办理时限(小时)",
            &["办理时限（小时）", "办理时限", "时限", "时限(小时)", "时限（小时）"],
            FieldKind::Text,
        ),
        ROW_VERSION,
    ],
    shape: Shape::None,
};

impl LayerSchema {
    /// The layer of an English name or Chinese title.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.trim();
        LAYERS.iter().find(|l| l.name == name || l.title == name)
    }

    /// The other names of a field that every row needs.
    #[must_use]
    pub fn names_of(&self, field: &str) -> Vec<String> {
        let found = self.fields.iter().find(|f| f.name == field);
        found
            .map_or(Vec::new(), |f| std::iter::once(f.title).chain(f.also.iter().copied()).map(str::to_owned).collect())
    }

    /// The least header of a table of this layer, with Chinese and with English names.
    #[must_use]
    pub fn least_header(&self) -> (String, String) {
        let place: &[(&str, &str)] = match self.shape {
            Shape::None => &[],
            Shape::Place | Shape::OptionalPlace => &[("经度", "lon"), ("纬度", "lat")],
            Shape::LineOrArea | Shape::Area => &[("几何", "wkt")],
        };
        let needed = self.fields.iter().filter(|f| f.required).map(|f| (f.title, f.name));
        let (chinese, english): (Vec<_>, Vec<_>) = needed.chain(place.iter().copied()).unzip();
        (chinese.join(","), english.join(","))
    }

    /// The place of the field a header names.
    #[must_use]
    pub fn field_named(&self, header: &str) -> Option<usize> {
        let lower = header.trim().to_lowercase();
        let is = |f: &Field| f.name == lower || f.title == lower;
        let known = |f: &Field| f.also.contains(&lower.as_str());
        self.fields.iter().position(is).or_else(|| self.fields.iter().position(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_of_a_layer_means_two_fields() {
        for layer in LAYERS {
            let mut seen = HashSet::new();
            for f in layer.fields {
                assert!(seen.insert(f.name) && seen.insert(f.title), "{} {}", layer.name, f.name);
                for a in f.also {
                    assert!(seen.insert(a) && *a == a.to_lowercase(), "{} {a}", layer.name);
                }
            }
            assert_eq!(LayerSchema::named(layer.title), Some(layer));
        }
    }
}
