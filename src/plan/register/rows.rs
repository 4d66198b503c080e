//! Rows of files, as the import gate gives them, made rows of the register.

use time::macros::{format_description, offset};

use crate::domain::LonLat;
use crate::domain::incident::Dictionaries;
use crate::domain::register::{
    BarrierRow, BuildingRow, CentreRow, Geometry, HouseholdRow, IncidentRow, OfficerRow, OldNetRow, RegionRow, Tenure,
    ZoneRow, trim_code,
};
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::gate::{LIST_MARKS, TypedRow, moment_of};
use crate::exchange::{Cell, Fault};
use crate::space::outlines::Outlines;
use crate::store::RegisterRow;

use super::county_rows::{dictionary_row, profile_row, townships, word_of_category, word_of_dispute};
use super::seal::{SealError, Sealer};
use super::shapes::{to_polygons, to_register};

/// Incidents a file gives no state or level have just been reported to the grid.
const FIRST_STATE: &str = "reported";
const FIRST_LEVEL: &str = "grid";

/// What a file's rows need that does not stand in them.
pub(super) struct Surroundings<'a> {
    /// Outlines, for rows that name no village.
    pub(super) villages: &'a Outlines,
    /// Region for layers whose rows may leave it out.
    pub(super) region: Option<&'a str>,
    /// Seals telephones; without it a row that has one is refused.
    pub(super) sealer: Option<&'a Sealer>,
    /// The lists as the store has them.
    pub(super) lists: &'a Dictionaries,
}

/// A typed row by the names of its fields.
pub(super) struct Fields<'a> {
    schema: &'static LayerSchema,
    row: &'a TypedRow,
}

impl Fields<'_> {
    fn cell(&self, name: &str) -> &Cell {
        let at = self.schema.fields.iter().position(|f| f.name == name);
        at.and_then(|i| self.row.values.get(i)).unwrap_or(&Cell::Empty)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.cell(name) {
            Cell::Empty => None,
            Cell::Text(t) | Cell::Date(t) => Some(t.to_string()),
            Cell::Whole(v) => Some(v.to_string()),
            Cell::Real(v) => Some(v.to_string()),
            Cell::Bool(b) => Some(b.to_string()),
        }
    }

    pub(super) fn needed(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        match self.cell(name) {
            Cell::Whole(v) => Some(*v),
            _ => None,
        }
    }

    fn count(&self, name: &str) -> Option<u32> {
        self.whole(name).and_then(|v| u32::try_from(v).ok())
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.cell(name) {
            Cell::Bool(b) => Some(*b),
            _ => None,
        }
    }

    fn days(&self) -> (Option<String>, Option<String>) {
        (self.text("valid_from"), self.text("valid_to"))
    }

    fn place(&self) -> Result<[f64; 2], Fault> {
        self.row.place().ok_or_else(|| Fault::new("no_geometry", "没有位置 / there is no place"))
    }

    fn id(&self, layer: &str) -> String {
        // Barriers and old nets may come without an id: their place in the file is one, as long as the file is the same.
        self.text("id").unwrap_or_else(|| format!("{layer}-{}", self.row.number))
    }
}

