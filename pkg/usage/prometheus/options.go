// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/usage/fetch"
)

// Query asks for working sets, twice: for their bytes, and for the times at which they were taken.
type Query struct {
	// Bytes is PromQL for an instant vector of working sets in bytes, one series an object.
	Bytes string
	// Times is PromQL for an instant vector of Unix times in seconds with the same labels. timestamp() of a plain selector
	// is the time of the sample; of anything else it is the time of the query, which says nothing.
	Times string
}

const (
	// The kubelet's cAdvisor knows the machine as the cgroup "/", and the pods together as kubepods, whose path depends on
	// the cgroup driver; that of kind is below the kubelet's own.
	nodeSelector     = `container_memory_working_set_bytes{id="/"}`
	kubepodsSelector = `container_memory_working_set_bytes{id=~"(/kubelet[.]slice/kubelet-|/kubelet/|/)kubepods([.]slice)?"}`
	// A pod's pause container and its own cgroup have no name or none that counts.
	podSelector = `container_memory_working_set_bytes{namespace!="",pod!="",container!="",container!="POD"}`

	// DefaultNodeLabel is the label by which the Prometheus operator says which node a series is from.
	DefaultNodeLabel = "node"
	// RangePlaceholder is replaced by the range of time in PodPeaks.
	RangePlaceholder = "$range"
)

// defaultPeaks is at most too high: containers of a pod need not have had their peaks together.
const defaultPeaks = `sum by (namespace, pod) (max by (namespace, pod, container) (max_over_time(` + podSelector + `[` + RangePlaceholder + `])))`

// Options of a source. Address is needed; the zero value of the rest is what is recommended where the Prometheus operator
// runs. Where several replicas are scraped or asked, the default queries take the highest figure and the oldest time.
type Options struct {
	// Address of the server: https://HOST:PORT/PATH, what comes before /api/v1. Credentials in it are refused.
	Address string

	// Nodes asks for the working set of each machine, by NodeLabel. Empty: cAdvisor's cgroup "/". Some installations drop
	// that series; node_memory_working_set_bytes of the kubelet's /metrics/resource is the same figure.
	Nodes Query
	// Kubepods asks for the working set of all pods of a node together, by NodeLabel. Empty: cAdvisor's kubepods cgroup.
	Kubepods Query
	// Pods asks for the working set of each pod, by the labels namespace and pod. Empty: the sum of cAdvisor's containers.
	Pods Query
	// PodPeaks asks for the highest working set of each pod within RangePlaceholder, by namespace and pod. Empty: the sum
	// of the peaks of its containers, which is at least the pod's peak.
	PodPeaks string
	// NodeLabel has the node. Empty: DefaultNodeLabel. The default queries use it too.
	NodeLabel string
	// StripPort takes a port off the value of NodeLabel: "instance" may be "worker-1:10250".
	StripPort bool

	// CAFile has the certificates that the server's is checked against, PEM. Empty: those of the system.
	CAFile string
	// Insecure sends credentials to whoever answers: to a server whose certificate is not checked, unless there is a CAFile,
	// and without TLS.
	Insecure bool
	// BearerTokenFile has a token, and is read again as it changes. Not together with Username.
	BearerTokenFile string
	// Username and PasswordFile are for basic authentication. The file is read at every request.
	Username, PasswordFile string

	// Fetch bounds the body of each answer and how long the server may be silent.
	Fetch fetch.Options
	// Clock tells what lies in the future. nil: the real one.
	Clock clock.WithDelayedExecution
}

// complete fills in what is empty.
func (o *Options) complete() {
	if o.NodeLabel == "" {
		o.NodeLabel = DefaultNodeLabel
	}
	if o.Nodes == (Query{}) {
		o.Nodes = highest(nodeSelector, o.NodeLabel)
	}
	if o.Kubepods == (Query{}) {
		o.Kubepods = highest(kubepodsSelector, o.NodeLabel)
	}
	if o.Pods == (Query{}) {
		o.Pods = Query{
			Bytes: `sum by (namespace, pod) (max by (namespace, pod, container) (` + podSelector + `))`,
			Times: `min by (namespace, pod) (timestamp(` + podSelector + `))`,
		}
	}
	if o.PodPeaks == "" {
		o.PodPeaks = defaultPeaks
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Fetch.Clock == nil {
		o.Fetch.Clock = o.Clock
	}
}

func highest(selector, label string) Query {
	return Query{Bytes: `max by (` + label + `) (` + selector + `)`, Times: `min by (` + label + `) (timestamp(` + selector + `))`}
}

// validate returns all that is wrong with the options, by field, and the address.
func (o *Options) validate() (*url.URL, error) {
	address, err := parseAddress(o.Address)
	errs := []error{err}
	for _, query := range []struct {
		field string
		Query
	}{{"nodes", o.Nodes}, {"kubepods", o.Kubepods}, {"pods", o.Pods}} {
		if query.Bytes == "" || query.Times == "" {
			errs = append(errs, fmt.Errorf("%s: want the queries for bytes and for times, or neither: a figure of unknown age is of no use", query.field))
		}
	}
	if !strings.Contains(o.PodPeaks, RangePlaceholder) {
		errs = append(errs, fmt.Errorf("podPeaks: want %s where the range of time is to be", RangePlaceholder))
	}
	errs = append(errs, o.validateCredentials(address))
	return address, errors.Join(errs...)
}

// parseAddress does not repeat the address in an error: it may have a password.
func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil:
		return &url.URL{}, errors.New("address: it is no URL")
	case address.User != nil:
		err = errors.New("address: it has credentials; use bearerTokenFile, or username and passwordFile")
	case address.Scheme != "http" && address.Scheme != "https" || address.Host == "":
		err = errors.New("address: want https://HOST:PORT or http://HOST:PORT, with or without a path")
	case address.RawQuery != "" || address.Fragment != "":
		err = errors.New("address: want no query and no fragment")
	}
	return address, err
}

func (o *Options) validateCredentials(address *url.URL) error {
	var errs []error
	if o.BearerTokenFile != "" && o.Username != "" {
		errs = append(errs, errors.New("bearerTokenFile, username: want one of them"))
	}
	if (o.Username == "") != (o.PasswordFile == "") {
		errs = append(errs, errors.New("username, passwordFile: want both or none"))
	}
	if address.Scheme == "http" && !o.Insecure && (o.BearerTokenFile != "" || o.Username != "") {
		errs = append(errs, errors.New("address: credentials would be sent without encryption; use https, or set insecureSkipVerify"))
	}
	return errors.Join(errs...)
}

// transport sends by TLS as is said, with the credentials.
func (o *Options) transport() (http.RoundTripper, error) {
	config := &rest.Config{Host: o.Address, BearerTokenFile: o.BearerTokenFile, TLSClientConfig: rest.TLSClientConfig{CAFile: o.CAFile, Insecure: o.Insecure && o.CAFile == ""}}
	if o.Username != "" {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &basicAuth{o.Username, o.PasswordFile, next} })
	}
	return rest.TransportFor(config)
}

// basicAuth adds a name and a password to requests.
type basicAuth struct {
	username, passwordFile string
	next                   http.RoundTripper
}

// RoundTrip sends the request with the password that the file has now.
func (b *basicAuth) RoundTrip(request *http.Request) (*http.Response, error) {
	password, err := os.ReadFile(b.passwordFile)
	if err != nil {
		return nil, fmt.Errorf("password file: %w", err)
	}
	request = request.Clone(request.Context())
	request.SetBasicAuth(b.username, strings.TrimSpace(string(password)))
	return b.next.RoundTrip(request)
}
