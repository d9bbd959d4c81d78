//! The HTTP client: connections that are used again, one task per attempt.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::answer::{Ending, limits, read};
use super::ask::Origin;
use super::label::{LABEL, Label};
use crate::engine::limit::RateLimitHeaders;
use crate::metrics::observe::Broken;
use crate::world::provider::Call;

/// Idle connections kept per address.
const IDLE_MAX: usize = 4_096;
/// The head of an answer may have so many bytes.
const HEAD_MAX: usize = 256 << 10;
/// A prompt is no longer than this, whatever its number of tokens: the label says how many there are.
const PROMPT_MAX: usize = 64 << 10;
/// One token of it.
const WORD: &str = "lorem ";

/// Sends attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One attempt, ready to send.
#[derive(Clone, Debug)]
pub struct Errand {
    /// `…/v1/chat/completions`.
    pub uri: Uri,
    /// Model name.
    pub model: String,
    /// Ask for a stream.
    pub streamed: bool,
    /// What it is.
    pub call: Call,
    /// The driver's name for it.
    pub tag: u64,
    /// Whether it goes to a provider, or through a gateway: then the prompt is as long as it says, and bears the label.
    pub origin: Origin,
}

impl Sender {
    /// With further headers for every request.
    pub fn new(headers: Vec<(HeaderName, HeaderValue)>) -> Sender {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(IDLE_MAX).http1_max_buf_size(HEAD_MAX).build(connector);
        Sender { client, headers }
    }

    /// Sends one and reads its answer. `first_token` is called when that is in, with the head's word on the limits.
    pub async fn send(
        &self,
        errand: Errand,
        mut first_token: impl FnMut(Option<Box<RateLimitHeaders>>),
    ) -> (Ending, Option<Box<RateLimitHeaders>>) {
        let response = match self.client.request(self.request(&errand)).await {
            Ok(response) => response,
            Err(problem) if problem.is_connect() => return (Ending::Broken(Broken::Connect), None),
            Err(problem) => return (Ending::Broken(fault(&problem)), None),
        };
        let mut told = limits(&response);
        let retry = told.clone();
        let ending = read(response, || first_token(told.take())).await;
        (ending, told.or(retry))
    }

    /// Asks for the list of models; whether it came.
    pub async fn probe(&self, uri: Uri) -> bool {
        let request = Request::builder().uri(uri).body(Full::default());
        let Ok(request) = request else { return false };
        self.client.request(request).await.is_ok_and(|response| response.status().is_success())
    }

    fn request(&self, errand: &Errand) -> Request<Full<Bytes>> {
        let label = Label { call: errand.call, tag: errand.tag, origin: errand.origin };
        let prompt = match errand.origin {
            Origin::Gateway => label.prefix() + &WORD.repeat((errand.call.input as usize).min(PROMPT_MAX / WORD.len())),
            _ => "hello".to_owned(),
        };
        let mut body = json!({"model": errand.model, "messages": [{"role": "user", "content": prompt}]});
        if let Some(most) = errand.call.max_tokens {
            body["max_tokens"] = most.into();
        }
        if errand.streamed {
            body["stream"] = true.into();
            body["stream_options"] = json!({"include_usage": true});
        }
        let mut request = Request::new(Full::from(body.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = errand.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer lbsim"));
        if let Ok(label) = HeaderValue::from_str(&label.write()) {
            headers.insert(HeaderName::from_static(LABEL), label);
        }
        self.headers.iter().for_each(|(name, value)| {
            headers.insert(name.clone(), value.clone());
        });
        request
    }
}

/// What a failed exchange was.
fn fault(problem: &hyper_util::client::legacy::Error) -> Broken {
    let cause = std::error::Error::source(problem).and_then(|cause| cause.downcast_ref::<hyper::Error>());
    match cause {
        Some(cause) if cause.is_parse_too_large() => Broken::TooLarge,
        Some(cause) if cause.is_parse() => Broken::Garbage,
        _ => Broken::Cut,
    }
}
