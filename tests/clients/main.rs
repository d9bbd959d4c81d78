//! Other people's clients, unmodified, against `lbsim serve`.
//!
//! They come from PyPI, so they run only where `LBSIM_CLIENTS` is set, as `.ci/run` does, and say why when they do not:
//! without Python, its venv or a way to PyPI. The environment lies in `target/tmp` and is used again.

#[path = "../serve/server.rs"]
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lbsim::render::serve::{Form, Served, Serving};
use lbsim::world::shape::Shape;
use serde_json::{Value, json};

use server::{Server, scenario};

/// Releases that are known to work; what is asserted is the behaviour of these.
const PACKAGES: [&str; 2] = ["openai==3.57.0", "litellm==1.110.2"];
/// Longest download.
const INSTALL: Duration = Duration::from_secs(300);
/// Longest run of a script, imports included.
const RUN: Duration = Duration::from_secs(120);

/// The Python of the environment; `None`, after a message: there is none.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(environment) {
        Ok(python) => Some(python),
        Err(why) => {
            eprintln!("SKIPPED, no client has been tried: {why}");
            None
        }
    }
}

fn environment() -> Result<PathBuf, String> {
    if std::env::var_os("LBSIM_CLIENTS").is_none() {
        return Err("set LBSIM_CLIENTS=1 to install them from PyPI into target/tmp".to_owned());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let python = folder.join("bin/python");
    let complete = folder.join(PACKAGES.join("+").replace('=', "-"));
    if !complete.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "", INSTALL)?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"];
        run(Command::new(&python).args(pip).args(PACKAGES), "", INSTALL)?;
        std::fs::write(&complete, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// What a program that succeeds within a time has to say.
fn run(command: &mut Command, input: &str, patience: Duration) -> Result<Output, String> {
    let name = format!("{command:?}");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|why| format!("{name}: {why}"))?;
    // A program that reads nothing may be gone already.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let start = Instant::now();
    while child.try_wait().map_err(|why| why.to_string())?.is_none() {
        if start.elapsed() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{name} took longer than {} s", patience.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    if output.status.success() { Ok(output) } else { Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr))) }
}

/// What a script of this folder prints, as JSON.
fn script(python: &Path, name: &str, argument: &str, input: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    let mut command = Command::new(python);
    // LiteLLM would fetch a list of prices.
    command.arg(script).arg(argument).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let output = run(&mut command, input, RUN).unwrap_or_else(|why| panic!("{why}"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("JSON, not {:?}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn the_openai_package_understands_everything() {
    let Some(python) = python() else { return };
    let server = Server::start(
        &scenario(&[
            "name = \"good\"\nttft = \"5ms\"\nitl = \"2ms\"",
            "name = \"limited\"\nlatency = \"1ms\"\nlimits = { rpm = 60, period = \"1s\", algorithm = \"fixed-window\" }",
            "name = \"full\"\nlatency = \"1ms\"\nlimits = { rpm = 1, algorithm = \"fixed-window\" }",
            "name = \"broken\"\nlatency = \"1ms\"\nerror_rate = 1.0",
            "name = \"silent\"\nlatency = \"1h\"",
        ]),
        &[],
    );
    let names = ["good", "limited", "full", "broken", "silent"];
    let urls: Value = names.iter().zip(&server.addresses).map(|(name, at)| (*name, format!("http://{at}/v1"))).collect();
    let told = script(python, "openai_client.py", &urls.to_string(), "");
    let count = |name: &str, what: &str| server.count(names.iter().position(|one| *one == name).expect("a provider"), what);

    // 9 characters are 3 tokens; 180 drawn ones are cut at 5.
    assert_eq!((&told["plain"]["usage"], &told["plain"]["finish"]), (&json!([3, 5]), &json!("length")));
    assert!(told["plain"]["id"].as_str().is_some_and(|id| id.starts_with("req_")));
    for field in ["text", "usage", "finish"] {
        assert_eq!(told["streamed"][field], told["plain"][field], "{field}");
    }
    // Each refusal was met with one retry, which waited for the next second.
    assert_eq!((&told["limited"]["answers"], count("limited", "succeeded")), (&json!(3), 3));
    assert!(count("limited", "rate_limited") > 0);
    assert_eq!(count("limited", "retries"), count("limited", "rate_limited"));
    assert!(told["limited"]["took"].as_f64().is_some_and(|took| took > 1.0), "three seconds of the clock were met");
    assert_eq!((&told["refused"]["status"], &told["refused"]["code"]), (&json!(429), &json!("rate_limit_exceeded")));
    assert!(told["refused"]["after"].as_str().and_then(|after| after.parse::<u64>().ok()).is_some_and(|after| after <= 60));
    assert_eq!(told["broken"], json!({"status": 500, "type": "server_error"}));
    assert_eq!(["attempts", "retries", "errors"].map(|what| count("broken", what)), [2, 1, 2]);
    assert_eq!((&told["silent"], count("silent", "attempts")), (&json!("timeout"), 1));
    let start = Instant::now();
    while count("silent", "gone") == 0 {
        assert!(start.elapsed() < RUN, "the mock has to see that its client went away");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(told["models"], json!(["good"]));
}

#[test]
fn litellm_balances_over_three_mocks() {
    let Some(python) = python() else { return };
    let names = ["alpha", "beta", "gamma"];
    let provider = |name: &&str| format!("name = \"{name}\"\nttft = \"2ms\"\nitl = \"1ms\"");
    let providers: Vec<String> = names.iter().map(provider).collect();
    let server = Server::start(&scenario(&providers.iter().map(String::as_str).collect::<Vec<_>>()), &[]);
    let served = |(name, address): (&&str, &std::net::SocketAddr)| Served {
        name: (*name).to_owned(),
        address: *address,
        models: Vec::new(),
        weight: None,
        priority: 0,
        shape: Shape::OpenAi,
        rpm: None,
        tpm: None,
    };
    let serving = Serving { scenario: "clients".to_owned(), providers: names.iter().zip(&server.addresses).map(served).collect() };
    let config = (Form::parse("litellm").expect("a form").render)(&serving, 80);
    let told = script(python, "litellm_router.py", "", &config);
    assert_eq!((&told["answers"], &told["tokens"]), (&json!(60), &json!(120)));
    assert_eq!(told["stream"], "lorem lorem ");
    let counts = |what: &str| (0..3).map(|index| server.count(index, what)).collect::<Vec<_>>();
    assert_eq!((counts("succeeded").iter().sum::<u64>(), counts("output_tokens").iter().sum::<u64>()), (61, 122));
    // 61 independent picks of one in three: that one of them is never picked has a probability below 3 (2/3)^61 < 1e-10.
    assert!(counts("succeeded").iter().all(|count| *count > 0), "{:?}", counts("succeeded"));
}
