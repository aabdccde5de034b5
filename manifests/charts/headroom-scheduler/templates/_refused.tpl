{{- /* Values with which pods would be placed twice, or by nobody. They are refused, here and in headroom-scheduler.leaderElect. */ -}}
{{- define "headroom-scheduler.refused" -}}
{{- $election := (include "headroom-scheduler.configuration" . | fromJson).leaderElection -}}
{{- $lease := "" -}}
{{- if $election.leaderElect -}}{{- $lease = printf "%s/%s" $election.resourceNamespace $election.resourceName -}}{{- end -}}
{{- if ne $lease "kube-system/kube-scheduler" -}}
{{- if has "default-scheduler" (include "headroom-scheduler.profileNames" . | fromJsonArray) -}}
{{- fail "default-scheduler: without the lease kube-system/kube-scheduler the default scheduler would place the same pods: set mode: replace, and no other lease" -}}
{{- end -}}
{{- /* k8s.io/kubernetes cmd/kube-scheduler/app/server.go, Run: the candidate is one for the default scheduler's lease, whatever is configured. */ -}}
{{- $gates := default dict .Values.featureGates -}}
{{- if and $lease (dig "CoordinatedLeaderElection" (dig "AllBeta" false $gates) $gates) -}}
{{- fail "featureGates.CoordinatedLeaderElection: replicas would be elected for the lease kube-system/kube-scheduler, and nobody for that of this release: leave it out, or set it to false beside AllBeta" -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if regexMatch "^--(config|secure-port|feature-gates|leader-elect[a-z-]*)(=|$)" . -}}
{{- fail (printf "extraArgs: %s would win over what the chart goes by: use the values configuration, leaderElection and featureGates; the port stays 10259" .) -}}
{{- end -}}
{{- end -}}
{{- range .Values.pluginConfig -}}
{{- if or (eq .name "HeadroomMemory") (and $.Values.nodeAffinity (eq .name "HeadroomNodeAffinity")) -}}
{{- fail (printf "pluginConfig: arguments of %s are there already: give them by the value %s" .name (ternary "memory" "nodeAffinity" (eq .name "HeadroomMemory"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
