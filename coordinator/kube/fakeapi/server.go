package fakeapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// object is what is served: a ConfigMap or a Lease.
type object interface {
	runtime.Object
	metav1.Object
}

// resources are what is served, by the last part of their path, and of what kind.
var resources = map[string]struct {
	group schema.GroupVersion
	kind  string
	empty func() object
}{
	"configmaps": {corev1.SchemeGroupVersion, "ConfigMap", func() object { return &corev1.ConfigMap{} }},
	"leases":     {coordinationv1.SchemeGroupVersion, "Lease", func() object { return &coordinationv1.Lease{} }},
}

// maxDataBytes is the limit of a ConfigMap's data.
const maxDataBytes = 1 << 20

// Server is an API server.
type Server struct {
	http *httptest.Server

	mu        sync.Mutex // guards what follows
	revision  int
	objects   map[string]object // by path
	watchers  map[*watcher]bool
	intercept func(*http.Request) error
	requests  map[string]int
}

// New starts an API server without objects.
func New() *Server {
	s := &Server{objects: map[string]object{}, watchers: map[*watcher]bool{}, requests: map[string]int{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL returns where the server is.
func (s *Server) URL() string { return s.http.URL }

// Close ends the server and all watches.
func (s *Server) Close() {
	s.EndWatches(nil)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Intercept has a function called for each request before it is served. An error of it
// is the answer: an API status as such, any other breaks the connection. Nil ends it.
func (s *Server) Intercept(f func(*http.Request) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Requests returns how many requests of a method there were, for a resource.
func (s *Server) Requests(method, resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[method+" "+resource]
}

// Get returns a copy of an object, or nil.
func (s *Server) Get(resource, namespace, name string) runtime.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.objects[path(resource, namespace, name)]; ok {
		return found.DeepCopyObject()
	}
	return nil
}

// Put stores an object, whatever was there before.
func (s *Server) Put(resource, namespace string, o runtime.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := o.DeepCopyObject().(object)
	stored.SetNamespace(namespace)
	key := path(resource, namespace, stored.GetName())
	if before, ok := s.objects[key]; ok {
		stored.SetUID(before.GetUID())
	}
	s.store(key, stored)
}

// Delete deletes an object, if it is there.
func (s *Server) Delete(resource, namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := path(resource, namespace, name)
	if gone, ok := s.objects[key]; ok {
		delete(s.objects, key)
		s.tell("DELETED", key, gone)
	}
}

func path(resource, namespace, name string) string { return resource + "/" + namespace + "/" + name }

// store stores an object under a new version, and tells of it.
func (s *Server) store(key string, o object) {
	event := "MODIFIED"
	if _, ok := s.objects[key]; !ok {
		event = "ADDED"
	}
	s.revision++
	o.SetResourceVersion(strconv.Itoa(s.revision))
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprintf("uid-%d", s.revision)))
	}
	s.objects[key] = o
	s.tell(event, key, o)
}

// serve serves /api/v1/namespaces/N/configmaps[/NAME], and the like.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for len(parts) > 0 && parts[0] != "namespaces" {
		parts = parts[1:]
	}
	if len(parts) < 3 {
		fail(w, apierrors.NewBadRequest("no such path"))
		return
	}
	namespace, resource, name := parts[1], parts[2], strings.Join(parts[3:], "/")
	s.mu.Lock()
	intercept := s.intercept
	s.requests[r.Method+" "+resource]++
	s.mu.Unlock()
	if intercept != nil {
		if err := intercept(r); err != nil {
			fail(w, err)
			return
		}
	}
	switch {
	case r.Method == http.MethodGet && name == "":
		s.watch(w, r, resource, namespace)
	case r.Method == http.MethodGet:
		s.mu.Lock()
		found, ok := s.objects[path(resource, namespace, name)]
		s.mu.Unlock()
		if !ok {
			fail(w, apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name))
			return
		}
		answer(w, http.StatusOK, found)
	default:
		s.change(w, r, resource, namespace, name)
	}
}

// change serves what changes an object.
func (s *Server) change(w http.ResponseWriter, r *http.Request, resource, namespace, name string) {
	body, err := io.ReadAll(r.Body)
	given := resources[resource].empty()
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, given)
	}
	if err != nil {
		fail(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	given.SetNamespace(namespace)
	key, known := path(resource, namespace, given.GetName()), schema.GroupResource{Resource: resource}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, there := s.objects[key]
	switch {
	case tooLarge(given):
		fail(w, apierrors.NewBadRequest("ConfigMap is invalid: Too long"))
		return
	case r.Method == http.MethodPost && there:
		fail(w, apierrors.NewAlreadyExists(known, given.GetName()))
		return
	case r.Method == http.MethodPut && !there:
		fail(w, apierrors.NewNotFound(known, name))
		return
	case r.Method == http.MethodPut && (given.GetUID() != "" && given.GetUID() != before.GetUID() ||
		given.GetResourceVersion() != "" && given.GetResourceVersion() != before.GetResourceVersion()):
		fail(w, apierrors.NewConflict(known, name, fmt.Errorf("the object has been modified")))
		return
	}
	if there {
		given.SetUID(before.GetUID())
	}
	s.store(key, given)
	answer(w, http.StatusOK, given)
}

func tooLarge(o object) bool {
	c, ok := o.(*corev1.ConfigMap)
	if !ok {
		return false
	}
	size := 0
	for _, value := range c.Data {
		size += len(value)
	}
	for _, value := range c.BinaryData {
		size += len(value)
	}
	return size > maxDataBytes
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		panic(http.ErrAbortHandler) // which breaks the connection
	}
	told := status.Status()
	if details := told.Details; details != nil && details.RetryAfterSeconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(details.RetryAfterSeconds)))
	}
	told.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	answer(w, int(told.Code), &told)
}

func answer(w http.ResponseWriter, code int, o runtime.Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(encode(o)) // who does not listen any more misses it
}

// encode writes an object as JSON, with its kind.
func encode(o runtime.Object) []byte {
	o = o.DeepCopyObject()
	for _, r := range resources {
		if fmt.Sprintf("%T", o) == fmt.Sprintf("%T", r.empty()) {
			o.GetObjectKind().SetGroupVersionKind(r.group.WithKind(r.kind))
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // API types can all be encoded
	}
	return text
}
