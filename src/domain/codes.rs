//! Codes of villages, grids and units: 12, 15 and 18 digits, always text.

use serde::{Deserialize, Serialize};

/// The province digits of codes that no office gave out: a village without an official code gets a provisional one.
const PROVISIONAL: &str = "99";

/// What is wrong with a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not the number of digits, or not only digits.
    #[error("“{text}”不是 {digits} 位数字\n\"{text}\" is not a code of {digits} digits")]
    NotDigits {
        /// The text.
        text: String,
        /// Digits wanted.
        digits: usize,
    },
    /// A part of the code has a value that is not given out.
    #[error("“{text}”：{part}\n\"{text}\": {part}")]
    BadPart {
        /// The text.
        text: String,
        /// Which part, and what it may be.
        part: &'static str,
    },
}

/// A village's code: 2 province, 2 prefecture, 2 county, 3 township, 3 village digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VillageCode(String);

/// Whether a grid stands in the household balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridKind {
    /// `000`: the village as a whole.
    LevelOne,
    /// `001`–`899`.
    Base,
    /// `901`–`999`: an institution with its own premises.
    Dedicated,
}

/// What the three village digits say of a village (统计用区划代码 as published: the ranges are those of its coding rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VillageKind {
    /// `001`–`199`: a neighbourhood committee (居民委员会).
    Neighbourhood,
    /// `200`–`399`: a village committee (村民委员会).
    Village,
    /// `400`–`499`: like a neighbourhood; `498` is a virtual one.
    LikeNeighbourhood,
    /// `500`–`599`: like a village; `598` is a virtual one.
    LikeVillage,
    /// `600`–`999`: given out by nobody.
    Unknown,
}

/// Words that end or stand in the name of the two committees.
const NEIGHBOURHOOD_WORDS: [&str; 2] = ["居民委员会", "居委会"];
const VILLAGE_WORDS: [&str; 2] = ["村民委员会", "村委会"];

fn digits(text: &str, n: usize) -> Result<(), CodeError> {
    if text.len() == n && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(CodeError::NotDigits { text: text.chars().take(40).collect(), digits: n })
    }
}

fn number(text: &str) -> u32 {
    text.bytes().fold(0, |n, b| n * 10 + u32::from(b.wrapping_sub(b'0')))
}

