//! Small texts by hand, and the published files where they are at hand.

use std::io::Cursor;
use std::path::PathBuf;

use super::*;

fn parse(text: impl AsRef<[u8]>) -> Result<Vec<TraceRow>, Fault> {
    read_from(Cursor::new(text.as_ref().to_vec()))
}

fn row(millis: u64, input: u32, output: u32, session: Option<u64>) -> TraceRow {
    TraceRow { at: Nanos::from_millis(millis), input, output, session }
}

#[test]
fn each_format_is_recognised_by_its_content() {
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,374,44\n2023-11-17 00:00:01.2500000,396,109\n";
    assert_eq!(parse(azure).expect("valid"), [row(0, 374, 44, None), row(1_750, 396, 109, None)]);
    let own = "arrival_s,input_tokens,output_tokens\n5,10,20\n5.25,1,0\n1e1,3,4\n";
    assert_eq!(parse(own).expect("valid"), [row(0, 10, 20, None), row(250, 1, 0, None), row(5_000, 3, 4, None)]);
    let mooncake = "{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 6, \"hash_ids\": [0, 7]}\n\
                    {\"timestamp\": 3000, \"input_length\": 8, \"output_length\": 9, \"hash_ids\": [0, 4, 5], \"extra\": null}\n\
                    {\"timestamp\": 3000, \"input_length\": 8, \"output_length\": 9}\n";
    let rows = [row(0, 5, 6, Some(7)), row(3_000, 8, 9, Some(4)), row(3_000, 8, 9, None)];
    assert_eq!(parse(mooncake).expect("valid"), rows, "a short file is not taken for a coarse one");
}

#[test]
fn sessions_are_numbers_or_hashes() {
    let rows =
        parse("arrival_s,input_tokens,output_tokens,session\n0,1,1,17\n0,1,1,alice\n0,1,1,\n0,1,1,alice\n0,1,1,bob\n").expect("valid");
    let sessions: Vec<Option<u64>> = rows.iter().map(|row| row.session).collect();
    assert_eq!((sessions[0], sessions[2]), (Some(17), None));
    assert!(sessions[1].is_some() && sessions[1] == sessions[3] && sessions[1] != sessions[4]);
}

#[test]
fn line_ends_marks_and_blank_lines_do_not_matter() {
    let plain = parse("arrival_s,input_tokens,output_tokens\n0,1,2\n1.5,3,4\n").expect("valid");
    for text in [
        "\u{feff}arrival_s,input_tokens,output_tokens\r\n0,1,2\r\n1.5,3,4\r\n\r\n",
        "arrival_s,input_tokens,output_tokens\n0,1,2\n\n1.5,3,4",
        "\narrival_s,input_tokens,output_tokens\n0, 1, 2\n1.5,\"3\",4\n  \n",
    ] {
        assert_eq!(parse(text).expect("valid"), plain, "{text:?}");
    }
    let line = "{\"timestamp\": 7, \"input_length\": 1, \"output_length\": 2}";
    assert_eq!(parse(format!("\u{feff}{line}\r\n\r\n{line}\r\n")).expect("valid").len(), 2);
}

#[test]
fn arrivals_are_read_exactly() {
    // 1700000000.123456789 does not fit a float to the nanosecond (its step there is 238 ns).
    let rows = parse("arrival_s,input_tokens,output_tokens\n1700000000.123456789,1,1\n1700000000.1234567905,1,1\n").expect("valid");
    assert_eq!(rows[1].at, Nanos::new(2), "the tenth digit is rounded half up");
}

