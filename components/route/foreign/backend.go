package foreign

import (
	"encoding/json"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// useAnnotation is the name of a port that says: the backend is an action of the AWS Load Balancer Controller.
const useAnnotation = "use-annotation"

// redirectsToHTTPS marks a path that only sent clients to HTTPS.
const redirectsToHTTPS = "it redirects to HTTPS"

// listenerAction is the value of an annotation actions.NAME:
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#actions
type listenerAction struct {
	Type           string `json:"type"`
	TargetGroupARN string `json:"targetGroupARN"`
	RedirectConfig struct {
		Host     string `json:"host"`
		Path     string `json:"path"`
		Protocol string `json:"protocol"`
	} `json:"redirectConfig"`
	ForwardConfig struct {
		TargetGroups []struct {
			ServiceName string             `json:"serviceName"`
			ServicePort intstr.IntOrString `json:"servicePort"`
			Weight      *int               `json:"weight"`
		} `json:"targetGroups"`
	} `json:"forwardConfig"`
}

// action is the outcome of an annotation actions.NAME by itself.
func action(value string, _ *translation) (Outcome, string) {
	_, why := readAction(value)
	switch why {
	case "":
		return Translated, "the backend of the paths that name it"
	case redirectsToHTTPS:
		return NotNeeded, httpsOnly
	}
	return Impossible, why
}

// backend is the Service behind a path, or why there is none.
func (t *translation) backend(backend networkingv1.IngressBackend) (*networkingv1.IngressBackend, string) {
	if backend.Service == nil {
		return nil, "its backend is not a Service"
	}
	name := backend.Service.Name
	if _, conditional := t.source.Annotations[albPrefix+"conditions."+name]; conditional {
		return nil, "conditions." + name + " asks for more than host and path"
	}
	if _, reshaped := t.source.Annotations[albPrefix+"transforms."+name]; reshaped {
		return nil, "transforms." + name + " changes the request"
	}
	if backend.Service.Port.Name != useAnnotation {
		return &backend, ""
	}
	value, found := t.source.Annotations[albPrefix+"actions."+name]
	if !found {
		return nil, fmt.Sprintf("there is no annotation actions.%s", name)
	}
	return readAction(value)
}

func readAction(value string) (*networkingv1.IngressBackend, string) {
	var a listenerAction
	if err := json.Unmarshal([]byte(value), &a); err != nil {
		return nil, fmt.Sprintf("the action cannot be read: %s", err)
	}
	switch strings.ToLower(a.Type) {
	case "redirect":
		if a.RedirectConfig.Protocol == "HTTPS" && sameOr(a.RedirectConfig.Host, "#{host}") && sameOr(a.RedirectConfig.Path, "/#{path}") {
			return nil, redirectsToHTTPS
		}
		return nil, noRedirects
	case "fixed-response":
		return nil, "NGINX answers nothing itself; let a service answer"
	case "forward":
		return forwarded(a)
	}
	return nil, fmt.Sprintf("an action of type %q is not known", a.Type)
}

func sameOr(value, same string) bool { return value == "" || value == same }

func forwarded(a listenerAction) (*networkingv1.IngressBackend, string) {
	if a.TargetGroupARN != "" {
		return nil, "it forwards to a target group outside of the cluster"
	}
	var services []networkingv1.IngressServiceBackend
	for _, group := range a.ForwardConfig.TargetGroups {
		if group.Weight != nil && *group.Weight == 0 {
			continue
		}
		if group.ServiceName == "" {
			return nil, "it forwards to a target group outside of the cluster"
		}
		port := intstr.Parse(group.ServicePort.String())
		services = append(services, networkingv1.IngressServiceBackend{
			Name: group.ServiceName, Port: networkingv1.ServiceBackendPort{Number: port.IntVal, Name: port.StrVal},
		})
	}
	if len(services) != 1 {
		return nil, noSplit
	}
	return &networkingv1.IngressBackend{Service: &services[0]}, ""
}
