{{- /* The names of the profiles, as a JSON list. */ -}}
{{- define "headroom-scheduler.schedulerNames" -}}
{{- if .Values.schedulerNames -}}
{{- toJson .Values.schedulerNames -}}
{{- else if eq .Values.mode "replace" -}}
["default-scheduler","headroom-scheduler"]
{{- else -}}
["headroom-scheduler"]
{{- end -}}
{{- end -}}

{{- /* The plugins of each profile: those that Headroom ships with, and those of the values. config/scheduler-config.yaml says why. */ -}}
{{- define "headroom-scheduler.plugins" -}}
multiPoint:
  enabled:
    - name: HeadroomNodeName
    - name: HeadroomNodeAffinity
      weight: 2
    - name: HeadroomMemory
      weight: 10
  disabled:
    - name: NodeName
    - name: NodeAffinity
    - name: NodeResourcesBalancedAllocation
preFilter:
  enabled:
    - name: HeadroomNodeName
    - name: NodeUnschedulable
    - name: TaintToleration
    - name: HeadroomNodeAffinity
filter:
  enabled:
    - name: HeadroomNodeName
    - name: NodeUnschedulable
    - name: TaintToleration
    - name: HeadroomNodeAffinity
postFilter:
  enabled:
    - name: HeadroomMemory
    - name: HeadroomNodeAffinity
{{- end -}}

{{- /* The KubeSchedulerConfiguration, as JSON. */ -}}
{{- define "headroom-scheduler.configuration" -}}
{{- $replaces := eq .Values.mode "replace" -}}
{{- $plugins := include "headroom-scheduler.plugins" . | fromYaml -}}
{{- /* Helm drops a value of which nothing is left, as when all below it is a comment. */ -}}
{{- $given := default dict .Values.plugins -}}
{{- /* What the values enable or disable, here or everywhere, is not listed by the chart as well: kube-scheduler starts with no plugin
that is listed twice, and one that is listed runs, whatever is disabled. Where the order is listed, all may be disabled for another. */ -}}
{{- $everywhere := list -}}
{{- range dig "multiPoint" "disabled" list $given -}}{{- $everywhere = append $everywhere .name -}}{{- end -}}
{{- range $point, $own := $plugins -}}
{{- $named := $everywhere -}}
{{- range $which := list "enabled" "disabled" -}}
{{- range dig $point $which list $given -}}{{- $named = append $named .name -}}{{- end -}}
{{- end -}}
{{- $all := and (has $point (list "preFilter" "filter")) (has "*" $named) -}}
{{- $kept := list -}}
{{- range $own.enabled -}}
{{- if not (or (has .name $named) $all) -}}{{- $kept = append $kept . -}}{{- end -}}
{{- end -}}
{{- $_ := set $own "enabled" $kept -}}
{{- end -}}
{{- range $point, $set := $given -}}
{{- $own := dig $point dict $plugins -}}
{{- $merged := dict -}}
{{- range $which := list "enabled" "disabled" -}}
{{- with concat (dig $which list $own) (dig $which list $set) -}}{{- $_ := set $merged $which . -}}{{- end -}}
{{- end -}}
{{- $_ := set $plugins $point $merged -}}
{{- end -}}
{{- $arguments := list -}}
{{- /* Each release keeps what it learned in a ConfigMap of its own. */ -}}
{{- $checkpoint := dict "enabled" false -}}
{{- if .Values.forecast.checkpoint.enabled -}}
{{- $checkpoint = dict "enabled" true "namespace" .Release.Namespace "name" (printf "%s-forecast" (include "headroom-scheduler.fullname" .)) -}}
{{- end -}}
{{- $memory := mergeOverwrite (dict "checkpoint" $checkpoint) (deepCopy (default dict .Values.memory)) -}}
{{- $arguments = append $arguments (dict "name" "HeadroomMemory" "args" $memory) -}}
{{- with .Values.nodeAffinity -}}{{- $arguments = append $arguments (dict "name" "HeadroomNodeAffinity" "args" .) -}}{{- end -}}
{{- $arguments = concat $arguments (default list .Values.pluginConfig) -}}
{{- $profiles := list -}}
{{- range include "headroom-scheduler.schedulerNames" . | fromJsonArray -}}
{{- $profile := dict "schedulerName" . "plugins" $plugins -}}
{{- with $arguments -}}{{- $_ := set $profile "pluginConfig" . -}}{{- end -}}
{{- $profiles = append $profiles $profile -}}
{{- end -}}
{{- $lease := .Values.leaderElection -}}
{{- $election := dict "leaderElect" true "leaseDuration" $lease.leaseDuration "renewDeadline" $lease.renewDeadline "retryPeriod" $lease.retryPeriod -}}
{{- $_ := set $election "resourceName" (default (ternary "kube-scheduler" (include "headroom-scheduler.fullname" .) $replaces) $lease.resourceName) -}}
{{- $_ := set $election "resourceNamespace" (default (ternary "kube-system" .Release.Namespace $replaces) $lease.resourceNamespace) -}}
{{- $built := dict "apiVersion" "kubescheduler.config.k8s.io/v1" "kind" "KubeSchedulerConfiguration" "leaderElection" $election "profiles" $profiles -}}
{{- mergeOverwrite $built (deepCopy (default dict .Values.configuration)) | toJson -}}
{{- end -}}

