{{/* How one broker is reached, in three parts that belong together. Each takes dict root, broker. */}}

{{/* Environment: a map from name to value, or to {valueFrom}. */}}
{{- define "trigate.brokerEnv" -}}
{{- $values := .root.Values -}}
{{- if eq .broker "kafka" -}}
{{- with $values.kafka }}
KAFKA_BROKERS: {{ join "," .brokers | quote }}
{{- if .sasl.enabled }}
KAFKA_ENABLE_SASL: "true"
KAFKA_SASL_MECHANISM: {{ .sasl.mechanism | quote }}
KAFKA_USERNAME: {{ required "kafka.sasl.username: needed with kafka.sasl.enabled" .sasl.username | quote }}
KAFKA_PASSWORD_FILE: /etc/trigate/kafka-sasl/{{ .sasl.passwordKey }}
{{- end }}
{{- if .tls.enabled }}
KAFKA_ENABLE_TLS: "true"
{{- if .tls.insecure }}
KAFKA_INSECURE: "true"
{{- end }}
{{- if .tls.existingSecret }}
KAFKA_CACERTS: /etc/trigate/kafka-tls/ca.crt
{{- if .tls.clientCertificate }}
KAFKA_CERT: /etc/trigate/kafka-tls/tls.crt
KAFKA_KEY: /etc/trigate/kafka-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- else if eq .broker "nats" -}}
{{- with $values.nats }}
{{- if eq .auth.type "url" }}
NATS_URL:
  valueFrom:
    secretKeyRef:
      name: {{ .auth.existingSecret }}
      key: url
{{- else }}
NATS_URL: {{ .url | quote }}
{{- end }}
{{- if eq .auth.type "creds" }}
NATS_CREDS: /etc/trigate/nats-auth/creds
{{- else if eq .auth.type "nkey" }}
NATS_NKEY: /etc/trigate/nats-auth/nkey
{{- end }}
{{- if .tls.existingSecret }}
NATS_CACERTS: /etc/trigate/nats-tls/ca.crt
{{- if .tls.clientCertificate }}
NATS_CERT: /etc/trigate/nats-tls/tls.crt
NATS_KEY: /etc/trigate/nats-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Secrets that are mounted under /etc/trigate: a map from the folder's name to the Secret's. */}}
{{- define "trigate.brokerSecrets" -}}
{{- $values := .root.Values -}}
{{- if eq .broker "kafka" -}}
{{- with $values.kafka }}
{{- if .sasl.enabled }}
kafka-sasl: {{ required "kafka.sasl.existingSecret: needed with kafka.sasl.enabled" .sasl.existingSecret | quote }}
{{- end }}
{{- if and .tls.enabled .tls.existingSecret }}
kafka-tls: {{ .tls.existingSecret | quote }}
{{- end }}
{{- end }}
{{- else if eq .broker "nats" -}}
{{- with $values.nats }}
{{- if ne .auth.type "none" }}
{{- $secret := required (printf "nats.auth.existingSecret: needed with nats.auth.type %s" .auth.type) .auth.existingSecret }}
{{- if ne .auth.type "url" }}
nats-auth: {{ $secret | quote }}
{{- end }}
{{- end }}
{{- if .tls.existingSecret }}
nats-tls: {{ .tls.existingSecret | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Ports, as a list. A URL from a Secret is not read: then it is NATS' own port. */}}
{{- define "trigate.brokerPorts" -}}
{{- $addresses := ternary .root.Values.kafka.brokers (splitList "," .root.Values.nats.url) (eq .broker "kafka") -}}
{{- $default := ternary ":9092" ":4222" (eq .broker "kafka") -}}
{{- $ports := list -}}
{{- range $addresses -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | default $default | trimPrefix ":" | int) -}}
{{- end -}}
{{- toYaml ($ports | uniq) -}}
{{- end }}
