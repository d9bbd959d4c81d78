//! Whose wire format a provider speaks: of errors and refusals, headers and request ids.

/// See the module. Answers that are good look alike but for Anthropic's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Anthropic's Messages API, and its chat completions for clients of OpenAI.
    Anthropic,
    /// Azure OpenAI, pay as you go.
    Azure,
    /// Azure OpenAI, provisioned throughput.
    AzurePtu,
    /// Amazon Bedrock.
    Bedrock,
    /// Cohere.
    Cohere,
    /// Google's Gemini API and Vertex AI.
    Gemini,
    /// Mistral.
    Mistral,
    /// OpenAI, and those who do as it does.
    #[default]
    OpenAi,
    /// OpenRouter.
    OpenRouter,
}

/// Every shape and its name in a scenario.
pub const SHAPES: [(&str, Shape); 9] = [
    ("openai", Shape::OpenAi),
    ("azure", Shape::Azure),
    ("azure-ptu", Shape::AzurePtu),
    ("anthropic", Shape::Anthropic),
    ("gemini", Shape::Gemini),
    ("bedrock", Shape::Bedrock),
    ("mistral", Shape::Mistral),
    ("cohere", Shape::Cohere),
    ("openrouter", Shape::OpenRouter),
];

impl Shape {
    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        SHAPES.iter().find(|(_, shape)| *shape == self).map_or("openai", |(name, _)| name)
    }
}
