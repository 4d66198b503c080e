//! The reference system a `.prj` file names, in either dialect of well-known text.

use crate::exchange::layer::System;

/// The system of a well-known text.
pub(super) fn system_of(wkt: &str) -> System {
    let wkt = wkt.trim();
    let upper = wkt.to_uppercase();
    if let Some(code) = authority(&upper) {
        return System::named(&format!("EPSG:{code}"));
    }
    if upper.starts_with("LOCAL_CS") || upper.starts_with("ENGCRS") {
        return System::Metres;
    }
    let name: String = wkt.split('"').nth(1).unwrap_or("unnamed .prj").chars().take(60).collect();
    let cgcs = ["CGCS2000", "CGCS_2000", "CHINA_2000", "CHINA_GEODETIC"].iter().any(|n| upper.contains(n));
    let wgs84 = upper.contains("WGS_1984") || upper.contains("WGS 84") || upper.contains("WGS84");
    if upper.starts_with("GEOG") && (cgcs || wgs84) {
        return System::Degrees;
    }
    if upper.starts_with("PROJ") && cgcs && (upper.contains("GAUSS_KRUGER") || upper.contains("TRANSVERSE_MERCATOR")) {
        let number = |parameter: &str| -> Option<f64> {
            let after = upper.split(parameter).nth(1)?;
            after.trim_start_matches(['"', ',', ' ']).split([']', ',']).next()?.trim().parse().ok()
        };
        if let (Some(meridian), Some(easting)) = (number("CENTRAL_MERIDIAN"), number("FALSE_EASTING"))
            && let Some(code) = (25_u32..=45).find_map(|zone| {
                let here = (meridian - f64::from(zone * 3)).abs() < 1e-9;
                let prefixed = (easting - (f64::from(zone) * 1e6 + 500_000.0)).abs() < 1e-6;
                let plain = (easting - 500_000.0).abs() < 1e-6;
                (here && (prefixed || plain)).then(|| zone - 25 + if prefixed { 4513 } else { 4534 })
            })
        {
            return System::named(&format!("EPSG:{code}"));
        }
    }
    System::Named(name)
}

/// The code of the outermost authority, which stands last.
fn authority(upper: &str) -> Option<u32> {
    let at = upper.rfind("AUTHORITY[").or_else(|| upper.rfind("ID["))?;
    // An authority of a part stands deeper: behind the outermost one only brackets follow.
    let (inside, after) = upper.get(at..)?.split_once('[')?.1.split_once(']')?;
    if !after.chars().all(|c| c == ']' || c.is_whitespace()) || after.matches(']').count() != 1 {
        return None;
    }
    let mut parts = inside.split(',').map(|p| p.trim().trim_matches('"'));
    (parts.next()? == "EPSG").then(|| parts.next()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn esri_and_ogc_dialects_name_the_same_systems() {
        let esri = r#"PROJCS["CGCS2000_3_Degree_GK_Zone_35",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",35500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",105.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
        assert_eq!(system_of(esri), System::Named("EPSG:4523".to_owned()));
        assert_eq!(system_of(&esri.replace("35500000.0", "500000.0")), System::Named("EPSG:4544".to_owned()));
        let wgs = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
        assert_eq!(system_of(wgs), System::Degrees);
        let ogc = r#"PROJCS["x",GEOGCS["y",AUTHORITY["EPSG","4490"]],AUTHORITY["EPSG","4523"]]"#;
        assert_eq!(system_of(ogc), System::Named("EPSG:4523".to_owned()));
        let web = r#"PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",GEOGCS["GCS_WGS_1984",AUTHORITY["EPSG","4326"]],PROJECTION["Mercator"]]"#;
        assert_eq!(system_of(web), System::Named("WGS_1984_Web_Mercator_Auxiliary_Sphere".to_owned()));
    }
}
