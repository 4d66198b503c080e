//! What is asked of the issuer: its description and keys, kept for a while; where to send people; who came back with a code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _,
};
use serde_json::Value;

use super::OidcSettings;
use super::pending::SignIn;
use crate::api::error::{Answer, Problem};
use crate::api::outward::{NoCertificates, Outward, Patience, causes};
use crate::api::serve::ServeError;

/// A description is believed for so long.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// Where a token is signed with a key nobody knows, the keys are read anew, but not more often than this.
const FRESH: Duration = Duration::from_secs(5);
/// After an issuer did not answer, it is left alone for so long.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest answer: a set of keys with their certificates takes some ten kB.
const PATIENCE: Patience =
    Patience { connects: Duration::from_secs(5), answers: Duration::from_secs(10), most_bytes: 1 << 20 };
/// Signatures that only the issuer can make. Those by a shared secret are not among them.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What is known of the issuer.
#[derive(Default)]
struct Known {
    metadata: Option<(Instant, Arc<CoreProviderMetadata>)>,
    failed: Option<Instant>,
}

/// The organisation's issuer.
pub(super) struct Issuer {
    url: IssuerUrl,
    settings: OidcSettings,
    outward: Outward,
    known: tokio::sync::Mutex<Known>,
}

impl Issuer {
    /// Asks nothing yet: the service starts whether the issuer is there or not.
    ///
    /// # Errors
    /// An address that is none, or one that wants TLS on a system without certificates.
    pub(super) fn new(settings: OidcSettings) -> Result<Self, ServeError> {
        let failed = |e: &dyn std::fmt::Display| ServeError::Start(format!("oidc: {e}"));
        let url = IssuerUrl::new(settings.issuer.clone()).map_err(|e| failed(&e))?;
        let unknown = |e: NoCertificates| ServeError::NoCertificates { setting: "oidc.issuer", reason: e.to_string() };
        let outward = Outward::new(settings.issuer.starts_with("https://"), PATIENCE).map_err(unknown)?;
        Ok(Self { url, settings, outward, known: tokio::sync::Mutex::default() })
    }

    /// What the issuer says of itself, with its keys, no older than asked for. While it does not answer, what it said last.
    async fn metadata(&self, no_older: Duration) -> Answer<Arc<CoreProviderMetadata>> {
        let mut known = self.known.lock().await;
        let now = Instant::now();
        if let Some((at, metadata)) = &known.metadata
            && now.duration_since(*at) < no_older
        {
            return Ok(metadata.clone());
        }
        if known.failed.is_none_or(|at| now.duration_since(at) >= PAUSE) {
            let outward = self.outward.clone();
            let http = move |request| outward.clone().send(request);
            match CoreProviderMetadata::discover_async(self.url.clone(), &http).await {
                Ok(metadata) => {
                    let metadata = Arc::new(metadata);
                    *known = Known { metadata: Some((Instant::now(), metadata.clone())), failed: None };
                    return Ok(metadata);
                }
                Err(e) => {
                    known.failed = Some(Instant::now());
                    tracing::warn!(cause = causes(&e), "the issuer did not describe itself");
                }
            }
        }
        known.metadata.as_ref().map(|(_, metadata)| metadata.clone()).ok_or_else(away)
    }

