//! What was read, once for all profiles. Pages as of November 2026; stored copies may be older.

use super::{Figure, Kind, Slow, Source};

const fn documented(text: &'static str) -> Source {
    Source { kind: Kind::Documented, text }
}

const fn measured(text: &'static str) -> Source {
    Source { kind: Kind::Measured, text }
}

const fn reported(text: &'static str) -> Source {
    Source { kind: Kind::Reported, text }
}

const fn assumed(text: &'static str) -> Source {
    Source { kind: Kind::Assumed, text }
}

// OpenAI.
pub(super) const OPENAI_TIER1: Source = reported("table of the tier 1 page, 2024, community.openai.com/t/1028595");
pub(super) const OPENAI_TPM: Source = reported("per-tier tokens of the gpt-4.1 pages, 2025, community.openai.com/t/1357016");
pub(super) const OPENAI_RPM: Source = reported("hivebook.wiki/wiki/openai-api-rate-limits");
pub(super) const OPENAI_BUCKET: Source =
    documented("the header sample of developers.openai.com/api/docs/guides/rate-limits: one of 60 requests comes back after 1 s");
pub(super) const OPENAI_CHARGE: Source = reported("tokenswise.com/rate-limits/openai; a help page quoted in community.openai.com/t/611241");
pub(super) const OPENAI_REFUSAL: Source = reported("an error body in github.com/Pythagora-io/gpt-pilot/pull/53");
pub(super) const OPENAI_RAMP: Source = reported("developersdigest.tech/errors/api/openai-api/429-slow-down");

// Azure.
pub(super) const AZURE_QUOTA: Source =
    documented("github.com/MicrosoftDocs/azure-ai-docs, articles/ai-services/openai/how-to/quota.md, January 2025");
pub(super) const AZURE_PTU: Source =
    documented("github.com/MicrosoftDocs/azure-ai-docs, articles/ai-services/openai/concepts/provisioned-throughput.md, March 2025");
pub(super) const AZURE_REFUSAL: Source = reported("dotnetstudioai.com/hospital/fix-429-rate-limit-exceeded-azure-openai-dotnet");

// Anthropic.
pub(super) const ANTHROPIC_LIMITS: Source =
    documented("platform.claude.com/docs/en/api/rate-limits, the edition with tiers 1 to 4, Sonnet 4.x (to mid-2026)");
pub(super) const ANTHROPIC_SHALLOW: Source =
    assumed("after the example of platform.claude.com/docs/en/api/rate-limits: 60 a minute may be enforced as 1 a second");
pub(super) const ANTHROPIC_ERRORS: Source = documented("kinds from docs.claude.com/en/api/errors");

// Google.
pub(super) const GEMINI_INPUT: Source = documented("ai.google.dev/gemini-api/docs/rate-limits: input tokens count");
pub(super) const GEMINI_WINDOW: Source = reported("an answer in discuss.ai.google.dev/t/api-rate-limit-reset/6851");
pub(super) const GEMINI_REFUSAL: Source = reported("github.com/google-gemini/gemini-cli/issues/14831");
pub(super) const VERTEX_429: Source = documented("cloud.google.com/vertex-ai/generative-ai/docs/error-code-429");

// Bedrock.
pub(super) const BEDROCK_CHARGE: Source =
    documented("github.com/aws/agent-toolkit-for-aws, skills/core-skills/amazon-bedrock/references/quota-health.md");
pub(super) const BEDROCK_WEIGHT: Source = reported("zenn.dev/pepabo/articles/d7de82614e2f0b quotes the quota page: output weighs 5");
pub(super) const BEDROCK_REFUSAL: Source = documented("docs.aws.amazon.com/bedrock/latest/userguide/quotas-runtime.html");

// The others.
pub(super) const MISTRAL_REFUSAL: Source =
    documented("github.com/mistralai/platform-docs-public, public/resources/error-glossary.md; type and code from a recorded body");
pub(super) const GROQ_FREE: Source = reported("github.com/xyzs996/free-llm-api/discussions/3");
pub(super) const GROQ_BUCKET: Source = reported("resets look continuous in the errors of github.com/continuedev/continue/issues/10920");
pub(super) const GROQ_CHARGE: Source =
    reported("errors state the size asked for against the limit: github.com/continuedev/continue/issues/10920");
pub(super) const GROQ_REFUSAL: Source = documented("console.groq.com/docs/rate-limits");
pub(super) const COHERE_LIMITS: Source =
    documented("github.com/cohere-ai/cohere-developer-experience, fern/pages/going-to-production/rate-limits.mdx");
pub(super) const COHERE_REFUSAL: Source = documented("github.com/cohere-ai/cohere-developer-experience, fern/pages/cohere-api/errors.mdx");
pub(super) const OPENROUTER_FREE: Source = reported("developersdigest.tech/errors/api/openrouter/429-rate-limit-exceeded");
pub(super) const OPENROUTER_REFUSAL: Source = documented("openrouter.ai/docs/api_reference/errors-and-debugging");
pub(super) const DEEPSEEK_SLOTS: Source = reported("developersdigest.tech/errors/api/deepseek-api/429-rate-limit-reached, v4-pro");
pub(super) const DEEPSEEK_HOLDS: Source = documented("api-docs.deepseek.com/quick_start/rate_limit");
pub(super) const VLLM_QUEUE: Source =
    documented("github.com/vllm-project/vllm issue 18826: running slots, waiting without bound by default");

// Latencies.
pub(super) const PROBES_DAY: Source =
    reported("probes every 5 min for 24 h, modelstats.ai/blog/llm-api-latency-spikes-what-average-ttft-doesnt-tell-you");
pub(super) const PROBES_DAY_FIT: Source =
    reported("fitted to p50, p95 and p99 of modelstats.ai/blog/llm-api-latency-spikes-what-average-ttft-doesnt-tell-you");
pub(super) const PROBES_WEEK: Source = reported("10,080 probes per model, jonathanwrede.de/en/blog/i-monitored-6-llm-apis-for-7-days");
pub(super) const PROBES_BOTH: Source = assumed(
    "between two reports: 1,068 ms (jonathanwrede.de, i-monitored-6-llm-apis-for-7-days) and 1,479 ms (modelstats.ai, llm-api-latency-spikes)",
);
pub(super) const TWO_STATES: Source =
    reported("100 calls on a free tier, 30 of them fast, blog.saksham.digital/blog/the-average-latency-lie");
pub(super) const LLMPERF: Source =
    measured("github.com/ray-project/llmperf-leaderboard, raw_data/individual, Llama-2-70B, 550 tokens in, 150 out, commit 27aa9b6");
pub(super) const SPLITWISE: Source =
    measured("github.com/Mutinifni/splitwise-sim, data/perf_model.csv, Llama-2-70B on 4 H100, commit 8f99e7d");

// Assumptions.
pub(super) const GUESS: Source = assumed("no source known; a plausible round figure");
pub(super) const LIKE_THE_REST: Source = assumed("no source known; as for similar providers");
pub(super) const OUTAGES: Source = assumed(
    "production sees 1.4 to 2 % of calls fail for reasons other than limits (reports on Datadog, State of AI Engineering 2026), mostly in incidents",
);
pub(super) const OWN_SERVER: Source = assumed("one's own server is taken to work");
pub(super) const BY_DEFINITION: Source = assumed("by definition");
pub(super) const UNKNOWN_ALGORITHM: Source = assumed("the algorithm is not published");

/// A slow mode in which `share` of the requests take `factor` times as long.
pub(super) const fn slow(source: Source, share: f64, factor: f64) -> Option<Figure<Slow>> {
    Some(source.says(Slow { share, factor }))
}
