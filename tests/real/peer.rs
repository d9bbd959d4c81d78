//! The client against wiremock, which has another idea of HTTP than our own mocks, and our mocks on wiremock.

use lbsim::drive::real::answer::Ending;
use lbsim::drive::real::ask::Origin;
use lbsim::drive::real::client::{Errand, Sender};
use lbsim::drive::{Plan, RealTime};
use lbsim::engine::limit::RateLimitHeaders;
use lbsim::engine::{RefusalKind, Usage};
use lbsim::metrics::observe::Broken;
use lbsim::scenario::{Overrides, parse};
use lbsim::time::Nanos;
use lbsim::world::provider::Call;
use tokio::runtime::Runtime;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::agreement::report;

/// What the client makes of one answer to `POST /v1/chat/completions`.
fn made_of(answer: ResponseTemplate) -> (Ending, Option<RateLimitHeaders>) {
    let runtime = Runtime::new().expect("threads");
    runtime.block_on(async {
        let server = MockServer::start().await;
        let asked = Mock::given(method("POST"))
            .and(path("/v1/chat/completions"))
            .and(header("content-type", "application/json"))
            .and(body_partial_json(serde_json::json!({"model": "m", "max_tokens": 7})));
        asked.respond_with(answer).expect(1).mount(&server).await;
        let call = Call { request: 0, attempt: 0, input: 1, output: 1, max_tokens: Some(7), poison: false, poison_status: None };
        let uri = format!("{}/v1/chat/completions", server.uri()).parse().expect("an address");
        let errand = Errand { uri, model: "m".to_owned(), streamed: false, call, tag: 0, origin: Origin::Driver };
        let (ending, told) = Sender::new(Vec::new()).send(errand, |_| ()).await;
        (ending, told.map(|told| *told))
    })
}

#[test]
fn statuses_and_bodies_are_read_as_what_they_are() {
    let good = r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let usage = Some(Usage { input_tokens: 3, output_tokens: 4 });
    let status = |status, refusal| Ending::Status { status, refusal };
    for (answer, want) in [
        (ResponseTemplate::new(200).set_body_string(good), Ending::Whole { usage }),
        (ResponseTemplate::new(201).set_body_raw(good, "text/plain"), Ending::Whole { usage }),
        (ResponseTemplate::new(200).set_body_string("{\"choices\":[]}"), Ending::Broken(Broken::Garbage)),
        (ResponseTemplate::new(200).set_body_string("<html>"), Ending::Broken(Broken::Garbage)),
        (ResponseTemplate::new(204), Ending::Broken(Broken::Garbage)),
        (ResponseTemplate::new(302).insert_header("location", "/elsewhere"), status(302, None)),
        (ResponseTemplate::new(400), status(400, None)),
        (ResponseTemplate::new(429), status(429, Some(RefusalKind::Rate))),
        (
            ResponseTemplate::new(429).set_body_string("{\"error\":{\"code\":\"insufficient_quota\"}}"),
            status(429, Some(RefusalKind::Exhausted)),
        ),
        (ResponseTemplate::new(503).set_body_string("<h1>overloaded</h1>"), status(503, Some(RefusalKind::Capacity))),
        (ResponseTemplate::new(503), status(503, None)),
        (ResponseTemplate::new(529), status(529, Some(RefusalKind::Capacity))),
    ] {
        let shown = format!("{answer:?}");
        assert_eq!(made_of(answer).0, want, "{shown}");
    }
}

#[test]
fn headers_are_read_in_any_case_and_number() {
    let limited = ResponseTemplate::new(429)
        .insert_header("Retry-After", "7")
        .insert_header("RETRY-AFTER-MS", "1250")
        .insert_header("X-RateLimit-Limit-Requests", "60")
        .insert_header("x-ratelimit-remaining-requests", "0")
        .insert_header("x-ratelimit-reset-requests", "1m0.5s")
        .insert_header("anthropic-ratelimit-output-tokens-remaining", "many");
    let (_, told) = made_of(limited);
    let told = told.expect("limits are told");
    assert_eq!((told.retry_after, told.precise, told.ignored), (Some(Nanos::from_millis(1_250)), true, 1));
    let requests = (told.requests.limit, told.requests.remaining, told.requests.reset);
    assert_eq!(requests, (Some(60.0), Some(0.0), Some(Nanos::from_millis(60_500))));
    assert_eq!(made_of(ResponseTemplate::new(500).insert_header("x-other", "1")), (Ending::Status { status: 500, refusal: None }, None));
}

