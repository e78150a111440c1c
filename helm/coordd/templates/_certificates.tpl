{{/* The certificates that the chart has to make, as a JSON list of {secret, common, names, addresses}. */}}
{{- define "coordd.certificates" -}}
{{- $addresses := include "coordd.replicaAddresses" . | fromJsonArray -}}
{{- $certificates := list -}}
{{- range $number := untilStep 1 (add1 .Values.replicas | int) 1 -}}
{{- $replica := dict "root" $ "number" $number -}}
{{- $certificates = append $certificates (dict "secret" (include "coordd.replicaSecret" $replica)
      "common" (printf "%s-%d" (include "coordd.fullname" $) $number)
      "names" (include "coordd.replicaNames" $replica | fromJsonArray) "addresses" $addresses) -}}
{{- end -}}
{{- append $certificates (dict "secret" (include "coordd.clientSecret" .)
      "common" (printf "%s-client" (include "coordd.fullname" .))
      "names" (list (include "coordd.clientName" .)) "addresses" list) | toJson -}}
{{- end -}}
