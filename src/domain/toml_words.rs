//! What is wrong with a text that should be TOML, and where: Chinese first, the parser's own words after it, which are English only.

use std::fmt;

use toml::de::Error;

/// What the parser says of what is no number and has no quotation marks; also of nothing at all.
const UNQUOTED: &str = "string values must be quoted";
const NO_VALUE: [&str; 2] = ["等号后面没有值", "there is no value after the equals sign"];

/// What the parser says of a text's form, and the same in Chinese. The first that a message begins with counts, so longer ones stand
/// before those they begin with. The words are those of `toml` 0.9.
const FORM: [(&str, &str); 50] = [
    ("duplicate key", "这一项写了两次，只能留一个"),
    (UNQUOTED, "文字须用英文引号括起"),
    ("missing value for key", "名称后面没有等号和值"),
    ("missing value", "等号后面没有值"),
    ("key with no value", "名称后面没有等号和值"),
    ("extra `=`", "等号多了一个"),
    ("extra assignment between key-value pairs", "两项之间缺少逗号，或等号多了一个"),
    ("missing assignment between key-value pairs", "名称和值之间缺少等号"),
    ("missing comma between key-value pairs", "两项之间缺少逗号"),
    ("missing comma between array elements", "数组的两个值之间缺少逗号"),
    ("extra comma in array", "数组中多了一个逗号"),
    ("extra comma in inline table", "花括号中多了一个逗号"),
    ("unexpected `=` in array", "数组中不应有等号"),
    ("unclosed array table", "表名没有写完，缺少右方括号"),
    ("unclosed array", "数组没有写完，缺少右方括号"),
    ("unclosed inline table", "花括号没有写完，缺少右花括号"),
    ("unclosed table", "表名没有写完，缺少右方括号"),
    ("missing table open", "表名前缺少左方括号"),
    ("missing array opening", "数组前缺少左方括号"),
    ("missing inline table opening", "缺少左花括号"),
    ("missing key for inline table element", "花括号中的值没有名称"),
    ("invalid inline table element", "花括号中的内容不是“名称 = 值”"),
    ("missing opening quote", "文字缺少左引号"),
    ("unquoted keys cannot be empty", "等号前没有名称"),
    ("invalid unquoted key", "名称中有不允许的字符"),
    ("keys cannot be multi-line", "名称不能跨行"),
    ("invalid key-value pair", "这一行不是“名称 = 值”"),
    ("unexpected key or value", "值的后面还有别的内容"),
    ("unexpected content between comment and newline", "注释后面还有别的内容"),
    ("unexpected content", "有多余的内容"),
    ("cannot extend value of type", "这一项已经有值，不能再当作表"),
    ("invalid comment character", "注释中有不允许的字符"),
    ("missing comment start", "注释前缺少 #"),
    ("carriage return must be followed by newline", "换行符不完整"),
    ("missing escaped value", "反斜杠后面的字符不对；要写反斜杠本身，请写两个"),
    ("too few unicode value digits", "\\u 后面的位数不够"),
    ("`_` may only go between digits", "数中的 _ 只能在数字之间"),
    ("unexpected leading zero", "数的前面不应有 0"),
    ("redundant numeric sign", "正负号多了一个"),
    ("unexpected sign", "正负号的位置不对"),
    ("integers with a radix cannot be signed", "带进制的数不能有正负号"),
    ("radix must be lowercase", "进制的字母须小写"),
    ("redundant integer number prefix", "进制写了两次"),
    ("invalid boolean", "文字须用英文引号括起；true、false 须小写"),
    ("invalid date", "日期或时间的写法不对"),
    ("integer number overflowed", "数过大"),
    ("floating-point number overflowed", "数过大"),
    ("cannot recurse further", "嵌套过深"),
    ("recursion limit", "嵌套过深"),
    ("wanted string or table", "类型不对：应为带引号的文字"),
];

/// Kinds of values as the parser calls them: those that are wanted, and those that stand there.
const KINDS: [(&str, &str); 15] = [
    ("u8", "非负整数"),
    ("u16", "非负整数"),
    ("u32", "非负整数"),
    ("u64", "非负整数"),
    ("usize", "非负整数"),
    ("i64", "整数"),
    ("f64", "数"),
    ("a boolean", "true 或 false"),
    ("a string", "带引号的文字"),
    ("a map", "表"),
    ("map", "表"),
    ("a sequence", "方括号中的数组"),
    ("sequence", "数组"),
    ("struct ", "表"),
    ("enum ", "带引号的文字"),
];

