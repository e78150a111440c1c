{{/* The name of everything. Too long ones are refused in _checks.tpl and not cut, so that no two meet. */}}
{{- define "coordd.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- end -}}

{{/* The headless service, which gives each replica its name. */}}
{{- define "coordd.peersService" -}}
{{- include "coordd.fullname" . }}-peers
{{- end -}}

{{- define "coordd.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "coordd.replicaLabels" -}}
{{ include "coordd.selectorLabels" . }}
app.kubernetes.io/component: replica
{{- end -}}

{{- define "coordd.labels" -}}
{{ include "coordd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "coordd.serviceAccount" -}}
{{- default (include "coordd.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "coordd.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The full DNS name of one replica: dict "root" . "number" N. */}}
{{- define "coordd.replicaName" -}}
{{- $name := include "coordd.fullname" .root -}}
{{- printf "%s-%d.%s-peers.%s.svc.%s" $name (int .number) $name .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end -}}

{{/* How many replicas the configuration names: those to come as well. */}}
{{- define "coordd.known" -}}
{{- max (int .Values.replicas) (int .Values.knownReplicas) -}}
{{- end -}}

{{/* HOST:PORT of all replicas, for coordctl. */}}
{{- define "coordd.endpoints" -}}
{{- $endpoints := list -}}
{{- range $number := untilStep 1 (add1 .Values.replicas | int) 1 -}}
{{- $endpoints = append $endpoints (printf "%s:7420" (include "coordd.replicaName" (dict "root" $ "number" $number))) -}}
{{- end -}}
{{- join "," $endpoints -}}
{{- end -}}

{{/* The Secrets with the certificates. */}}
{{- define "coordd.replicaSecret" -}}
{{- if eq .root.Values.tls.mode "existing" -}}
{{- (index .root.Values.tls.existing.replicas (sub .number 1 | int)).secret -}}
{{- else -}}
{{- printf "%s-%d-tls" (include "coordd.fullname" .root) (int .number) -}}
{{- end -}}
{{- end -}}

{{- define "coordd.clientSecret" -}}
{{- if eq .Values.tls.mode "existing" -}}
{{- .Values.tls.existing.client.secret -}}
{{- else -}}
{{- include "coordd.fullname" . }}-client-tls
{{- end -}}
{{- end -}}

{{/*
Identities. coordd takes the first DNS name of a certificate, so that is the replica's own; each
replica needs another one, or one could speak for the other. The client's has the namespace in it,
because an issuer may sign for many.
*/}}
{{- define "coordd.replicaIdentity" -}}
{{- if eq .root.Values.tls.mode "existing" -}}
{{- (index .root.Values.tls.existing.replicas (sub .number 1 | int)).identity -}}
{{- else -}}
{{- printf "dns:%s" (include "coordd.replicaName" .) -}}
{{- end -}}
{{- end -}}

{{- define "coordd.clientName" -}}
{{- printf "%s-client.%s" (include "coordd.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "coordd.clientIdentity" -}}
{{- if eq .Values.tls.mode "existing" -}}
{{- .Values.tls.existing.client.identity -}}
{{- else -}}
{{- printf "dns:%s" (include "coordd.clientName" .) -}}
{{- end -}}
{{- end -}}

{{/* The DNS names in a replica's certificate, its identity first, as a JSON list. */}}
{{- define "coordd.replicaNames" -}}
{{- $name := include "coordd.fullname" .root -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $pod := printf "%s-%d" $name (int .number) -}}
{{- $names := list (include "coordd.replicaName" .) -}}
{{- range $of := list (printf "%s.%s-peers" $pod $name) $name -}}
{{- $names = concat $names (list $of (printf "%s.%s" $of $namespace) (printf "%s.%s.svc" $of $namespace)) -}}
{{- end -}}
{{- $names = append $names (printf "%s.%s.svc.%s" $name $namespace .root.Values.clusterDomain) -}}
{{- concat $names (list $pod "localhost") .root.Values.tls.extraNames | uniq | toJson -}}
{{- end -}}

{{- define "coordd.replicaAddresses" -}}
{{- concat (list "127.0.0.1" "::1") .Values.tls.extraAddresses | uniq | toJson -}}
{{- end -}}

{{/* One setting's value. helm reads numbers as floating point, and would print 1e+06. */}}
{{- define "coordd.setting" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* What no container of the chart may do. */}}
{{- define "coordd.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
{{- end -}}

{{- define "coordd.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int64 .Values.podSecurityContext.runAsUser }}
runAsGroup: {{ int64 .Values.podSecurityContext.runAsGroup }}
fsGroup: {{ int64 .Values.podSecurityContext.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What every pod has. No variables for services: one named coordd would make COORDD_PORT. */}}
{{- define "coordd.podBasics" -}}
serviceAccountName: {{ include "coordd.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "coordd.podSecurity" . | nindent 2 }}
{{- end -}}

{{/* The one container of a Job or a test: dict "root" . "name" "" "script" "" "endpoints" "" "env" (list). */}}
{{- define "coordd.tool" -}}
- name: {{ .name }}
  image: {{ include "coordd.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [/bin/sh, -c]
  args:
    - |
      {{- .script | nindent 6 }}
  env:
    - name: COORD_ENDPOINTS
      value: {{ .endpoints }}
    - name: COORD_CACERT
      value: /etc/coord/client/ca.crt
    - name: COORD_CERT
      value: /etc/coord/client/tls.crt
    - name: COORD_KEY
      value: /etc/coord/client/tls.key
    {{- with .env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml .root.Values.toolResources | nindent 4 }}
  securityContext:
    {{- include "coordd.containerSecurity" .root | nindent 4 }}
  # What it said last is in `kubectl describe pod`.
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - name: client
      mountPath: /etc/coord/client
      readOnly: true
{{- end -}}

{{- define "coordd.toolVolumes" -}}
- name: client
  secret:
    secretName: {{ include "coordd.clientSecret" . }}
    defaultMode: 0440
{{- end -}}
