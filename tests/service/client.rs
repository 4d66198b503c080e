//! A small HTTP client: status, headers, body; errors are answers too.

use std::collections::BTreeMap;

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Expects a status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Expects a problem: its status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        let body = reply.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status);
        let hint = body["hint"].as_str().unwrap_or_default();
        assert!(hint.contains(" / ") || hint.contains("：") || hint.contains("/api/"), "what to do: {body}");
        assert!(body["request_id"].as_str().is_some_and(|id| id == reply.header("x-request-id")));
        reply
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.timeout_global(Some(std::time::Duration::from_secs(120))).build().into()
}

/// Sends a request.
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent = agent();
    let sent = match body {
        Some(bytes) => agent.run(request.body(bytes).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    };
    let mut response = sent.unwrap_or_else(|e| panic!("{method} {url}: {e}"));
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        // a header that comes twice has two lines
        let said = headers.entry(name.to_string()).or_default();
        *said = if said.is_empty() { value.into_owned() } else { format!("{said}\n{value}") };
    }
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(200 << 20).read_to_vec().expect("a body");
    let reply = Reply { status, headers, body };
    crate::defined::look(method, url, &reply);
    reply
}
