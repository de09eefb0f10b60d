{{/* The beginning of all names. */}}
{{- define "ostraka.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects pods. Never change it: a StatefulSet cannot change its selector. Takes a dict of root, component. */}}
{{- define "ostraka.selector" -}}
app.kubernetes.io/name: ostraka
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* The labels of a resource. Takes a dict of root, component. */}}
{{- define "ostraka.labels" -}}
{{ include "ostraka.selector" . }}
app.kubernetes.io/part-of: ostraka
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ostraka.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "ostraka.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The DNS name of a pod. Takes a dict of root, pod. */}}
{{- define "ostraka.podHost" -}}
{{ .pod }}.{{ include "ostraka.fullname" .root }}-server.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{/* Where clients reach a pod. Takes a dict of root, pod. */}}
{{- define "ostraka.publicAddress" -}}
{{- if .root.Values.external.enabled -}}
{{ .pod }}.{{ required "external.domain: name the domain of the servers' public addresses" .root.Values.external.domain }}:{{ .root.Values.external.port }}
{{- else -}}
{{ include "ostraka.podHost" . }}:6648
{{- end -}}
{{- end -}}

{{/* The names under which clients reach the public Service, one on a line. */}}
{{- define "ostraka.authorities" -}}
{{- $name := include "ostraka.fullname" . -}}
{{ $name }}:6648
{{ $name }}.{{ .Release.Namespace }}:6648
{{ $name }}.{{ .Release.Namespace }}.svc:6648
{{ $name }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:6648
{{- end -}}

{{/* The names of the ConfigMaps of the status, as a JSON list: the coordinator makes them. */}}
{{- define "ostraka.statusNames" -}}
{{- $first := printf "%s-status" (include "ostraka.fullname" .) -}}
{{- $names := list $first -}}
{{- range $i := untilStep 1 (int .Values.coordinator.statusObjects) 1 -}}
{{- $names = append $names (printf "%s-%d" $first $i) -}}
{{- end -}}
{{ toJson $names }}
{{- end -}}

{{/* Pods of both kinds: who they run as. */}}
{{- define "ostraka.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "ostraka.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* What Go has to know of a container's limits. Takes the container's name. */}}
{{- define "ostraka.goEnv" -}}
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      containerName: {{ . }}
      resource: limits.cpu
      divisor: "1"
- name: MEMORY_LIMIT_MIB
  valueFrom:
    resourceFieldRef:
      containerName: {{ . }}
      resource: limits.memory
      divisor: 1Mi
# A million bytes for each MiB of the limit is 95% of it: the rest is for what is not Go's heap.
- name: GOMEMLIMIT
  value: $(MEMORY_LIMIT_MIB)000000B
{{- end -}}

{{/* Where pods go. Takes a dict of root, component, values. */}}
{{- define "ostraka.placement" -}}
{{- $selector := dict "root" .root "component" .component -}}
topologySpreadConstraints:
  - topologyKey: topology.kubernetes.io/zone
    maxSkew: 1
    whenUnsatisfiable: {{ .values.zoneSpread }}
    labelSelector:
      matchLabels:
        {{- include "ostraka.selector" $selector | nindent 8 }}
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: {{ .values.nodeSpread }}
    labelSelector:
      matchLabels:
        {{- include "ostraka.selector" $selector | nindent 8 }}
affinity:
{{- if .values.affinity }}
  {{- toYaml .values.affinity | nindent 2 }}
{{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels:
              {{- include "ostraka.selector" $selector | nindent 14 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What Prometheus is told of targets. Takes a dict of root, component. */}}
{{- define "ostraka.endpoints" -}}
endpoints:
  - port: metrics
    path: /metrics
    interval: {{ .root.Values.serviceMonitor.interval }}
    relabelings:
      # Ostraka's own label of this name is the namespace of records.
      - sourceLabels: [namespace]
        targetLabel: kubernetes_namespace
      - action: labeldrop
        regex: namespace
      - sourceLabels: [__meta_kubernetes_namespace, __meta_kubernetes_service_label_app_kubernetes_io_instance]
        separator: /
        targetLabel: ostraka_cluster
      - targetLabel: ostraka_component
        replacement: {{ .component }}
{{- end -}}

{{/* A container of a hook or test that runs the one tool. Takes a dict of root, name, args. */}}
{{- define "ostraka.tool" -}}
- name: {{ .name }}
  image: {{ include "ostraka.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [/usr/local/bin/ostraka]
  args:
    {{- toYaml .args | nindent 4 }}
  resources:
    requests: {cpu: 50m, memory: 64Mi}
    limits: {cpu: 500m, memory: 64Mi}
  {{- include "ostraka.containerSecurity" .root | nindent 2 }}
{{- end -}}
