package fakeapi

import (
	"encoding/json"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// maxUntold bounds the events that wait for one watcher. A watcher that does not keep up
// is ended.
const maxUntold = 1000

// watcher is one watch.
type watcher struct {
	// path is the object's that is watched.
	path   string
	events chan []byte
}

// watch serves a watch of one object, from the present on.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, resource, namespace string) {
	selector, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	name, found := "", false
	if err == nil {
		name, found = selector.RequiresExactMatch(metav1.ObjectNameField)
	}
	if r.URL.Query().Get("watch") != "true" || !found {
		fail(w, apierrors.NewBadRequest("only watches of one name are served"))
		return
	}
	one := &watcher{path: path(resource, namespace, name), events: make(chan []byte, maxUntold)}
	s.mu.Lock()
	s.watchers[one] = true
	if present, ok := s.objects[one.path]; ok {
		one.events <- event("ADDED", encode(present))
	}
	s.mu.Unlock()
	defer s.end(one, nil)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	if flush() != nil {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case told, open := <-one.events:
			if !open {
				return
			}
			if _, err := w.Write(told); err != nil || flush() != nil {
				return
			}
		}
	}
}

func event(kind string, object []byte) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "object": json.RawMessage(object)})
	if err != nil {
		panic(err) // it is of JSON
	}
	return append(text, '\n')
}

// tell tells those who watch an object. The server's lock is held.
func (s *Server) tell(kind, path string, o object) {
	for one := range s.watchers {
		if one.path != path {
			continue
		}
		select {
		case one.events <- event(kind, encode(o)):
		default:
			delete(s.watchers, one)
			close(one.events)
		}
	}
}

// end ends a watch, with an error if there is one.
func (s *Server) end(one *watcher, err apierrors.APIStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.watchers[one] {
		return
	}
	if err != nil {
		status := err.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		select {
		case one.events <- event("ERROR", encode(&status)):
		default: // it is ended all the same
		}
	}
	delete(s.watchers, one)
	close(one.events)
}

// EndWatches ends all watches: with an error, such as that their version expired, or
// as the API server does when their time is over.
func (s *Server) EndWatches(err apierrors.APIStatus) {
	s.mu.Lock()
	var all []*watcher
	for one := range s.watchers {
		all = append(all, one)
	}
	s.mu.Unlock()
	for _, one := range all {
		s.end(one, err)
	}
}

// Watches returns how many watches of a resource there are.
func (s *Server) Watches(resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for one := range s.watchers {
		if strings.HasPrefix(one.path, resource+"/") {
			n++
		}
	}
	return n
}
