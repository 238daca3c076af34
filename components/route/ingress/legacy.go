package ingress

import (
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
)

// fromLegacy converts the v1beta1 form, which extensions and networking.k8s.io share.
func fromLegacy(legacy *networkingv1beta1.Ingress) *networkingv1.Ingress {
	ingress := &networkingv1.Ingress{ObjectMeta: legacy.ObjectMeta}
	ingress.Spec.IngressClassName = legacy.Spec.IngressClassName
	if legacy.Spec.Backend != nil {
		backend := legacyBackend(*legacy.Spec.Backend)
		ingress.Spec.DefaultBackend = &backend
	}
	for _, tls := range legacy.Spec.TLS {
		ingress.Spec.TLS = append(ingress.Spec.TLS, networkingv1.IngressTLS{Hosts: tls.Hosts, SecretName: tls.SecretName})
	}
	for _, rule := range legacy.Spec.Rules {
		converted := networkingv1.IngressRule{Host: rule.Host}
		if rule.HTTP != nil {
			converted.HTTP = new(networkingv1.HTTPIngressRuleValue)
			for _, path := range rule.HTTP.Paths {
				converted.HTTP.Paths = append(converted.HTTP.Paths, legacyPath(path))
			}
		}
		ingress.Spec.Rules = append(ingress.Spec.Rules, converted)
	}
	return ingress
}

func legacyPath(path networkingv1beta1.HTTPIngressPath) networkingv1.HTTPIngressPath {
	pathType := networkingv1.PathTypeImplementationSpecific
	if path.PathType != nil {
		pathType = networkingv1.PathType(*path.PathType)
	}
	return networkingv1.HTTPIngressPath{Path: path.Path, PathType: &pathType, Backend: legacyBackend(path.Backend)}
}

func legacyBackend(backend networkingv1beta1.IngressBackend) networkingv1.IngressBackend {
	if backend.Resource != nil {
		return networkingv1.IngressBackend{Resource: backend.Resource}
	}
	port := networkingv1.ServiceBackendPort{Name: backend.ServicePort.StrVal, Number: backend.ServicePort.IntVal}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: backend.ServiceName, Port: port}}
}
