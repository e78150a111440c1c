{{/* What the schema cannot say, or not so that a person sees what to do. */}}
{{/* Called before anything is made of the values: by the configuration and by the certificates. */}}
{{- define "coordd.check" -}}
{{- $name := include "coordd.fullname" . -}}
{{- $replicas := int .Values.replicas -}}
{{- if eq (mod $replicas 2) 0 -}}
{{- fail (printf "replicas is %d, an even number, which survives no more failures than %d: set 1, 3, 5 or 7" $replicas (sub $replicas 1)) -}}
{{- end -}}
{{- if and .Values.knownReplicas (lt (int .Values.knownReplicas) $replicas) -}}
{{- fail (printf "knownReplicas is %d and replicas %d: each replica has to be known; set knownReplicas to at least that, or to 0" (int .Values.knownReplicas) $replicas) -}}
{{- end -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "the name %q has %d characters, and with what is added to it at most 40 fit: set fullnameOverride, or a shorter name of the release" $name (len $name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the name %q cannot be a Service's: it begins with a letter and has a-z, 0-9 and - alone; set fullnameOverride, or another name of the release" $name) -}}
{{- end -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is empty: name the image, as registry.example/coordd; ./dev image builds it" -}}
{{- end -}}
{{- $heartbeat := int (default 50 .Values.settings.heartbeat_ms) -}}
{{- $election := int (default 400 .Values.settings.election_ms) -}}
{{- if lt $election (mul 3 $heartbeat | int) -}}
{{- fail (printf "settings.election_ms is %d, and settings.heartbeat_ms %d: an election takes at least three heartbeats; raise the first or lower the other" $election $heartbeat) -}}
{{- end -}}
{{- include "coordd.checkTls" . -}}
{{- if and .Values.affinity.podAntiAffinity (ne .Values.antiAffinity "none") -}}
{{- fail (printf "affinity.podAntiAffinity is given, and antiAffinity is %q, which writes one as well: set antiAffinity to none, or leave out the other" .Values.antiAffinity) -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if regexMatch "^(COORDD?_|POD_NAME$)" .name -}}
{{- fail (printf "extraEnv: %s is the chart's own; what coordd.yaml has is set in settings" .name) -}}
{{- end -}}
{{- end -}}
{{- range list "name" "instance" "component" -}}
{{- if hasKey $.Values.podLabels (printf "app.kubernetes.io/%s" .) -}}
{{- fail (printf "podLabels: app.kubernetes.io/%s is the chart's own, by which services find the replicas: leave it out" .) -}}
{{- end -}}
{{- end -}}
{{- include "coordd.checkGrowth" . -}}
{{- end -}}

{{- define "coordd.checkTls" -}}
{{- $tls := .Values.tls -}}
{{- if and (ne $tls.mode "existing") (or $tls.existing.replicas $tls.existing.client) -}}
{{- fail (printf "tls.mode is %s, and tls.existing names Secrets: certificates come from one place; set tls.mode to existing, or leave out tls.existing" $tls.mode) -}}
{{- end -}}
{{- if and (ne $tls.mode "cert-manager") $tls.certManager.issuerRef -}}
{{- fail (printf "tls.mode is %s, and tls.certManager.issuerRef names an issuer: certificates come from one place; set tls.mode to cert-manager, or leave out issuerRef" $tls.mode) -}}
{{- end -}}
{{- if eq $tls.mode "existing" -}}
{{- range $key := list "extraNames" "extraAddresses" "clients" -}}
{{- if get $tls $key -}}
{{- fail (printf "tls.mode is existing, and tls.%s asks for what would be in certificates that the chart makes: leave it out, and have it in your own" $key) -}}
{{- end -}}
{{- end -}}
{{- $known := include "coordd.known" . | int -}}
{{- if ne (len $tls.existing.replicas) $known -}}
{{- fail (printf "tls.existing.replicas has %d entries for %d replicas: give {secret: , identity: } for each of them, in their order" (len $tls.existing.replicas) $known) -}}
{{- end -}}
{{- if not $tls.existing.client -}}
{{- fail "tls.existing.client is missing: give {secret: , identity: } of the certificate by which the cluster is administered" -}}
{{- end -}}
{{- $identities := list $tls.existing.client.identity -}}
{{- range $tls.existing.replicas -}}
{{- if has .identity $identities -}}
{{- fail (printf "tls.existing: the identity %s is given twice: each replica and the client need one of their own, or one could speak for the other" .identity) -}}
{{- end -}}
{{- $identities = append $identities .identity -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Whether the cluster that is there may become so large. Pods are replaced from the last one on, the next one
when it is ready, and a new replica is ready once those that are there have let it in.
*/}}
{{- define "coordd.checkGrowth" -}}
{{- $replicas := int .Values.replicas -}}
{{- $before := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "coordd.fullname" .) -}}
{{- if $before -}}
{{- $has := int $before.spec.replicas -}}
{{- $known := get ($before.metadata.annotations | default dict) "coordd/known" | int -}}
{{- $status := $before.status | default dict -}}
{{- if gt $has $replicas -}}
{{- fail (printf "replicas is %d and the cluster has %d: replicas can be added, but not taken away yet, because they would go on being counted for the majority" $replicas $has) -}}
{{- end -}}
{{- if and $has (gt $replicas $has) (gt $replicas $known) -}}
{{- fail (printf "replicas is %d and those that are there know of %d: upgrade first with replicas=%d and knownReplicas=%d, and with replicas=%d when every pod was replaced" $replicas $known $has $replicas $replicas) -}}
{{- end -}}
{{- if and $has (gt $replicas $has) (lt (min (get $status "updatedReplicas" | int) (get $status "readyReplicas" | int)) $has) -}}
{{- fail (printf "replicas is %d, and not all of the %d that are there were replaced by such as know them, or are ready: wait for `kubectl rollout status`, and upgrade again" $replicas $has) -}}
{{- end -}}
{{- end -}}
{{- end -}}
