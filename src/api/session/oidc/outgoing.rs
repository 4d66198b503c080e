//! Requests to the issuer: few, short, followed nowhere else.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Until there is a connection.
const CONNECTS: Duration = Duration::from_secs(5);
/// Until the answer is there.
const ANSWERS: Duration = Duration::from_secs(10);
/// Longest answer: a set of keys with their certificates takes some ten kB.
const MOST_BYTES: usize = 1 << 20;

/// Why the issuer did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// No connection, a certificate nobody vouches for, plain http where TLS is wanted.
    #[error("no answer: {0}")]
    NotReached(String),
    /// It took too long.
    #[error("no answer within {} s", ANSWERS.as_secs())]
    Late,
    /// More than any issuer needs to say.
    #[error("an answer of more than {MOST_BYTES} bytes")]
    TooLong,
}

/// Sends requests to the issuer.
#[derive(Clone)]
pub(super) struct Outgoing(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Outgoing {
    /// With the system's certificates. Whether `wants_tls`, nothing goes out without it, wherever the issuer's description points.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub(super) fn new(wants_tls: bool) -> std::io::Result<Self> {
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(CONNECTS));
        plain.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = if wants_tls { connector.https_only() } else { connector.https_or_http() };
        let connector = connector.enable_http1().wrap_connector(plain);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// The issuer's answer, whatever its status.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn send(self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unanswered> {
        let request = request.map(|bytes| Full::new(Bytes::from(bytes)));
        let whole = async {
            let answer = self.0.request(request).await.map_err(|e| Unanswered::NotReached(causes(&e)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(Body::new(body), MOST_BYTES).collect().await.map_err(|e| {
                if e.is::<LengthLimitError>() { Unanswered::TooLong } else { Unanswered::NotReached(e.to_string()) }
            })?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(ANSWERS, whole).await.map_err(|_| Unanswered::Late)?
    }
}

/// An error with what lies behind it: the outermost says little.
pub(super) fn causes(e: &dyn std::error::Error) -> String {
    let mut said = e.to_string();
    let mut inner = e.source();
    while let Some(e) = inner {
        said = format!("{said}: {e}");
        inner = e.source();
    }
    said
}
