// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/util/validation"
)

// SchedulerOptions say which scheduler StartScheduler starts, and how.
type SchedulerOptions struct {
	// Name tells the schedulers of a cluster apart; it is a DNS label, and its log is NAME.log. Default: kube-scheduler.
	// It is not the schedulerName of pods: that is in the configuration.
	Name string
	// Executable is a kube-scheduler with any plugins. Default: the component kube-scheduler of Options.Executable.
	Executable string
	// ConfigFile is a KubeSchedulerConfiguration. The scheduler gets a copy in which the connection to this cluster is set
	// and leader election is off; everything else is kept. Without a file the scheduler runs its default configuration.
	ConfigFile string
	// Kubeconfig is how the scheduler connects, if not as the user system:kube-scheduler.
	Kubeconfig string
	// LeaderElection keeps what ConfigFile says of leader election.
	LeaderElection bool
	// Args are further flags.
	Args []string
}

// StartScheduler starts a scheduler and waits until it is ready. By default it runs as the user system:kube-scheduler, with the
// built-in roles of that user and the right to read metrics.k8s.io. After an error it is not running.
func (c *Cluster) StartScheduler(ctx context.Context, options SchedulerOptions) error {
	if options.Name == "" {
		options.Name = schedulerName
	}
	if problems := validation.IsDNS1123Label(options.Name); len(problems) > 0 {
		return fmt.Errorf("SchedulerOptions.Name %q: %s", options.Name, problems[0])
	}
	err := c.startScheduler(ctx, options)
	var ended *endedError
	if errors.As(err, &ended) && ended.portTaken() {
		err = c.startScheduler(ctx, options)
	}
	if err != nil {
		return fmt.Errorf("scheduler %s: %w", options.Name, err)
	}
	return nil
}

func (c *Cluster) startScheduler(ctx context.Context, options SchedulerOptions) error {
	free, err := freePorts(1)
	if err != nil {
		return err
	}
	port := free[0]
	arguments, err := c.schedulerArguments(options, port)
	if err != nil {
		return err
	}
	command := c.component(schedulerName, arguments...)
	if options.Executable != "" {
		command = foreignCommand(options.Executable, arguments)
	}
	command.name = options.Name
	if err := c.reserveScheduler(options.Name, port); err != nil {
		return err
	}
	p, err := c.spawn(command)
	if err != nil {
		return errors.Join(err, c.StopScheduler(options.Name))
	}
	if err := poll(ctx, pollInterval, c.schedulerReady(port), p); err != nil {
		return errors.Join(err, c.StopScheduler(options.Name))
	}
	return nil
}

// foreignCommand runs an executable that is not the multi-call binary.
func foreignCommand(executable string, arguments []string) command {
	return command{executable: executable, arguments: arguments, foreign: true}
}

// reserveScheduler refuses a name that is taken.
func (c *Cluster) reserveScheduler(name string, port int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	_, isProcess := c.processes[name]
	if _, isScheduler := c.schedulers[name]; isProcess || isScheduler {
		return errors.New("the cluster already has a process of this name")
	}
	c.schedulers[name] = port
	return nil
}

// schedulerReady asks a scheduler whether it is ready, or whether it is healthy if it is too old for the former.
func (c *Cluster) schedulerReady(port int) func(context.Context) error {
	readyz, healthz := c.healthy(port, "/readyz"), c.healthy(port, "/healthz")
	return func(ctx context.Context) error {
		err := readyz(ctx)
		var status *statusError
		if errors.As(err, &status) && status.missing() {
			return healthz(ctx)
		}
		return err
	}
}

// schedulerArguments writes the scheduler's configuration and returns its flags.
func (c *Cluster) schedulerArguments(options SchedulerOptions, port int) ([]string, error) {
	kubeconfig := options.Kubeconfig
	if kubeconfig == "" {
		kubeconfig = c.files.kubeconfig(schedulerName)
	}
	servingCertificate, servingKey := c.files.serving()
	arguments := []string{
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=" + loopback,
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + servingCertificate,
		"--tls-private-key-file=" + servingKey,
		"--cert-dir=" + filepath.Join(c.folder.path, temporaryFolder),
	}
	if options.ConfigFile == "" {
		arguments = append(arguments,
			"--kubeconfig="+kubeconfig,
			"--leader-elect=false",
			fmt.Sprintf("--kube-api-qps=%d", highRate),
			fmt.Sprintf("--kube-api-burst=%d", highRate),
		)
		return append(arguments, options.Args...), nil
	}
	source, err := os.ReadFile(options.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("SchedulerOptions.ConfigFile: %w", err)
	}
	config, err := schedulerConfig(source, kubeconfig, options.LeaderElection)
	if err != nil {
		return nil, fmt.Errorf("SchedulerOptions.ConfigFile: %s: %w", options.ConfigFile, err)
	}
	path := filepath.Join(c.folder.path, options.Name+".yaml")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return nil, err
	}
	return append(append(arguments, "--config="+path), options.Args...), nil
}

// StopScheduler stops a scheduler and waits until it is gone.
func (c *Cluster) StopScheduler(name string) error {
	c.mu.Lock()
	_, found := c.schedulers[name]
	p := c.processes[name]
	c.mu.Unlock()
	if !found {
		return fmt.Errorf("the cluster has no scheduler %s", name)
	}
	if p != nil {
		p.stop()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schedulers[name] != 0 && c.processes[name] == p { // not if somebody has stopped and started it meanwhile
		delete(c.schedulers, name)
		delete(c.processes, name)
	}
	return nil
}
