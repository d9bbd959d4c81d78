"""LiteLLM's Router, unmodified, over three mocks, with the configuration that `lbsim serve --print litellm` writes."""

import json
import sys

import yaml
from litellm import Router

config = yaml.safe_load(sys.stdin)
router = Router(model_list=config["model_list"], routing_strategy="simple-shuffle", num_retries=2)
model = config["model_list"][0]["model_name"]
prompt = [{"role": "user", "content": "hello"}]
answers = [router.completion(model=model, messages=prompt, max_tokens=2) for _ in range(60)]
stream = "".join(chunk.choices[0].delta.content or "" for chunk in router.completion(model=model, messages=prompt, max_tokens=2, stream=True))
tokens = sum(answer.usage.completion_tokens for answer in answers)
print(json.dumps({"answers": len(answers), "tokens": tokens, "stream": stream}))