/// A run in real time, with whatever is in `provider`.
fn run(load: &str, provider: &str) -> lbsim::report::Run {
    let text = format!(
        "schema = 1\nname = \"hosted\"\n[load]\narrival = \"constant\"\n{load}\n[balancer]\nstrategy = \"round-robin\"\nhealth = \"off\"\n\
         timeout = \"20s\"\n[[provider]]\nname = \"alpha\"\n{provider}\n"
    );
    let plan = parse("test.toml", &text, &Overrides::default()).expect("a valid scenario").scenario.plan;
    assert_eq!(lbsim::drive::real::ahead::hosted(&plan), [!provider.contains("ttft") && !provider.contains("slots")]);
    report(&Plan { real: Some(RealTime::default()), ..plan })
}

#[test]
fn mocks_that_make_way_for_new_ones_lose_no_request() {
    // wiremock's mocks are replaced every 1,000 requests, while others are under way: a gap would be answered with 404.
    let real = run("rate = \"600/s\"\nduration = \"4s\"", "latency = \"5ms\"");
    assert_eq!((real.requests.offered, real.requests.succeeded), (2_400, 2_400));
    assert_eq!(real.attempts.total, 2_400);
}

#[test]
fn answers_are_neither_lost_nor_early_on_any_host() {
    // The driver takes what wiremock sends up to 2 ms early for there when it is due: nothing is faster than its service
    // time, and what each answer took longer is known for all of them.
    for provider in ["latency = \"0ms\"", "latency = \"1ms\"", "latency = \"7.3ms\"", "latency = \"7.3ms\"\ncapacity = { slots = 1000 }"] {
        let real = run("rate = \"100/s\"\nduration = \"1s\"", provider);
        assert_eq!(real.requests.succeeded, 100, "{provider}");
        let least = if provider.contains("7.3") {
            7.3
        } else if provider.contains('1') {
            1.0
        } else {
            0.0
        };
        assert!(real.providers[0].latency_ms.min >= Some(least), "{provider}: {:?}", real.providers[0].latency_ms.min);
        assert_eq!(real.real.expect("real time").overhead_ms.count, 100, "{provider}");
    }
}

#[test]
fn a_client_that_goes_away_gives_its_place_back() {
    // 1 s each, and three at a time: those that time out after 100 ms make room, so each of 20 is let in, in real time too.
    let text = "timeout = \"100ms\"";
    let loaded = parse(
        "test.toml",
        &format!(
            "schema = 1\nname = \"gone\"\n[load]\narrival = \"constant\"\nrate = \"20/s\"\nduration = \"1s\"\n[balancer]\n\
             strategy = \"round-robin\"\nhealth = \"off\"\nquota = \"off\"\n{text}\n[[provider]]\nname = \"alpha\"\nlatency = \"1s\"\n\
             limits = {{ max_concurrency = 3 }}\n"
        ),
        &Overrides::default(),
    );
    let plan = loaded.expect("a valid scenario").scenario.plan;
    assert_eq!(lbsim::drive::real::ahead::hosted(&plan), [true]);
    let real = report(&Plan { real: Some(RealTime { time_scale: 0.5, ..RealTime::default() }), ..plan });
    assert_eq!((real.attempts.timeouts, real.attempts.rate_limited), (20, 0));
}

#[test]
fn what_wiremock_keeps_of_requests_is_bounded() {
    // The program with 6,000 requests, of which wiremock would keep 5 KiB each, 30 MiB on top of about 28 MiB.
    let folder = tempfile::tempdir().expect("a folder");
    let text = "schema = 1\nname = \"kept\"\n[load]\narrival = \"constant\"\nrate = \"1000/s\"\nduration = \"6s\"\n[balancer]\n\
                strategy = \"round-robin\"\nhealth = \"off\"\ntimeout = \"20s\"\n[[provider]]\nname = \"alpha\"\nlatency = \"1ms\"\n";
    std::fs::write(folder.path().join("s.toml"), text).expect("a file");
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_lbsim"));
    program.current_dir(folder.path()).args(["run", "s.toml", "--clock", "real", "-q"]).stdout(std::process::Stdio::null());
    let mut child = program.spawn().expect("it starts");
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = kib.unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(peak > 0 && peak < 45 << 10, "{peak} KiB");
}
