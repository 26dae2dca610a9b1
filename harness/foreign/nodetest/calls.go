package nodetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

type meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	CreationTimestamp string            `json:"creationTimestamp,omitempty"`
}

type nodeStatus struct {
	Conditions []condition `json:"conditions,omitempty"`
}

type nodeObject struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   meta       `json:"metadata"`
	Status     nodeStatus `json:"status"`
}

func (n *node) object(name string) nodeObject {
	o := nodeObject{APIVersion: "v1", Kind: "Node", Metadata: meta{Name: name, Labels: n.labels, CreationTimestamp: n.created.UTC().Format(time.RFC3339)}}
	if n.ready != nil {
		o.Status.Conditions = []condition{{Type: "MemoryPressure", Status: "False", Reason: "KubeletHasSufficientMemory"}, *n.ready}
	}
	return o
}

type leaseObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   meta   `json:"metadata"`
	Spec       struct {
		HolderIdentity       string `json:"holderIdentity"`
		LeaseDurationSeconds int    `json:"leaseDurationSeconds,omitempty"`
		RenewTime            string `json:"renewTime"`
	} `json:"spec"`
}

// microTime is the form of a Lease's times.
const microTime = "2006-01-02T15:04:05.000000Z07:00"

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /api/v1/nodes": s.list, "POST /api/v1/nodes": s.create, "GET /api/v1/nodes/{name}": s.get, "DELETE /api/v1/nodes/{name}": s.remove,
		"PATCH /api/v1/nodes/{name}/status": s.status, "POST " + leases: s.createLease, "PATCH " + leases + "/{name}": s.renew,
		"DELETE " + leases + "/{name}": s.removeLease,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+Token {
				refuse(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			h(w, r)
		})
	}
	return mux
}

// found returns the node that the call is about, or answers 404.
func (s *Server) found(w http.ResponseWriter, r *http.Request) (string, *node) {
	name := r.PathValue("name")
	n := s.nodes[name]
	if n == nil {
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("nodes %q not found", name))
	}
	return name, n
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	items := []nodeObject{}
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		if n := s.nodes[name]; n.selects(r.URL.Query().Get("labelSelector")) {
			items = append(items, n.object(name))
		}
	}
	reply(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "NodeList", "items": items})
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if name, n := s.found(w, r); n != nil {
		reply(w, http.StatusOK, n.object(name))
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var o nodeObject
	if json.NewDecoder(r.Body).Decode(&o) != nil || o.Kind != "Node" || o.APIVersion != "v1" || o.Metadata.Name == "" {
		refuse(w, http.StatusBadRequest, "BadRequest", "it is no v1 Node with a name")
		return
	}
	if s.nodes[o.Metadata.Name] != nil {
		refuse(w, http.StatusConflict, "AlreadyExists", fmt.Sprintf("nodes %q already exists", o.Metadata.Name))
		return
	}
	n := &node{labels: o.Metadata.Labels, created: time.Now()}
	s.nodes[o.Metadata.Name] = n
	reply(w, http.StatusCreated, n.object(o.Metadata.Name))
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	if name, n := s.found(w, r); n != nil {
		delete(s.nodes, name)
		reply(w, http.StatusOK, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	}
}

// status takes a kubelet's status: it is merged by the conditions' types.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/strategic-merge-patch+json" {
		refuse(w, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "the body of a patch is no strategic merge patch")
		return
	}
	name, n := s.found(w, r)
	if n == nil {
		return
	}
	var o nodeObject
	if json.NewDecoder(r.Body).Decode(&o) != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "it is no patch of a Node")
		return
	}
	n.heard = time.Now()
	given := slices.IndexFunc(o.Status.Conditions, func(c condition) bool { return c.Type == "Ready" })
	stuck := s.config.StickyNeverUpdated && n.ready != nil && n.ready.Reason == "NodeStatusNeverUpdated"
	if given >= 0 && !stuck {
		n.ready = &o.Status.Conditions[given]
	}
	reply(w, http.StatusOK, n.object(name))
}

func (s *Server) createLease(w http.ResponseWriter, r *http.Request) {
	var o leaseObject
	if json.NewDecoder(r.Body).Decode(&o) != nil || o.Kind != "Lease" || o.Metadata.Name == "" || !timed(o) {
		refuse(w, http.StatusBadRequest, "BadRequest", "it is no Lease with a name and a renewTime")
		return
	}
	if s.leases[o.Metadata.Name] != nil {
		refuse(w, http.StatusConflict, "AlreadyExists", fmt.Sprintf("leases %q already exists", o.Metadata.Name))
		return
	}
	s.leases[o.Metadata.Name] = &lease{o.Spec.HolderIdentity, o.Spec.RenewTime}
	reply(w, http.StatusCreated, o)
}

func timed(o leaseObject) bool {
	_, err := time.Parse(microTime, o.Spec.RenewTime)
	return err == nil
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	l := s.leases[name]
	if l == nil {
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("leases %q not found", name))
		return
	}
	var o leaseObject
	if json.NewDecoder(r.Body).Decode(&o) != nil || !timed(o) {
		refuse(w, http.StatusBadRequest, "BadRequest", "it is no patch of a Lease")
		return
	}
	l.Holder, l.Renewed = o.Spec.HolderIdentity, o.Spec.RenewTime
	if n := s.nodes[name]; n != nil {
		n.heard = time.Now()
	}
	reply(w, http.StatusOK, o)
}

func (s *Server) removeLease(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if s.leases[name] == nil {
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("leases %q not found", name))
		return
	}
	delete(s.leases, name)
	reply(w, http.StatusOK, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success"})
}