#[test]
fn faults_name_line_column_and_remedy() {
    let own = |rows: &str| format!("arrival_s,input_tokens,output_tokens\n{rows}\n");
    let azure = |rows: &str| format!("TIMESTAMP,ContextTokens,GeneratedTokens\r\n{rows}\r\n");
    let json = |time: &str, input: &str| format!("{{\"timestamp\": {time}, \"input_length\": {input}, \"output_length\": 1}}\n");
    let cases: Vec<(String, Option<u64>, Option<u64>, &str)> = vec![
        (String::new(), None, None, "empty"),
        ("\n\r\n".into(), None, None, "empty"),
        ("timestamp,contexttokens,generatedtokens\n".into(), Some(1), None, "unknown header"),
        ("\narrival_s,input_tokens\n".into(), Some(2), None, "unknown header"),
        (own(""), Some(1), None, "no rows"),
        (own("0,1,2\n1,2"), Some(3), None, "2 fields, the header 3"),
        (own("0,1,2,3"), Some(2), None, "4 fields, the header 3"),
        (own("0,1,2\n\n0.5,-1,2"), Some(4), Some(5), "`-1` is no number of tokens for input_tokens"),
        (own("0,1,9999999999"), Some(2), Some(5), "for output_tokens"),
        (own("0,1.5,2"), Some(2), Some(3), "`1.5` is no number"),
        (own("-0.5,1,2"), Some(2), Some(1), "negative"),
        (own("NaN,1,2"), Some(2), Some(1), "not a number"),
        (own("inf,1,2"), Some(2), Some(1), "not a number"),
        (own("soon,1,2"), Some(2), Some(1), "not a number"),
        (own("1e300,1,2"), Some(2), Some(1), "beyond 584 years"),
        (own("2,1,2\n1,1,2"), Some(3), Some(1), "arrives before"),
        (azure("yesterday,1,2"), Some(2), Some(1), "not a timestamp"),
        (azure("2023-11-31 00:00:00.0,1,2"), Some(2), Some(1), "not a timestamp"),
        (azure("0001-01-01 00:00:00,1,2\r\n9999-01-01 00:00:00,1,2"), Some(3), Some(1), "584 years"),
        (json("0", "1") + "{\"timestamp\": 1}\n", Some(2), Some(16), "missing field `input_length`"),
        (json("0", "1") + "oops\n", Some(2), Some(1), "expected"),
        (json("0", "-3"), Some(1), None, "`-3` is no number of tokens for input_length"),
        (json("-1", "3"), Some(1), None, "out of range"),
        (json("5", "3") + &json("4", "3"), Some(2), None, "arrives before"),
        (json("\"0\"", "3"), Some(1), Some(17), "invalid type"),
    ];
    for (text, line, column, part) in cases {
        let fault = parse(&text).expect_err(&text);
        assert_eq!((fault.line, fault.column), (line, column), "{text:?}: {}", fault.what);
        assert!(fault.what.contains(part), "{text:?}: {}", fault.what);
        assert!(!fault.help.is_empty());
    }
}

#[test]
fn bytes_that_are_not_text_are_refused_with_their_line() {
    for (bytes, line) in [
        (&b"\xff\xfeT\0"[..], 1),
        (b"arrival_s,input_tokens,output_tokens\n0,1,2\n0,\xe9,2\n", 3),
        (b"{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 6}\n{\xe9}\n", 2),
    ] {
        let fault = parse(bytes).expect_err("not UTF-8");
        assert_eq!(fault.line, Some(line));
        assert!(fault.what.contains("UTF-8"), "{}", fault.what);
    }
}

#[test]
fn errors_are_shown_with_their_file() {
    let error = read(Path::new("no/such/file.csv")).expect_err("missing");
    assert!(error.to_string().starts_with("no/such/file.csv: cannot read the trace"), "{error}");
    assert_eq!(error.line, None);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::io::Write::write_all(&mut file, b"arrival_s,input_tokens,output_tokens\nx,1,2\n").expect("it can be written");
    let error = read(file.path()).expect_err("x is no number");
    let shown = format!("{}:2:1: the arrival `x` is not a number; arrivals are seconds from 0, like 0.25", file.path().display());
    assert_eq!(error.to_string(), shown);
    assert!(read(&std::env::temp_dir()).is_err(), "a folder is no trace");
}

#[test]
fn coarse_steps_are_spread_and_exact_times_are_not() {
    // 50 steps of 8 rows on multiples of 3 s, every third a millisecond early, as in the published file.
    let line = |millis: u64, i: u64| format!("{{\"timestamp\": {millis}, \"input_length\": {i}, \"output_length\": 1}}\n");
    let coarse: String = (0..400_u64).map(|i| line((i / 8 * 3_000).saturating_sub(u64::from(i / 8 % 3 == 1)), i)).collect();
    let rows = parse(&coarse).expect("valid");
    assert!(rows.windows(2).all(|w| w[0].at <= w[1].at), "in order");
    assert!(rows.iter().enumerate().all(|(i, row)| row.input == i as u32), "rows keep their order");
    // All times shift by the first offset, which is within the first step.
    let latest = |i: usize| Nanos::from_secs((i as u64 / 8 + 1) * 3);
    assert!(rows.iter().enumerate().all(|(i, row)| row.at < latest(i) && row.at + Nanos::from_secs(3) >= latest(i) - Nanos::from_secs(3)));
    let mut times: Vec<Nanos> = rows.iter().map(|row| row.at).collect();
    times.dedup();
    assert_eq!(times.len(), 400, "no false burst is left");
    assert_eq!(parse(&coarse).expect("valid"), rows, "the same every time");
    let exact: String = (0..400).map(|i| line(i / 8 * 3_000 + 500 * (i % 2), i)).collect();
    let mut sorted: Vec<&str> = exact.lines().collect();
    sorted.sort_by_key(|l| l.split([' ', ',']).nth(1).and_then(|t| t.parse::<u64>().ok()));
    let rows = parse(sorted.join("\n")).expect("valid");
    assert!(rows.iter().all(|row| row.at.as_nanos() % 500_000_000 == 0), "half seconds are times, not steps");
}

