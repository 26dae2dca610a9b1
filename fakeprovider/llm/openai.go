package llm

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// reply is what every completion says.
const reply = "OK"

// object is a JSON object.
type object map[string]any

// openAI is the style of OpenAI's API, which most providers speak.
type openAI struct{}

func (openAI) read(_ *http.Request, body []byte) (request, *failure) {
	var in struct {
		Model    string            `json:"model"`
		Messages []json.RawMessage `json:"messages"`
		Stream   bool              `json:"stream"`
	}
	switch err := json.Unmarshal(body, &in); {
	case err != nil:
		return request{}, fail(http.StatusBadRequest, "We could not parse the JSON body of your request")
	case in.Model == "":
		return request{}, fail(http.StatusBadRequest, "you must provide a model parameter")
	case len(in.Messages) == 0:
		return request{}, fail(http.StatusBadRequest, "Missing required parameter: 'messages'")
	}
	return request{model: in.Model, stream: in.Stream}, nil
}

func (openAI) completion(q request, id string, created int64) any {
	prompt := q.size/4 + 1 // about four bytes a token
	return object{
		"id": "chatcmpl-" + id, "object": "chat.completion", "created": created, "model": q.model,
		"choices": []object{{
			"index": 0, "message": object{"role": "assistant", "content": reply, "refusal": nil}, "logprobs": nil, "finish_reason": "stop",
		}},
		"usage": object{"prompt_tokens": prompt, "completion_tokens": 1, "total_tokens": prompt + 1},
	}
}

func (openAI) events(q request, id string, created int64) []event {
	chunk := func(delta object, finish any) event {
		return event{data: object{
			"id": "chatcmpl-" + id, "object": "chat.completion.chunk", "created": created, "model": q.model,
			"choices": []object{{"index": 0, "delta": delta, "finish_reason": finish}},
		}}
	}
	return []event{
		chunk(object{"role": "assistant", "content": ""}, nil), chunk(object{"content": reply}, nil), chunk(object{}, "stop"),
		{data: raw("[DONE]")},
	}
}

func (openAI) failure(f *failure, _ string) any {
	kind, code := "invalid_request_error", any(nil)
	switch {
	case f.status == http.StatusUnauthorized:
		code = "invalid_api_key"
	case f.status == http.StatusTooManyRequests:
		kind, code = "requests", "rate_limit_exceeded"
	case f.status >= http.StatusInternalServerError:
		kind = "server_error"
	}
	return object{"error": object{"message": f.message, "type": kind, "param": nil, "code": code}}
}

func (openAI) models(names []string, one bool) any {
	var all []object
	for _, n := range names {
		all = append(all, object{"id": n, "object": "model", "created": 1767225600, "owned_by": "bootrace"}) // 2026-01-01
	}
	if one {
		return all[0]
	}
	return object{"object": "list", "data": all}
}

func (openAI) requestID(n uint64) (header, id string) {
	return "X-Request-Id", fmt.Sprintf("req%08d", n)
}

func (openAI) overloaded() int { return http.StatusInternalServerError }
