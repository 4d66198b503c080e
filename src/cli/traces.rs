//! Traces for a collector (OpenTelemetry, OTLP as protobuf over HTTP): the spans of requests, sent in batches by a thread of their own. A
//! collector that is slow, away or unwilling costs the spans and nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::api::SPANS;

/// Until a batch is taken.
const ANSWERS: Duration = Duration::from_secs(10);
/// At the end the service waits for the last batch no longer.
const PARTING: Duration = Duration::from_secs(3);
/// Longest answer that is read.
const MOST_BYTES: usize = 64 << 10;
/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// Sends batches on the service's runtime: the thread that makes them has none.
struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    /// Whether the last batch was refused: the log says so once, not every five seconds.
    failing: Arc<AtomicBool>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl Sender {
    fn new(runtime: Handle) -> std::io::Result<Self> {
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(ANSWERS / 2));
        plain.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = connector.https_or_http().enable_http1().wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, runtime, failing: Arc::default() })
    }

    async fn sent(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let whole = self.runtime.spawn(async move {
            let answered = async {
                let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
                let body = Limited::new(body, MOST_BYTES).collect().await?;
                Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
            };
            tokio::time::timeout(ANSWERS, answered).await?
        });
        whole.await?
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.sent(request).await;
        let reason = match &answer {
            Ok(a) if a.status().is_success() => None,
            Ok(a) => Some(a.status().to_string()),
            Err(e) => Some(e.to_string()),
        };
        let failed_before = self.failing.swap(reason.is_some(), Ordering::Relaxed);
        match reason {
            Some(reason) if !failed_before => tracing::warn!(reason, "traces are not taken by the collector"),
            None if failed_before => tracing::info!("traces are taken by the collector again"),
            _ => {}
        }
        answer
    }
}

fn provider(endpoint: &str, runtime: Handle) -> Result<SdkTracerProvider, String> {
    let sender = Sender::new(runtime).map_err(|e| e.to_string())?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(sender)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
        .with_timeout(ANSWERS)
        .build()
        .map_err(|e| e.to_string())?;
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    // OTEL_SERVICE_NAME is read by the builder
    let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource,
        None => resource.with_service_name("lianhu"),
    };
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

/// The log as ever, and traces for the collector at an address. What keeps traces from beginning is said in the log.
pub(super) fn log_and_trace(level: tracing::Level, endpoint: &str, runtime: &Handle) -> Option<SdkTracerProvider> {
    let made = provider(endpoint, runtime.clone());
    let spans = made.as_ref().ok().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lianhu"));
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        layer.with_filter(filter_fn(|m| m.is_span() && m.target() == SPANS))
    });
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false);
    // a line is what it is without traces
    let lines = lines.with_current_span(false).with_span_list(false).with_writer(std::io::stderr);
    let lines = lines.with_filter(LevelFilter::from_level(level));
    // a second call in one process keeps the first
    let _ = tracing_subscriber::registry().with(spans).with(lines).try_init();
    made.inspect_err(|reason| tracing::warn!(reason, "there are no traces")).ok()
}

/// Sends what is left.
pub(super) fn end(provider: &SdkTracerProvider) {
    if let Err(e) = provider.shutdown_with_timeout(PARTING) {
        tracing::warn!(reason = e.to_string(), "the last traces were not sent");
    }
}
