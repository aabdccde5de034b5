// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// Configuration is what is wrong with a KubeSchedulerConfiguration, and what a scheduler makes of it. Its kind is
// SchedulerConfigurationReport.
type Configuration struct {
	metav1.TypeMeta `json:",inline"`
	File            string            `json:"file"`
	Valid           bool              `json:"valid"`
	Problems        []profile.Problem `json:"problems,omitempty"`
	Profiles        []ProfileRun      `json:"profiles,omitempty"`
}

// ProfileRun is a profile as the scheduler runs it: its plugins by extension point, in their order.
type ProfileRun struct {
	Scheduler  string   `json:"scheduler"`
	PreFilter  []string `json:"preFilter"`
	Filter     []string `json:"filter"`
	PostFilter []string `json:"postFilter"`
	Score      []Weight `json:"score"`
}

// Check reads a configuration strictly, and makes its profiles as the scheduler does. No cluster is asked.
func Check(ctx context.Context, file string, text []byte) *Configuration {
	report := &Configuration{TypeMeta: typeMeta("SchedulerConfigurationReport"), File: file, Valid: true}
	configuration, problems := profile.Validate(text)
	report.Problems = problems
	for _, problem := range problems {
		report.Valid = report.Valid && !problem.Refused
	}
	if !report.Valid {
		return report
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	nowhere, err := cluster.Open(&rest.Config{Host: "http://127.0.0.1:9"})
	if err == nil {
		of := &profile.Profile{Config: configuration, Origin: file}
		report.Profiles, err = profilesRun(ctx, Options{Cluster: nowhere, Profile: of, nobodyAsked: true})
	}
	if err != nil {
		report.Valid = false
		report.Problems = append(report.Problems, profile.Problem{Text: err.Error(), Refused: true})
	}
	return report
}

func profilesRun(ctx context.Context, options Options) ([]ProfileRun, error) {
	s := newScheduler(options)
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	var runs []ProfileRun
	for i := range options.Profile.Config.Profiles {
		name := options.Profile.Config.Profiles[i].SchedulerName
		plugins := s.scheduler.Profiles[name].ListPlugins()
		run := ProfileRun{
			Scheduler: name, PreFilter: namesOf(plugins.PreFilter), Filter: namesOf(plugins.Filter), PostFilter: namesOf(plugins.PostFilter),
			Score: make([]Weight, 0, len(plugins.Score.Enabled)),
		}
		for _, plugin := range plugins.Score.Enabled {
			run.Score = append(run.Score, Weight{plugin.Name, int64(plugin.Weight)})
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// namesOf returns the names of an extension point's plugins: an empty list where there are none, not null.
func namesOf(of config.PluginSet) []string {
	list := make([]string, 0, len(of.Enabled))
	for _, plugin := range of.Enabled {
		list = append(list, plugin.Name)
	}
	return list
}
