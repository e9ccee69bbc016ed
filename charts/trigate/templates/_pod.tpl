{{/*
The pod of one component, within the Pod Security standard "restricted".
dict root, component, settings (pod values, and its own), command (list), env (map), secrets (map), apiToken (bool): whether it
speaks to the API server.
*/}}
{{- define "trigate.podTemplate" -}}
{{- $root := .root -}}
{{- $settings := .settings -}}
{{- $secrets := mergeOverwrite (dict "api" (include "trigate.apiSecret" $root)) .secrets -}}
metadata:
  labels:
    {{- include "trigate.labels" . | nindent 4 }}
    {{- with $settings.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $settings.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "trigate.serviceAccount" . }}
  automountServiceAccountToken: {{ .apiToken }}
  # A little longer than what calls may take to end, after all that comes before.
  terminationGracePeriodSeconds: {{ add ($settings.shutdownDelaySeconds | default 0) $settings.shutdownSeconds 10 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: trigate
      image: {{ include "trigate.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        {{- toYaml .command | nindent 8 }}
      env:
        {{- include "trigate.env" . | nindent 8 }}
      ports:
        - name: http
          containerPort: 8080
      # The process answers.
      livenessProbe:
        httpGet:
          path: /livez
          port: http
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      startupProbe:
        httpGet:
          path: /livez
          port: http
        periodSeconds: 1
        failureThreshold: 60
      # A controller knows all triggers, and has tried each once; what one of them meets later takes no pod out of service.
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 5
        timeoutSeconds: 5
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- with $settings.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- range $folder, $secret := $secrets }}
        - name: {{ $folder }}
          mountPath: /etc/trigate/{{ $folder }}
          readOnly: true
        {{- end }}
        {{- with $settings.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 16Mi
    {{- range $folder, $secret := $secrets }}
    - name: {{ $folder }}
      secret:
        secretName: {{ $secret }}
        defaultMode: 0440
    {{- end }}
    {{- with $settings.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
  {{- with get $settings $field }}
  {{ $field }}: {{ toJson . }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* As a map first: of two entries with one name a server-side apply takes none. What the values say wins. */}}
{{- define "trigate.env" -}}
{{- $env := dict
  "TRIGATE_HOST" "0.0.0.0"
  "TRIGATE_PORT" "8080"
  "TRIGATE_TOKEN_FILE" "/etc/trigate/api/token"
  "TRIGATE_LOG_LEVEL" .root.Values.logLevel
  "TRIGATE_SHUTDOWN_DEADLINE" (printf "%vs" .settings.shutdownSeconds)
-}}
{{- $env = mergeOverwrite $env .env -}}
{{- range .settings.extraEnv -}}
{{- $_ := set $env .name (hasKey . "value" | ternary .value (omit . "name")) -}}
{{- end -}}
{{- range $name, $value := $env }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "trigate.serviceAccount" -}}
{{- ternary (include "trigate.componentName" .) "default" .root.Values.serviceAccount.create }}
{{- end }}
