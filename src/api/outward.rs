//! Requests to other hosts: few, short, followed nowhere else.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long another host is waited for, and how much it may say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until there is a connection.
    pub(super) connects: Duration,
    /// Until the whole answer is there.
    pub(super) answers: Duration,
    /// Longest answer.
    pub(super) most_bytes: usize,
}

/// Why there is no answer. The words are for the log; none of them is of the request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// No connection, a certificate nobody vouches for, plain http where TLS is wanted.
    #[error("no answer: {0}")]
    NotReached(String),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// More than such a host needs to say.
    #[error("an answer of more than {0} bytes")]
    TooLong(usize),
}

/// A machine without certificates: nobody is known over TLS. The system's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoCertificates(String);

#[derive(Clone)]
enum Way {
    /// Without TLS, as the machine has no certificates.
    Plain(Client<HttpConnector, Full<Bytes>>),
    Known(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Sends requests to another host.
#[derive(Clone)]
pub(super) struct Outward {
    way: Way,
    patience: Patience,
}

impl Outward {
    /// With the system's certificates. Where one `wants_tls`, nothing goes out without it, wherever an answer points; otherwise they need
    /// not be there.
    ///
    /// # Errors
    /// When TLS is wanted and the system has no certificates.
    pub(super) fn new(wants_tls: bool, patience: Patience) -> Result<Self, NoCertificates> {
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(patience.connects));
        let client = Client::builder(TokioExecutor::new());
        let way = match hyper_rustls::HttpsConnectorBuilder::new().with_native_roots() {
            Ok(connector) => {
                plain.enforce_http(false);
                let connector = if wants_tls { connector.https_only() } else { connector.https_or_http() };
                Way::Known(client.build(connector.enable_http1().wrap_connector(plain)))
            }
            Err(e) if wants_tls => return Err(NoCertificates(e.to_string())),
            Err(_) => Way::Plain(client.build(plain)),
        };
        Ok(Self { way, patience })
    }

    /// The host's answer, whatever its status.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn send(self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unanswered> {
        let Patience { answers, most_bytes, .. } = self.patience;
        let request = request.map(|bytes| Full::new(Bytes::from(bytes)));
        let whole = async {
            let answer = match &self.way {
                Way::Plain(client) => client.request(request).await,
                Way::Known(client) => client.request(request).await,
            };
            let answer = answer.map_err(|e| Unanswered::NotReached(causes(&e)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(Body::new(body), most_bytes).collect().await.map_err(|e| {
                if e.is::<LengthLimitError>() {
                    Unanswered::TooLong(most_bytes)
                } else {
                    Unanswered::NotReached(e.to_string())
                }
            })?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(answers, whole).await.map_err(|_| Unanswered::Late(answers))?
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
