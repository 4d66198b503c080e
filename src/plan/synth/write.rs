//! The county as files: made beside the target folder and renamed into place, so the folder is whole or absent.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::domain::Point;
use crate::exchange::write_whole;
use crate::plan::shapes::{collection, feature};
use crate::space::projection::LocalProjection;

use super::county::County;
use super::incidents::{self, Incident};
use super::settle::{self, ROLES};
use super::{SynthError, SynthOptions};

/// Files of the folder; a folder with anything else in it is never replaced.
const FILES: &[&str] =
    &["households.csv", "regions.geojson", "barriers.geojson", "incidents.csv", "leaders.csv", "README.txt"];
/// Villages made at a time: enough for every thread, few enough to stay small in memory.
const BATCH: usize = 64;
const BOM: &str = "\u{FEFF}";

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Households.
    pub households: u64,
    /// Buildings.
    pub buildings: u64,
    /// Villages.
    pub villages: u64,
    /// Incidents.
    pub incidents: u64,
}

/// The text a village contributes.
struct Part {
    households: String,
    leaders: String,
    incidents: Vec<Incident>,
    buildings: u64,
    count: u64,
}

/// Makes the county and writes it into `folder` (see the module); `command` stands in its README.
///
/// # Errors
/// Impossible numbers, a folder that holds something (unless `force` and only files of an earlier run), or the file system's refusal;
/// nothing is left behind then.
pub fn write(options: &SynthOptions, folder: &Path, force: bool, command: &str) -> Result<Summary, SynthError> {
    let said = |path: &Path| {
        let file = path.display().to_string();
        move |e: io::Error| SynthError::File { file, reason: e.to_string() }
    };
    let occupied = check_target(folder, force)?;
    let county = County::lay_out(options)?;
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent).map_err(said(parent))?;
    let fresh = tempfile::Builder::new().prefix(".lianhu-synth-").tempdir_in(parent).map_err(said(parent))?;
    let summary = write_files(&county, fresh.path(), command)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary folders are private; a result is for everybody who may read the parent.
        fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755)).map_err(said(fresh.path()))?;
    }
    if occupied {
        // The old folder goes aside first, so that a failed rename can be undone.
        let aside = tempfile::Builder::new().prefix(".lianhu-old-").tempdir_in(parent).map_err(said(parent))?;
        let old = aside.path().join("old");
        fs::rename(folder, &old).map_err(said(folder))?;
        if let Err(e) = fs::rename(fresh.path(), folder) {
            let _ = fs::rename(&old, folder);
            return Err(said(folder)(e));
        }
    } else {
        if folder.exists() {
            fs::remove_dir(folder).map_err(said(folder))?;
        }
        fs::rename(fresh.path(), folder).map_err(said(folder))?;
    }
    // Renamed away: there is nothing left for the guard to remove.
    let _ = fresh.keep();
    Ok(summary)
}

/// Whether something must be replaced; errs where it must not.
fn check_target(folder: &Path, force: bool) -> Result<bool, SynthError> {
    let shown = folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Ok(e) => e,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(SynthError::File { file: shown, reason: e.to_string() }),
    };
    let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if names.is_empty() {
        return Ok(false);
    }
    if !force {
        return Err(SynthError::NotEmpty { folder: shown });
    }
    match names.into_iter().find(|n| !FILES.contains(&n.as_str())) {
        Some(file) => Err(SynthError::ForeignFile { folder: shown, file }),
        None => Ok(true),
    }
}

