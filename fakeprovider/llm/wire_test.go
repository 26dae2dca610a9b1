package llm_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/llm"
)

func TestCompletions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.preflight("w", time.Minute, 0)
	a := f.openAI("kimi", "w").is(200)
	a.has("object", "chat.completion").has("model", "m-1").has("choices.0.message.role", "assistant").
		has("choices.0.message.content", "OK").has("choices.0.finish_reason", "stop")
	if usage := a.at("usage.total_tokens").(float64); usage < 2 || a.header.Get("X-Request-Id") == "" {
		t.Errorf("usage %v, header %v", usage, a.header)
	}
	b := f.anthropic("anthropic", "w").is(200)
	b.has("type", "message").has("role", "assistant").has("model", "m-1").has("content.0.type", "text").
		has("content.0.text", "OK").has("stop_reason", "end_turn")
	if b.header.Get("Request-Id") == "" {
		t.Errorf("header %v", b.header)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.call("GET", "/minimax/v1/models", "", "Authorization", "Bearer k").is(200).has("object", "list").has("data.0.id", "minimax").
		has("data.0.object", "model")
	f.call("GET", "/kimi/v1/models", "", "X-Api-Key", "k", "Anthropic-Version", "2023-06-01").is(200).has("has_more", false).
		has("data.0.type", "model").has("first_id", "kimi")
	f.call("GET", "/kimi/v1/models/kimi-k2", "", "Authorization", "Bearer k").is(200).has("id", "kimi-k2").has("object", "model")
	if len(f.waits.all) != 0 {
		t.Errorf("lists of models waited %v", f.waits.all)
	}
}

func TestErrorsOfBothStyles(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.call("POST", "/kimi/v1/chat/completions", chat).is(401).has("error.type", "invalid_request_error").
		has("error.code", "invalid_api_key").has("error.param", nil)
	f.call("GET", "/kimi/v1/models", "").is(401)
	f.call("POST", "/kimi/v1/messages", messages, "Anthropic-Version", "2023-06-01").is(401).has("type", "error").
		has("error.type", "authentication_error")
	f.call("POST", "/nobody/v1/chat/completions", chat, "X-Api-Key", "k").is(404).has("error.type", "invalid_request_error")
	f.call("POST", "/nobody/v1/messages", messages, "X-Api-Key", "k").is(404).has("error.type", "not_found_error")
	f.call("POST", "/kimi/v1/embeddings", chat, "X-Api-Key", "k").is(404).has("error.type", "invalid_request_error")
	f.call("GET", "/kimi/v1/chat/completions", "", "X-Api-Key", "k").is(405)
	for _, body := range []string{"", "{", `{"messages":[{}]}`, `{"model":"m"}`, `{"model":"m","messages":[]}`} {
		f.call("POST", "/kimi/v1/chat/completions", body, "X-Api-Key", "k").is(400).has("error.type", "invalid_request_error")
		f.call("POST", "/kimi/v1/messages", body, "X-Api-Key", "k", "Anthropic-Version", "2023-06-01").is(400).
			has("error.type", "invalid_request_error")
	}
	f.call("POST", "/kimi/v1/messages", chat, "X-Api-Key", "k", "Anthropic-Version", "2023-06-01").is(400).
		has("error.message", "max_tokens: Field required")
	f.call("POST", "/kimi/v1/messages", messages, "X-Api-Key", "k").is(400).
		has("error.message", "anthropic-version: header is required")
	f.call("POST", "/kimi/v1/chat/completions", strings.Repeat(" ", 9<<20), "X-Api-Key", "k").is(413)
	if got := f.Calls(""); len(got) != 0 {
		t.Errorf("requests that make no sense are counted as completions: %+v", got)
	}

	f.preflight("w", time.Minute, 2)
	a := f.openAI("kimi", "w").is(429).has("error.type", "requests").has("error.code", "rate_limit_exceeded")
	b := f.anthropic("kimi", "w").is(429).has("error.type", "rate_limit_error")
	for _, h := range []http.Header{a.header, b.header} {
		if h.Get("Retry-After") != "10" || h.Get("Retry-After-Ms") != "10000" {
			t.Errorf("headers %v", h)
		}
	}
	f.faults(llm.Rule{Kind: llm.Outage})
	f.openAI("kimi", "w").is(503).has("error.type", "server_error")
	f.anthropic("kimi", "w").is(503).has("error.type", "api_error")
	f.call("GET", "/kimi/v1/models", "", "X-Api-Key", "k").is(503)
}

func TestStreams(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.preflight("w", time.Minute, 0)
	for _, c := range []struct {
		path, body string
		want       []string // in this order
	}{
		{"/openai/v1/chat/completions", chat, []string{
			`data: {`, `"role":"assistant"`, `"object":"chat.completion.chunk"`, `"content":"OK"`, `"finish_reason":"stop"`, "data: [DONE]\n\n",
		}},
		{"/anthropic/v1/messages", messages, []string{
			"event: message_start\ndata: {", "event: content_block_start", "event: content_block_delta", `"text":"OK"`,
			"event: content_block_stop", "event: message_delta", `"stop_reason":"end_turn"`, "event: message_stop",
		}},
	} {
		a := f.call("POST", c.path, strings.Replace(c.body, "{", `{"stream":true,`, 1), "X-Api-Key", "w", "Anthropic-Version", "2023-06-01").is(200)
		if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
			t.Errorf("%s is %s", c.path, got)
		}
		rest := a.body
		for _, part := range c.want {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s lacks %q, or it comes too early:\n%s", c.path, part, a.body)
			}
			rest = after
		}
	}
}
