package deploy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	networkingv1 "k8s.io/api/networking/v1"
)

// Publication is a route to a Service that exists, in place of an Ingress.
type Publication struct {
	// Service is the Service as namespace/name:port, the port by number or by name. Without a namespace it is default's.
	Service string `pulumi:"service"`
	// Host is the name that clients ask for; empty is every name.
	Host string `pulumi:"host,optional"`
	// Path is the path that is published, with all below it. Default /.
	Path string `pulumi:"path,optional"`
	// Exact publishes the path alone, and nothing below it.
	Exact bool `pulumi:"exact,optional"`
	// Auth is who may call: iam, none for everybody, or the name of an authorizer. Default iam.
	Auth string `pulumi:"auth,optional"`
	// Methods are the HTTP methods that are let through. Default all.
	Methods []string `pulumi:"methods,optional"`
}

// serviceName is namespace/name:port.
var serviceName = regexp.MustCompile(`^(?:([a-z0-9-]+)/)?([a-z0-9-]+):([a-zA-Z0-9-]+)$`)

// publications makes an Ingress of each publication, so that they are held to all that Ingresses are.
func publications(list []Publication) ([]ingress.Ingress, error) {
	var ingresses []ingress.Ingress
	var problems []error
	for i, p := range list {
		made, err := p.ingress()
		if err != nil {
			problems = append(problems, fmt.Errorf("publish[%d]: %w", i, err))
			continue
		}
		made.Name, made.Source = fmt.Sprintf("publish-%d", i), "config"
		ingresses = append(ingresses, made)
	}
	return ingresses, errors.Join(problems...)
}

func (p Publication) ingress() (ingress.Ingress, error) {
	parts := serviceName.FindStringSubmatch(p.Service)
	if parts == nil {
		return ingress.Ingress{}, fmt.Errorf("service %q is not namespace/name:port, such as shop/front-end:80", p.Service)
	}
	port := networkingv1.ServiceBackendPort{Name: parts[3]}
	if number, err := strconv.ParseInt(parts[3], 10, 32); err == nil {
		port = networkingv1.ServiceBackendPort{Number: int32(number)}
	}
	kind := networkingv1.PathTypePrefix
	if p.Exact {
		kind = networkingv1.PathTypeExact
	}
	path := p.Path
	if path == "" {
		path = "/"
	}
	class := ingress.IngressClass
	var made ingress.Ingress
	made.Namespace = parts[1]
	made.Annotations = map[string]string{}
	if p.Auth != "" {
		made.Annotations[ingress.AnnotationPrefix+"auth"] = p.Auth
	}
	if len(p.Methods) > 0 {
		made.Annotations[ingress.AnnotationPrefix+"methods"] = strings.Join(p.Methods, ",")
	}
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: parts[2], Port: port}}
	made.Spec = networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{{
		Host: p.Host,
		IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: path, PathType: &kind, Backend: backend}},
		}},
	}}}
	return made, nil
}
