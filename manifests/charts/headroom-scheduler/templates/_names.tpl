{{- define "headroom-scheduler.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What is not in the release's namespace carries it in its name: releases of one name may be in several. */ -}}
{{- define "headroom-scheduler.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "headroom-scheduler.fullname" .) -}}
{{- end -}}

{{- define "headroom-scheduler.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "headroom-scheduler.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the service account that exists, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "headroom-scheduler.selectorLabels" -}}
app.kubernetes.io/name: headroom-scheduler
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "headroom-scheduler.labels" -}}
{{ include "headroom-scheduler.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: scheduler
app.kubernetes.io/part-of: headroom
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "headroom-scheduler.subject" -}}
kind: ServiceAccount
name: "{{ include "headroom-scheduler.serviceAccountName" . }}"
namespace: {{ .Release.Namespace | quote }}
{{- end -}}

{{- define "headroom-scheduler.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