/// What a value there begins with as the parser says it, and its kind in Chinese.
const VALUES: [(&str, &str); 4] =
    [("integer ", "整数 "), ("floating point ", "小数 "), ("boolean ", ""), ("string ", "文字 ")];

/// Marks of Chinese keyboards, and those of TOML.
const MARKS: [(char, char); 15] = [
    ('“', '"'),
    ('”', '"'),
    ('＂', '"'),
    ('‘', '\''),
    ('’', '\''),
    ('＇', '\''),
    ('＝', '='),
    ('，', ','),
    ('、', ','),
    ('。', '.'),
    ('．', '.'),
    ('【', '['),
    ('】', ']'),
    ('［', '['),
    ('］', ']'),
];

/// A fault of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlFault {
    /// Bytes before it.
    pub byte: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, characters, from 1.
    pub column: usize,
    /// What is wrong, in Chinese.
    pub chinese: String,
    /// The same in English, with the parser's own words.
    pub english: String,
}

impl TomlFault {
    /// What the parser found in a text.
    #[must_use]
    pub fn of(text: &str, e: &Error) -> Self {
        let byte = e.span().map_or(0, |s| s.start);
        let (mut chinese, mut english) = words(e);
        let rest = text.get(byte..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        if english.starts_with(UNQUOTED) && rest.trim().is_empty() {
            (chinese, english) = (NO_VALUE[0].to_owned(), format!("{} ({english})", NO_VALUE[1]));
        }
        if let Some((found, wanted)) = mark_in_line(text, byte) {
            chinese.push_str(&format!("；这一行的 {found} 是中文标点，应改为英文的 {wanted}"));
            english.push_str(&format!(" ({found} is no TOML: write {wanted})"));
        }
        Self::at(text, byte, chinese, english)
    }

    /// What is wrong at a byte of a text.
    #[must_use]
    pub fn at(text: &str, byte: usize, chinese: String, english: String) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Self { byte, line, column, chinese, english }
    }
}

impl fmt::Display for TomlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, chinese, english, .. } = self;
        write!(f, "第 {line} 行第 {column} 列：{chinese} / line {line}, column {column}: {english}")
    }
}

/// What is wrong with a table that was read already, whose place nobody knows: the setting is named instead. `中文 / English`.
#[must_use]
pub fn words_of_table(e: &Error) -> String {
    let (chinese, english) = words(e);
    // the setting is told in the last line only
    let said = e.to_string();
    match said.trim_end().rsplit_once("\nin `").and_then(|(_, rest)| rest.strip_suffix('`')) {
        Some(setting) => format!("{setting}：{chinese} / {setting}: {english}"),
        None => format!("{chinese} / {english}"),
    }
}

/// The Chinese and the English of a fault, one line each.
fn words(e: &Error) -> (String, String) {
    let said = e.message().replace(['\n', '\r'], " ");
    // a slash between spaces parts the two languages
    let chinese = chinese(said.trim()).map_or_else(|| "不符合 TOML 的写法".to_owned(), |c| c.replace(" / ", "/"));
    (chinese, said.trim().to_owned())
}