/// Makes a register row of a typed row.
///
/// # Errors
/// What the register needs and neither the row nor its surroundings say.
pub(super) fn register_row(
    schema: &'static LayerSchema,
    row: &TypedRow,
    around: &Surroundings<'_>,
) -> Result<RegisterRow, Fault> {
    let f = Fields { schema, row };
    let (valid_from, valid_to) = f.days();
    // None claimed is 0.
    let row_version = f.whole("row_version").and_then(|v| u64::try_from(v).ok()).unwrap_or(0);
    let village = |place: Option<[f64; 2]>| {
        f.text("village")
            .or_else(|| place.and_then(|p| around.villages.code_at(p)).map(str::to_owned))
            .or_else(|| around.region.filter(|r| r.len() == 12).map(str::to_owned))
            .ok_or_else(|| {
                Fault::new(
                    "no_village",
                    "没有村编码，位置也不在任何已入库的村界内；请加 village 列或先导入村界 / no village code, and the place lies in no village outline of the store: add a column village or import regions first",
                )
            })
    };
    let region = || {
        f.text("region").map(|c| trim_code(&c).to_owned()).or_else(|| around.region.map(str::to_owned)).ok_or_else(
            || {
                Fault::new(
                    "no_region",
                    "没有所属区划；请加 region 列或 --region / no region: add a column region, or --region",
                )
            },
        )
    };
    Ok(match schema.name {
        "regions" => {
            let code = trim_code(&f.needed("code")).to_owned();
            let level = match code.len() {
                2 => "province",
                4 => "city",
                6 => "county",
                9 => "township",
                _ => "village",
            };
            RegisterRow::Regions(RegionRow {
                name: f.needed("name"),
                level: level.to_owned(),
                parent: f.text("parent").map(|p| trim_code(&p).to_owned()),
                outline: row.geometry.as_ref().and_then(to_polygons),
                valid_from,
                valid_to,
                code,
                row_version,
            })
        }
        "buildings" => {
            let at = f.place()?;
            let place = row.geometry.as_ref().and_then(to_register).filter(|g| matches!(g, Geometry::Polygon(_)));
            RegisterRow::Buildings(BuildingRow {
                id: f.needed("id"),
                village: village(Some(at))?,
                name: f.text("name"),
                kind: f.text("kind"),
                households: f.count("households"),
                dedicated: f.text("dedicated"),
                stairwells: f.text("stairwells").map(|s| split(&s)).unwrap_or_default(),
                place: place.unwrap_or(Geometry::Point(at)),
                valid_from,
                valid_to,
                row_version,
            })
        }
        "households" if f.count("households") == Some(0) => {
            let at = f.place()?;
            // A building without households, such as a school.
            let id = f.text("building").unwrap_or_else(|| building_of_place(at));
            RegisterRow::Buildings(BuildingRow { dedicated: f.text("dedicated"), ..bare(id, village(Some(at))?, at) })
        }
        "households" => {
            let at = f.place()?;
            if let Some(n) = f.count("households").filter(|n| *n > 1) {
                return Err(Fault::new(
                    "several_households",
                    format!(
                        "户数为 {n}：住户图层须一行一户，楼栋汇总请导入 buildings / households {n}: one row a household here; rows of whole buildings belong to the layer buildings"
                    ),
                ));
            }
            let tenure = match f.text("tenure").as_deref() {
                Some("own") => Some(Tenure::Own),
                Some("rented") => Some(Tenure::Rented),
                Some("vacant") => Some(Tenure::Vacant),
                _ => None,
            };
            RegisterRow::Households(HouseholdRow {
                id: f.needed("id"),
                village: village(Some(at))?,
                building: f.text("building").unwrap_or_else(|| building_of_place(at)),
                stairwell: f.text("stairwell"),
                floor: f.whole("floor").and_then(|v| i32::try_from(v).ok()),
                hamlet: f.text("hamlet"),
                group_name: f.text("group"),
                persons: f.count("persons"),
                tenure,
                eligible: f.flag("eligible"),
                place: LonLat { lon_deg: at[0], lat_deg: at[1] },
                valid_from,
                valid_to,
                row_version,
            })
        }
        "barriers" => RegisterRow::Barriers(BarrierRow {
            id: f.id("barrier"),
            region: region()?,
            kind: f.text("kind").unwrap_or_else(|| "barrier".to_owned()),
            hard: f.flag("hard").unwrap_or(false),
            name: f.text("name"),
            shape: row.geometry.as_ref().and_then(to_register).ok_or_else(no_shape)?,
            valid_from,
            valid_to,
            row_version,
        }),
        "old_nets" => RegisterRow::OldNets(OldNetRow {
            id: f.id("old-net"),
            net: f.needed("net"),
            region: region()?,
            name: f.text("name"),
            shape: row.geometry.as_ref().and_then(to_polygons).ok_or_else(no_shape)?,
            valid_from,
            valid_to,
            row_version,
        }),
        "centres" => {
            let region = trim_code(&f.needed("region")).to_owned();
            let level = match region.len() {
                12 => "village",
                9 => "township",
                _ => "county",
            };
            RegisterRow::Centres(CentreRow {
                id: f.needed("id"),
                level: f.text("level").unwrap_or_else(|| level.to_owned()),
                name: f.needed("name"),
                place: row.place().map(|p| LonLat { lon_deg: p[0], lat_deg: p[1] }),
                address: f.text("address"),
                duty_hours: f.text("duty_hours"),
                valid_from,
                valid_to,
                row_version,
                region,
            })
        }
        "officers" => RegisterRow::Officers(OfficerRow {
            id: f.needed("id"),
            region: trim_code(&f.needed("region")).to_owned(),
            role: f.needed("role"),
            name: f.text("name"),
            phone_sealed: match (f.text("phone"), around.sealer) {
                (None, _) => None,
                (Some(phone), Some(sealer)) => Some(sealer.seal(&f.needed("id"), &phone)),
                (Some(_), None) => return Err(Fault::new("no_key", SealError::NoKey.to_string())),
            },
            household: f.text("household"),
            elected_on: f.text("elected_on"),
            valid_from,
            valid_to,
            row_version,
        }),
        "zones" => RegisterRow::Zones(ZoneRow {
            id: f.needed("id"),
            name: f.needed("name"),
            townships: townships(&f.needed("townships"))?,
            valid_from,
            valid_to,
            row_version,
        }),
        "profiles" => RegisterRow::Profiles(profile_row(&f, row_version)?),
        "dictionaries" => RegisterRow::Dictionaries(dictionary_row(&f, row_version)?),
        _ => {
            let place = row.place();
            let region = match f.text("region") {
                Some(code) => trim_code(&code).to_owned(),
                None => village(place)?,
            };
            RegisterRow::Incidents(IncidentRow {
                id: f.needed("id"),
                region,
                grid: f.text("grid"),
                unit: None,
                category: word_of_category(around.lists, f.needed("category")),
                dispute: f.text("dispute").map(|said| word_of_dispute(around.lists, said)),
                level: f.text("level").unwrap_or_else(|| FIRST_LEVEL.to_owned()),
                state: f.text("state").unwrap_or_else(|| FIRST_STATE.to_owned()),
                occurred_at: stamp(&f.needed("occurred_at"))?,
                due_at: f.text("due_at").map(|t| stamp(&t)).transpose()?,
                summary: f.text("summary"),
                place: place.map(|p| LonLat { lon_deg: p[0], lat_deg: p[1] }),
                source: None,
                source_id: None,
                row_version,
            })
        }
    })
}

