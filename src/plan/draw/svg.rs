//! Writing SVG: numbers, escaped text, paths.

use std::fmt::Write as _;

/// Sans-serif with Chinese glyphs wherever the map is printed.
pub(super) const FONTS: &str =
    "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC','WenQuanYi Micro Hei',sans-serif";

/// An SVG text under construction; lengths are millimetres of the sheet.
#[derive(Default)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// Appends markup that is known to be well-formed.
    pub(super) fn raw(&mut self, markup: &str) {
        self.text.push_str(markup);
        self.text.push('\n');
    }

    /// A group with attributes.
    pub(super) fn open(&mut self, attributes: &str) {
        self.raw(&format!("<g {attributes}>"));
    }

    /// Ends a group.
    pub(super) fn close(&mut self) {
        self.raw("</g>");
    }

    /// A line of text, escaped. `at` is the anchor on the base line, `size_mm` the height of the letters' box.
    pub(super) fn text(&mut self, at: [f64; 2], size_mm: f64, attributes: &str, content: &str) {
        let [x, y] = at.map(number);
        let size = number(size_mm);
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" {attributes}>{}</text>",
            escaped(content)
        );
    }

    /// A path with an optional tooltip, escaped.
    pub(super) fn path(&mut self, d: &str, attributes: &str, title: &str) {
        if title.is_empty() {
            let _ = writeln!(self.text, "<path d=\"{d}\" {attributes}/>");
        } else {
            let _ = writeln!(self.text, "<path d=\"{d}\" {attributes}><title>{}</title></path>", escaped(title));
        }
    }

    /// A straight line.
    pub(super) fn line(&mut self, a: [f64; 2], b: [f64; 2], attributes: &str) {
        let ([x1, y1], [x2, y2]) = (a.map(number), b.map(number));
        let _ = writeln!(self.text, "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" {attributes}/>");
    }

    /// A rectangle.
    pub(super) fn rect(&mut self, at: [f64; 2], size: [f64; 2], attributes: &str) {
        let ([x, y], [w, h]) = (at.map(number), size.map(number));
        let _ = writeln!(self.text, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" {attributes}/>");
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A hundredth of a millimetre is finer than any printer.
pub(super) fn number(v: f64) -> String {
    let v = (v * 100.0).round() / 100.0;
    let v = if v == 0.0 { 0.0 } else { v };
    format!("{v}")
}

/// Text for content or a quoted attribute: markup characters escaped, control characters (which XML forbids) dropped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Path data of closed rings or open lines, given on the sheet.
pub(super) fn data(lines: &[Vec<[f64; 2]>], closed: bool) -> String {
    let mut d = String::new();
    for line in lines {
        let corners =
            if closed && line.len() > 1 && line.first() == line.last() { &line[..line.len() - 1] } else { line };
        for (i, p) in corners.iter().enumerate() {
            let _ = write!(d, "{}{} {}", if i == 0 { "M" } else { "L" }, number(p[0]), number(p[1]));
        }
        if closed && !corners.is_empty() {
            d.push('Z');
        }
    }
    d
}

/// Width of a text in millimetres, near enough for placing: Chinese characters are square, others about half.
pub(super) fn width_mm(text: &str, size_mm: f64) -> f64 {
    text.chars().map(|c| if u32::from(c) >= 0x2E80 { 1.0 } else { 0.58 }).sum::<f64>() * size_mm
}

/// The text, cut to a width, with an ellipsis where something was cut.
pub(super) fn fitted(text: &str, size_mm: f64, most_mm: f64) -> String {
    if width_mm(text, size_mm) <= most_mm {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width_mm(&out, size_mm) > most_mm - size_mm {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(escaped("<&\">\u{0}"), "&lt;&amp;&quot;&gt; ");
    }

    #[test]
    fn numbers_have_no_negative_zero() {
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(1.005), "1");
        assert_eq!(data(&[vec![[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]], true), "M0 0L1 0Z");
    }
}
