package ingress

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
)

// IngressClass is the class that this project serves, in spec.ingressClassName or in the
// annotation kubernetes.io/ingress.class.
const IngressClass = "apigateway"

const classAnnotation = "kubernetes.io/ingress.class"

// leftOut says why an Ingress of some group.name is not this API's, and nothing where it is.
func (c *compiler) leftOut(ingress Ingress, group string) string {
	if reason := c.otherClass(ingress); reason != "" {
		return reason
	}
	if c.options.Group != "" && group != c.options.Group {
		return fmt.Sprintf("its group.name is %q, and %q is served", group, c.options.Group)
	}
	return ""
}

func (c *compiler) otherClass(ingress Ingress) string {
	class := ingress.Annotations[classAnnotation]
	if ingress.Spec.IngressClassName != nil {
		class = *ingress.Spec.IngressClassName
	}
	if c.manifests.Controller != "" {
		return c.notControlled(class)
	}
	switch {
	case class == IngressClass || class == "" && c.options.Classless:
		return ""
	case class != "":
		return fmt.Sprintf("its class %q is not %q", class, IngressClass)
	}
	for _, known := range c.manifests.Classes {
		if known.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
			if known.Name == IngressClass {
				return ""
			}
			return fmt.Sprintf("it has no class, and the default is %q", known.Name)
		}
	}
	return fmt.Sprintf("it has no class: write spec.ingressClassName: %s, or take all Ingresses without one with --classless or the "+
		"stack's config classless", IngressClass)
}

// notControlled says why an Ingress of a running cluster is another controller's.
func (c *compiler) notControlled(class string) string {
	for _, known := range c.manifests.Classes {
		isDefault := known.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true"
		if known.Name == class || class == "" && isDefault {
			if known.Spec.Controller == c.manifests.Controller {
				return ""
			}
			return fmt.Sprintf("its class %q is of the controller %q", known.Name, known.Spec.Controller)
		}
	}
	switch {
	case class != "":
		return fmt.Sprintf("there is no IngressClass %q", class)
	case c.options.Classless:
		return ""
	}
	return "it has no class, and no IngressClass is the default"
}
