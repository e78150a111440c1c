{{/* coordd.yaml, the same for all replicas: COORDD_NODE and COORDD_TLS_* say which one it is. */}}
{{- define "coordd.configuration" -}}
{{- include "coordd.check" . -}}
data_dir: /var/lib/coord/data
client_listen: {{ printf "%s:7420" .Values.listenHost | quote }}
peer_listen: {{ printf "%s:7421" .Values.listenHost | quote }}
http_listen: {{ printf "%s:7422" .Values.listenHost | quote }}
{{- range $key, $value := .Values.settings }}
{{- if kindIs "map" $value }}
{{ $key }}:
  {{- range $inner, $each := $value }}
  {{ $inner }}: {{ include "coordd.setting" $each }}
  {{- end }}
{{- else }}
{{ $key }}: {{ include "coordd.setting" $value }}
{{- end }}
{{- end }}
peers:
  {{- range $number := untilStep 1 (include "coordd.known" . | int | add1 | int) 1 }}
  {{- $replica := dict "root" $ "number" $number }}
  - id: {{ $number }}
    address: {{ printf "%s:7421" (include "coordd.replicaName" $replica) | quote }}
    identity: {{ include "coordd.replicaIdentity" $replica | quote }}
  {{- end }}
# The replicas themselves, for their preStop hook and for `kubectl exec`; then people.
admins:
  {{- $admins := list }}
  {{- range $number := untilStep 1 (include "coordd.known" . | int | add1 | int) 1 }}
  {{- $admins = append $admins (include "coordd.replicaIdentity" (dict "root" $ "number" $number)) }}
  {{- end }}
  {{- range concat $admins (list (include "coordd.clientIdentity" .)) .Values.admins | uniq }}
  - {{ . | quote }}
  {{- end }}
{{- end -}}
