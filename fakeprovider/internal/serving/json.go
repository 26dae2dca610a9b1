package serving

import (
	"encoding/json"
	"net/http"
)

// MaxBody is the largest body that anybody may send to a server's administration, in bytes.
const MaxBody = 1 << 20

// ReadJSON reads the body into what into points at. A body that is no JSON of it, or has fields that it has not, is
// answered with 400, and false returned.
func ReadJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// WriteJSON answers with the value as JSON.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	Reply{Status: status, Body: body, Type: "application/json"}.send(w)
}

// Conclude answers 204, or the error with the status.
func Conclude(w http.ResponseWriter, err error, status int) {
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
