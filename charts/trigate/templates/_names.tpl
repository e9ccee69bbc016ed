{{- define "trigate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of the release. Short enough for "-kubernetes" behind it. */}}
{{- define "trigate.fullname" -}}
{{- $name := include "trigate.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Names one part of the release: dict root, component. */}}
{{- define "trigate.componentName" -}}
{{- printf "%s-%s" (include "trigate.fullname" .root) .component }}
{{- end }}

{{- define "trigate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "trigate.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "trigate.labels" -}}
{{ include "trigate.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: trigate
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "trigate.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "trigate.apiSecret" -}}
{{- .Values.api.existingSecret | default (printf "%s-api" (include "trigate.fullname" .)) }}
{{- end }}

{{- define "trigate.functionsNamespace" -}}
{{- .Values.functionsNamespace | default .Release.Namespace }}
{{- end }}

{{/* The controllers that are enabled: a map from the kind's name to its settings, its entry of files/kinds.yaml under `kind`. */}}
{{- define "trigate.controllers" -}}
{{- $kinds := .Files.Get "files/kinds.yaml" | fromYaml -}}
{{- $enabled := dict -}}
{{- range $name, $settings := .Values.controllers -}}
{{- if not (hasKey $kinds $name) -}}
{{- fail (printf "controllers.%s: the kind must be one of %s" $name (keys $kinds | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if $settings.enabled -}}
{{- $_ := set $enabled $name (mergeOverwrite (deepCopy $.Values.pod) $settings (dict "kind" (get $kinds $name))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $enabled -}}
{{- end }}

{{/* The brokers that enabled controllers need: a map from the broker's name to true. */}}
{{- define "trigate.brokers" -}}
{{- $brokers := dict -}}
{{- range $settings := include "trigate.controllers" . | fromYaml -}}
{{- with $settings.kind.broker }}{{ $_ := set $brokers . true }}{{ end -}}
{{- end -}}
{{- toYaml $brokers -}}
{{- end }}
