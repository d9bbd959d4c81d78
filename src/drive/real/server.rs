//! What the mock providers say over HTTP: requests become questions to one [`Station`](super::station::Station).

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::TAG_NONE;
use super::ask::{Arrival, Ask, Origin, Part};
use super::clock::Clock;
use super::label::{self, Label};
use super::openai::{self, Asked, Head};
use super::stats::Tally;
use super::stream::{Stream, pour};
use crate::drive::plan::Plan;
use crate::time::Nanos;
use crate::world::provider::Call;
use crate::world::requests::RequestFactory;
use crate::world::spec::ProviderSpec;

/// Longest request body that is read.
const BODY_MAX: usize = 16 << 20;
/// In which the SDKs of OpenAI and Anthropic say how often they have tried before.
const RETRY_COUNT: &str = "x-stainless-retry-count";
/// Characters of a prompt to a token, where nobody says how many tokens there are.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// Of an answer.
pub type Body = Either<Full<Bytes>, Stream>;

/// What all connections of one provider share.
pub struct Shop {
    provider: usize,
    name: String,
    models: Vec<String>,
    station: Sender<Ask>,
    keys: Arc<AtomicU64>,
    clock: Clock,
    /// Sizes of requests whose client does not say them.
    sizes: RequestFactory,
}

/// One for each provider of a plan, in file order.
pub fn shops(plan: &Plan, station: &Sender<Ask>, clock: Clock) -> Vec<Arc<Shop>> {
    let keys = Arc::new(AtomicU64::new(0));
    let shop = |(provider, spec): (usize, &ProviderSpec)| {
        let mut models = plan.engine.providers[provider].models.clone();
        if models.is_empty() {
            models.push(spec.name.clone());
        }
        Arc::new(Shop {
            provider,
            name: spec.name.clone(),
            models,
            station: station.clone(),
            keys: Arc::clone(&keys),
            clock,
            sizes: RequestFactory::new(&plan.load, plan.seed, plan.timeout),
        })
    };
    plan.providers.iter().enumerate().map(shop).collect()
}

/// The provider does not answer: its connection ends.
#[derive(Debug, Error)]
#[error("the connection is refused")]
pub struct Hangup;

impl From<Infallible> for Hangup {
    fn from(never: Infallible) -> Hangup {
        match never {}
    }
}

