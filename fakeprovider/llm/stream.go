package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// event is a server-sent event.
type event struct {
	name string // "" where the API names none
	data any    // shown as JSON, but for a raw one
}

// raw is data that is no JSON.
type raw string

// stream answers with the events.
func stream(w http.ResponseWriter, events []event) {
	var b bytes.Buffer
	for _, e := range events {
		if e.name != "" {
			fmt.Fprintf(&b, "event: %s\n", e.name)
		}
		if text, ok := e.data.(raw); ok {
			fmt.Fprintf(&b, "data: %s\n\n", text)
			continue
		}
		data, err := json.Marshal(e.data)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(&b, "data: %s\n\n", data)
	}
	serving.Reply{
		Status: http.StatusOK, Type: "text/event-stream; charset=utf-8", Header: http.Header{"Cache-Control": {"no-cache"}}, Body: b.Bytes(),
	}.Deliver(w, nil, serving.Kept)
}
