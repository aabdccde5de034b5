// SPDX-License-Identifier: Apache-2.0

package component

import (
	"fmt"
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/logs"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func metricsServer() int {
	logs.InitLogs()
	defer logs.FlushLogs()
	command := app.NewMetricsServerCommand(genericapiserver.SetupSignalHandler())
	command.SilenceUsage = true // pages of flags would hide the error in the log
	if err := command.Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "metrics-server: %v\n", err)
		return 1
	}
	return 0
}
