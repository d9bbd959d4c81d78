//! What the mock providers say over HTTP: requests become questions to one [`Station`](super::station::Station).

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::TAG_NONE;
use super::ask::{Arrival, Ask, Origin, Part, Tale, Tell};
use super::clock::Clock;
use super::label::{self, Label};
use super::openai::{self, Api, Asked, Head};
use super::reply::{Body, Envelope, Failure};
use super::shape::Style;
use super::stats::Tally;
use super::stream::{Stream, pour};
use crate::drive::plan::Plan;
use crate::time::Nanos;
use crate::world::provider::Call;
use crate::world::requests::RequestFactory;
use crate::world::shape::Shape;
use crate::world::spec::ProviderSpec;

/// Longest request body that is read.
const BODY_MAX: usize = 16 << 20;
/// A client has so long for it.
const BODY_TIME: Duration = Duration::from_secs(10);
/// In which the SDKs of OpenAI and Anthropic say how often they have tried before.
const RETRY_COUNT: &str = "x-stainless-retry-count";
/// Type of a streamed answer.
const EVENTS: &str = "text/event-stream";
/// Characters of a prompt to a token, where nobody says how many tokens there are.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// What all connections of one provider share.
pub struct Shop {
    pub(super) provider: usize,
    name: String,
    pub(super) models: Vec<String>,
    pub(super) style: &'static Style,
    pub(super) station: Sender<Ask>,
    counters: Arc<Counters>,
    pub(super) clock: Clock,
    /// Sizes of requests whose client does not say them.
    sizes: RequestFactory,
}

/// What all providers count together.
#[derive(Default)]
struct Counters {
    /// Attempts, for keys.
    attempts: AtomicU64,
    /// Requests of strangers since scenario time began: their sizes are drawn by number.
    strangers: AtomicU64,
    /// Answers that belong to no attempt.
    others: AtomicU64,
}

/// One for each provider of a plan, in file order.
pub fn shops(plan: &Plan, station: &Sender<Ask>, clock: Clock) -> Vec<Arc<Shop>> {
    let counters = Arc::new(Counters::default());
    let shop = |(provider, spec): (usize, &ProviderSpec)| {
        let mut models = plan.engine.providers[provider].models.clone();
        if models.is_empty() {
            models.push(spec.name.clone());
        }
        Arc::new(Shop {
            provider,
            name: spec.name.clone(),
            models,
            style: Style::of(spec.shape),
            station: station.clone(),
            counters: Arc::clone(&counters),
            clock,
            sizes: RequestFactory::new(&plan.load, plan.seed, plan.timeout),
        })
    };
    plan.providers.iter().enumerate().map(shop).collect()
}

/// An attempt that a client wants to make.
pub(super) struct Order {
    /// Unique.
    pub(super) key: u64,
    pub(super) label: Label,
    /// Its client has tried before.
    again: bool,
    /// `None`: in one piece.
    streamed: Option<Streaming>,
    pub(super) head: Head,
    pub(super) envelope: Envelope,
}

/// How a stream ends.
struct Streaming {
    /// With the usage.
    usage: bool,
}

