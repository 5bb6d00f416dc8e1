{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "certrotate.labels" -}}
app.kubernetes.io/name: certrotate
app.kubernetes.io/component: controller
{{- end }}

{{- define "certrotate.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}{{ end -}}
{{- end }}

{{/*
The objects of a file below manifests, as a list, in this release's namespace. Files are those of deploy/kubernetes, so that
each is written once.
*/}}
{{- define "certrotate.objects" -}}
{{- $objects := list }}
{{- $namespace := .root.Release.Namespace }}
{{- range splitList "\n---\n" (.root.Files.Get (printf "manifests/%s" .file) | required (printf "manifests/%s is not in the chart" .file)) }}
{{- $object := fromYaml . }}
{{- if $object.metadata.namespace }}
{{- $_ := set $object.metadata "namespace" $namespace }}
{{- end }}
{{- range $object.subjects }}
{{- $_ := set . "namespace" $namespace }}
{{- end }}
{{- $objects = append $objects $object }}
{{- end }}
{{- toJson $objects }}
{{- end }}