pub(super) fn bare(id: String, village: String, at: [f64; 2]) -> BuildingRow {
    BuildingRow {
        id,
        village,
        name: None,
        kind: None,
        households: None,
        dedicated: None,
        stairwells: Vec::new(),
        place: Geometry::Point(at),
        valid_from: None,
        valid_to: None,
        row_version: 0,
    }
}

fn no_shape() -> Fault {
    Fault::new("bad_geometry", "几何类型不适用于该图层 / a geometry this layer does not hold")
}

/// The building of a household that names none: equal coordinates are one building.
fn building_of_place([lon, lat]: [f64; 2]) -> String {
    format!("@{lon:.9},{lat:.9}")
}

/// A list as people write it, or as the store has it (`["1","2"]`), which is what a GIS saves of the store's own table.
pub(super) fn split(list: &str) -> Vec<String> {
    if list.starts_with('[')
        && let Ok(list) = serde_json::from_str(list)
    {
        return list;
    }
    list.split(LIST_MARKS).map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// A moment as the register keeps it, RFC 3339 UTC with milliseconds; without an offset it is China's time.
pub(super) fn stamp(text: &str) -> Result<String, Fault> {
    let written = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    moment_of(text)
        .and_then(|m| m.to_offset(offset!(UTC)).format(written).ok())
        .ok_or_else(|| Fault::new("not_a_date", format!("“{text}”不是日期时间 / \"{text}\" is no date with time")))
}

/// The institution a row of the household layer names.
pub(super) fn dedicated_of(schema: &'static LayerSchema, row: &TypedRow) -> Option<String> {
    Fields { schema, row }.text("dedicated")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_offset_are_china_s() {
        assert_eq!(stamp("2021-05-03T14:30:00").expect("time"), "2021-05-03T06:30:00.000Z");
        assert_eq!(stamp("2021-05-03").expect("day"), "2021-05-02T16:00:00.000Z");
        assert_eq!(stamp("2021-05-03T14:30:00+08:00").expect("offset"), "2021-05-03T06:30:00.000Z");
        assert!(stamp("gestern").is_err());
    }
}