{{- /* Names that the profiles go by, as a JSON list. kube-scheduler names a profile that has no name, and adds one where there is none. */ -}}
{{- define "headroom-scheduler.profileNames" -}}
{{- $names := list -}}
{{- range (include "headroom-scheduler.configuration" . | fromJson).profiles -}}
{{- $names = append $names (dig "schedulerName" "default-scheduler" .) -}}
{{- end -}}
{{- default (list "default-scheduler") $names | toJson -}}
{{- end -}}

{{- /* Names of the plugins that a profile enables somewhere, as a JSON list. */ -}}
{{- define "headroom-scheduler.enabled" -}}
{{- $names := list -}}
{{- range dig "plugins" dict . -}}
{{- range dig "enabled" list . -}}{{- $names = append $names .name -}}{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- /* What the profiles read beside what every kube-scheduler does, as JSON: metricsAPI, kubeletStats, kubeletConfig. */ -}}
{{- define "headroom-scheduler.reads" -}}
{{- $reads := dict "metricsAPI" false "kubeletStats" false "kubeletConfig" false -}}
{{- range (include "headroom-scheduler.configuration" . | fromJson).profiles -}}
{{- $enabled := include "headroom-scheduler.enabled" . | fromJsonArray -}}
{{- $arguments := dict -}}
{{- range dig "pluginConfig" list . -}}{{- $_ := set $arguments .name (dig "args" dict .) -}}{{- end -}}
{{- /* Headroom's own: a profile without arguments reads metrics.k8s.io. */ -}}
{{- if has "HeadroomMemory" $enabled -}}
{{- $memory := dig "HeadroomMemory" dict $arguments -}}
{{- $source := dig "source" "type" "MetricsAPI" $memory -}}
{{- if eq $source "MetricsAPI" -}}{{- $_ := set $reads "metricsAPI" true -}}{{- end -}}
{{- if eq $source "Kubelet" -}}{{- $_ := set $reads "kubeletStats" true -}}{{- end -}}
{{- if dig "readKubeletConfig" false $memory -}}{{- $_ := set $reads "kubeletConfig" true -}}{{- end -}}
{{- end -}}
{{- /* Those of scheduler-plugins: without an address of a load watcher they read metrics.k8s.io unless another provider is named. */ -}}
{{- range list "TargetLoadPacking" "LoadVariationRiskBalancing" "LowRiskOverCommitment" "Peaks" -}}
{{- if has . $enabled -}}
{{- $own := dig . dict $arguments -}}
{{- if and (not (dig "watcherAddress" "" $own)) (eq (dig "metricProvider" "type" "KubernetesMetricsServer" $own) "KubernetesMetricsServer") -}}
{{- $_ := set $reads "metricsAPI" true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $reads -}}
{{- end -}}

{{- /*
The ConfigMap in which the scheduler keeps what it learned, as JSON: namespace and name, or nothing. It is that of the
first profile with HeadroomMemory: all that this chart writes have the same arguments.
*/ -}}
{{- define "headroom-scheduler.checkpoint" -}}
{{- $found := dict -}}
{{- range (include "headroom-scheduler.configuration" . | fromJson).profiles -}}
{{- if and (not $found) (has "HeadroomMemory" (include "headroom-scheduler.enabled" . | fromJsonArray)) -}}
{{- $arguments := dict -}}
{{- range dig "pluginConfig" list . -}}{{- $_ := set $arguments .name (dig "args" dict .) -}}{{- end -}}
{{- $checkpoint := dig "HeadroomMemory" "checkpoint" dict $arguments -}}
{{- if dig "enabled" true $checkpoint -}}
{{- $found = dict "namespace" (dig "namespace" $.Release.Namespace $checkpoint) "name" (dig "name" "headroom-forecast" $checkpoint) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}
