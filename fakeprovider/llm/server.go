package llm

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// maxBody is the longest request that is read, in bytes.
const maxBody = 8 << 20

// Server is the fake providers. See the package documentation for what it guarantees.
type Server struct {
	opt       Options
	providers map[string]fakeprovider.Provider
	router    *mux.Router

	mu         sync.Mutex
	counts     map[caller]int
	requests   uint64
	preflights map[string]*Preflight
	faults     Faults
	tallies    []serving.Tally
	log        callLog
	told       serving.Queue[Call]
}

// New returns a server. It panics where the options make no sense; [Options.Validate] tells before.
func New(o Options) *Server {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	o = o.withDefaults()
	s := &Server{
		opt: o, providers: map[string]fakeprovider.Provider{}, counts: map[caller]int{}, preflights: map[string]*Preflight{},
	}
	for _, p := range o.Providers {
		s.providers[p.Name] = p
		s.log.totals = append(s.log.totals, Tally{Provider: p.Name})
	}
	if err := s.SetFaults(o.Faults); err != nil {
		panic(err)
	}
	r := mux.NewRouter()
	r.SkipClean(true)
	r.UseEncodedPath()
	r.HandleFunc("/{provider}/v1/models", s.models).Methods(http.MethodGet)
	r.HandleFunc("/{provider}/v1/models/{model}", s.models).Methods(http.MethodGet)
	r.HandleFunc("/{provider}/v1/chat/completions", s.completion(openAI{})).Methods(http.MethodPost)
	r.HandleFunc("/{provider}/v1/messages", s.completion(anthropic{})).Methods(http.MethodPost)
	r.NotFoundHandler = s.unknown(http.StatusNotFound)
	r.MethodNotAllowedHandler = s.unknown(http.StatusMethodNotAllowed)
	s.router = r
	return s
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// style is one of the APIs: what it calls things.
type style interface {
	// read returns what the completion needs of the request's body, or a failure.
	read(r *http.Request, body []byte) (request, *failure)
	completion(q request, id string, created int64) any
	// events are the same as a stream.
	events(q request, id string, created int64) []event
	failure(f *failure, id string) any
	models(names []string, one bool) any
	// requestID is the header and the form of a request's number.
	requestID(n uint64) (header, id string)
	// overloaded is the code of a provider's own failures.
	overloaded() int
}

// request is as much of a completion's request as matters.
type request struct {
	model  string
	stream bool
	size   int // of the body, in bytes
}

// failure is an error before it has a style.
type failure struct {
	status  int
	message string
}

func fail(status int, format string, args ...any) *failure {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// styleOf is the API that a request that is for none of the two speaks.
func styleOf(r *http.Request) style {
	if r.Header.Get("Anthropic-Version") != "" || strings.HasSuffix(r.URL.Path, "/messages") {
		return anthropic{}
	}
	return openAI{}
}

// number counts a request.
func (s *Server) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return s.requests
}

// identify finds out who asks for what, or why it cannot be answered.
func (s *Server) identify(r *http.Request) (caller, *failure) {
	c := caller{provider: mux.Vars(r)["provider"], workspace: r.Header.Get(WorkspaceHeader)}
	if _, ok := s.providers[c.provider]; !ok {
		return c, fail(http.StatusNotFound, "There is no provider %.64q here", c.provider)
	}
	key := r.Header.Get("X-Api-Key")
	if key == "" {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "bearer") {
			key = strings.TrimSpace(token)
		}
	}
	if key == "" {
		return c, fail(http.StatusUnauthorized, "There is no API key in the request: send one as a bearer token or as X-Api-Key")
	}
	if c.workspace == "" {
		c.workspace = key
	}
	return c, nil
}

// unknown answers what is no call of either API.
func (s *Server) unknown(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, styleOf(r), fail(status, "Invalid URL (%s %.128s)", r.Method, r.URL.Path))
	}
}

// models lists a provider's models: the one that is named for it. Any other is shown where it is asked for by name.
func (s *Server) models(w http.ResponseWriter, r *http.Request) {
	st := styleOf(r)
	c, problem := s.identify(r)
	if problem == nil {
		s.mu.Lock()
		if s.down(c) {
			problem = outage()
		}
		s.mu.Unlock()
	}
	if problem != nil {
		s.refuse(w, r, st, problem)
		return
	}
	model, one := mux.Vars(r)["model"]
	if !one {
		model = c.provider
	}
	header, id := st.requestID(s.number())
	w.Header().Set(header, id)
	serving.WriteJSON(w, http.StatusOK, st.models([]string{model}, one))
}

// refuse answers with an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, st style, f *failure) {
	header, id := st.requestID(s.number())
	w.Header().Set(header, id)
	if f.status == http.StatusTooManyRequests {
		wait := s.opt.real(s.opt.RetryAfter)
		w.Header().Set("Retry-After", seconds(wait))
		w.Header().Set("Retry-After-Ms", milliseconds(wait))
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)) // so that the connection can be used again
	serving.WriteJSON(w, f.status, st.failure(f, id))
}
