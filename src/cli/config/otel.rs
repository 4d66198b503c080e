//! The table `[otel]`: the collector of traces.

use serde::Deserialize;

use super::super::commands::Failure;

/// The variable by which every program is told of the collector; a program without traces need not know it.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What one layer says of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtelLayer {
    pub(super) endpoint: Option<String>,
}

impl OtelLayer {
    /// The program's own variable, or the standard one.
    pub(super) fn of_environment(own: Option<String>, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let standard = || if cfg!(feature = "otel") { read(COLLECTOR).filter(|t| !t.is_empty()) } else { None };
        Self { endpoint: own.or_else(standard) }
    }
}

/// The address of a collector, in a program that has traces.
pub(super) fn check(endpoint: &str) -> Result<(), Failure> {
    if cfg!(not(feature = "otel")) {
        let what = "otel.endpoint：此程序未带 otel 功能，请用 cargo build --release --features otel 构建 / \
                    this program was built without it: cargo build --release --features otel";
        return Err(Failure::usage(what));
    }
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let is_plain = |r: &str| r.bytes().all(|b| b.is_ascii_graphic()) && !r.contains(['?', '#', '@']);
    if rest.is_none_or(|r| r.is_empty() || r.starts_with(['/', ':']) || !is_plain(r)) {
        return Err(Failure::usage(format!("otel.endpoint {endpoint}: http[s]://HOST[:PORT]")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collector_is_named_by_the_standard_variable_where_there_are_traces() {
        let read = |name: &str| (name == COLLECTOR).then(|| "http://collector:4318".to_owned());
        let said = |own: Option<&str>| OtelLayer::of_environment(own.map(str::to_owned), &read).endpoint;
        assert_eq!(said(Some("https://own")).as_deref(), Some("https://own"));
        assert_eq!(said(None).is_some(), cfg!(feature = "otel"), "without traces it is others'");
    }

    #[test]
    fn address_is_one_of_a_collector_in_a_program_that_has_traces() {
        for good in ["http://127.0.0.1:4318", "https://collect.example/otlp/"] {
            assert_eq!(check(good).is_ok(), cfg!(feature = "otel"), "{good}");
        }
        for bad in ["collector:4318", "http://", "http://a b", "http://u:p@host", "ftp://a", "http://:1", "http://a?b"]
        {
            assert!(check(bad).is_err_and(|e| e.message.contains("otel.endpoint")), "{bad}");
        }
    }
}
