package foreign

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// Finding is what became of one annotation, or of one path.
type Finding struct {
	// Ingress is namespace/name of where it was written.
	Ingress string `json:"ingress"`
	// Subject is the annotation's name, or `path "/x"`.
	Subject string  `json:"subject"`
	Value   string  `json:"value,omitempty"`
	Outcome Outcome `json:"outcome"`
	Note    string  `json:"note,omitempty"`
	// Access says that the finding is about who gets in.
	Access bool `json:"access,omitempty"`
}

// Result is what Translate makes of one Ingress.
type Result struct {
	// Ingress is the translated one; nil when no path of it is left.
	Ingress *networkingv1.Ingress
	// Config are keys of the stack's config that the annotations ask for.
	Config map[string]any
	// Findings has one for each annotation, in the order of their names, and one for each path that changed.
	Findings []Finding
	// Guarded says that something decided who gets in which could not be translated.
	Guarded bool
}

// Controller is whose rules an Ingress was written for.
type Controller string

// The controllers whose Ingresses are understood. Unknown ones are read as the Ingress API defines it.
const (
	Nginx    Controller = "ingress-nginx"
	ALB      Controller = "aws-load-balancer-controller"
	Original Controller = "amazon-apigateway-ingress-controller"
	Unknown  Controller = "unknown"
)

// ControllerOf tells by the Ingress's class, or else by its annotations, whose it is.
func ControllerOf(ingress networkingv1.Ingress) Controller {
	class := ingress.Annotations[className]
	if ingress.Spec.IngressClassName != nil {
		class = *ingress.Spec.IngressClassName
	}
	switch {
	case class == "alb":
		return ALB
	case class == "apigateway":
		return Original
	case strings.Contains(class, "nginx"):
		return Nginx
	}
	for _, candidate := range []struct {
		prefix     string
		controller Controller
	}{{nginxPrefix, Nginx}, {albPrefix, ALB}, {originalPrefix, Original}} {
		for name := range ingress.Annotations {
			if strings.HasPrefix(name, candidate.prefix) {
				return candidate.controller
			}
		}
	}
	return Unknown
}

// translation is one Ingress on its way.
type translation struct {
	source      networkingv1.Ingress
	controller  Controller
	annotations map[string]string
	settings    map[string]any
	findings    []Finding
	guarded     bool

	// rewrite and regex say how ingress-nginx reads the paths; aliases are its further hosts.
	rewrite string
	regex   bool
	aliases []string
	// leftOut is why no path of the Ingress is taken.
	leftOut string
}

// Translate makes an Ingress of another controller one of this project.
func Translate(ingress networkingv1.Ingress) Result {
	t := &translation{source: ingress, controller: ControllerOf(ingress), annotations: map[string]string{}, settings: map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(ingress.Annotations)) {
		t.annotation(name, ingress.Annotations[name])
	}
	translated := t.ingress()
	result := Result{Ingress: translated, Config: t.settings, Findings: t.findings, Guarded: t.guarded}
	if translated == nil {
		result.Config = nil
	}
	return result
}

func (t *translation) annotation(name, value string) {
	row, known := Lookup(name)
	if !known {
		t.find(name, value, t.unknown(name), "", false)
		return
	}
	outcome, note := row.Outcome, ""
	if row.translate != nil {
		outcome, note = row.translate(value, t)
	}
	if note == "" {
		note = row.Note
	}
	if row.Access && outcome == Impossible {
		t.guarded = true
	}
	t.find(name, value, outcome, note, row.Access)
}

// unknown is the outcome of an annotation that is in no row: one of a known controller is lost, all others were never ours to read.
func (t *translation) unknown(name string) Outcome {
	for _, prefix := range []string{nginxPrefix, albPrefix, originalPrefix} {
		if strings.HasPrefix(name, prefix) {
			return Impossible
		}
	}
	return NotNeeded
}

func (t *translation) find(subject, value string, outcome Outcome, note string, access bool) {
	if note == "" && outcome == Impossible {
		note = "this annotation is not known; look up what it does, and whether the service needs it"
	}
	if note == "" && outcome == NotNeeded {
		note = "no ingress controller reads it"
	}
	t.findings = append(t.findings, Finding{
		Ingress: nameOf(t.source), Subject: subject, Value: value, Outcome: outcome, Note: note, Access: access,
	})
}

func nameOf(ingress networkingv1.Ingress) string {
	namespace := ingress.Namespace
	if namespace == "" {
		namespace = "default"
	}
	return namespace + "/" + ingress.Name
}