/// What a request is for.
enum What {
    Complete(Api),
    Models,
    Stats,
    Reset { clock: bool },
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
        let anthropic = self.style.shape == Shape::Anthropic;
        let (allowed, what) = match path.as_str() {
            path if path.ends_with("/chat/completions") => (Method::POST, What::Complete(Api::Chat)),
            path if path.ends_with("/messages") && anthropic => (Method::POST, What::Complete(Api::Messages)),
            path if path.ends_with("/models") => (Method::GET, What::Models),
            "/stats" => (Method::GET, What::Stats),
            "/reset" => (Method::POST, What::Reset { clock: request.uri().query() == Some("clock") }),
            _ => return Ok(self.refuse(StatusCode::NOT_FOUND)),
        };
        if request.method() != allowed {
            let mut response = self.refuse(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(if allowed == Method::GET { "GET" } else { "POST" }));
            return Ok(response);
        }
        match what {
            What::Complete(api) => self.complete(request, api).await,
            What::Models => self.models().await,
            What::Stats => Ok(self.stats().await),
            What::Reset { clock } => Ok(self.reset(clock).await),
        }
    }

    /// For what is no call of a model.
    pub(super) fn envelope(&self) -> Envelope {
        let id = format!("req_{}_{:x}", self.provider, self.counters.others.fetch_add(1, Relaxed));
        Envelope { style: self.style, clock: self.clock, origin: Origin::Stranger, id, model: String::new() }
    }

    pub(super) fn refuse(&self, status: StatusCode) -> Response<Body> {
        self.envelope().failure(Failure::plain(status), None)
    }

    /// For a request whose body has not been read: nothing else can come on this connection.
    fn refuse_and_close(&self, status: StatusCode) -> Response<Body> {
        let mut response = self.refuse(status);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// A list of models; what a health probe asks for, so it fails as probes do.
    async fn models(&self) -> Result<Response<Body>, Hangup> {
        let (answer, told) = oneshot::channel();
        let _ = self.station.send(Ask::Probe { provider: self.provider, answer: Tell::Task(answer) });
        match told.await {
            Ok(Some((after, good))) => {
                tokio::time::sleep(self.clock.wall(after)).await;
                match (good, after) {
                    (false, Nanos::ZERO) => Err(Hangup),
                    _ => Ok(self.probed(good)),
                }
            }
            Ok(None) => std::future::pending().await,
            Err(_) => Err(Hangup),
        }
    }

    /// The answer to a probe.
    pub(super) fn probed(&self, good: bool) -> Response<Body> {
        let api = if self.style.shape == Shape::Anthropic { Api::Messages } else { Api::Chat };
        if good { self.envelope().whole(openai::models(api, &self.models), None) } else { self.refuse(StatusCode::SERVICE_UNAVAILABLE) }
    }

    async fn stats(&self) -> Response<Body> {
        let (answer, told) = oneshot::channel();
        let _ = self.station.send(Ask::Stats { answer });
        let (now, tallies): (Nanos, Vec<Tally>) = told.await.unwrap_or_default();
        let tally = tallies.get(self.provider).copied().unwrap_or_default();
        let text = serde_json::json!({"provider": self.name, "t_s": now.as_f64() / 1e9, "stats": tally}).to_string();
        self.envelope().whole(text, None)
    }

    async fn reset(&self, clock: bool) -> Response<Body> {
        let (done, told) = oneshot::channel();
        let _ = self.station.send(Ask::Reset { clock, done });
        let _ = told.await;
        if clock {
            self.counters.strangers.store(0, Relaxed);
        }
        self.envelope().whole("{}".to_owned(), None)
    }

    async fn complete(&self, request: Request<Incoming>, api: Api) -> Result<Response<Body>, Hangup> {
        let (head, body) = request.into_parts();
        let body = match read(body).await {
            Ok(body) => body,
            Err(status) => return Ok(self.refuse_and_close(status)),
        };
        let Some(order) = self.order(&head.headers, head.uri.path(), &body, api) else {
            return Ok(self.refuse(StatusCode::BAD_REQUEST));
        };
        let (answer, parts) = mpsc::unbounded_channel();
        let visit = Visit { key: order.key, station: self.station.clone() };
        self.ask(&order, order.key, Tale::WhenDue(answer));
        let Order { envelope, head, streamed, .. } = order;
        match streamed {
            Some(Streaming { usage }) => in_pieces(&envelope, head, usage, parts, visit).await,
            None => whole(&envelope, &head, parts, visit).await,
        }
    }

    /// What a request asks for; `None`: it makes no sense.
    pub(super) fn order(&self, headers: &HeaderMap, path: &str, body: &[u8], api: Api) -> Option<Order> {
        let asked = Asked::read(body)?;
        let key = self.counters.attempts.fetch_add(1, Relaxed);
        let labelled = headers.get(label::LABEL).and_then(|value| Label::read(value.to_str().ok()?));
        let labelled = labelled.or_else(|| asked.opening().and_then(Label::find));
        let label = labelled.unwrap_or_else(|| Label { call: self.estimate(&asked), tag: TAG_NONE, origin: Origin::Stranger });
        let call = label.call;
        let cut = asked.max_tokens.or(asked.max_completion_tokens) == Some(call.output);
        let model = Some(asked.model).filter(|model| !model.is_empty()).or_else(|| deployment(path)).unwrap_or_default();
        let name = if api == Api::Messages { "msg" } else { "chatcmpl" };
        let id = format!("{name}-{}-{}", call.request, call.attempt);
        let head = Head { api, id, cut, model: model.clone(), input: call.input, output: call.output };
        let id = format!("req_{}_{:x}_{}", self.provider, call.request, call.attempt);
        Some(Order {
            key,
            label,
            again: headers.get(RETRY_COUNT).is_some_and(|count| count.as_bytes() != b"0"),
            streamed: asked.stream.then(|| Streaming { usage: asked.stream_options.is_some_and(|options| options.include_usage) }),
            head,
            envelope: Envelope { style: self.style, clock: self.clock, origin: label.origin, id, model },
        })
    }

    /// Sends an order to the station.
    pub(super) fn ask(&self, order: &Order, key: u64, answer: Tale) {
        let Label { call, tag, origin } = order.label;
        let _ = self.station.send(Ask::Arrive(Arrival { key, provider: self.provider, call, origin, tag, again: order.again, answer }));
    }

    /// A call by a client that does not say what it is: sizes as the scenario draws them, its prompt as long as it looks.
    fn estimate(&self, asked: &Asked) -> Call {
        let number = self.counters.strangers.fetch_add(1, Relaxed);
        let drawn = self.sizes.make(number, Nanos::ZERO, None);
        let max_tokens = asked.max_tokens.or(asked.max_completion_tokens);
        Call {
            request: number,
            attempt: 0,
            input: u32::try_from(asked.characters().div_ceil(CHARACTERS_PER_TOKEN)).unwrap_or(u32::MAX),
            output: max_tokens.map_or(drawn.output, |most| drawn.output.min(most)),
            max_tokens,
            poison: false,
            poison_status: None,
        }
    }
}

