//! Codes and names: official ones for the township, composed ones for a made-up county.

use super::dice::{Dice, Stage};

/// A division: 12-digit code and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// Twelve digits.
    pub code: String,
    /// Name.
    pub name: String,
}

/// Codes and names of 黄果树镇 and of two neighbouring villages of its zone in 白水镇 (National Bureau of Statistics, 2023).
const TOWNSHIP: &[(&str, &str, &[(&str, &str)])] = &[
    (
        "520423102000",
        "黄果树镇",
        &[
            ("520423102001", "黄果树社区居民委员会"),
            ("520423102002", "烈山社区居民委员会"),
            ("520423102003", "募龙社区居民委员会"),
            ("520423102004", "石头寨社区居民委员会"),
            ("520423102005", "大三新社区居民委员会"),
            ("520423102006", "安庄社区居民委员会"),
            ("520423102007", "王安社区居民委员会"),
            ("520423102008", "白水河社区居民委员会"),
            ("520423102009", "油寨社区居民委员会"),
            ("520423102010", "盔林甲社区居民委员会"),
        ],
    ),
    ("520424107000", "白水镇", &[("520424107005", "洒把社区居民委员会"), ("520424107007", "坑边社区居民委员会")]),
];

/// Villages the official township has names for.
pub(super) const OFFICIAL_VILLAGES: u32 = 12;
/// Villages of a township, about.
const VILLAGES_PER_TOWNSHIP: u32 = 12;
/// Townships of a county, at most (codes 101–199 are towns, 200–399 xiang).
const TOWNSHIPS_PER_COUNTY: usize = 290;

const FIRST: &[&str] = &[
    "云", "龙", "石", "双", "白", "青", "金", "平", "新", "长", "大", "小", "上", "下", "岩", "花", "水", "木", "高",
    "马", "羊", "凤", "桃", "杨", "梅", "落", "永", "安", "和", "兴",
];
const SECOND: &[&str] = &[
    "坪", "山", "泉", "桥", "坝", "塘", "岩", "井", "湾", "坡", "冲", "堡", "寨", "屯", "河", "田", "林", "关", "箐",
    "洞",
];
const PLACE: &[&str] = &[
    "岩脚", "龙井", "大", "小", "上", "下", "坡头", "河边", "竹林", "白果", "核桃", "杉树", "老鹰", "石板", "青杠",
    "新",
];
const KIND: &[&str] = &["寨", "湾", "坝", "冲", "坪", "田", "坡", "屯", "井", "洞口"];

/// Sizes of the townships (number of villages each), in code order.
pub(super) fn township_sizes(villages: u32, official: bool) -> Vec<u32> {
    if official {
        let first = villages.min(TOWNSHIP[0].2.len() as u32);
        return [first, villages - first].into_iter().filter(|&n| n > 0).collect();
    }
    let count = villages.div_ceil(VILLAGES_PER_TOWNSHIP).max(1);
    (0..count).map(|i| villages / count + u32::from(i < villages % count)).collect()
}

/// The township with index `t` and its villages, the seat first.
pub(super) fn divisions(seed: u64, t: usize, villages: usize, official: bool) -> (Division, Vec<Division>) {
    if let (true, Some((code, name, list))) = (official, TOWNSHIP.get(t)) {
        let own = |&(code, name): &(&str, &str)| Division { code: code.to_owned(), name: name.to_owned() };
        return (own(&(code, name)), list.iter().take(villages).map(own).collect());
    }
    let mut dice = Dice::new(seed, Stage::Names, t as u64);
    // Counties 99, 98, … of the prefecture: no office gave them out.
    let prefix = format!("5204{:02}{:03}", 99 - (t / TOWNSHIPS_PER_COUNTY).min(60), 101 + t % TOWNSHIPS_PER_COUNTY);
    let mut used: Vec<String> = Vec::new();
    let mut fresh = |dice: &mut Dice| {
        for _ in 0..1000 {
            let name = format!("{}{}", dice.pick(FIRST), dice.pick(SECOND));
            if !used.contains(&name) {
                used.push(name.clone());
                return name;
            }
        }
        format!("第{}", used.len() + 1)
    };
    let own = fresh(&mut dice);
    let kind = if 101 + t % TOWNSHIPS_PER_COUNTY < 200 { "镇" } else { "乡" };
    let list = (0..villages)
        .map(|i| match i {
            0 => Division { code: format!("{prefix}001"), name: format!("{own}社区居民委员会") },
            _ => Division {
                code: format!("{prefix}{:03}", 199 + i),
                name: format!("{}村村民委员会", fresh(&mut dice)),
            },
        })
        .collect();
    (Division { code: format!("{prefix}000"), name: format!("{own}{kind}") }, list)
}

/// A hamlet's name that `used` does not hold yet.
pub(super) fn hamlet(dice: &mut Dice, used: &[String]) -> String {
    for _ in 0..200 {
        let name = format!("{}{}", dice.pick(PLACE), dice.pick(KIND));
        if !used.contains(&name) {
            return name;
        }
    }
    format!("第{}寨", used.len() + 1)
}

/// A village's name without the words for its committee, for institutions named after it.
pub(super) fn short(name: &str) -> &str {
    name.trim_end_matches("社区居民委员会").trim_end_matches("村村民委员会")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VillageCode;

    #[test]
    fn codes_are_codes_and_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for (t, n) in township_sizes(1500, false).iter().enumerate() {
            for d in divisions(3, t, *n as usize, false).1 {
                assert!(VillageCode::parse(&d.code).is_ok() && seen.insert(d.code));
            }
        }
        assert_eq!(seen.len(), 1500);
    }

    #[test]
    fn official_township_has_ten_and_two() {
        assert_eq!(township_sizes(12, true), [10, 2]);
        assert_eq!(divisions(1, 1, 2, true).1.len(), 2);
    }
}