impl VillageCode {
    /// Reads a code.
    ///
    /// # Errors
    /// When it is not twelve digits, or township or village digits lie outside what is given out.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        digits(text, 12)?;
        let bad = |part| CodeError::BadPart { text: text.to_owned(), part };
        if !text.starts_with(PROVISIONAL) {
            if !(11..=82).contains(&number(&text[..2])) {
                return Err(bad("省级两位应在 11–82 之间 / the two province digits lie in 11–82"));
            }
            if !matches!(number(&text[6..9]), 1..=599) {
                return Err(bad("乡级三位应在 001–599 之间 / the three township digits lie in 001–599"));
            }
            if number(&text[9..]) == 0 {
                return Err(bad("村级三位不能为 000 / the three village digits are not 000"));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The provisional code of the `index`-th village without one (at most 10¹⁰).
    #[must_use]
    pub fn provisional(index: u32) -> Self {
        Self(format!("{PROVISIONAL}{:010}", u64::from(index) + 1))
    }

    /// Whether no office gave this code out.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.0.starts_with(PROVISIONAL)
    }

    /// What its last three digits say it is; `None` of a provisional code, whose digits say nothing.
    #[must_use]
    pub fn kind(&self) -> Option<VillageKind> {
        if self.is_provisional() {
            return None;
        }
        Some(match number(&self.0[9..]) {
            ..200 => VillageKind::Neighbourhood,
            200..400 => VillageKind::Village,
            400..500 => VillageKind::LikeNeighbourhood,
            500..600 => VillageKind::LikeVillage,
            _ => VillageKind::Unknown,
        })
    }

    /// What about the last three digits should be looked at, Chinese then English: digits that are given out to nobody, or that say
    /// another kind of committee than the name does. Never an error: 199 villages of China with `0xx` are named 村民委员会.
    #[must_use]
    pub fn caution(&self, name: Option<&str>) -> Option<String> {
        let (code, digits) = (&self.0, &self.0[9..]);
        let named = |words: [&str; 2]| name.filter(|n| words.iter().any(|w| n.contains(w)));
        match self.kind()? {
            VillageKind::Unknown => Some(format!(
                "村编码 {code} 末三位 {digits} 不在 001–199（居委会）、200–399（村委会）、400–599（类似，含虚拟 498、598）之内，请与民政或统计部门的代码核对是否写错 / the last three digits {digits} of the village code {code} are neither 001–199 (neighbourhood committee), 200–399 (village committee) nor 400–599 (like one; 498 and 598 are virtual): compare it with the official list"
            )),
            VillageKind::Neighbourhood => named(VILLAGE_WORDS).map(|n| {
                format!(
                    "村编码 {code} 末三位 {digits} 属居委会（001–199），名称却是“{n}”，请核对编码或名称 / the digits {digits} of {code} are those of a neighbourhood committee (001–199), the name \"{n}\" is a village committee's: look at both"
                )
            }),
            VillageKind::Village => named(NEIGHBOURHOOD_WORDS).map(|n| {
                format!(
                    "村编码 {code} 末三位 {digits} 属村委会（200–399），名称却是“{n}”，请核对编码或名称 / the digits {digits} of {code} are those of a village committee (200–399), the name \"{n}\" is a neighbourhood committee's: look at both"
                )
            }),
            VillageKind::LikeNeighbourhood | VillageKind::LikeVillage => None,
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The township's code (nine digits and `000`).
    #[must_use]
    pub fn township(&self) -> String {
        format!("{}000", &self.0[..9])
    }

    /// The code of the `number`-th grid: 1–899 base, 901–999 dedicated, 0 the village as level-1 grid.
    #[must_use]
    pub fn grid(&self, number: u32) -> String {
        format!("{}{number:03}", self.0)
    }
}

/// Reads a grid's code: its village and kind.
///
/// # Errors
/// When it is not fifteen digits, its village is no code or its number is 900.
pub fn parse_grid(text: &str) -> Result<(VillageCode, GridKind), CodeError> {
    digits(text, 15)?;
    let village = VillageCode::parse(&text[..12])?;
    match number(&text[12..]) {
        0 => Ok((village, GridKind::LevelOne)),
        900 => Err(CodeError::BadPart {
            text: text.to_owned(),
            part: "网格三位 900 不使用 / the grid number 900 is not given out",
        }),
        1..900 => Ok((village, GridKind::Base)),
        _ => Ok((village, GridKind::Dedicated)),
    }
}

/// Reads a unit's code: the code of its grid.
///
/// # Errors
/// When it is not eighteen digits, its grid is no code or its number is 000.
pub fn parse_unit(text: &str) -> Result<String, CodeError> {
    digits(text, 18)?;
    parse_grid(&text[..15])?;
    if number(&text[15..]) == 0 {
        return Err(CodeError::BadPart {
            text: text.to_owned(),
            part: "单元三位不能为 000 / the unit number is not 000",
        });
    }
    Ok(text[..15].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_codes_are_read() {
        let v = VillageCode::parse("520423102001").expect("code");
        assert_eq!((v.township().as_str(), v.grid(7).as_str()), ("520423102000", "520423102001007"));
        assert_eq!(parse_grid("520423102001901").expect("grid").1, GridKind::Dedicated);
        assert_eq!(parse_unit("520423102001007012").expect("unit"), "520423102001007");
    }

    #[test]
    fn what_is_no_code_is_said() {
        for bad in
            ["5.20423E+11", "52042310200", "520423102000", "520423602001", "000423102001", "５２０４２３１０２００１"]
        {
            assert!(VillageCode::parse(bad).is_err(), "{bad}");
        }
        assert!(parse_grid("520423102001900").is_err() && parse_unit("520423102001007000").is_err());
    }

    #[test]
    fn village_digits_outside_what_is_given_out_are_to_be_looked_at_and_read_all_the_same() {
        use VillageKind::{LikeNeighbourhood, LikeVillage, Neighbourhood, Unknown, Village};
        for (digits, kind, cautious) in [
            ("001", Neighbourhood, false),
            ("199", Neighbourhood, false),
            ("200", Village, false),
            ("399", Village, false),
            ("400", LikeNeighbourhood, false),
            ("498", LikeNeighbourhood, false),
            ("499", LikeNeighbourhood, false),
            ("500", LikeVillage, false),
            ("598", LikeVillage, false),
            ("599", LikeVillage, false),
            ("600", Unknown, true),
            ("798", Unknown, true),
            ("999", Unknown, true),
        ] {
            let code = VillageCode::parse(&format!("520423102{digits}")).expect("a code, whatever its last digits");
            assert_eq!(code.kind(), Some(kind), "{digits}");
            let said = code.caution(None);
            assert_eq!(said.is_some(), cautious, "{digits}: {said:?}");
            assert!(said.is_none_or(|s| s.contains(digits) && s.contains("200–399")));
        }
        assert_eq!(VillageCode::provisional(998).caution(None), None);
    }

    #[test]
    fn village_digits_that_say_another_committee_than_the_name_are_to_be_looked_at() {
        for (code, name, cautious) in [
            ("520423102001", "黄果树社区居民委员会", false),
            ("520423102001", "石头寨村民委员会", true),
            ("520423102150", "石头寨村委会", true),
            ("520423102201", "石头寨村民委员会", false),
            ("520423102201", "黄果树社区居委会", true),
            ("520423102201", "石头寨", false),
            ("520423102498", "虚拟村委会", false),
        ] {
            let said = VillageCode::parse(code).expect("code").caution(Some(name));
            assert_eq!(said.is_some(), cautious, "{code} {name}: {said:?}");
        }
    }

    #[test]
    fn provisional_codes_are_codes() {
        let v = VillageCode::provisional(11);
        assert_eq!(v.as_str(), "990000000012");
        assert_eq!(VillageCode::parse(v.as_str()), Ok(v));
    }
}