/// The body of a request, or the status of the answer to one that cannot be had.
async fn read(body: Incoming) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(problem)) if problem.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// The answer in one piece, when all of it is due.
async fn whole(
    envelope: &Envelope,
    head: &Head,
    mut parts: mpsc::UnboundedReceiver<Part>,
    _visit: Visit,
) -> Result<Response<Body>, Hangup> {
    let mut first = None;
    loop {
        match parts.recv().await {
            Some(Part::First { headers, .. }) => first = headers,
            Some(Part::Done { headers }) => return Ok(envelope.whole(head.whole(), first.or(headers).as_deref())),
            other => return failed(envelope, other),
        }
    }
}

/// The answer as it comes.
async fn in_pieces(
    envelope: &Envelope,
    head: Head,
    usage: bool,
    mut parts: mpsc::UnboundedReceiver<Part>,
    visit: Visit,
) -> Result<Response<Body>, Hangup> {
    match parts.recv().await {
        Some(Part::First { headers, rest }) => {
            let (sender, stream) = Stream::new();
            tokio::spawn(pour(head, usage, envelope.clock.wall(rest), parts, sender, visit));
            Ok(envelope.good(EVENTS, headers.as_deref(), Either::Right(stream)))
        }
        // All of it at once.
        Some(Part::Done { headers }) => {
            let rest = if head.output > 1 { head.tokens(head.output - 1) } else { String::new() };
            let text = head.opening() + &rest + &head.closing(usage);
            Ok(envelope.good(EVENTS, headers.as_deref(), Either::Left(Full::from(text))))
        }
        other => failed(envelope, other),
    }
}

fn failed(envelope: &Envelope, part: Option<Part>) -> Result<Response<Body>, Hangup> {
    match part {
        Some(Part::Error { status, retry_after, refusal, headers }) => {
            Ok(envelope.failure(Failure { status, refusal, pause: retry_after }, headers.as_deref()))
        }
        _ => Err(Hangup),
    }
}

/// The deployment that a path of Azure names: `/openai/deployments/NAME/chat/completions`.
fn deployment(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/deployments/")?;
    rest.split('/').next().map(str::to_owned)
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