    fn client(&self, metadata: &CoreProviderMetadata, redirect: &str) -> Answer<Client> {
        let redirect = RedirectUrl::new(redirect.to_owned())
            .map_err(|_| Problem::bad("Host", "不是地址 / not an address to come back to"))?;
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let knows = |m: &CoreClientAuthMethod| methods.is_none_or(|all| all.contains(m));
        let by_body =
            !knows(&CoreClientAuthMethod::ClientSecretBasic) && knows(&CoreClientAuthMethod::ClientSecretPost);
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id(), secret);
        let client = client.set_auth_type(if by_body { AuthType::RequestBody } else { AuthType::BasicAuth });
        Ok(client.set_redirect_uri(redirect))
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.settings.client_id.clone())
    }

    /// Where to send somebody who signs in.
    ///
    /// # Errors
    /// 503 while the issuer does not answer.
    pub(super) async fn way_there(
        &self,
        redirect: &str,
        (state, nonce, challenge): (&str, &Nonce, PkceCodeChallenge),
    ) -> Answer<String> {
        let metadata = self.metadata(BELIEVED).await?;
        let client = self.client(&metadata, redirect)?;
        let (state, nonce) = (CsrfToken::new(state.to_owned()), nonce.clone());
        let request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce);
        let scopes = self.settings.scopes.split_whitespace().filter(|s| *s != "openid");
        let request = request.add_scopes(scopes.map(|s| Scope::new(s.to_owned()))).set_pkce_challenge(challenge);
        let url = request.url().0;
        // one that demands TLS of itself does not send people on without
        if self.settings.issuer.starts_with("https://") && url.scheme() != "https" {
            tracing::warn!("the issuer's page to sign in is not https");
            return Err(away());
        }
        Ok(url.into())
    }

    /// The name in the store that the issuer vouches for. `None`: it vouches for somebody, but not by that claim.
    ///
    /// # Errors
    /// 401 for a code or a token that is not good, 503 while the issuer does not answer.
    pub(super) async fn who(&self, redirect: &str, code: String, sign_in: SignIn) -> Answer<Option<String>> {
        let mut metadata = self.metadata(BELIEVED).await?;
        let outward = self.outward.clone();
        let http = move |request| outward.clone().send(request);
        let client = self.client(&metadata, redirect)?;
        let request =
            client.exchange_code(AuthorizationCode::new(code)).map_err(|e| Problem::internal(e.to_string()))?;
        let answer = request.set_pkce_verifier(sign_in.verifier).request_async(&http).await.map_err(|e| match e {
            RequestTokenError::Request(e) => {
                tracing::warn!(cause = causes(&e), "the issuer did not take a code");
                away()
            }
            RequestTokenError::ServerResponse(e) => refused(&format!("code refused: {}", e.error().as_ref())),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => refused("no answer to a code"),
        })?;
        let token = answer.id_token().ok_or_else(|| refused("no ID token"))?;
        let mut verified = self.verify(&metadata, token, &sign_in.nonce);
        if let Err(ClaimsVerificationError::SignatureVerification(_)) = verified {
            // it may have new keys
            metadata = self.metadata(FRESH).await?;
            verified = self.verify(&metadata, token, &sign_in.nonce);
        }
        verified.map_err(|e| refused(&causes(&e)))?;
        Ok(self.named_by(token))
    }

    /// Signature, issuer, audience, end and nonce.
    fn verify(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), ClaimsVerificationError> {
        let keys = metadata.jwks().clone();
        // as a public client: a signature by the shared secret proves nothing
        let verifier = CoreIdTokenVerifier::new_public_client(self.client_id(), self.url.clone(), keys);
        token.claims(&verifier.set_allowed_algs(SIGNATURES), nonce).map(drop)
    }

    /// The claim that names the user, of a token that was verified.
    fn named_by(&self, token: &CoreIdToken) -> Option<String> {
        let text = token.to_string();
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        // an address that nobody looked at may be anybody's
        if self.settings.claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return None;
        }
        let name = claims.get(&self.settings.claim)?.as_str()?.trim();
        (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
    }
}

/// 503: the issuer does not answer.
fn away() -> Problem {
    let what = "统一身份认证暂时无法访问，请稍后再试，或用密码登录 / the organisation's sign-in cannot be reached: try again soon, or use a password";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_unavailable", what).retry_after_s(PAUSE.as_secs() as u32)
}

/// 401: what came back from the issuer is not good; the log says why.
pub(super) fn refused(cause: &str) -> Problem {
    tracing::warn!(cause, "a sign-in by the issuer was refused");
    let what = "统一身份认证未通过，请重新登录 / the organisation's sign-in did not succeed: sign in again";
    Problem::new(StatusCode::UNAUTHORIZED, "sign_in_refused", what)
}
