package foreign

import (
	"fmt"
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// subtree is a regular expression that means a path and everything below it, in the spellings that people use:
// a literal path, then what stands for the rest.
var subtree = regexp.MustCompile(`^\^?((?:/[A-Za-z0-9._~-]+)*)(|/|/\.\*|/?\(\.[*+]\)|/\(\)\(\.\*\)|/\?\(?\.\*\)?|\(/\.\*\)\??|\(/\|\$\)\(?\.\*\)?|\(/\(\.\*\)\)\?|/\*|/\?|\.\*|\(\.\*\)|\(/\|\$\))\$?$`)

// literal is a path without any sign of an expression.
var literal = regexp.MustCompile(`^[A-Za-z0-9._~:@/-]*$`)

// normal is what a path means here, or why it cannot be.
func (t *translation) normal(path string, kind networkingv1.PathType) (string, networkingv1.PathType, string) {
	if t.rewrite != "" && t.rewritten(path) {
		return path, kind, fmt.Sprintf("rewrite-target %s changes the path for the service: let the service answer below %q, or give it a "+
			"host of its own", t.rewrite, base(path))
	}
	switch {
	case t.controller == ALB:
		return albPath(path, kind)
	case kind == networkingv1.PathTypeImplementationSpecific || t.regex || t.rewrite != "":
		return nginxPath(path, kind)
	}
	return path, kind, ""
}

// albPath reads the wildcards of listener rules; a path without one is compared as a whole:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions
func albPath(path string, kind networkingv1.PathType) (string, networkingv1.PathType, string) {
	whole, below := strings.CutSuffix(path, "/*")
	if below {
		path, kind = orRoot(whole), networkingv1.PathTypePrefix
	}
	if strings.ContainsAny(path, "*?") {
		return path, kind, "a wildcard stands for whole segments at a path's end only; write the paths"
	}
	if kind == networkingv1.PathTypeImplementationSpecific {
		kind = networkingv1.PathTypeExact
	}
	return path, kind, ""
}

func nginxPath(path string, kind networkingv1.PathType) (string, networkingv1.PathType, string) {
	if literal.MatchString(path) {
		if kind == networkingv1.PathTypeImplementationSpecific {
			kind = networkingv1.PathTypePrefix
		}
		return orRoot(path), kind, ""
	}
	if parts := subtree.FindStringSubmatch(path); parts != nil {
		return orRoot(parts[1]), networkingv1.PathTypePrefix, ""
	}
	return path, kind, "API Gateway has no regular expressions; write the paths"
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// base is the literal beginning of a path.
func base(path string) string {
	if parts := subtree.FindStringSubmatch(path); parts != nil {
		return orRoot(parts[1])
	}
	return path
}

// rewriteMatters says whether the rewrite changes any path of the Ingress.
func (t *translation) rewriteMatters() bool {
	for _, rule := range t.source.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if t.rewritten(path.Path) {
				return true
			}
		}
	}
	return false
}

// rewritten says whether the service would see another path than the client asked for. ingress-nginx rewrites what its
// expression matches from the beginning, in any case of letters, and leaves a path alone that is the target itself.
func (t *translation) rewritten(path string) bool {
	if path == t.rewrite {
		return false
	}
	expression, err := regexp.Compile("^(?i)" + strings.TrimPrefix(path, "^"))
	if err != nil {
		return true
	}
	target := captureReference.ReplaceAllString(t.rewrite, "$${$1}")
	for _, asked := range []string{base(path), strings.TrimSuffix(base(path), "/") + "/some/page"} {
		match := expression.FindStringSubmatchIndex(asked)
		if match == nil {
			continue
		}
		seen := string(expression.ExpandString(nil, target, asked, match))
		if strings.TrimSuffix(seen, "/") != strings.TrimSuffix(asked, "/") {
			return true
		}
	}
	return false
}

// captureReference is $1 in a rewrite's target; Go wants ${1} where a letter may follow.
var captureReference = regexp.MustCompile(`\$([0-9])`)