fn write_files(county: &County, folder: &Path, command: &str) -> Result<Summary, SynthError> {
    let projection = LocalProjection::centred_on(county.options.centre());
    let failed = |name: &str, e: &io::Error| SynthError::File { file: name.to_owned(), reason: e.to_string() };
    let whole = |name: &str, text: &str| write_whole(&folder.join(name), text.as_bytes()).map_err(|e| failed(name, &e));
    let shares = incidents::shares(county);
    // Household numbers run through the county; each village knows its first one.
    let mut first = Vec::with_capacity(county.villages.len());
    let mut next = 1_u64;
    for v in &county.villages {
        first.push(next);
        next += u64::from(v.households);
    }
    let stream = |name: &'static str| -> Result<BufWriter<File>, SynthError> {
        File::create(folder.join(name)).map(|f| BufWriter::with_capacity(1 << 20, f)).map_err(|e| failed(name, &e))
    };
    let (names, mut summary) = (["households.csv", "leaders.csv"], Summary::default());
    let (mut households, mut leaders) = (stream(names[0])?, stream(names[1])?);
    let put = |file: &mut BufWriter<File>, name: &str, text: &str| {
        file.write_all(text.as_bytes()).map_err(|e| failed(name, &e))
    };
    put(&mut households, names[0], BOM)?;
    put(&mut households, names[0], "户号,经度,纬度,楼栋,村编码,自然寨,村民小组,单元,楼层,户数,人口,候选,专属网格\n")?;
    put(&mut leaders, names[1], BOM)?;
    put(&mut leaders, names[1], "户号,身份\n")?;
    let mut all: Vec<Incident> = Vec::new();
    let indices: Vec<usize> = (0..county.villages.len()).collect();
    for batch in indices.chunks(BATCH) {
        let parts: Vec<Part> = batch.par_iter().map(|&v| part(county, v, first[v], &shares[v], &projection)).collect();
        for p in parts {
            put(&mut households, names[0], &p.households)?;
            put(&mut leaders, names[1], &p.leaders)?;
            all.extend(p.incidents);
            summary.buildings += p.buildings;
            summary.households += p.count;
        }
    }
    for (mut file, name) in [(households, names[0]), (leaders, names[1])] {
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|e| failed(name, &e))?;
    }
    // Stable: incidents of one minute stay in the order of their villages.
    all.sort_by_key(|i| i.minute);
    let mut text = String::with_capacity(all.len() * 96 + 100);
    text.push_str(BOM);
    text.push_str("编号,时间,类别,级别,经度,纬度,状态\n");
    for (k, i) in all.iter().enumerate() {
        let [lon, lat] = degrees(&projection, i.at);
        let time = incidents::written(i.minute);
        text.push_str(&format!("E{:07},{time},{},{},{lon:.7},{lat:.7},{}\n", k + 1, i.category, i.level, i.status));
    }
    whole("incidents.csv", &text)?;
    drop(text);
    whole("regions.geojson", &regions(county, &projection))?;
    whole("barriers.geojson", &barriers(county, &projection))?;
    summary.incidents = all.len() as u64;
    summary.villages = county.villages.len() as u64;
    whole("README.txt", &readme(command, &summary, county))?;
    Ok(summary)
}

fn degrees(projection: &LocalProjection, at: [f64; 2]) -> [f64; 2] {
    let q = projection.inverse(Point::new(at[0], at[1]));
    [q.lon_deg, q.lat_deg]
}

fn part(county: &County, v: usize, first: u64, share: &incidents::Share, projection: &LocalProjection) -> Part {
    use std::fmt::Write as _;
    let content = settle::content(county, v);
    let mut part = Part {
        households: String::with_capacity(county.villages[v].households as usize * 110),
        leaders: String::new(),
        incidents: incidents::incidents(county, v, &content, share),
        buildings: content.buildings.len() as u64,
        count: 0,
    };
    let code = &county.villages[v].division.code;
    let mut id = first;
    for (k, b) in content.buildings.iter().enumerate() {
        let [lon, lat] = degrees(projection, b.at);
        let building = format!("{:04}-{:04}", v + 1, k + 1);
        let hamlet = content.hamlets.get(b.hamlet as usize).map_or("", String::as_str);
        let place = format!("{lon:.7},{lat:.7},{building},{code},{hamlet},{}组", b.group);
        // Writing to a String cannot fail.
        if let Some(name) = &b.dedicated {
            let _ = writeln!(part.households, "D{building},{place},,,0,,0,{name}");
        }
        for d in &b.dwellings {
            let stairwell = if d.stairwell > 0 { format!("{}单元", d.stairwell) } else { String::new() };
            let floor = if d.floor > 0 { d.floor.to_string() } else { String::new() };
            let may = u8::from(d.role.is_some());
            let _ = writeln!(part.households, "H{id:07},{place},{stairwell},{floor},1,{},{may},", d.persons);
            if let Some(role) = d.role.and_then(|r| ROLES.get(r as usize)) {
                let _ = writeln!(part.leaders, "H{id:07},{role}");
            }
            id += 1;
            part.count += 1;
        }
    }
    part
}

