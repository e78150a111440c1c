{{/*
The certificates to make, for replicas and clients, as a JSON list of {secret, common, names, addresses}.
The first of the names is the identity.
*/}}
{{- define "coordd.certificates" -}}
{{- $name := include "coordd.fullname" . -}}
{{- $certificates := list -}}
{{- range $number := untilStep 1 (add1 .Values.replicas | int) 1 -}}
{{- $replica := dict "root" $ "number" $number -}}
{{- $certificates = append $certificates (dict "secret" (include "coordd.replicaSecret" $replica)
      "common" (printf "%s-%d" $name $number)
      "names" (include "coordd.replicaNames" $replica | fromJsonArray)
      "addresses" (include "coordd.replicaAddresses" $ | fromJsonArray)) -}}
{{- end -}}
{{- $certificates = append $certificates (dict "secret" (include "coordd.clientSecret" .)
      "common" (printf "%s-client" $name) "names" (list (include "coordd.clientName" .)) "addresses" list) -}}
{{- range .Values.tls.clients -}}
{{- $certificates = append $certificates (dict "secret" (printf "%s-client-%s-tls" $name .) "common" .
      "names" (list (printf "%s.%s" . (include "coordd.clientName" $))) "addresses" list) -}}
{{- end -}}
{{- toJson $certificates -}}
{{- end -}}
