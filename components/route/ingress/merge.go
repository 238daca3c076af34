package ingress

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// settings joins what Ingresses say about the API as a whole. Of those with the lowest group.order all must agree.
func (c *compiler) settings(ingresses []selected) route.Settings {
	var joined annotated
	owner := c.owner(ingresses)
	for _, a := range Annotations() {
		if !a.Owned {
			continue
		}
		var first *selected
		var text string
		for i := range ingresses {
			s := &ingresses[i]
			value := a.print(&s.said)
			if value == "" {
				continue
			}
			if err := c.checkOwner(namespaceOr(s.Namespace), owner, ingresses); err != nil {
				c.fail(s.where, route.At("annotation "+AnnotationPrefix+a.Name, err))
				continue
			}
			switch {
			case first == nil || s.said.order < first.said.order:
				first, text = s, value
			case s.said.order == first.said.order && value != text && !c.beaten(a, *first, ingresses):
				c.fail(s.where, fmt.Errorf("%s is %s, and %s at %s: Ingresses of one API must agree, or give them different %sgroup.order",
					a.Name, value, text, first.where, AnnotationPrefix))
			}
		}
		if first != nil {
			// It was read from this very text before.
			c.fail(first.where, a.parse(text, &joined))
		}
	}
	return joined.api
}

// beaten says whether an Ingress with a lower order decides anyway, so that it does not matter whether others agree.
func (c *compiler) beaten(a Annotation, by selected, ingresses []selected) bool {
	return slices.ContainsFunc(ingresses, func(s selected) bool { return a.print(&s.said) != "" && s.said.order < by.said.order })
}

// owner is the namespace that may speak for the whole API; none where nobody named one and there are several.
func (c *compiler) owner(ingresses []selected) string {
	if names := namespacesOf(ingresses); c.options.Owner == "" && len(names) == 1 {
		return names[0]
	}
	return c.options.Owner
}

func (c *compiler) checkOwner(namespace, owner string, ingresses []selected) error {
	switch {
	case namespace == owner:
		return nil
	case owner == "":
		return fmt.Errorf("it is about the whole API, and the Ingresses are of the namespaces %s: name the one that may speak for all in "+
			"the stack's config ownerNamespace, or set it in the stack's config",
			strings.Join(namespacesOf(ingresses), ", "))
	}
	return fmt.Errorf("it is about the whole API, for which namespace %s speaks: remove it, or write it there", owner)
}

func namespacesOf(ingresses []selected) []string {
	names := map[string]bool{}
	for _, s := range ingresses {
		names[namespaceOr(s.Namespace)] = true
	}
	return slices.Sorted(maps.Keys(names))
}
