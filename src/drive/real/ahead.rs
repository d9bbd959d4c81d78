//! Mock providers on wiremock, where it can be faithful.
//!
//! wiremock decides on an answer at once and sends it after a delay. So it hosts the providers of our own driver whose
//! answers come in one piece and wait for no slot, and that refuse no connections: what they will answer, and when, is known
//! as soon as an attempt has come. Streams, slots, refused connections, more than 1,000 requests a second and everything that others than the driver talk to
//! (`serve`, gateways) are hosted by `listen`.
//!
//! Three things are made up for:
//! - Its timers are 1 ms coarse. An answer leaves up to `EARLY` before its time, and the driver takes it for there when the
//!   station, whose timers are not, says that it has left.
//! - It does not see that a client goes away. The driver tells the station, by the [`key`] of the attempt.
//! - A mock keeps every request that it has matched (about 5 KiB), with recording off too, and does so after it has been
//!   unmounted. All mocks are dropped and a new one is mounted every `KEPT_MAX` requests, see `Responder::forget`.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::Body as _;
use hyper::{Method, Response, StatusCode};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::TAG_NONE;
use super::ask::{Ask, Part, Tale, Tell};
use super::openai::Api;
use super::reply::{Body, Failure};
use super::server::Shop;
use crate::drive::plan::Plan;
use crate::time::Nanos;
use crate::world::spec::{Load, Service, Source};

/// So much before its time an answer leaves, at most: as late as a timer and a busy machine may make it, as a rule.
const EARLY: Duration = Duration::from_millis(2);
/// Requests that a mock keeps, at most, but for those that come while it is replaced.
const KEPT_MAX: u64 = 1_000;
/// At a quicker pace the station, which wiremock's thread has to wait for with each request, would hold that up: the hosts of
/// `listen` do not wait for it.
const PACE_MAX: f64 = 1_000.0;
/// A delay that nobody lives to see the end of.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// In the keys of attempts that go by their tag; those of all others are counted from zero.
const BY_TAG: u64 = 1 << 63;

/// By provider of a plan: whether wiremock hosts it for our driver.
pub fn hosted(plan: &Plan) -> Vec<bool> {
    let provider = |(index, spec): (usize, &crate::world::spec::ProviderSpec)| {
        let refuses = plan.events.iter().any(|event| event.provider == index && event.set.refuse_connections.is_some());
        matches!(spec.service, Service::Whole(_)) && spec.slots.is_none() && !refuses
    };
    let calm = pace(&plan.load) <= PACE_MAX;
    plan.providers.iter().enumerate().map(|one| calm && provider(one)).collect()
}

/// Requests a second, at most or on average, whatever is known of a load.
fn pace(load: &Load) -> f64 {
    match &load.source {
        Source::Open(open) => {
            let bursts = open.bursts.iter().map(|burst| burst.count as f64).fold(0.0, f64::max);
            open.stages.iter().map(|stage| stage.rate).fold(open.rate, f64::max) + bursts
        }
        // As if each had an answer every 10 ms.
        Source::Closed { users, .. } => f64::from(*users) * 100.0,
        Source::Trace { rows, speed } => {
            let seconds = rows.last().map_or(0.0, |last| last.at.as_secs_f64()) / speed;
            rows.len() as f64 / seconds.max(1.0)
        }
    }
}

/// The station's key of an attempt at such a provider, by the driver's tag.
pub fn key(tag: u64) -> u64 {
    tag | BY_TAG
}

/// A running server of one provider; dropping it ends it.
#[derive(Debug)]
pub struct Host(#[expect(dead_code, reason = "kept running")] Arc<MockServer>);

/// Starts to answer.
pub async fn host(listener: TcpListener, shop: Arc<Shop>) -> Host {
    let server = Arc::new(MockServer::builder().listener(listener).disable_request_recording().start().await);
    let responder = Responder { shop, server: Arc::default(), answered: Arc::default() };
    let _ = responder.server.set(Arc::downgrade(&server));
    server.register(responder.mock()).await;
    Host(server)
}

/// Asks the station.
#[derive(Clone)]
struct Responder {
    shop: Arc<Shop>,
    server: Arc<OnceLock<Weak<MockServer>>>,
    answered: Arc<AtomicU64>,
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.forget();
        let path = request.url.path();
        let (after, response) = if request.method == Method::POST && path.ends_with("/chat/completions") {
            self.complete(request)
        } else if request.method == Method::GET && path.ends_with("/models") {
            self.probe()
        } else {
            (Duration::ZERO, self.shop.refuse(StatusCode::NOT_FOUND))
        };
        template(after, response)
    }
}

