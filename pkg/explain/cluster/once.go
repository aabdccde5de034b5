// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// once is a connection over which a cluster is read once: informers get their lists from it, and no changes after that. What
// may not be listed, or is not served, is empty for them and noted as a loss.
type once struct {
	next http.RoundTripper
	// base is the path of the server, before those of the API: "" but for servers behind a proxy.
	base string

	mutex  sync.Mutex
	losses []Loss
	failed string // the last answer that was neither
}

// Loss is a resource that could not be listed, or a plugin that could not be asked.
type Loss struct {
	// Resource as RBAC names it, such as nodes, or resourceslices.resource.k8s.io; or the name of a plugin.
	Resource string `json:"resource"`
	// Reason is what the server answered: "forbidden" or "not served"; or "out of reach", of a plugin.
	Reason string `json:"reason"`
	// Lost is what is not known without it.
	Lost string `json:"lost"`
}

// String says what is lost, and why.
func (l Loss) String() string {
	switch l.Reason {
	case reasonForbidden:
		return fmt.Sprintf("no permission to list %s: %s", l.Resource, l.Lost)
	case reasonOutOfReach:
		return fmt.Sprintf("%s cannot be asked from here: %s", l.Resource, l.Lost)
	}
	return fmt.Sprintf("%s are not served: %s", l.Resource, l.Lost)
}

// Remedy is what would mend it.
func (l Loss) Remedy() string {
	if l.Reason == reasonOutOfReach {
		return "ask from a pod of the cluster, or do without"
	}
	return "grant get and list of " + l.Resource + " to whoever asks"
}

const (
	reasonForbidden  = "forbidden"
	reasonNotServed  = "not served"
	reasonOutOfReach = "out of reach"

	emptyList = `{"metadata":{"resourceVersion":"1"},"items":[]}`
)

// RoundTrip sends lists on and answers watches itself.
func (o *once) RoundTrip(request *http.Request) (*http.Response, error) {
	if watch := request.URL.Query().Get("watch"); watch == "true" || watch == "1" {
		return unchanging(request), nil
	}
	response, err := o.next.RoundTrip(request)
	if err != nil {
		o.fail(err.Error())
		return nil, err
	}
	resource, isList := listed(strings.TrimPrefix(request.URL.Path, o.base))
	if request.Method != http.MethodGet || !isList || response.StatusCode == http.StatusOK {
		return response, nil
	}
	switch response.StatusCode {
	case http.StatusForbidden:
		o.lose(resource, reasonForbidden)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		o.lose(resource, reasonNotServed)
	default:
		o.fail(fmt.Sprintf("list %s: the server answered %s", resource, response.Status))
		return response, nil
	}
	_ = response.Body.Close()
	return answer(request, http.StatusOK, io.NopCloser(strings.NewReader(emptyList))), nil
}

// unchanging answers a watch: nothing happens until the watcher goes away. A list that is asked for as a watch is refused, and
// then asked for as one.
func unchanging(request *http.Request) *http.Response {
	if request.URL.Query().Get("sendInitialEvents") == "true" {
		return answer(request, http.StatusBadRequest, io.NopCloser(bytes.NewReader(nil)))
	}
	return answer(request, http.StatusOK, &silence{done: request.Context().Done(), closed: make(chan struct{})})
}

func answer(request *http.Request, code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1, Request: request,
	}
}

// silence is a body in which nothing comes until it is closed.
type silence struct {
	done   <-chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Read waits.
func (s *silence) Read([]byte) (int, error) {
	select {
	case <-s.done:
	case <-s.closed:
	}
	return 0, io.EOF
}

// Close ends it.
func (s *silence) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// listed returns the resource of which a path is the list: /api/v1/nodes, /apis/GROUP/VERSION/RESOURCE, or either with
// namespaces/NAME before the resource.
func listed(path string) (resource string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		group, parts = "."+parts[1], parts[3:]
	default:
		return "", false
	}
	if len(parts) == 3 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	return parts[0] + group, len(parts) == 1
}

func (o *once) lose(resource, reason string) {
	o.note(Loss{Resource: resource, Reason: reason, Lost: lost(resource)})
}

func (o *once) note(loss Loss) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !slices.Contains(o.losses, loss) {
		o.losses = append(o.losses, loss)
	}
}

func (o *once) fail(text string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.failed = text
}

// lost says what is not known without a resource.
func lost(resource string) string {
	known := map[string]string{
		"nodes":                             "there is nothing to place a pod on",
		"pods":                              "what nodes hold already is not known",
		"nodes.metrics.k8s.io":              "no memory is measured, and requests decide",
		"pods.metrics.k8s.io":               "no memory is measured, and requests decide",
		"namespaces":                        "pod affinity by namespace selector matches no namespace",
		"services":                          "default spreading over zones is left out",
		"replicationcontrollers":            "default spreading over zones is left out",
		"replicasets.apps":                  "default spreading over zones is left out",
		"statefulsets.apps":                 "default spreading over zones is left out",
		"persistentvolumeclaims":            "a pod with a claim counts as one whose claim is missing",
		"persistentvolumes":                 "a pod with a bound claim fits nowhere",
		"storageclasses.storage.k8s.io":     "a pod with an unbound claim fits nowhere",
		"csinodes.storage.k8s.io":           "the number of volumes of a node is not limited",
		"csidrivers.storage.k8s.io":         "storage capacity is not looked at",
		"resourceclaims.resource.k8s.io":    "a pod with a resource claim fits nowhere",
		"resourceslices.resource.k8s.io":    "a pod with a resource claim fits nowhere",
		"deviceclasses.resource.k8s.io":     "a pod with a resource claim fits nowhere",
		"priorityclasses.scheduling.k8s.io": "the priority of a pod in a file counts as 0",
		"runtimeclasses.node.k8s.io":        "the overhead and the placement that a runtime class gives to a pod in a file are not counted",
		"limitranges":                       "the requests and limits that its namespace gives to a pod in a file are not counted",
		"resourcequotas":                    "whether a quota of its namespace refuses a pod in a file is not known",
		"poddisruptionbudgets.policy":       "preemption is judged without them",
		"leases.coordination.k8s.io":        "whether the scheduler runs is not known",
		"configmaps":                        "the configuration that the scheduler runs is not known",
		"volumeattachments.storage.k8s.io":  "attached volumes are not counted",
	}
	if text, ok := known[resource]; ok {
		return text
	}
	return "plugins that read them take them for none"
}
