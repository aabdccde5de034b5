// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// Arm is one of the schedulers that are compared.
type Arm string

// The arms. Each runs the same workloads in the same harness.
const (
	Stock         Arm = "stock"         // the in-tree plugins with kube-scheduler's own configuration
	Config        Arm = "config"        // the in-tree plugins with Headroom's configuration
	Headroom      Arm = "headroom"      // Headroom's plugins with that configuration
	LoadVariation Arm = "loadvariation" // stock and scheduler-plugins' LoadVariationRiskBalancing
)

// Arms returns all arms.
func Arms() []Arm { return []Arm{Stock, Config, Headroom, LoadVariation} }

// Measured is what one run of a workload gives.
type Measured struct {
	// PodsPerSecond counts from the first attempt to the last bind of the pods that count.
	PodsPerSecond float64 `json:"podsPerSecond"`
	// AlgorithmMsMean and AlgorithmMsP99 are the time to choose a node for a pod, in milliseconds.
	AlgorithmMsMean float64 `json:"algorithmMsMean"`
	AlgorithmMsP99  float64 `json:"algorithmMsP99"`
	// FilterMsMean is the part of it in which nodes are filtered, in milliseconds a cycle.
	FilterMsMean float64 `json:"filterMsMean"`
	// AllocsPerPod is the number of heap allocations of the whole process, API server included, by pods that count.
	AllocsPerPod float64 `json:"allocsPerPod"`
	// CPUMsPerPod is what the whole process had of the processors, API server included and etcd not, in milliseconds a pod that counts.
	// 0 is unknown: it was not measured.
	CPUMsPerPod float64 `json:"cpuMsPerPod,omitempty"`
}

// Result is a measurement and what was measured.
type Result struct {
	Workload string `json:"workload"`
	Nodes    int    `json:"nodes"`
	Arm      Arm    `json:"arm"`
	Run      int    `json:"run"` // from 1; runs of the same number were measured side by side
	// Turns is in how many turns the pods that count were created, one arm after the other.
	Turns int `json:"turns,omitempty"`
	Measured
	// Config is the file of config/ that the arms config and headroom ran, Revision the repository's.
	Config   string `json:"config,omitempty"`
	Revision string `json:"revision,omitempty"`
}

// ReadResults reads a list of results; no file is an empty list.
func ReadResults(path string) ([]Result, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var results []Result
	if err := json.Unmarshal(text, &results); err != nil {
		return nil, fmt.Errorf("%s: not a list of results (move it away to start anew): %w", path, err)
	}
	for i, result := range results {
		if !slices.Contains(Arms(), result.Arm) || result.Run < 1 || result.PodsPerSecond <= 0 {
			return nil, fmt.Errorf("%s: result %d is none of ours (move the file away to start anew): %+v", path, i, result)
		}
	}
	return results, nil
}

// WriteResults replaces the file with the list, or leaves it as it is when that fails.
func WriteResults(path string, results []Result) error {
	return writeJSON(path, results)
}

// WriteMeasured writes one measurement, which ReadMeasured reads.
func WriteMeasured(path string, measured *Measured) error {
	return writeJSON(path, measured)
}

func writeJSON(path string, value any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return wholefile.WriteJSON(path, value)
}

// ReadMeasured reads one measurement. The error is fs.ErrNotExist as long as there is none.
func ReadMeasured(path string) (*Measured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	measured := &Measured{}
	if err := json.Unmarshal(text, measured); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return measured, nil
}
