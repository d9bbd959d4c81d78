//! Someone else's gateway, between the driver and the mock providers.

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

use crate::drive::plan::{Plan, Queue};
use crate::engine::Config;
use crate::engine::config::{ProviderConfig, Retry};
use crate::engine::limit::Limits;
use crate::engine::strategy::Strategy;
use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::shape::Shape;
use crate::world::spec::{Load, ProviderSpec, Service, Visibility};

/// Where requests go in place of the providers.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// As it was given; for reports.
    pub url: String,
    /// What it is called beside others; `None`: its address.
    pub name: Option<String>,
    /// Chat completions of the gateway.
    pub endpoint: Uri,
    /// Model to ask for; `None`: the class's.
    pub model: Option<String>,
    /// Further headers of every request; sensitive ones are marked so, and not shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why an address is none of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an address.
    #[error("`{0}` is no address of a gateway: write http://HOST:PORT, e.g. http://127.0.0.1:4000")]
    Address(String),
    /// A name or password before the host.
    #[error("an address with `NAME:PASSWORD@` is shown in reports: name a variable with --api-key-env, or send --header")]
    UserInfo,
    /// TLS.
    #[error("`{0}`: a gateway is spoken to in plain HTTP: give the address of a listener without TLS")]
    Tls(String),
}

/// The address of chat completions: `http://HOST:PORT`, the same with the path of an OpenAI base URL (`…/v1`), or the whole
/// of it (`…/chat/completions`).
///
/// # Errors
/// [`TargetError`].
pub fn endpoint(url: &str) -> Result<Uri, TargetError> {
    if url.contains('@') {
        return Err(TargetError::UserInfo);
    }
    let wrong = || TargetError::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(TargetError::Tls(url.to_owned())),
        _ => return Err(wrong()),
    }
    if uri.query().is_some() || uri.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    let path = match uri.path().trim_end_matches('/') {
        "" => "/v1/chat/completions".to_owned(),
        path if path.ends_with("/chat/completions") => path.to_owned(),
        path => format!("{path}/chat/completions"),
    };
    let authority = uri.authority().ok_or_else(wrong)?;
    format!("http://{authority}{path}").parse().map_err(|_| wrong())
}

/// The plan of a client that knows nothing but a gateway: the load is the same, and the pool is the gateway alone. It stands
/// behind the providers, which are drained, so that its index is none of theirs.
///
/// It waits as long as a gateway that does what the scenario says may take: the queue, every attempt and the waits between
/// them.
pub fn client_plan(plan: &Plan) -> Plan {
    let drained = plan.engine.providers.iter().map(|provider| ProviderConfig {
        name: provider.name.clone(),
        drained: true,
        ..ProviderConfig::default()
    });
    let gateway = ProviderConfig { name: "the gateway".to_owned(), ..ProviderConfig::default() };
    let spec = ProviderSpec { name: gateway.name.clone(), ..nobody() };
    Plan {
        engine: Config {
            quota: false,
            outlier_detection: None,
            retry: Retry::default(),
            ..Config::new(Strategy::RoundRobin, drained.chain([gateway]).collect())
        },
        providers: plan.providers.iter().cloned().map(unlimited).chain([spec]).collect(),
        events: Vec::new(),
        replicas: 1,
        replica_shares: Vec::new(),
        sync: None,
        timeout: patience(plan, plan.timeout),
        load: patient(plan),
        queue: Queue { max_wait: Nanos::ZERO, max_length: 0 },
        hedge: None,
        health_check: None,
        ..plan.clone()
    }
}

/// Time limits of classes are those of an attempt, too.
fn patient(plan: &Plan) -> Load {
    let mut load = plan.load.clone();
    for class in &mut load.classes {
        class.timeout = class.timeout.map(|timeout| patience(plan, timeout));
    }
    load
}

/// The queue, every attempt to its time limit, and the longest waits between them: 1½ times the doubled backoff.
fn patience(plan: &Plan, timeout: Nanos) -> Nanos {
    let retry = &plan.engine.retry;
    let mut patience = plan.queue.max_wait + timeout;
    let mut backoff = retry.backoff.min(retry.max_backoff);
    for _ in 0..retry.max_retries {
        patience = patience + backoff + Nanos::new(backoff.as_nanos() / 2) + timeout;
        backoff = Nanos::new(backoff.as_nanos().saturating_mul(2)).min(retry.max_backoff);
    }
    patience
}

/// The client's copy of a provider is never asked.
fn unlimited(provider: ProviderSpec) -> ProviderSpec {
    ProviderSpec { limits: Limits::default(), quota_group: None, background: 0.0, ..provider }
}

/// A provider that answers at once, always, whatever it is asked.
pub fn nobody() -> ProviderSpec {
    ProviderSpec {
        name: String::new(),
        service: Service::Whole(Dist::Fixed(0.0)),
        error_rate: 0.0,
        error_status: 500,
        error_latency: Dist::Fixed(0.0),
        slots: None,
        queue: None,
        limits: Limits::default(),
        visibility: Visibility::None,
        quota_group: None,
        background: 0.0,
        cost: None,
        shape: Shape::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_of_an_address_leads_to_chat_completions() {
        for (url, want) in [
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000/v1/chat/completions"),
            ("http://127.0.0.1:4000/", "http://127.0.0.1:4000/v1/chat/completions"),
            ("http://localhost:4000/v1", "http://localhost:4000/v1/chat/completions"),
            ("http://localhost:4000/v1/", "http://localhost:4000/v1/chat/completions"),
            ("http://[::1]:4000/openai/v1", "http://[::1]:4000/openai/v1/chat/completions"),
            ("http://gateway/v1/chat/completions", "http://gateway/v1/chat/completions"),
        ] {
            assert_eq!(endpoint(url).map(|uri| uri.to_string()), Ok(want.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["", "localhost:4000", "4000", "ftp://x", "http://", "http://x/?a=b", "/v1", "http:///v1"] {
            assert_eq!(endpoint(url), Err(TargetError::Address(url.to_owned())), "{url}");
        }
        assert_eq!(endpoint("https://x"), Err(TargetError::Tls("https://x".to_owned())));
        // What is said of it must not show the password.
        let secret = endpoint("http://me:secret@x:4000").expect_err("reports would show it");
        assert!(!secret.to_string().contains("secret"), "{secret}");
    }
}
