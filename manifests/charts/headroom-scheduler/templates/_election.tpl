{{- /* "true" where one of several replicas leads. Values with which pods would be placed twice, or by nobody, are refused. */ -}}
{{- define "headroom-scheduler.leaderElect" -}}
{{- $configuration := include "headroom-scheduler.configuration" . | fromJson -}}
{{- $elects := $configuration.leaderElection.leaderElect -}}
{{- if and (not $elects) (gt (int .Values.replicas) 1) -}}
{{- fail "replicas: without leader election two schedulers of the same names would both place pods: set 1" -}}
{{- end -}}
{{- if and $elects $configuration.delayCacheUntilActive -}}
{{- fail "configuration.delayCacheUntilActive: a standby would not be ready until it leads, and no installation or upgrade would end" -}}
{{- end -}}
{{- if $elects -}}true{{- end -}}
{{- end -}}
