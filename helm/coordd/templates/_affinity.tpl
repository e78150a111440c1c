{{/* Where replicas go: apart from each other, and as the values say. */}}
{{- define "coordd.affinity" -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- $apart := dict "topologyKey" "kubernetes.io/hostname"
      "labelSelector" (dict "matchLabels" (include "coordd.replicaLabels" . | fromYaml)) -}}
{{- if eq .Values.antiAffinity "required" -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $apart)) -}}
{{- else if eq .Values.antiAffinity "preferred" -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution"
      (list (dict "weight" 100 "podAffinityTerm" $apart))) -}}
{{- end -}}
{{- $spread := .Values.topologySpreadConstraints -}}
{{- if ne .Values.zoneSpread "none" -}}
{{- $spread = prepend $spread (dict "maxSkew" 1 "topologyKey" "topology.kubernetes.io/zone"
      "whenUnsatisfiable" .Values.zoneSpread
      "labelSelector" (dict "matchLabels" (include "coordd.replicaLabels" . | fromYaml))) -}}
{{- end -}}
{{- with $affinity -}}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $spread }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
