package endpoints

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
)

// maxLaunch is how long the body of a launch may be for its failure to be told, and maxReason how much of an answer is read for why.
const (
	maxLaunch = 1 << 20
	maxReason = 4 << 10
)

// Lost is the Error of a launch whose connection was closed before a reply: it may have taken effect.
const Lost = "the reply was lost"

// telling serves a cloud's calls and tells of launches that fail.
func (j *journal) telling(cloud string, h http.Handler, order func(r *http.Request, body []byte) (Machine, bool), why func(reply []byte) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxLaunch))
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		m, launch := order(r, body)
		if err != nil || !launch {
			h.ServeHTTP(w, r)
			return
		}
		m.Cloud = cloud
		seen := &witness{ResponseWriter: w}
		defer func() { // a fault that closes the connection panics
			switch m.Status = seen.code; {
			case seen.code == 0:
				m.Error = Lost
			case seen.code/100 != 2:
				m.Error = cmp.Or(why(seen.reply.Bytes()), http.StatusText(seen.code))
			default:
				return
			}
			j.add(Refused, m)
		}()
		h.ServeHTTP(seen, r)
	})
}

// witness keeps how a call was answered.
type witness struct {
	http.ResponseWriter
	code  int
	reply bytes.Buffer
}

func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *witness) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func (w *witness) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	w.reply.Write(b[:min(len(b), maxReason-w.reply.Len())])
	return w.ResponseWriter.Write(b)
}

// ec2Order reads which workspace a RunInstances is for.
func ec2Order(_ *http.Request, body []byte) (m Machine, launch bool) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "RunInstances" {
		return m, false
	}
	for name := range form {
		tag, ok := strings.CutSuffix(name, ".Key")
		if !ok || !strings.HasPrefix(name, "TagSpecification.") {
			continue
		}
		switch value := form.Get(tag + ".Value"); form.Get(name) {
		case ec2.TagWorkspace:
			m.WorkspaceID = value
		case ec2.TagIncarnation:
			m.Incarnation, _ = strconv.Atoi(value)
		}
	}
	return m, true
}

// ec2Reason reads the code of an error of EC2.
func ec2Reason(reply []byte) string {
	var e struct {
		Code string `xml:"Errors>Error>Code"`
	}
	_ = xml.Unmarshal(reply, &e) // what cannot be read says nothing
	return e.Code
}

// cpOrder reads which workspace a provision is for.
func cpOrder(r *http.Request, body []byte) (m Machine, launch bool) {
	if r.URL.Path != "/cp/workspaces/provision" {
		return m, false
	}
	var order struct {
		WorkspaceID string `json:"workspace_id"`
	}
	if json.Unmarshal(body, &order) != nil {
		return m, false
	}
	m.WorkspaceID = order.WorkspaceID
	return m, true
}

// cpReason reads the error of the control plane.
func cpReason(reply []byte) string {
	var e struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(reply, &e) // likewise
	return e.Error
}