fn written(projection: &LocalProjection, ring: &[[f64; 2]]) -> Vec<Value> {
    ring.iter().map(|&c| json!(degrees(projection, c).map(|v| (v * 1e9).round() / 1e9))).collect()
}

fn properties(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

fn regions(county: &County, projection: &LocalProjection) -> String {
    let shape = |polygons: &[Vec<Vec<[f64; 2]>>]| {
        let rings = |p: &Vec<Vec<[f64; 2]>>| p.iter().map(|r| written(projection, r)).collect::<Vec<_>>();
        match polygons {
            [one] => json!({"type": "Polygon", "coordinates": rings(one)}),
            many => json!({"type": "MultiPolygon", "coordinates": many.iter().map(rings).collect::<Vec<_>>()}),
        }
    };
    let townships = county.townships.iter().map(|(d, p)| (d, "township", p));
    let villages = county.villages.iter().map(|v| (&v.division, "village", &v.polygons));
    let features: Vec<Value> = townships
        .chain(villages)
        .map(|(d, level, p)| {
            feature(shape(p), properties(&[("code", json!(d.code)), ("name", json!(d.name)), ("level", json!(level))]))
        })
        .collect();
    collection(&features, false)
}

fn barriers(county: &County, projection: &LocalProjection) -> String {
    let line = |points: &[[f64; 2]]| json!({"type": "LineString", "coordinates": written(projection, points)});
    let own = |kind: &str, hard: bool, name: &str| {
        properties(&[("kind", json!(kind)), ("hard", json!(hard)), ("name", json!(name))])
    };
    let mut features: Vec<Value> = Vec::new();
    for c in &county.curves {
        features.push(feature(line(&c.points()), own(c.kind.word(), c.kind.hard(), &c.name)));
    }
    for l in &county.lakes {
        let shape = json!({"type": "Polygon", "coordinates": [written(projection, &l.ring)]});
        features.push(feature(shape, own("lake", true, &l.name)));
    }
    for c in &county.crossings {
        features.push(feature(line(&c.line), own(if c.bridge { "bridge" } else { "road" }, false, &c.name)));
    }
    collection(&features, false)
}

fn readme(command: &str, summary: &Summary, county: &County) -> String {
    let name = |v: Option<u32>| {
        let d = v.and_then(|v| county.villages.get(v as usize)).map(|p| &p.division);
        d.map_or_else(|| "–".to_owned(), |d| format!("{} {}", d.code, d.name))
    };
    let s = &county.special;
    let official = if county.options.township {
        "区划代码和名称是公开的（国家统计局，2023），边界、住户、事件、河流、道路全部虚构。\nCodes and names of the divisions are public; outlines, households, incidents, rivers and roads are invented.\n"
    } else {
        "区划代码和名称也是虚构的。\nCodes and names are invented too.\n"
    };
    format!(
        "合成数据：其中的住户和事件都不存在。\nSynthetic data: no household and no incident in it exists.\n{official}\n生成命令 made by:\n    {command}\n\n\
         户 households {}，楼栋 buildings {}，村 villages {}，事件 incidents {}\n\n\
         households.csv    一户一行；户数为 0 的行是学校、卫生院等专属网格 / a row a household; rows of 0 households are institutions\n\
         regions.geojson   乡镇与村界，相邻村共用同一条边 / townships and villages; neighbours share the very same border\n\
         barriers.geojson  河流、铁路、水库（不可跨越），道路，桥（恢复通行） / rivers, railways, lakes (hard), roads, bridges\n\
         incidents.csv     一年的事件，无人员信息；“特殊人群服务”默认关闭，未生成 / a year of incidents, no persons\n\
         leaders.csv       可任联户长的户及其身份类别，无姓名 / households that may lead, with a role word, no names\n\n\
         飞地 exclave of: {}（位于 inside {}）\n独户 lone house in: {}\n四户寨 hamlet of four in: {}\n被河分开、有桥 cut by the river, with a bridge: {}\n被河分开、无桥 cut by the river, without one: {}\n",
        summary.households,
        summary.buildings,
        summary.villages,
        summary.incidents,
        name(s.exclave.map(|e| e.0)),
        name(s.exclave.map(|e| e.1)),
        name(s.lone.map(|l| l.0)),
        name(s.hamlet_of_four),
        name(s.cut_with_bridge),
        name(s.cut_without_bridge),
    )
}
