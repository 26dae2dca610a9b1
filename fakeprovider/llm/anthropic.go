package llm

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// statusOverloaded is Anthropic's own code for a server that has too much to do.
const statusOverloaded = 529

// anthropic is the style of Anthropic's API.
type anthropic struct{}

func (anthropic) read(r *http.Request, body []byte) (request, *failure) {
	var in struct {
		Model     string            `json:"model"`
		Messages  []json.RawMessage `json:"messages"`
		MaxTokens int               `json:"max_tokens"`
		Stream    bool              `json:"stream"`
	}
	switch err := json.Unmarshal(body, &in); {
	case r.Header.Get("Anthropic-Version") == "":
		return request{}, fail(http.StatusBadRequest, "anthropic-version: header is required")
	case err != nil:
		return request{}, fail(http.StatusBadRequest, "The request body is not valid JSON")
	case in.Model == "":
		return request{}, fail(http.StatusBadRequest, "model: Field required")
	case len(in.Messages) == 0:
		return request{}, fail(http.StatusBadRequest, "messages: at least one message is required")
	case in.MaxTokens < 1:
		return request{}, fail(http.StatusBadRequest, "max_tokens: Field required")
	}
	return request{model: in.Model, stream: in.Stream}, nil
}

func (anthropic) message(q request, id string) object {
	return object{
		"id": "msg_" + id, "type": "message", "role": "assistant", "model": q.model, "content": []object{}, "stop_reason": nil,
		"stop_sequence": nil, "usage": object{"input_tokens": q.size/4 + 1, "output_tokens": 1}, // about four bytes a token
	}
}

func (a anthropic) completion(q request, id string, _ int64) any {
	m := a.message(q, id)
	m["content"], m["stop_reason"] = []object{{"type": "text", "text": reply}}, "end_turn"
	return m
}

func (a anthropic) events(q request, id string, _ int64) []event {
	named := func(name string, fields object) event {
		fields["type"] = name
		return event{name, fields}
	}
	return []event{
		named("message_start", object{"message": a.message(q, id)}),
		named("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}}),
		named("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": reply}}),
		named("content_block_stop", object{"index": 0}),
		named("message_delta", object{
			"delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": 1},
		}),
		named("message_stop", object{}),
	}
}

func (anthropic) failure(f *failure, id string) any {
	kind := "invalid_request_error"
	switch {
	case f.status == http.StatusUnauthorized:
		kind = "authentication_error"
	case f.status == http.StatusNotFound || f.status == http.StatusMethodNotAllowed:
		kind = "not_found_error"
	case f.status == http.StatusRequestEntityTooLarge:
		kind = "request_too_large"
	case f.status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case f.status == statusOverloaded:
		kind = "overloaded_error"
	case f.status >= http.StatusInternalServerError:
		kind = "api_error"
	}
	return object{"type": "error", "error": object{"type": kind, "message": f.message}, "request_id": id}
}

func (anthropic) models(names []string, one bool) any {
	var all []object
	for _, n := range names {
		all = append(all, object{"type": "model", "id": n, "display_name": n, "created_at": "2026-01-01T00:00:00Z"})
	}
	if one {
		return all[0]
	}
	return object{"data": all, "has_more": false, "first_id": names[0], "last_id": names[len(names)-1]}
}

func (anthropic) requestID(n uint64) (header, id string) {
	return "Request-Id", fmt.Sprintf("req_%08d", n)
}

func (anthropic) overloaded() int { return statusOverloaded }
