//! CQL2 as text.

use geo::{Coord, Geometry, LineString, MultiPolygon, Point, Polygon, Rect, coord};

use super::tree::{DEEPEST, Fault, MOST, Tree};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A bare word.
    Word(String),
    /// `"name"`.
    Name(String),
    Text(String),
    Number(f64),
    /// `( ) , = <> < <= > >=`.
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["<>", "<=", ">=", "(", ")", ",", "=", "<", ">"];
/// Longest filter.
const LONGEST: usize = 64 * 1024;

fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            out.push(quote);
            chars.next();
        } else {
            return Some((out, i + c.len_utf8()));
        }
    }
    None
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Fault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let c = rest.chars().next().unwrap_or(' ');
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let here = at;
        let token = if c == '\'' || c == '"' {
            let (inner, length) =
                quoted(rest, c).ok_or_else(|| Fault::new("引号未结束 / a quote does not end").at(at))?;
            at += length;
            if c == '"' { Token::Name(inner) } else { Token::Text(inner) }
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            at += sign.len();
            Token::Sign(sign)
        } else if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') {
            let length = rest
                .char_indices()
                .take_while(|(i, c)| {
                    let after_exponent = rest.get(..*i).is_some_and(|b| b.ends_with(['e', 'E']));
                    c.is_ascii_digit()
                        || matches!(c, '.' | 'e' | 'E')
                        || (matches!(c, '-' | '+') && (*i == 0 || after_exponent))
                })
                .count();
            let number = rest.get(..length).and_then(|n| n.parse::<f64>().ok()).filter(|n| n.is_finite());
            at += length;
            Token::Number(number.ok_or_else(|| Fault::new("不是数 / not a number").at(here))?)
        } else if c.is_alphabetic() || c == '_' {
            let word: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':')).collect();
            at += word.len();
            Token::Word(word)
        } else {
            return Err(Fault::new(format!("意外的字符 / unexpected: {c}")).at(at));
        };
        found.push((token, here));
    }
    Ok(found)
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Tree, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new("过滤条件过长 / the filter is too long"));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: text.len() };
    let tree = parser.any()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.fault("多余的内容 / something left over"));
    }
    Ok(tree)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: u32,
    end: usize,
}

type Parsed<T = Tree> = Result<T, Fault>;