/// Where the published traces may stand; they are not part of this repository.
fn published(name: &str) -> Option<Vec<TraceRow>> {
    let folder =
        std::env::var_os("LBSIM_TRACES").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces"), PathBuf::from);
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there; set LBSIM_TRACES to the folder of the published traces", path.display());
        return None;
    }
    Some(read(&path).expect("the published file is valid"))
}

/// Rate per second, CV of gaps.
fn rhythm(rows: &[TraceRow]) -> (f64, f64) {
    let gaps: Vec<f64> = rows.windows(2).map(|w| (w[1].at - w[0].at).as_secs_f64()).collect();
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n).sqrt();
    (1.0 / mean, deviation / mean)
}

/// p50, p90, p99 (nearest rank) and the mean.
fn sizes(values: impl Iterator<Item = u32>) -> [u32; 4] {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    let rank = |p: usize| values[(values.len() * p).div_ceil(100) - 1];
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    [rank(50), rank(90), rank(99), mean.round() as u32]
}

#[test]
fn the_published_traces_have_their_known_figures() {
    // Row counts, rates, CV of gaps and sizes as they were worked out from the same files with another program; the
    // percentiles may differ by the rule for ranks, hence 1 % on them, and half a unit of the last digit on the rest.
    // The spread conversation trace is drawn: its CV has a standard error of about 1/√12031 = 0.01, so 0.04 on that.
    type Known = (&'static str, usize, [f64; 2], f64, [u32; 4], [u32; 4]);
    let known: [Known; 4] = [
        ("AzureLLMInferenceTrace_conv.csv", 19_366, [5.53, 1.09], 0.006, [1_020, 2_734, 4_142, 1_155], [129, 424, 601, 211]),
        ("AzureLLMInferenceTrace_code.csv", 8_819, [2.57, 13.2], 0.05, [1_469, 5_188, 7_436, 2_048], [13, 55, 251, 28]),
        ("mooncake_conversation_trace.jsonl", 12_031, [3.40, 1.02], 0.04, [6_909, 27_367, 85_400, 12_035], [350, 597, 1_119, 343]),
        ("mooncake_synthetic_trace.jsonl", 3_993, [3.91, 1.01], 0.006, [11_587, 38_611, 66_456, 15_325], [69, 389, 768, 149]),
    ];
    for (name, count, [rate, cv], cv_tolerance, input, output) in known {
        let Some(rows) = published(name) else { continue };
        assert_eq!((rows.len(), rows[0].at), (count, Nanos::ZERO), "{name}");
        let (got_rate, got_cv) = rhythm(&rows);
        assert!((got_rate - rate).abs() < 0.006, "{name}: rate {got_rate}");
        assert!((got_cv - cv).abs() < cv_tolerance, "{name}: CV {got_cv}");
        for (got, want) in
            sizes(rows.iter().map(|r| r.input)).iter().zip(input).chain(sizes(rows.iter().map(|r| r.output)).iter().zip(output))
        {
            assert!(f64::from(*got).mul_add(-1.0, f64::from(want)).abs() <= 0.01 * f64::from(want) + 0.5, "{name}: {got}, known {want}");
        }
    }
}

#[test]
fn the_published_conversations_have_sessions() {
    // Counted with another program: all rows of the conversation trace begin with block 0, 7,373 different ones follow it;
    // in the synthetic trace 2,211 different blocks come first.
    for (name, sessions) in [("mooncake_conversation_trace.jsonl", 7_373), ("mooncake_synthetic_trace.jsonl", 2_211)] {
        let Some(rows) = published(name) else { continue };
        let mut seen: Vec<u64> = rows.iter().filter_map(|row| row.session).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), sessions, "{name}");
    }
}
