"""The `openai` package, unmodified, against `lbsim serve`: what it makes of good answers, refusals, errors and silence."""

import json
import sys
import time

import openai

URLS = json.loads(sys.argv[1])
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello you"}], "max_tokens": 5}


def complete(name, create=None, **settings):
    client = openai.OpenAI(base_url=URLS[name], api_key="lbsim", **settings)
    return client.chat.completions.create(**ASK, **(create or {}))


def plain():
    answer = complete("good")
    return {
        "text": answer.choices[0].message.content,
        "finish": answer.choices[0].finish_reason,
        "usage": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
        "id": answer._request_id,
    }


def streamed():
    chunks = list(complete("good", {"stream": True, "stream_options": {"include_usage": True}}))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    usage = chunks[-1].usage
    return {
        "text": "".join(choice.delta.content or "" for choice in choices),
        "finish": choices[-1].finish_reason,
        "usage": [usage.prompt_tokens, usage.completion_tokens],
    }


def limited():
    # One request in each second: of three in a row some are refused, and all succeed in the end.
    start = time.monotonic()
    texts = [complete("limited", max_retries=5).choices[0].message.content for _ in range(3)]
    return {"answers": len(texts), "took": time.monotonic() - start}


def refused():
    complete("full")
    try:
        complete("full", max_retries=0)
    except openai.RateLimitError as error:
        return {"status": error.status_code, "code": error.code, "after": error.response.headers["retry-after"]}


def broken():
    try:
        complete("broken", max_retries=1)
    except openai.InternalServerError as error:
        return {"status": error.status_code, "type": error.type}


def silent():
    try:
        complete("silent", timeout=0.5, max_retries=0)
    except openai.APITimeoutError:
        return "timeout"


def models():
    return [model.id for model in openai.OpenAI(base_url=URLS["good"], api_key="lbsim").models.list()]


print(json.dumps({step.__name__: step() for step in [plain, streamed, limited, refused, broken, silent, models]}))