func (t *translation) set(name, value string)       { t.annotations[originalPrefix+name] = value }
func (t *translation) config(key string, value any) { t.settings[key] = value }
func (t *translation) value(name, byDefault string) string {
	if value, ok := t.source.Annotations[nginxPrefix+name]; ok {
		return strings.TrimSpace(value)
	}
	return byDefault
}

// hosts are the distinct hosts of the rules.
func (t *translation) hosts() []string {
	var hosts []string
	for _, rule := range t.source.Spec.Rules {
		if rule.Host != "" && !slices.Contains(hosts, rule.Host) {
			hosts = append(hosts, rule.Host)
		}
	}
	return hosts
}

// ingress writes the translated object, or nil when nothing of it is left.
func (t *translation) ingress() *networkingv1.Ingress {
	if t.leftOut != "" {
		t.find("Ingress", "", Impossible, "left out: "+t.leftOut, false)
		return nil
	}
	class := "apigateway"
	ingress := &networkingv1.Ingress{}
	ingress.APIVersion, ingress.Kind = "networking.k8s.io/v1", "Ingress"
	ingress.Name, ingress.Namespace, ingress.Labels = t.source.Name, t.source.Namespace, t.source.Labels
	ingress.Spec.IngressClassName = &class
	if len(t.annotations) > 0 {
		ingress.Annotations = t.annotations
	}
	if backend := t.source.Spec.DefaultBackend; backend != nil {
		if kept, why := t.backend(*backend); why == "" {
			ingress.Spec.DefaultBackend = kept
		} else {
			t.find("defaultBackend", "", Impossible, "left out: "+why, false)
		}
	}
	for _, rule := range t.source.Spec.Rules {
		ingress.Spec.Rules = append(ingress.Spec.Rules, t.rules(rule)...)
	}
	for _, tls := range t.source.Spec.TLS {
		t.find("spec.tls", strings.Join(tls.Hosts, ","), NotNeeded,
			"API Gateway terminates TLS with a certificate of ACM; config `hostedZoneId` asks for one", false)
	}
	if len(ingress.Spec.Rules) == 0 && ingress.Spec.DefaultBackend == nil {
		t.find("Ingress", "", Impossible, "left out: no path of it is left", false)
		return nil
	}
	return ingress
}

// rules is a rule without the paths that are impossible, once for its own host and once for each alias.
func (t *translation) rules(rule networkingv1.IngressRule) []networkingv1.IngressRule {
	if rule.HTTP == nil {
		return nil
	}
	var paths []networkingv1.HTTPIngressPath
	for _, path := range rule.HTTP.Paths {
		if kept, ok := t.path(rule.Host, path); ok && !taken(paths, kept) {
			paths = append(paths, kept)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	var rules []networkingv1.IngressRule
	for _, host := range append([]string{rule.Host}, t.aliases...) {
		rules = append(rules, networkingv1.IngressRule{
			Host:             host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: paths}},
		})
	}
	return rules
}

// taken says whether the first of two paths that became the same has it: controllers take the first as well.
func taken(paths []networkingv1.HTTPIngressPath, path networkingv1.HTTPIngressPath) bool {
	return slices.ContainsFunc(paths, func(other networkingv1.HTTPIngressPath) bool {
		return other.Path == path.Path && *other.PathType == *path.PathType
	})
}

func (t *translation) path(host string, path networkingv1.HTTPIngressPath) (networkingv1.HTTPIngressPath, bool) {
	subject := fmt.Sprintf("path %q", host+path.Path)
	backend, why := t.backend(path.Backend)
	if why == redirectsToHTTPS {
		t.find(subject, "", NotNeeded, httpsOnly, false)
		return path, false
	}
	written, kind := path.Path, pathTypeOf(path)
	if why == "" {
		path.Path, kind, why = t.normal(written, kind)
	}
	if why != "" {
		t.find(subject, "", Impossible, "left out: "+why, false)
		return path, false
	}
	if path.Path != written || kind != pathTypeOf(path) {
		t.find(subject, string(pathTypeOf(path)), Translated, fmt.Sprintf("`%s`, %s", path.Path, kind), false)
	}
	path.PathType, path.Backend = &kind, *backend
	return path, true
}

func pathTypeOf(path networkingv1.HTTPIngressPath) networkingv1.PathType {
	if path.PathType == nil {
		return networkingv1.PathTypeImplementationSpecific
	}
	return *path.PathType
}
