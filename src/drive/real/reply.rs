//! Answers, with the headers that the provider's wire format has.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::http::response::Builder;
use hyper::{Response, StatusCode};

use super::ask::Origin;
use super::clock::{Clock, since_1970};
use super::shape::{Headers, Problem, Style};
use super::stream::Stream;
use crate::engine::RefusalKind;
use crate::engine::limit::RateLimitHeaders;
use crate::engine::limit::headers::Told;
use crate::time::Nanos;

/// Of an answer.
pub type Body = Either<Full<Bytes>, Stream>;

/// What the answers to one request have in common.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Whose wire format.
    pub style: &'static Style,
    /// Of the mocks.
    pub clock: Clock,
    /// Who asked.
    pub origin: Origin,
    /// Of the request.
    pub id: String,
    /// As it was asked for.
    pub model: String,
}

/// An error or a refusal.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// Which kind of refusal; `None`: an error.
    pub refusal: Option<RefusalKind>,
    /// Hint.
    pub pause: Option<Nanos>,
}

impl Failure {
    /// An error that tells nothing but its status.
    pub fn plain(status: StatusCode) -> Failure {
        Failure { status: status.as_u16(), refusal: None, pause: None }
    }
}

impl Envelope {
    /// An answer in one piece.
    pub fn whole(&self, text: String, told: Option<&RateLimitHeaders>) -> Response<Body> {
        self.good("application/json", told, Either::Left(Full::from(text)))
    }

    /// A good answer of some type.
    pub fn good(&self, content_type: &str, told: Option<&RateLimitHeaders>, body: Body) -> Response<Body> {
        self.close(Response::builder().header("content-type", content_type), told, body)
    }

    /// An error or a refusal.
    pub fn failure(&self, failure: Failure, told: Option<&RateLimitHeaders>) -> Response<Body> {
        let Failure { status, refusal, pause } = failure;
        let pause = pause.map(|pause| self.span(pause));
        let problem = Problem { status, refusal, pause, model: &self.model, id: &self.id };
        let mut headers = (self.style.error)(&problem);
        // Our driver is told what it would be told in virtual time, whether the provider has a header for it or not.
        if let (Origin::Driver, Some(pause)) = (self.origin, pause) {
            headers.retain(|(name, _)| name != "retry-after-ms");
            headers.push(("retry-after-ms".to_owned(), pause.as_nanos().div_ceil(1_000_000).to_string()));
        }
        let response = Response::builder().status(status).header("content-type", "application/json");
        let body = (self.style.body)(&problem).to_string();
        self.close(with(response, headers), told, Either::Left(Full::from(body)))
    }

    /// Headers that every answer has.
    fn close(&self, response: Builder, told: Option<&RateLimitHeaders>, body: Body) -> Response<Body> {
        let limits = told.map(|told| (self.style.limits)(&self.scaled(told), since_1970())).unwrap_or_default();
        let response = with(with(response, (self.style.names)(&self.id)), limits);
        response.body(body).expect("names and values are ours")
    }

    /// A stretch of scenario time as the one who asked counts it: our driver counts as we do, others by the wall clock.
    fn span(&self, span: Nanos) -> Nanos {
        match self.origin {
            Origin::Driver => span,
            Origin::Gateway | Origin::Stranger => Nanos::new(self.clock.wall(span).as_nanos() as u64),
        }
    }

    fn scaled(&self, told: &RateLimitHeaders) -> RateLimitHeaders {
        let scaled = |one: Told| Told { reset: one.reset.map(|reset| self.span(reset)), ..one };
        RateLimitHeaders {
            requests: scaled(told.requests),
            tokens: scaled(told.tokens),
            input_tokens: scaled(told.input_tokens),
            output_tokens: scaled(told.output_tokens),
            ..*told
        }
    }
}

fn with(response: Builder, headers: Headers) -> Builder {
    headers.into_iter().fold(response, |response, (name, value)| response.header(name, value))
}