impl Parser {
    fn fault(&self, what: &str) -> Fault {
        Fault::new(what).at(self.tokens.get(self.at).map_or(self.end, |t| t.1))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    /// Whether a condition can end here.
    fn ends_here(&self) -> bool {
        self.is_word("and") || self.is_word("or") || matches!(self.peek(), None | Some(Token::Sign(")")))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(is);
        is
    }

    fn must(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.fault(&format!("缺少 / missing: {sign}"))) }
    }

    fn any(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault("嵌套过深 / nested too deep"));
        }
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(joined("or", parts))
    }

    fn all(&mut self) -> Parsed {
        let mut parts = vec![self.not()?];
        while self.word("and") {
            parts.push(self.not()?);
        }
        Ok(joined("and", parts))
    }

    fn not(&mut self) -> Parsed {
        if !self.word("not") {
            return self.predicate();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault("嵌套过深 / nested too deep"));
        }
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Tree::op("not", vec![inner]))
    }

    fn predicate(&mut self) -> Parsed {
        if self.sign("(") {
            let inner = self.any()?;
            self.must(")")?;
            return Ok(inner);
        }
        if let Some(Token::Word(w)) = self.peek() {
            let name = w.to_ascii_lowercase();
            let is_call = matches!(self.tokens.get(self.at + 1), Some((Token::Sign("("), _)));
            if is_call && (name.starts_with("s_") || name.starts_with("t_")) {
                self.at += 2;
                let first = self.operand()?;
                self.must(",")?;
                let second = self.operand()?;
                self.must(")")?;
                return Ok(Tree::Op(name, vec![first, second]));
            }
        }
        let left = self.operand()?;
        if let Tree::Bool(_) = left
            && !matches!(self.peek(), Some(Token::Sign("=" | "<>")))
        {
            return Ok(left);
        }
        self.comparison(left)
    }

    fn comparison(&mut self, left: Tree) -> Parsed {
        for sign in ["=", "<>", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                let right = self.operand()?;
                return Ok(Tree::op(sign, vec![left, right]));
            }
        }
        if self.word("is") {
            let not = self.word("not");
            if !self.word("null") {
                return Err(self.fault("应为 NULL / NULL is wanted"));
            }
            return Ok(negated(not, Tree::op("isnull", vec![left])));
        }
        let not = self.word("not");
        let made = if self.word("between") {
            let low = self.operand()?;
            if !self.word("and") {
                return Err(self.fault("BETWEEN 缺少 AND / BETWEEN wants AND"));
            }
            let high = self.operand()?;
            Tree::op("between", vec![left, low, high])
        } else if self.word("in") {
            self.must("(")?;
            let mut list = vec![self.operand()?];
            while self.sign(",") {
                list.push(self.operand()?);
                if list.len() > MOST {
                    return Err(self.fault("值过多 / too many values"));
                }
            }
            self.must(")")?;
            Tree::op("in", vec![left, Tree::List(list)])
        } else if self.word("like") {
            let pattern = self.operand()?;
            Tree::op("like", vec![left, pattern])
        } else if !not && matches!(left, Tree::Property(_)) && self.ends_here() {
            // a field that is true or false
            return Ok(left);
        } else {
            return Err(self.fault("应为比较 / a comparison is wanted: = <> < <= > >= BETWEEN IN LIKE IS NULL"));
        };
        Ok(negated(not, made))
    }

    fn operand(&mut self) -> Parsed {
        let Some(token) = self.peek().cloned() else {
            return Err(self.fault("过滤条件不完整 / the filter ends too early"));
        };
        let start = self.at;
        self.at += 1;
        match token {
            Token::Name(name) => Ok(Tree::Property(name)),
            Token::Text(text) => Ok(Tree::Text(text)),
            Token::Number(n) => Ok(Tree::Number(n)),
            Token::Sign(_) => {
                self.at = start;
                Err(self.fault("应为名称或值 / a name or a value is wanted"))
            }
            Token::Word(word) => {
                let upper = word.to_ascii_uppercase();
                let is_call = matches!(self.peek(), Some(Token::Sign("(")));
                match (upper.as_str(), is_call) {
                    ("TRUE", _) => Ok(Tree::Bool(true)),
                    ("FALSE", _) => Ok(Tree::Bool(false)),
                    ("DATE" | "TIMESTAMP", true) => {
                        self.must("(")?;
                        let text = self.time()?;
                        self.must(")")?;
                        Ok(Tree::Time(text))
                    }
                    ("INTERVAL", true) => {
                        self.must("(")?;
                        let from = self.time()?;
                        self.must(",")?;
                        let to = self.time()?;
                        self.must(")")?;
                        Ok(Tree::Interval(from, to))
                    }
                    ("CASEI", true) => {
                        self.must("(")?;
                        self.depth += 1;
                        if self.depth > DEEPEST {
                            return Err(self.fault("嵌套过深 / nested too deep"));
                        }
                        let inner = self.operand()?;
                        self.depth -= 1;
                        self.must(")")?;
                        Ok(Tree::op("casei", vec![inner]))
                    }
                    ("POINT" | "LINESTRING" | "POLYGON" | "MULTIPOLYGON" | "BBOX", true) => {
                        self.geometry(&upper).map(Tree::Geometry)
                    }
                    (_, true) => {
                        self.at = start;
                        Err(self.fault("不支持该函数 / no such function here"))
                    }
                    _ => Ok(Tree::Property(word)),
                }
            }
        }
    }

    fn time(&mut self) -> Parsed<String> {
        match self.operand()? {
            Tree::Text(t) | Tree::Time(t) => Ok(t),
            _ => Err(self.fault("应为引号中的时间 / a quoted time is wanted")),
        }
    }

    fn number(&mut self) -> Parsed<f64> {
        match self.peek() {
            Some(Token::Number(n)) => {
                let n = *n;
                self.at += 1;
                Ok(n)
            }
            _ => Err(self.fault("应为数 / a number is wanted")),
        }
    }

    fn position(&mut self) -> Parsed<Coord<f64>> {
        Ok(coord! { x: self.number()?, y: self.number()? })
    }

    /// `( item, item, … )`.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.must("(")?;
        let mut all = vec![item(self)?];
        while self.sign(",") {
            all.push(item(self)?);
            if all.len() > MOST {
                return Err(self.fault("坐标过多 / too many positions"));
            }
        }
        self.must(")")?;
        Ok(all)
    }

    fn polygon(&mut self) -> Parsed<Polygon<f64>> {
        let mut rings = self.list(|p| p.list(Self::position).map(LineString::new))?.into_iter();
        let shell = rings.next().unwrap_or_else(|| LineString::new(Vec::new()));
        Ok(Polygon::new(shell, rings.collect()))
    }

    fn geometry(&mut self, kind: &str) -> Parsed<Geometry<f64>> {
        Ok(match kind {
            "POINT" => {
                self.must("(")?;
                let c = self.position()?;
                self.must(")")?;
                Point(c).into()
            }
            "LINESTRING" => LineString::new(self.list(Self::position)?).into(),
            "POLYGON" => self.polygon()?.into(),
            "MULTIPOLYGON" => MultiPolygon::new(self.list(Self::polygon)?).into(),
            _ => match self.list(Self::number)?.as_slice() {
                &[a, b, c, d] => Rect::new(coord! { x: a, y: b }, coord! { x: c, y: d }).to_polygon().into(),
                _ => return Err(self.fault("BBOX 应有四个数 / BBOX wants four numbers")),
            },
        })
    }
}

fn joined(name: &str, mut parts: Vec<Tree>) -> Tree {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Tree::op(name, parts)
        }
    }
}

fn negated(not: bool, tree: Tree) -> Tree {
    if not { Tree::op("not", vec![tree]) } else { tree }
}
