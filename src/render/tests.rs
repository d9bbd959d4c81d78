//! What the formats show, from a report made by hand.

use console::measure_text_width;

use super::{FORMATS, Format, View, human, sample};
use crate::report::{Collection, Document, FORMAT, Report, Verdict};

const WIDE: View = View { width: 92, color: false, quiet: false, verbose: false, gate: false };

#[test]
fn human_at_92_columns() {
    insta::assert_snapshot!(human::render(&sample::report(), &WIDE), @r#"
    FAIL weighted  weighted-round-robin · seed 42 · 12,000 requests over 2m (virtual)
         2 of 5 expectations hold, 1 without data
    Shares follow weights, and a provider that fails for half a minute gives its share to the
    others.

    provider          weight    share   target     error  attempts  failed  429s     p50     p99
    ────────────────────────────────────────────────────────────────────────────────────────────
    alpha                  5  71.60 %  71.43 %  +0.17 pp     8,600      40    12  420 ms  2.10 s
    beta                   1  14.25 %  14.29 %  -0.03 pp     1,712       0     0  420 ms  2.10 s
    gamma-eu-west-1…       1  14.15 %  14.29 %  -0.13 pp     1,700       3     0  420 ms  2.10 s

    fairness  0.17 % of 12,012 attempts in the wrong place
              chance alone (independent draws) would give about 0.42 % · largest error 0.17 pp
              chi² p = 0.905
    requests  12,000 offered · 11,950 succeeded · 40 failed · 8 shed
              2 unfinished (2 cancelled by clients)
    attempts  12,012 sent · 20 retries · 12 rate limited (429) · 40 errors · 3 timeouts
    quota     alpha 71.70 % used
    goodput   99.6/s · 99.60 % of the 100/s that any balancer can reach at most
              held by rpm of alpha · 99.80 % of the 99.8/s at the offered mix of sizes
              mean latency: one queue for all slots would give 480 ms (95.20 %)

    time            samples    mean     p50      p90      p99    p99.9      max
    ───────────────────────────────────────────────────────────────────────────
    latency          11,950  504 ms  420 ms   1.05 s   2.10 s   3.40 s   4.91 s
    ttft             11,950  144 ms  120 ms   300 ms   600 ms   972 ms   1.40 s
    provider queue   11,950  600 µs  500 µs  1.25 ms  2.50 ms  4.05 ms  5.85 ms
    balancer queue: nothing waited

    class        offered  succeeded  failed  shed  unfinished  ttft p99     p50     p99
    ───────────────────────────────────────────────────────────────────────────────────
    interactive   12,000     11,950      40     8           2    600 ms  420 ms  2.10 s
    batch         12,000     11,950      40     8           2    600 ms  420 ms  2.10 s

    expected             of                            want              got  samples  verdict
    ────────────────────────────────────────────────────────────────────────────────────────────
    share                alpha during down             50% ± 0.1%  49.9917 %   12,000  ✓ ok
    success_ratio        the run                       ≥ 99.9%     99.5833 %   12,000  ✗ FAIL
    latency_p99          gamma-eu-west-1-with-a-long…  ≤ 2s           2.10 s   12,000  ✗ FAIL
    recovery_time        beta                          ≤ 5s                –        0  ? no data
    retries_per_request  the run                       ≤ 0.1         0.00167   12,000  ✓ ok

    decisions 1,501 picks timed · mean 58 ns · p50 49 ns · p99 180 ns · max 4.21 µs
          to   50 ns   61.29 %  ████████████████████████████████████████████████
          to  100 ns   33.31 %  ██████████████████████████▏
          to  200 ns    5.33 %  ████▏
          to  500 ns    0.00 %
          to 1.00 µs    0.00 %
          to 2.00 µs    0.00 %
          to 5.00 µs    0.07 %  ▏
    wall clock of this machine; the timer's own 22 ns are subtracted; left out with --stable

    lbsim 0.1.0 · scenarios/weighted.toml · digest 8d3f0c1e
    "#);
}

#[test]
fn human_at_80_columns() {
    insta::assert_snapshot!(human::render(&sample::report(), &View { width: 80, ..WIDE }), @r#"
    FAIL weighted  weighted-round-robin · seed 42
         12,000 requests over 2m (virtual)
         2 of 5 expectations hold, 1 without data
    Shares follow weights, and a provider that fails for half a minute gives its
    share to the others.

    provider      weight   share  target    error attempts failed 429s    p50    p99
    ────────────────────────────────────────────────────────────────────────────────
    alpha              5 71.60 % 71.43 % +0.17 pp    8,600     40   12 420 ms 2.10 s
    beta               1 14.25 % 14.29 % -0.03 pp    1,712      0    0 420 ms 2.10 s
    gamma-eu-wes…      1 14.15 % 14.29 % -0.13 pp    1,700      3    0 420 ms 2.10 s

    fairness  0.17 % of 12,012 attempts in the wrong place
              chance alone (independent draws) would give about 0.42 %
              largest error 0.17 pp · chi² p = 0.905
    requests  12,000 offered · 11,950 succeeded · 40 failed · 8 shed
              2 unfinished (2 cancelled by clients)
    attempts  12,012 sent · 20 retries · 12 rate limited (429) · 40 errors
              3 timeouts
    quota     alpha 71.70 % used
    goodput   99.6/s · 99.60 % of the 100/s that any balancer can reach at most
              held by rpm of alpha
              99.80 % of the 99.8/s at the offered mix of sizes
              mean latency: one queue for all slots would give 480 ms (95.20 %)

    time            samples    mean     p50      p90      p99    p99.9      max
    ───────────────────────────────────────────────────────────────────────────
    latency          11,950  504 ms  420 ms   1.05 s   2.10 s   3.40 s   4.91 s
    ttft             11,950  144 ms  120 ms   300 ms   600 ms   972 ms   1.40 s
    provider queue   11,950  600 µs  500 µs  1.25 ms  2.50 ms  4.05 ms  5.85 ms
    balancer queue: nothing waited

    class       offered succeeded failed shed unfinished ttft p99    p50    p99
    ───────────────────────────────────────────────────────────────────────────
    interactive  12,000    11,950     40    8          2   600 ms 420 ms 2.10 s
    batch        12,000    11,950     40    8          2   600 ms 420 ms 2.10 s

    expected             of                want              got  samples  verdict
    ────────────────────────────────────────────────────────────────────────────────
    share                alpha during do…  50% ± 0.1%  49.9917 %   12,000  ✓ ok
    success_ratio        the run           ≥ 99.9%     99.5833 %   12,000  ✗ FAIL
    latency_p99          gamma-eu-west-1…  ≤ 2s           2.10 s   12,000  ✗ FAIL
    recovery_time        beta              ≤ 5s                –        0  ? no data
    retries_per_request  the run           ≤ 0.1         0.00167   12,000  ✓ ok

    decisions 1,501 picks timed · mean 58 ns · p50 49 ns · p99 180 ns · max 4.21 µs
          to   50 ns   61.29 %  ████████████████████████████████████████████████
          to  100 ns   33.31 %  ██████████████████████████▏
          to  200 ns    5.33 %  ████▏
          to  500 ns    0.00 %
          to 1.00 µs    0.00 %
          to 2.00 µs    0.00 %
          to 5.00 µs    0.07 %  ▏
    wall clock of this machine; the timer's own 22 ns are subtracted; left out with
    --stable

    lbsim 0.1.0 · scenarios/weighted.toml · digest 8d3f0c1e
    "#);
}

#[test]
fn human_without_a_single_attempt_invents_no_figure() {
    insta::assert_snapshot!(human::render(&sample::empty(), &WIDE), @r#"
    NO DATA weighted  weighted-round-robin · seed 42 · 10 requests over 2m (virtual)
            0 of 3 expectations hold, 3 without data
    Shares follow weights, and a provider that fails for half a minute gives its share to the
    others.

    provider                     weight  share   target  error  attempts  failed  429s  p50  p99
    ────────────────────────────────────────────────────────────────────────────────────────────
    alpha                             5      –  71.43 %      –         0       0     0    –    –
    beta                              1      –  14.29 %      –         0       0     0    –    –
    gamma-eu-west-1-with-a-lon…       1      –  14.29 %      –         0       0     0    –    –

    fairness  no attempts
    requests  10 offered · 0 succeeded · 0 failed · 10 shed · 0 unfinished
    attempts  0 sent · 0 retries · 0 rate limited (429) · 0 errors · 0 timeouts

    latency: no samples · ttft: no samples · balancer queue: no samples
    provider queue: no samples

    expected       of                                want        got  samples  verdict
    ────────────────────────────────────────────────────────────────────────────────────
    share          alpha during down                 50% ± 0.1%    –        0  ? no data
    success_ratio  the run                           ≥ 99.9%       –        0  ? no data
    latency_p99    gamma-eu-west-1-with-a-long-name  ≤ 2s          –        0  ? no data

    lbsim 0.1.0 · scenarios/weighted.toml · digest 8d3f0c1e
    "#);
}

#[test]
fn quiet_is_the_verdict_and_what_did_not_hold() {
    insta::assert_snapshot!(human::render(&sample::report(), &View { quiet: true, ..WIDE }), @r#"
    FAIL weighted  weighted-round-robin · seed 42 · 12,000 requests over 2m (virtual)
         2 of 5 expectations hold, 1 without data
    ✗ FAIL: success_ratio of the run: want ≥ 99.9%, got 99.5833 %
    ✗ FAIL: latency_p99 of gamma-eu-west-1-with-a-long-name: want ≤ 2s, got 2.10 s
    ? no data: recovery_time of beta: want ≤ 5s, got –
    "#);
}

#[test]
fn markdown() {
    insta::assert_snapshot!(super::markdown::render(&sample::report()), @r#"
    ### FAIL weighted

    weighted-round-robin · seed 42 · 12,000 requests over 2m (virtual) · 2 of 5 expectations hold, 1 without data

    Shares follow weights, and a provider that fails for half a minute gives its share to the others.

    | expected | of | want | got | samples | verdict |
    | --- | --- | --- | ---: | ---: | --- |
    | share | alpha during down | 50% ± 0.1% | 49.9917 % | 12,000 | ✓ ok |
    | success_ratio | the run | ≥ 99.9% | 99.5833 % | 12,000 | ✗ FAIL |
    | latency_p99 | gamma-eu-west-1-with-a-long-name | ≤ 2s | 2.10 s | 12,000 | ✗ FAIL |
    | recovery_time | beta | ≤ 5s | – | 0 | ? no data |
    | retries_per_request | the run | ≤ 0.1 | 0.00167 | 12,000 | ✓ ok |

    | provider | weight | share | target | error | attempts | failed | 429s | p50 | p99 |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | alpha | 5 | 71.60 % | 71.43 % | +0.17 pp | 8,600 | 40 | 12 | 420 ms | 2.10 s |
    | beta | 1 | 14.25 % | 14.29 % | -0.03 pp | 1,712 | 0 | 0 | 420 ms | 2.10 s |
    | gamma-eu-west-1-with-a-long-name | 1 | 14.15 % | 14.29 % | -0.13 pp | 1,700 | 3 | 0 | 420 ms | 2.10 s |

    - fairness: 0.17 % of 12,012 attempts in the wrong place · chance alone (independent draws) would give about 0.42 % · largest error 0.17 pp · chi² p = 0.905
    - requests: 12,000 offered · 11,950 succeeded · 40 failed · 8 shed · 2 unfinished (2 cancelled by clients)
    - attempts: 12,012 sent · 20 retries · 12 rate limited (429) · 40 errors · 3 timeouts
    - quota: alpha 71.70 % used
    - goodput: 99.6/s · 99.60 % of the 100/s that any balancer can reach at most · held by rpm of alpha · 99.80 % of the 99.8/s at the offered mix of sizes · mean latency: one queue for all slots would give 480 ms (95.20 %)
    - balancer queue: nothing waited

    | time | samples | mean | p50 | p90 | p99 | p99.9 | max |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | latency | 11,950 | 504 ms | 420 ms | 1.05 s | 2.10 s | 3.40 s | 4.91 s |
    | ttft | 11,950 | 144 ms | 120 ms | 300 ms | 600 ms | 972 ms | 1.40 s |
    | provider queue | 11,950 | 600 µs | 500 µs | 1.25 ms | 2.50 ms | 4.05 ms | 5.85 ms |

    | class | offered | succeeded | failed | shed | unfinished | ttft p99 | p50 | p99 |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | interactive | 12,000 | 11,950 | 40 | 8 | 2 | 600 ms | 420 ms | 2.10 s |
    | batch | 12,000 | 11,950 | 40 | 8 | 2 | 600 ms | 420 ms | 2.10 s |

    <sub>lbsim 0.1.0 · `scenarios/weighted.toml` · digest 8d3f0c1e</sub>
    "#);
}

#[test]
fn csv_has_a_row_per_provider_and_no_figure_is_rounded() {
    let text = super::csv::render(&Document::One(sample::report()));
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[0].starts_with("scenario,strategy,seed,provider,weight,target_share,share,attempts"));
    assert!(rows[2].starts_with("weighted,weighted-round-robin,42,beta,1,0.14285714285714285,0.14252414252414253,1712,"), "{}", rows[2]);
    assert!(rows.iter().all(|row| row.split(',').count() == 25));
}

#[test]
fn json_is_the_report_and_nothing_else() {
    let report = sample::report();
    let text = super::json::render(&Document::One(report.clone()));
    assert!(text.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    let stable = super::json::render(&Document::One(Report { wall: None, ..report }));
    assert!(!stable.contains("wall"));
}

#[test]
fn no_line_is_wider_than_asked_and_none_ends_in_blanks() {
    let mut crowded = sample::report();
    for number in 0..30 {
        let mut provider = crowded.runs[0].providers[1].clone();
        provider.name = format!("東京-deployment-{number}");
        crowded.runs[0].providers.push(provider);
    }
    for report in [sample::report(), sample::empty(), crowded] {
        for width in 40..=130 {
            for verbose in [false, true] {
                let text = human::render(&report, &View { width, verbose, ..WIDE });
                for line in text.lines() {
                    assert!(measure_text_width(line) <= width, "width {width}: {line}");
                    assert_eq!(line.trim_end(), line, "width {width}");
                }
            }
        }
    }
}

#[test]
fn of_many_providers_the_worst_twenty_are_shown_in_file_order() {
    let mut report = sample::report();
    let template = report.runs[0].providers[1].clone();
    report.runs[0].providers = (0..25)
        .map(|number| {
            let share = if number == 24 { 0.5 } else { 0.02 };
            crate::report::ProviderRun { name: format!("p{number:02}"), share: Some(share), target_share: Some(0.04), ..template.clone() }
        })
        .collect();
    let text = human::render(&report, &WIDE);
    let shown: Vec<&str> =
        text.lines().filter(|line| line.starts_with('p') && !line.starts_with("provider")).map(|line| &line[..3]).collect();
    let expected: Vec<String> = (0..19).chain([24]).map(|number| format!("p{number:02}")).collect();
    assert_eq!(shown, expected);
    assert!(text.contains("5 more (with -v, and in the JSON)"));
    let all = human::render(&report, &View { verbose: true, ..WIDE });
    assert!(all.contains("\np23 ") && !all.contains("more (with -v"));
}

#[test]
fn colour_adds_escape_codes_and_nothing_else() {
    let report = sample::report();
    let (plain, coloured) = (human::render(&report, &WIDE), human::render(&report, &View { color: true, ..WIDE }));
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(console::strip_ansi_codes(&coloured), plain);
}

#[test]
fn every_verdict_has_its_word() {
    let mut report = sample::report();
    for (verdict, word) in [
        (Verdict::Pass, "PASS "),
        (Verdict::Fail, "FAIL "),
        (Verdict::None, "DONE "),
        (Verdict::NoData, "NO DATA "),
        (Verdict::Noisy, "NOISY "),
        (Verdict::Incomplete, "INCOMPLETE "),
    ] {
        report.verdict = verdict;
        for format in [Format::Human, Format::Markdown] {
            assert!(format.render(&Document::One(report.clone()), &WIDE).trim_start_matches("### ").starts_with(word), "{word}");
        }
    }
}

#[test]
fn every_format_has_an_extension_of_its_own() {
    for info in FORMATS {
        assert_eq!(Format::of_file(&format!("a.b.{}", info.extension)), Some(info.format));
        assert_eq!((Format::parse(info.name), info.format.info().name), (Some(info.format), info.name));
    }
    for unknown in ["a.xml", "json", "ajson", ""] {
        assert_eq!(Format::of_file(unknown), None, "{unknown}");
    }
}

/// Two files, of which one fails: a line each, the failure again at the end with its cause and its command.
fn checked() -> Document {
    let (mut good, mut bad) = (sample::report(), sample::report());
    good.verdict = Verdict::Pass;
    good.scenario.name = "outage".to_owned();
    good.runs[0].expectations.retain(|expectation| expectation.verdict == Verdict::Pass);
    bad.scenario.arguments = vec!["--set".to_owned(), "load.rate=200/s".to_owned()];
    let missed = &mut bad.runs[0].expectations[1];
    (missed.distance, missed.line) = (Some(-0.003_167), Some(17));
    missed.cause = Some("40 errors at alpha (52 of its 8600 attempts failed); `max_retries = 0`: nothing is tried again".to_owned());
    let invalid = vec!["scenarios/broken.toml".to_owned()];
    Document::Many(Collection {
        format: FORMAT,
        lbsim: "0.1.0".to_owned(),
        verdict: Verdict::Fail,
        reports: vec![good, bad],
        invalid,
        wall: None,
        comparison: None,
        sweep: None,
    })
}

#[test]
fn several_files_are_judged_in_a_line_each_and_failures_come_last() {
    insta::assert_snapshot!(human::document(&checked(), &View { width: 80, ..WIDE }), @r#"
    PASS       outage    2 of 2 hold · 12,000 requests
    FAIL       weighted  2 of 5 hold · 12,000 requests
    INVALID    scenarios/broken.toml: see the errors on stderr

    what does not hold:
    ✗ FAIL scenarios/weighted.toml:17: success_ratio of the run: want ≥ 99.9%, got
      99.5833 % (0.317 pp too low, 12,000 samples)
      probably: 40 errors at alpha (52 of its 8600 attempts failed); `max_retries =
        0`: nothing is tried again
      again: lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42
    ✗ FAIL scenarios/weighted.toml: latency_p99 of gamma-eu-west-1-with-a-long-name:
      want ≤ 2s, got 2.10 s (12,000 samples)
      again: lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42
    ? no data scenarios/weighted.toml: recovery_time of beta: want ≤ 5s, got –
      again: lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42

    1 passed, 1 failed, 1 invalid
    "#);
}

#[test]
fn several_files_in_markdown() {
    insta::assert_snapshot!(super::markdown::document(&checked()), @r#"
    ### FAIL: 1 passed, 1 failed, 1 invalid

    - ✗ **weighted**: success_ratio of the run: want ≥ 99.9%, got 99.5833 % (0.317 pp too low, 12,000 samples)  
      probably: 40 errors at alpha (52 of its 8600 attempts failed); `max_retries = 0`: nothing is tried again  
      `lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42`
    - ✗ **weighted**: latency_p99 of gamma-eu-west-1-with-a-long-name: want ≤ 2s, got 2.10 s (12,000 samples)  
      `lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42`
    - ? **weighted**: recovery_time of beta: want ≤ 5s, got –  
      `lbsim run scenarios/weighted.toml --set load.rate=200/s --seed 42`

    <details><summary>3 scenarios</summary>

    | verdict | scenario | expectations | requests |
    | --- | --- | --- | ---: |
    | PASS | outage | 2 of 2 hold | 12,000 |
    | FAIL | weighted | 2 of 5 hold | 12,000 |
    | INVALID | scenarios/broken.toml |  |  |

    </details>

    <sub>lbsim 0.1.0</sub>
    "#);
}
