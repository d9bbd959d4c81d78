use super::*;
use crate::engine::limit::headers::Told;
use crate::world::shape::SHAPES;

/// Some time in 2026.
const WALL_CLOCK: Nanos = Nanos::from_secs(1_795_673_122);

fn problem(status: u16, refusal: Option<RefusalKind>) -> Problem<'static> {
    Problem { status, refusal, pause: Some(Nanos::from_millis(1_250)), model: "gpt-4o", id: "req_1" }
}

#[test]
fn every_shape_has_a_style_of_its_own() {
    for (name, shape) in SHAPES {
        assert_eq!((Style::of(shape).shape, shape.name()), (shape, name));
    }
    assert_eq!(STYLES.len(), SHAPES.len());
}

#[test]
fn what_is_refused_is_read_as_the_kind_that_it_is() {
    // Each body against the engine's classifier. 529 is a refusal by its status alone, 402 too.
    use RefusalKind::{Capacity, Exhausted, Ramp, Rate};
    for style in &STYLES {
        for kind in [Rate, Ramp, Exhausted, Capacity] {
            for model in ["gpt-4o", "claude", "a \"quoted\" one"] {
                let body = (style.body)(&Problem { model, ..problem(429, Some(kind)) }).to_string();
                assert_eq!(RefusalKind::classify(429, &body), Some(kind), "{:?} {body}", style.shape);
            }
        }
        let body = (style.body)(&problem(503, Some(Capacity))).to_string();
        assert_eq!(RefusalKind::classify(503, &body), Some(Capacity), "{:?} {body}", style.shape);
        for status in [400, 401, 403, 404, 408, 409, 413, 422, 500, 502, 503, 504] {
            let body = (style.body)(&problem(status, None)).to_string();
            assert_eq!(RefusalKind::classify(status, &body), None, "{:?} {status} {body}", style.shape);
        }
    }
}

#[test]
fn every_header_of_limits_is_read_back() {
    // To the millisecond, which is as fine as either family goes.
    let told = |limit: f64, remaining: f64, reset: u64| Told {
        limit: Some(limit),
        remaining: Some(remaining),
        reset: Some(Nanos::from_millis(reset)),
    };
    let written = RateLimitHeaders {
        requests: told(60.0, 59.0, 1_000),
        tokens: told(150_000.0, 149_984.0, 6_250),
        input_tokens: told(30_000.0, 12.0, 59_999),
        output_tokens: told(8_000.0, 0.0, 3_600_000),
        ..RateLimitHeaders::default()
    };
    for style in &STYLES {
        let mut read = RateLimitHeaders::default();
        let headers = (style.limits)(&written, WALL_CLOCK);
        assert_eq!(headers.len(), 12, "{:?}", style.shape);
        for (name, value) in headers {
            assert!(read.read(&name, &value, WALL_CLOCK), "{name}: {value}");
        }
        assert_eq!(read, written, "{:?}", style.shape);
    }
}

#[test]
fn pauses_are_told_as_each_provider_tells_them() {
    // 1.25 s, which whole seconds round up.
    let (exact, whole) = (Some(Nanos::from_millis(1_250)), Some(Nanos::from_secs(2)));
    for (shape, pause) in [
        (Shape::OpenAi, exact),
        (Shape::AzurePtu, exact),
        (Shape::Azure, whole),
        (Shape::Anthropic, whole),
        (Shape::Mistral, whole),
        (Shape::OpenRouter, whole),
        (Shape::Gemini, None),
        (Shape::Bedrock, None),
        (Shape::Cohere, None),
    ] {
        let mut read = RateLimitHeaders::default();
        for (name, value) in (Style::of(shape).error)(&problem(429, Some(RefusalKind::Rate))) {
            read.read(&name, &value, WALL_CLOCK);
        }
        assert_eq!((read.retry_after, read.ignored), (pause, 0), "{shape:?}");
        let without = (Style::of(shape).error)(&Problem { pause: None, ..problem(429, Some(RefusalKind::Rate)) });
        assert!(without.iter().all(|(name, _)| !name.starts_with("retry-after")), "{shape:?}");
    }
}

#[test]
fn bodies_are_those_of_the_providers() {
    let body = |shape| (Style::of(shape).body)(&problem(429, Some(RefusalKind::Rate)));
    assert_eq!(body(Shape::OpenAi)["error"]["code"], "rate_limit_exceeded");
    assert_eq!(body(Shape::Azure)["error"]["code"], "429");
    assert!(body(Shape::Azure)["error"]["message"].as_str().is_some_and(|text| text.ends_with("Please retry after 2 seconds.")));
    assert_eq!((&body(Shape::Anthropic)["type"], &body(Shape::Anthropic)["error"]["type"]), (&"error".into(), &"rate_limit_error".into()));
    assert_eq!(body(Shape::Anthropic)["request_id"], "req_1");
    assert_eq!(body(Shape::Gemini)["error"]["details"][1]["retryDelay"], "1.25s");
    assert_eq!(body(Shape::Mistral)["code"], "1300");
    assert_eq!(body(Shape::OpenRouter)["error"]["code"], 429);
    assert_eq!((Style::of(Shape::Anthropic).body)(&problem(529, None))["error"]["type"], "overloaded_error");
}