impl Shop {
    /// Answers one request.
    ///
    /// # Errors
    /// [`Hangup`].
    pub async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, Hangup> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, path) if path.ends_with("/chat/completions") => self.complete(request).await,
            (&Method::GET, path) if path.ends_with("/models") => self.models().await,
            (&Method::GET, "/stats") => Ok(self.stats().await),
            (&Method::POST, "/reset") => {
                let clock = request.uri().query() == Some("clock");
                let (done, told) = oneshot::channel();
                let _ = self.station.send(Ask::Reset { clock, done });
                let _ = told.await;
                Ok(json(StatusCode::OK, "{}".to_owned()))
            }
            _ => Ok(json(StatusCode::NOT_FOUND, openai::error(404, None))),
        }
    }

    /// A list of models; what a health probe asks for, so it fails as probes do.
    async fn models(&self) -> Result<Response<Body>, Hangup> {
        let (answer, told) = oneshot::channel();
        let _ = self.station.send(Ask::Probe { provider: self.provider, answer });
        match told.await {
            Ok(Some((after, good))) => {
                tokio::time::sleep(self.clock.wall(after)).await;
                match (good, after) {
                    (true, _) => Ok(json(StatusCode::OK, openai::models(&self.models))),
                    (false, Nanos::ZERO) => Err(Hangup),
                    (false, _) => Ok(json(StatusCode::SERVICE_UNAVAILABLE, openai::error(503, None))),
                }
            }
            Ok(None) => std::future::pending().await,
            Err(_) => Err(Hangup),
        }
    }

    async fn stats(&self) -> Response<Body> {
        let (answer, told) = oneshot::channel();
        let _ = self.station.send(Ask::Stats { answer });
        let (now, tallies): (Nanos, Vec<Tally>) = told.await.unwrap_or_default();
        let tally = tallies.get(self.provider).copied().unwrap_or_default();
        let text = serde_json::json!({"provider": self.name, "t_s": now.as_f64() / 1e9, "stats": tally}).to_string();
        json(StatusCode::OK, text)
    }

    async fn complete(&self, request: Request<Incoming>) -> Result<Response<Body>, Hangup> {
        let again = request.headers().get(RETRY_COUNT).is_some_and(|count| count.as_bytes() != b"0");
        let labelled = request.headers().get(label::LABEL).and_then(|value| Label::read(value.to_str().ok()?));
        let Ok(body) = Limited::new(request.into_body(), BODY_MAX).collect().await else {
            return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, openai::error(413, None)));
        };
        let Ok(asked) = serde_json::from_slice::<Asked>(&body.to_bytes()) else {
            return Ok(json(StatusCode::BAD_REQUEST, openai::error(400, None)));
        };
        let key = self.keys.fetch_add(1, Relaxed);
        let labelled = labelled.or_else(|| asked.opening().and_then(Label::find));
        let Label { call, tag, origin } =
            labelled.unwrap_or_else(|| Label { call: self.estimate(&asked, key), tag: TAG_NONE, origin: Origin::Stranger });
        let (answer, mut parts) = mpsc::unbounded_channel();
        let _ = self.station.send(Ask::Arrive(Arrival { key, provider: self.provider, call, origin, tag, again, answer }));
        let visit = Visit { key, station: self.station.clone() };
        let head = Head {
            id: format!("chatcmpl-{}-{}", call.request, call.attempt),
            cut: asked.max_tokens.or(asked.max_completion_tokens) == Some(call.output),
            model: asked.model,
            input: call.input,
            output: call.output,
        };
        let usage = asked.stream_options.is_some_and(|options| options.include_usage);
        match parts.recv().await {
            Some(Part::First { headers, rest }) if asked.stream => {
                let (sender, stream) = Stream::new();
                let rest = self.clock.wall(rest);
                tokio::spawn(pour(head, usage, rest, parts, sender, visit));
                Ok(with_limits(Response::builder().header("content-type", "text/event-stream"), headers.as_deref(), Either::Right(stream)))
            }
            // The client asked for the answer in one piece.
            Some(Part::First { headers, .. }) => match parts.recv().await {
                Some(Part::Done { .. }) => Ok(whole(&head, headers.as_deref())),
                _ => Err(Hangup),
            },
            Some(Part::Done { headers }) if asked.stream => {
                let text =
                    head.opening() + &if head.output > 1 { head.tokens(head.output - 1) } else { String::new() } + &head.closing(usage);
                let response = Response::builder().header("content-type", "text/event-stream");
                Ok(with_limits(response, headers.as_deref(), Either::Left(Full::from(text))))
            }
            Some(Part::Done { headers }) => Ok(whole(&head, headers.as_deref())),
            Some(Part::Error { status, retry_after, refusal, headers }) => {
                let mut response = Response::builder().status(status).header("content-type", "application/json");
                if let Some(after) = retry_after {
                    let millis = after.as_nanos().div_ceil(1_000_000);
                    response = response.header("retry-after-ms", millis).header("retry-after", millis.div_ceil(1_000));
                }
                Ok(with_limits(response, headers.as_deref(), Either::Left(Full::from(openai::error(status, refusal)))))
            }
            Some(Part::Refused) | None => Err(Hangup),
        }
    }

    /// A call by a client that does not say what it is: sizes as the scenario draws them, its prompt as long as it looks.
    fn estimate(&self, asked: &Asked, key: u64) -> Call {
        let drawn = self.sizes.make(key, Nanos::ZERO, None);
        let max_tokens = asked.max_tokens.or(asked.max_completion_tokens);
        Call {
            request: key,
            attempt: 0,
            input: u32::try_from(asked.characters().div_ceil(CHARACTERS_PER_TOKEN)).unwrap_or(u32::MAX),
            output: max_tokens.map_or(drawn.output, |most| drawn.output.min(most)),
            max_tokens,
            poison: false,
            poison_status: None,
        }
    }
}

fn whole(head: &Head, headers: Option<&crate::engine::limit::RateLimitHeaders>) -> Response<Body> {
    with_limits(Response::builder().header("content-type", "application/json"), headers, Either::Left(Full::from(head.whole())))
}

fn json(status: StatusCode, text: String) -> Response<Body> {
    with_limits(Response::builder().status(status).header("content-type", "application/json"), None, Either::Left(Full::from(text)))
}

fn with_limits(
    response: hyper::http::response::Builder,
    headers: Option<&crate::engine::limit::RateLimitHeaders>,
    body: Body,
) -> Response<Body> {
    let told = headers.map(openai::limit_headers).unwrap_or_default();
    let response = told.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(body).expect("names and values are ours")
}

/// An attempt at the station; dropping it says that its client went away (a station that has answered ignores it).
#[derive(Debug)]
pub struct Visit {
    key: u64,
    station: Sender<Ask>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let _ = self.station.send(Ask::Gone { key: self.key });
    }
}
