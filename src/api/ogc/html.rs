//! Plain pages for people who look with a browser: Chinese, then English, no script.

use std::fmt::Write as _;

/// Text for HTML.
pub(in crate::api) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The style of all pages.
pub(in crate::api) const STYLE: &str = "body{margin:0;font:16px/1.6 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;color:#1b2733;background:#f6f7f9}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:.2em 0}
a{color:#0b5cad}
nav{font-size:.9rem;margin-bottom:1rem}
table{border-collapse:collapse;background:#fff;width:100%;font-size:.9rem}
th,td{border:1px solid #d5dbe1;padding:.3rem .5rem;text-align:left;vertical-align:top}
th{background:#eef1f4}
.scroll{overflow-x:auto}
pre{background:#fff;border:1px solid #d5dbe1;padding:.6rem;overflow-x:auto}
.note{color:#5a6672}
@media (prefers-color-scheme:dark){body{color:#dfe6ee;background:#12171c}table,pre{background:#1a2129}th{background:#222b35}th,td,pre{border-color:#39434e}a{color:#7fb8f5}.note{color:#9aa7b4}}
@media print{body{background:#fff;color:#000}main{padding:0}nav{display:none}h2,svg,table{break-inside:avoid}}
";

/// A page. `way` leads to it: addresses and names.
pub(in crate::api) fn page(title: &str, way: &[(&str, &str)], body: &str) -> String {
    let mut nav = String::new();
    for (href, name) in way {
        let _ = write!(nav, "<a href=\"{}\">{}</a> › ", escape(href), escape(name));
    }
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0} · 联户 Lianhu</title><link rel=\"stylesheet\" href=\"/ogc/style.css\"></head><body><main><nav>{nav}</nav>\
         <h1>{0}</h1>\n{body}\n</main></body></html>\n",
        escape(title)
    )
}

/// A table; cells are escaped here.
pub(in crate::api) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let mut out = String::from("<div class=\"scroll\"><table><thead><tr>");
    for h in head {
        let _ = write!(out, "<th>{}</th>", escape(h));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>");
    out
}

/// A list of links: address, text, note.
pub(in crate::api) fn links(items: &[(String, String, String)]) -> String {
    let mut out = String::from("<ul>");
    for (href, text, note) in items {
        let _ = write!(
            out,
            "<li><a href=\"{}\">{}</a> <span class=\"note\">{}</span></li>",
            escape(href),
            escape(text),
            escape(note)
        );
    }
    out.push_str("</ul>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a14_nothing_of_a_name_becomes_markup() {
        let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        let out = page(hostile, &[(hostile, hostile)], &table(&[hostile.to_owned()], &[vec![hostile.to_owned()]]));
        assert!(!out.contains("<script>alert") && !out.contains("<img"));
    }
}