impl Responder {
    fn mock(&self) -> Mock {
        Mock::given(any()).respond_with(self.clone())
    }

    /// Every so many requests the mock that keeps them makes way for a new one.
    ///
    /// The two steps must not let a request in between, which would find nothing there. wiremock answers under a fair lock, on
    /// one thread, and calls us while it holds it: so both steps are queued for the lock right here, one behind the other, and
    /// nobody else can queue up between them.
    fn forget(&self) {
        if self.answered.fetch_add(1, Relaxed) % KEPT_MAX != KEPT_MAX - 1 {
            return;
        }
        let Some(server) = self.server.get().and_then(Weak::upgrade) else { return };
        let (old, mock) = (Arc::clone(&server), self.mock());
        let mut reset = Box::pin(async move { old.reset().await });
        let mut mount = Box::pin(async move { server.register(mock).await });
        let mut context = Context::from_waker(Waker::noop());
        let queued = [reset.as_mut().poll(&mut context), mount.as_mut().poll(&mut context)];
        debug_assert!(queued.iter().all(Poll::is_pending), "the lock is held while a mock responds");
        tokio::spawn(async move {
            reset.await;
            mount.await;
        });
    }

    fn complete(&self, request: &Request) -> (Duration, Response<Body>) {
        let shop = &self.shop;
        let Some(order) = shop.order(&request.headers, request.url.path(), &request.body, Api::Chat) else {
            return (Duration::ZERO, shop.refuse(StatusCode::BAD_REQUEST));
        };
        let key = if order.label.tag == TAG_NONE { order.key } else { key(order.label.tag) };
        let (answer, told) = sync_channel(1);
        shop.ask(&order, key, Tale::Ahead(answer));
        let Ok((due, part)) = told.recv() else { return (Duration::ZERO, shop.refuse(StatusCode::SERVICE_UNAVAILABLE)) };
        let response = match part {
            Part::Error { status, retry_after, refusal, headers } => {
                order.envelope.failure(Failure { status, refusal, pause: retry_after }, headers.as_deref())
            }
            Part::Done { headers } | Part::First { headers, .. } => order.envelope.whole(order.head.whole(), headers.as_deref()),
            Part::Refused => shop.refuse(StatusCode::SERVICE_UNAVAILABLE),
        };
        let after = if due == Nanos::MAX { NEVER } else { shop.clock.until(due).saturating_sub(EARLY) };
        (after, response)
    }

    fn probe(&self) -> (Duration, Response<Body>) {
        let shop = &self.shop;
        let (answer, told) = sync_channel(1);
        let _ = shop.station.send(Ask::Probe { provider: shop.provider, answer: Tell::Thread(answer) });
        match told.recv() {
            Ok(Some((after, good))) => (shop.clock.wall(after), shop.probed(good)),
            Ok(None) => (NEVER, shop.probed(false)),
            Err(_) => (Duration::ZERO, shop.refuse(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }
}

/// An answer in wiremock's words.
fn template(after: Duration, response: Response<Body>) -> ResponseTemplate {
    let (head, body) = response.into_parts();
    let mut template = ResponseTemplate::new(head.status.as_u16()).set_body_bytes(content(body).to_vec());
    for (name, value) in &head.headers {
        template = template.append_header(name, value);
    }
    // A delay of nothing would be one of a timer's tick.
    if after.is_zero() { template } else { template.set_delay(after) }
}

/// The content of a body in one piece.
fn content(body: Body) -> Bytes {
    let Either::Left(mut whole) = body else { return Bytes::new() };
    match Pin::new(&mut whole).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    }
}
