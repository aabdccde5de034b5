// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// source returns the faults of what says where samples come from.
func source(path *field.Path, source *config.MemorySource) field.ErrorList {
	types := []config.SourceType{config.SourceMetricsAPI, config.SourcePrometheus, config.SourceKubelet}
	var faults field.ErrorList
	if !slices.Contains(types, source.Type) {
		faults = append(faults, field.NotSupported(path.Child("type"), source.Type, types))
	}
	switch {
	case source.Type == config.SourcePrometheus && source.Prometheus == nil:
		faults = append(faults, field.Required(path.Child("prometheus"), "the type Prometheus needs at least an address"))
	case source.Type != config.SourcePrometheus && source.Prometheus != nil:
		faults = append(faults, field.Forbidden(path.Child("prometheus"), "only for the type Prometheus, not "+string(source.Type)))
	case source.Prometheus != nil:
		faults = append(faults, prometheus(path.Child("prometheus"), source.Prometheus)...)
	}
	if kubelet := source.Kubelet; kubelet != nil {
		if kubelet.MaxConcurrent < 0 {
			faults = append(faults, field.Invalid(path.Child("kubelet", "maxConcurrent"), kubelet.MaxConcurrent, "must be at least 1, or 0 for the default"))
		}
		faults = append(faults, authority(path.Child("kubelet"), kubelet.CAFile, kubelet.InsecureSkipVerify)...)
	}
	return faults
}

func prometheus(path *field.Path, source *config.PrometheusSource) field.ErrorList {
	faults := address(path.Child("address"), source)
	for _, query := range []struct {
		field string
		query *config.PrometheusQuery
	}{{"nodes", source.Nodes}, {"kubepods", source.Kubepods}, {"pods", source.Pods}} {
		if query.query != nil && (query.query.Bytes == "" || query.query.Times == "") {
			faults = append(faults, field.Required(path.Child(query.field), "bytes and times: a figure of unknown age is of no use"))
		}
	}
	// The name of a label in PromQL is a C identifier; labels of Kubernetes' nodes are not, and are stored by other names.
	if label := source.NodeLabel; label != "" && len(validation.IsCIdentifier(label)) > 0 {
		faults = append(faults, field.Invalid(path.Child("nodeLabel"), label, "must be the name of a Prometheus label: letters, digits and _, and no digit first"))
	}
	if source.BearerTokenFile != "" && source.Username != "" {
		faults = append(faults, field.Forbidden(path.Child("username"), "only without bearerTokenFile"))
	}
	if (source.Username == "") != (source.PasswordFile == "") {
		faults = append(faults, field.Required(path.Child("passwordFile"), "username and passwordFile go together"))
	}
	faults = append(faults, history(path.Child("history"), &source.History)...)
	return append(faults, authority(path, source.CAFile, source.InsecureSkipVerify)...)
}

// address does not repeat the address in a message: it may hold a password.
func address(path *field.Path, source *config.PrometheusSource) field.ErrorList {
	var problem string
	switch address, err := url.Parse(source.Address); {
	case err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Host == "":
		problem = "must be a URL such as https://prometheus.monitoring:9090"
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		problem = "must have no user, query or fragment; use username and passwordFile"
	case address.Scheme == "http" && !source.InsecureSkipVerify && (source.BearerTokenFile != "" || source.Username != ""):
		problem = "must be https, or bearerTokenFile and passwordFile are sent without encryption, which only insecureSkipVerify allows"
	default:
		return nil
	}
	return field.ErrorList{field.Invalid(path, field.OmitValueType{}, problem)}
}

// maxHistory is as long as anything of a workload is remembered that is not seen any more, less a day.
const maxHistory = 7 * 24 * time.Hour

func history(path *field.Path, history *config.PrometheusHistory) field.ErrorList {
	var faults field.ErrorList
	if period := history.Period.Duration; period != 0 && (period < time.Hour || period > maxHistory) {
		faults = append(faults, field.Invalid(path.Child("period"), period.String(), "must be 0, which turns it off, or between an hour and "+maxHistory.String()))
	}
	if history.Peaks != "" && !strings.Contains(history.Peaks, "$range") {
		faults = append(faults, field.Invalid(path.Child("peaks"), history.Peaks, "must have $range where the range of time is to be, such as max_over_time(metric[$range])"))
	}
	return faults
}

func authority(path *field.Path, file string, insecure bool) field.ErrorList {
	if file != "" && insecure {
		return field.ErrorList{field.Forbidden(path.Child("caFile"), "only without insecureSkipVerify: then nothing is verified")}
	}
	return nil
}