fn chinese(said: &str) -> Option<String> {
    let (what, expected) = said.split_once(", expected ").map_or((said, None), |(what, rest)| (what, Some(rest)));
    let of = |begin: &str| quoted(what.strip_prefix(begin)?).first().copied();
    let choice = || {
        let all = expected.map(quoted).unwrap_or_default();
        if all.is_empty() { String::new() } else { format!("；可用 {}", all.join("、")) }
    };
    if let Some(number) = of("invalid value: integer ").filter(|n| !n.starts_with('-')) {
        return Some(format!("数过大：{number}"));
    }
    for (begin, word) in [("invalid type: ", "类型不对"), ("invalid value: ", "值不可用")] {
        if let Some(found) = what.strip_prefix(begin) {
            let wanted = expected.map(|k| format!("，应为{}", kind(k))).unwrap_or_default();
            return Some(format!("{word}：写的是{}{wanted}", value(found)));
        }
    }
    if let Some(name) = of("missing field ") {
        return Some(format!("缺少 {name}"));
    }
    if let Some(name) = of("duplicate field ") {
        return Some(format!("{name} 写了两次，只能留一个"));
    }
    if let Some(name) = of("unknown field ") {
        return Some(format!("没有设置项 {name}{}", choice()));
    }
    if let Some(name) = of("unknown variant ") {
        return Some(format!("值“{name}”不可用{}", choice()));
    }
    if what.starts_with("invalid ") && what.ends_with(" string") {
        let is_open = matches!(expected, Some("`\"`" | "`'`"));
        return Some(if is_open { "文字没有写完，缺少右引号" } else { "文字中有不允许的字符" }.to_owned());
    }
    if what.starts_with("invalid ") && (what.ends_with(" number") || what.ends_with(" float")) {
        return Some("数的写法不对；文字须用英文引号括起".to_owned());
    }
    FORM.iter().find(|(begin, _)| what.starts_with(begin)).map(|(_, chinese)| (*chinese).to_owned())
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn kind(of: &str) -> &str {
    let exact = KINDS.iter().find(|(name, _)| *name == of);
    let begun = || KINDS.iter().find(|(name, _)| name.ends_with(' ') && of.starts_with(name));
    exact.or_else(begun).map_or(of, |(_, chinese)| chinese)
}

fn value(of: &str) -> String {
    let begun = VALUES.iter().find_map(|(begin, chinese)| Some((chinese, of.strip_prefix(begin)?)));
    let bare = |value: &str| value.strip_prefix('`').and_then(|v| v.split('`').next()).unwrap_or(value).to_owned();
    begun.map_or_else(|| kind(of).to_owned(), |(chinese, value)| format!("{chinese}{}", bare(value)))
}

/// The first Chinese mark that stands in the line of a byte outside of quotation marks and remarks, and what it should be.
fn mark_in_line(text: &str, byte: usize) -> Option<(char, char)> {
    let start = text.get(..byte)?.rfind('\n').map_or(0, |n| n + 1);
    let mut open = None;
    let mut all = text.get(start..)?.lines().next()?.chars();
    while let Some(c) = all.next() {
        match (open, c) {
            (Some('"'), '\\') => drop(all.next()),
            (Some(mark), c) if mark == c => open = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => open = Some(c),
            (None, '#') => return None,
            (None, c) => {
                if let Some(mark) = MARKS.iter().find(|(found, _)| *found == c) {
                    return Some(*mark);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Profile;

    fn fault(text: &str) -> TomlFault {
        TomlFault::of(text, &toml::from_str::<Profile>(text).expect_err(text))
    }

    /// A profile with a line in the place of one.
    fn with(line: &str, instead: &str) -> String {
        let whole = "name = \"a\"\n[unit]\nmin = 10\nmax = 15\n[grid]\ndivide = \"balance\"\ntolerance = 0.05\n";
        assert!(toml::from_str::<Profile>(whole).is_ok() && whole.contains(line));
        whole.replace(line, instead)
    }

    #[test]
    fn marks_inside_of_texts_are_not_blamed() {
        let found = |line: &str| mark_in_line(line, 0).map(|(mark, _)| mark);
        assert_eq!(found("name = \"a\\\"，b\" x"), None);
        assert_eq!(found("name = '，' x"), None);
        assert_eq!(found("name = \"a\\\\\"，"), Some('，'));
    }

    #[test]
    fn usual_faults_are_said_in_chinese_with_their_place_and_the_parser_s_words_after_it() {
        for (line, instead, at, says, said) in [
            ("min = 10", "min = ", (3, 7), "等号后面没有值", "no value"),
            ("min = 10", "min 10", (3, 5), "没有等号", "="),
            ("min = 10", "min = ten", (3, 7), "引号", "invalid boolean"),
            ("min = 10", "min = few", (3, 7), "引号", "invalid boolean"),
            ("min = 10", "min = 10 户", (3, 7), "引号", "quoted"),
            ("min = 10", "min = 10\nmin = 11", (4, 1), "写了两次", "duplicate key"),
            ("min = 10", "min = \"10\"", (3, 7), "写的是文字 \"10\"，应为非负整数", "invalid type"),
            ("min = 10", "min = -1", (3, 7), "写的是整数 -1，应为非负整数", "-1"),
            ("min = 10", "min = 99999999999", (3, 7), "数过大：99999999999", "99999999999"),
            ("min = 10", "min = 10.5", (3, 7), "写的是小数 10.5，应为非负整数", "invalid type"),
            ("min = 10", "min = 010", (3, 7), "前面不应有 0", "leading zero"),
            ("min = 10", "min = 10,", (3, 9), "后面还有别的内容", "unexpected"),
            ("min = 10", "mim = 10", (3, 1), "没有设置项 mim；可用 min、max", "unknown field"),
            ("min = 10\n", "", (2, 1), "缺少 min", "missing field"),
            ("name = \"a\"", "name = \"a", (1, 10), "缺少右引号", "string"),
            ("name = \"a\"", "name = a\"", (1, 8), "缺少左引号", "opening quote"),
            ("name = \"a\"", "name = 1", (1, 8), "写的是整数 1，应为带引号的文字", "invalid type"),
            ("name = \"a\"", "name == 1", (1, 7), "等号多了一个", "extra"),
            ("name = \"a\"", "= \"a\"", (1, 1), "等号前没有名称", "key"),
            ("name = \"a\"", "名称 = \"a\"", (1, 1), "名称中有不允许的字符", "key"),
            ("name = \"a\"", "name = \"a\\d\"", (1, 11), "反斜杠", "escaped"),
            ("[grid]", "[grid", (5, 6), "缺少右方括号", "unclosed"),
            ("[grid]", "[unit]", (5, 2), "写了两次", "duplicate key"),
            ("\"balance\"", "\"halves\"", (6, 10), "值“halves”不可用；可用 balance、village", "unknown variant"),
            ("\"balance\"", "7", (6, 10), "应为带引号的文字", "string"),
            ("tolerance = 0.05", "hard_barriers = [\"river\"", (7, 25), "缺少右方括号", "unclosed array"),
            ("tolerance = 0.05", "hard_barriers = [\"river\" \"road\"]", (7, 26), "缺少逗号", "comma"),
            ("tolerance = 0.05", "tolerance = true", (7, 13), "写的是true，应为数", "invalid type"),
            ("tolerance = 0.05", "tolerance = 0.0.5", (7, 16), "数的写法不对", "invalid float"),
            ("tolerance = 0.05", "tolerance = 5%", (7, 13), "引号", "quoted"),
            // a slash between spaces would part the languages
            ("\"balance\"", "\"a / b\"", (6, 10), "值“a/b”不可用；可用 balance、village", "a / b"),
        ] {
            let text = with(line, instead);
            let fault = fault(&text);
            assert!(fault.chinese.contains(says) && !fault.chinese.is_ascii(), "{instead}: {fault}");
            assert!(fault.english.contains(said), "{instead}: {fault}");
            assert_eq!((fault.line, fault.column), at, "{instead}: {fault}");
            let place = format!("第 {0} 行第 {1} 列：", at.0, at.1);
            assert!(fault.to_string().starts_with(&place), "{fault}");
            assert!(fault.to_string().contains(&format!(" / line {}, column {}: ", at.0, at.1)), "{fault}");
        }
    }

    #[test]
    fn chinese_marks_are_found_outside_of_texts_and_columns_are_characters() {
        for (instead, found, wanted) in
            [("name = “西秀”", "“", "\""), ("name ＝ \"西秀\"", "＝", "="), ("name = ‘a’ # “", "‘", "'")]
        {
            let fault = fault(&with("name = \"a\"", instead));
            assert!(fault.chinese.contains(&format!("{found} 是中文标点，应改为英文的 {wanted}")), "{fault}");
            assert_eq!(fault.line, 1, "{fault}");
        }
        let fault = fault(&with("name = \"a\"", "name = \"西秀，“新”\" x # ，"));
        assert!(!fault.chinese.contains("中文标点"), "{fault}");
        assert_eq!((fault.column, fault.byte), (17, 7 + 1 + 6 * 3 + 1 + 1), "{fault}");
    }

    #[test]
    fn table_without_its_text_names_the_setting() {
        let table: toml::Table = toml::from_str(&with("min = 10", "min = \"x\"")).expect("a table");
        let said = words_of_table(&table.try_into::<Profile>().expect_err("a fault"));
        let (chinese, english) = said.split_once(" / ").expect("both");
        assert!(chinese.starts_with("unit.min：类型不对：写的是文字 \"x\"，应为非负整数"), "{said}");
        assert!(english.starts_with("unit.min: invalid type"), "{said}");
    }

    #[test]
    fn what_the_table_does_not_have_is_said_all_the_same() {
        assert_eq!(chinese("something else altogether"), None);
        let longer_first = |n: usize| FORM[..n].iter().all(|(begin, _)| !FORM[n].0.starts_with(begin));
        assert!((0..FORM.len()).all(longer_first), "a message that is never reached");
    }
}
