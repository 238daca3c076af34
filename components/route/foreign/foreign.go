// Package foreign knows what the annotations of other ingress controllers come to behind API Gateway: those of ingress-nginx,
// of the AWS Load Balancer Controller, of the original API Gateway controller, and those that tools around them write. It
// translates their Ingresses into this project's, and says of every annotation what became of it. It knows no Pulumi.
//
// The rows follow the controllers' own documentation:
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
package foreign

import (
	"slices"
	"strings"
)

// Outcome is what becomes of an annotation.
type Outcome string

// Translated annotations became one of ours or a key of the stack's config. NotNeeded ones ask for what holds here anyway, or
// set up something that is not there. Impossible ones are lost, with a reason and what to do instead.
const (
	Translated Outcome = "translated"
	NotNeeded  Outcome = "not needed"
	Impossible Outcome = "impossible"
)

// Annotation is one row of the table of foreign annotations.
type Annotation struct {
	// Name is the whole name. An asterisk at its end stands for any further characters.
	Name string
	// Outcome is the usual one; some values have another, which Note says.
	Outcome Outcome
	// Note is what it became, or why it is not needed, or why it is impossible and what to do instead.
	Note string
	// Access says that the annotation decides who gets in. A route that loses one must not become public unnoticed.
	Access bool

	translate func(value string, t *translation) (Outcome, string)
}

// Prefixes of the annotations that the table is about.
const (
	nginxPrefix    = "nginx.ingress.kubernetes.io/"
	albPrefix      = "alb.ingress.kubernetes.io/"
	originalPrefix = "apigateway.ingress.kubernetes.io/"
	className      = "kubernetes.io/ingress.class"
)

// Annotations lists every known foreign annotation in the order in which the documentation shows them.
var Annotations = slices.Concat(commonAnnotations, nginxAnnotations, albAnnotations, originalAnnotations)

// Lookup finds the row of an annotation. Exact names go before those with an asterisk.
func Lookup(name string) (Annotation, bool) {
	if i := slices.IndexFunc(Annotations, func(a Annotation) bool { return a.Name == name }); i >= 0 {
		return Annotations[i], true
	}
	i := slices.IndexFunc(Annotations, func(a Annotation) bool {
		prefix, open := strings.CutSuffix(a.Name, "*")
		return open && strings.HasPrefix(name, prefix)
	})
	if i < 0 {
		return Annotation{}, false
	}
	return Annotations[i], true
}

// Reference is the documentation of every annotation, as a Markdown table for each controller.
func Reference() string {
	var b strings.Builder
	for _, group := range []struct {
		title string
		rows  []Annotation
	}{
		{"Of every controller, and of tools around them", commonAnnotations},
		{"ingress-nginx: `" + nginxPrefix + "`", nginxAnnotations},
		{"AWS Load Balancer Controller: `" + albPrefix + "`", albAnnotations},
		{"The original controller: `" + originalPrefix + "`", originalAnnotations},
	} {
		b.WriteString("\n### " + group.title + "\n\n| annotation | outcome | what becomes of it |\n| --- | --- | --- |\n")
		for _, row := range group.rows {
			outcome := string(row.Outcome)
			if row.Access {
				outcome += ", decides who gets in"
			}
			b.WriteString("| `" + shortName(row.Name) + "` | " + outcome + " | " + row.Note + " |\n")
		}
	}
	return b.String()
}

func shortName(name string) string {
	for _, prefix := range []string{nginxPrefix, albPrefix, originalPrefix} {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			return short
		}
	}
	return name
}

func needless(prefix, name, why string) Annotation {
	return Annotation{Name: prefix + name, Outcome: NotNeeded, Note: why}
}

func cannot(prefix, name, why string) Annotation {
	return Annotation{Name: prefix + name, Outcome: Impossible, Note: why}
}

func becomes(prefix, name, note string, translate func(string, *translation) (Outcome, string)) Annotation {
	return Annotation{Name: prefix + name, Outcome: Translated, Note: note, translate: translate}
}

// decidesAccess marks a row about who gets in.
func decidesAccess(a Annotation) Annotation {
	a.Access = true
	return a
}
