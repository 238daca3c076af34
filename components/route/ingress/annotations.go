package ingress

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/spelling"
)

// AnnotationPrefix is in front of every annotation of this project, as in the original controller.
const AnnotationPrefix = "apigateway.ingress.kubernetes.io/"

// annotated is everything that the annotations of one Ingress say.
type annotated struct {
	api      route.Settings
	behavior route.Behavior
	group    string
	order    int
}

// Annotation is one annotation: its words, and how its value is read and written. Parsing, printing, documentation, error
// messages and the fuzzer's seeds come from here.
type Annotation struct {
	// Name comes after AnnotationPrefix.
	Name string
	// Form, Default, Scope and Merge are for people: the value's form, what holds without it, whether it is
	// about the whole API, the proxy or the Ingress's own routes, and what happens when Ingresses differ.
	Form, Default, Scope, Merge string
	// Owned says that the annotation is about the whole API, and counts from the owner's namespace only.
	Owned bool
	// Examples are texts at the edges of what is accepted, and some that are not.
	Examples []string

	parse func(text string, into *annotated) error
	// print is the value as it is written; empty where none is set.
	print func(from *annotated) string
}

const (
	mustAgree = "must agree; the lowest group.order decides"
	perRoute  = "each Ingress its own"
	ownersOf  = ", of the owner's namespace"
)

// describe binds a kind of value to the field that holds it.
func describe[T any](name string, v value[T], field func(*annotated) *T) Annotation {
	return Annotation{
		Name: name, Form: v.form, Examples: v.examples,
		parse: func(text string, into *annotated) error {
			read, err := v.parse(text)
			if err == nil {
				*field(into) = read
			}
			return err
		},
		print: func(from *annotated) string {
			if held := *field(from); !reflect.ValueOf(&held).Elem().IsZero() {
				return v.print(held)
			}
			return ""
		},
	}
}

// ofRoutes is an annotation about the routes of its own Ingress.
func ofRoutes[T any](name string, v value[T], byDefault, scope string, field func(*route.Behavior) *T) Annotation {
	a := describe(name, v, func(s *annotated) *T { return field(&s.behavior) })
	a.Default, a.Scope, a.Merge = byDefault, scope, perRoute
	return a
}

// ofCORS is one about the cross-origin policy of its routes.
func ofCORS[T any](name string, v value[T], byDefault, scope string, field func(*route.CORS) *T) Annotation {
	return ofRoutes(name, v, byDefault, scope, func(b *route.Behavior) *T {
		if b.CORS == nil {
			b.CORS = &route.CORS{}
		}
		return field(b.CORS)
	})
}

// ofAPI is one about the whole API or its proxy.
func ofAPI[T any](name string, v value[T], byDefault, scope string, field func(*route.Settings) *T) Annotation {
	a := describe(name, v, func(s *annotated) *T { return field(&s.api) })
	a.Default, a.Scope, a.Merge, a.Owned = byDefault, scope+ownersOf, mustAgree, true
	return a
}

// ofIngress is one about the Ingress itself.
func ofIngress[T any](name string, v value[T], byDefault, merge string, field func(*annotated) *T) Annotation {
	a := describe(name, v, field)
	a.Default, a.Scope, a.Merge = byDefault, "Ingress", merge
	return a
}

// Annotations lists every annotation, sorted by name. The first controller's eight have its meaning and defaults.
func Annotations() []Annotation { return annotations() }

// annotations are made once: each has its patterns.
var annotations = sync.OnceValue(func() []Annotation {
	methods := setOf("HTTP methods", checkMethod, "GET", "POST")
	group := ofIngress("group.order", intBetween(-1000, 1000), "0", "the lowest decides where Ingresses must agree",
		func(s *annotated) *int { return &s.order })
	group.Owned, group.Scope = true, "Ingress"+ownersOf
	return []Annotation{
		ofRoutes("api-key-required", boolean(), "`false`", "routes", func(b *route.Behavior) *bool { return &b.APIKeyRequired }),
		ofRoutes("auth", textWith[route.Auth]("`iam`, `none` or the name of an authorizer", checkAuth, "iam", "none", "members", "IAM"),
			"`iam`", "routes", func(b *route.Behavior) *route.Auth { return &b.Auth }),
		ofRoutes("auth-scopes", setOf("OAuth scopes", matching(`^[!#-\[\]-~]+$`, "a scope such as books/read"), "books/read", "all"),
			"none", "routes with a Cognito authorizer", func(b *route.Behavior) *[]string { return &b.Scopes }),
		ofRoutes("cache-key-query", setOf("query parameter names", matching(`^[A-Za-z0-9._-]+$`, "the name of a query parameter"), "page", "q"),
			"none: answers do not depend on the query", "routes with cache-ttl", func(b *route.Behavior) *[]string { return &b.Cache.QueryKeys }),
		ofRoutes("cache-ttl", durationBetween(time.Second, time.Hour, "duration, 1s to 1h; the answers must be the same for every caller"),
			"no caching", "routes with methods GET or GET,HEAD", func(b *route.Behavior) *time.Duration { return &b.Cache.TTL }),
		ofAPI("certificate-arn", textWith[string]("ARN of an ACM certificate", checkCertificateARN,
			"arn:aws:acm:us-east-1:111122223333:certificate/0a"),
			"none", "API", func(s *route.Settings) *string { return &s.CertificateARN }),
		ofRoutes("client-arns", setOf("IAM user, role or account root ARNs", route.CheckClientARN, "arn:aws:iam::111122223333:user/a",
			"arn:aws:iam::111122223333:root"),
			"nobody but the stack's own callers", "routes with auth iam", func(b *route.Behavior) *[]string { return &b.Callers }),
		ofCORS("cors-allow-credentials", boolean(), "`false`", "routes with CORS", func(c *route.CORS) *bool { return &c.Credentials }),
		ofCORS("cors-allow-headers", setOf("header names", matching(`^[A-Za-z0-9-]+$`, "a header name"), "Content-Type", "X-Page"),
			"what a signed request needs", "routes with CORS", func(c *route.CORS) *[]string { return &c.Headers }),
		ofCORS("cors-allow-methods", methods, "the route's methods, or all", "routes with CORS",
			func(c *route.CORS) *[]string { return &c.Methods }),
		ofCORS("cors-allow-origins", setOf("`*`, or origins such as `https://app.example.com`", checkOrigin, "https://a.example.com",
			"http://b.example.com:8080"),
			"no CORS", "routes", func(c *route.CORS) *[]string { return &c.Origins }),
		ofCORS("cors-max-age", durationBetween(time.Second, 24*time.Hour, "duration, up to 24h"),
			"10m", "routes with CORS", func(c *route.CORS) *time.Duration { return &c.MaxAge }),
		ofAPI("custom-domain-name", textWith[string]("domain name", checkDomain, "api.example.com", "*.example.com"),
			"none", "API", func(s *route.Settings) *string { return &s.CustomDomainName }),
		ofIngress("group.name", textWith[string]("DNS name", matching(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`,
			"made of lower-case letters, digits, hyphens and dots"), "shop", "shop.blog"),
			"none", "Ingresses of one name are one API", func(s *annotated) *string { return &s.group }),
		group,
		ofRoutes("max-body-size", bytesUpTo(route.MaxBodySize, "whole number of bytes, or with k or m; up to 10m"),
			"10m", "routes", func(b *route.Behavior) *int { return &b.MaxBodySize }),
		ofRoutes("methods", methods, "all", "routes", func(b *route.Behavior) *[]string { return &b.Methods }),
		ofAPI("nginx-image", textWith[string]("container image", checkImage, "nginx:1.30.0", "registry.example.com:5000/a/nginx@sha256:"+
			strings.Repeat("0a", 32)),
			"a pinned nginx", "proxy", func(s *route.Settings) *string { return &s.ProxyImage }),
		ofAPI("nginx-replicas", intBetween(1, 1000), "3", "proxy", func(s *route.Settings) *int { return &s.ProxyReplicas }),
		ofAPI("nginx-service-port", proxyPort(), "8080", "proxy", func(s *route.Settings) *int { return &s.ProxyPort }),
		ofAPI("node-selector", nodeSelector(), "none", "proxy", func(s *route.Settings) *map[string]string { return &s.NodeSelector }),
		ofAPI("stage-name", textWith[string]("A-Z, a-z, 0-9 and _", route.CheckStageName, "prod", "a-b"),
			"`prod`", "API", func(s *route.Settings) *string { return &s.StageName }),
		ofRoutes("throttle-burst", intBetween(1, 5000), "the rate, rounded up", "routes with throttle-rate",
			func(b *route.Behavior) *int { return &b.Throttle.Burst }),
		ofRoutes("throttle-rate", numberUpTo(10000, "requests a second, up to 10000"), "the stage's", "routes",
			func(b *route.Behavior) *float64 { return &b.Throttle.Rate }),
		ofRoutes("timeout", durationBetween(50*time.Millisecond, route.MaxTimeout, "duration, 50ms to 29s"),
			"29s", "routes", func(b *route.Behavior) *time.Duration { return &b.Timeout }),
	}
})

// parseAnnotations reads every annotation under AnnotationPrefix and reports all problems at once.
func parseAnnotations(values map[string]string) (annotated, error) {
	var result annotated
	var problems []error
	known := Annotations()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours {
			continue
		}
		i := slices.IndexFunc(known, func(a Annotation) bool { return a.Name == name })
		if i < 0 {
			problems = append(problems, fmt.Errorf("annotation %q is not known%s", key, suggestion(name, known)))
			continue
		}
		if err := known[i].parse(strings.TrimSpace(values[key]), &result); err != nil {
			problems = append(problems, route.At("annotation "+key, err))
		}
	}
	return result, errors.Join(append(problems, checkBehavior(result.behavior))...)
}

// suggestion names the annotation that was probably meant.
func suggestion(name string, known []Annotation) string {
	var names []string
	for _, a := range known {
		names = append(names, a.Name)
	}
	if near := spelling.Nearest(name, names); near != "" {
		return fmt.Sprintf(": did you mean %s%s?", AnnotationPrefix, near)
	}
	return ": remove it, or choose one of docs/reference/annotations.md"
}

// checkBehavior reports what annotations ask for together and cannot have.
func checkBehavior(b route.Behavior) error {
	var problems []error
	when := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, errors.New(text))
		}
	}
	builtIn := b.Auth == "" || b.Auth == route.AuthIAM || b.Auth == route.AuthNone
	when(len(b.Scopes) > 0 && builtIn, "auth-scopes without an authorizer: name a Cognito authorizer in auth")
	when(len(b.Callers) > 0 && b.Auth != "" && b.Auth != route.AuthIAM,
		fmt.Sprintf("client-arns does not go with auth %s, which asks nobody for an IAM identity: remove one of them", b.Auth))
	when(b.CORS != nil && len(b.CORS.Origins) == 0, "CORS annotations without cors-allow-origins: name the origins")
	when(b.CORS != nil && b.CORS.Credentials && slices.Contains(b.CORS.Origins, "*"),
		"cors-allow-credentials does not go with the origin *: name the origins")
	when(b.Throttle.Burst > 0 && b.Throttle.Rate == 0, "throttle-burst without throttle-rate: write both")
	reads := slices.Equal(b.Methods, []string{"GET"}) || slices.Equal(b.Methods, []string{"GET", "HEAD"})
	when(b.Cache.TTL > 0 && !reads, "cache-ttl is for reading only: write the annotation methods with GET or GET,HEAD")
	when(b.Cache.TTL > 0 && b.CORS != nil && !slices.Contains(b.CORS.Origins, "*"),
		"cache-ttl does not go with named origins: the cache would give one origin's answer to another; allow the origin *, or cache nothing")
	when(b.Cache.TTL == 0 && len(b.Cache.QueryKeys) > 0, "cache-key-query without cache-ttl: write both")
	return errors.Join(problems...)
}

// Describe is a route's behavior in the words of the annotations that make it, without what holds by default.
func Describe(b route.Behavior) map[string]string {
	plain := printed(route.Behavior{}.WithDefaults())
	words := map[string]string{}
	for name, text := range printed(b) {
		if text != plain[name] {
			words[name] = text
		}
	}
	return words
}

func printed(b route.Behavior) map[string]string {
	said := annotated{behavior: b}
	if b.CORS != nil {
		// Printing touches the fields, and the policy is shared.
		policy := *b.CORS
		said.behavior.CORS = &policy
	}
	words := map[string]string{}
	for _, a := range Annotations() {
		if text := a.print(&said); text != "" {
			words[a.Name] = text
		}
	}
	return words
}

// difference says in annotations' words how two behaviors differ.
func difference(a, b route.Behavior) string {
	first, second := printed(a), printed(b)
	var parts []string
	for _, annotation := range Annotations() {
		if name := annotation.Name; first[name] != second[name] {
			parts = append(parts, fmt.Sprintf("%s is %s, and %s there", name, orNothing(first[name]), orNothing(second[name])))
		}
	}
	return strings.Join(parts, "; ")
}

func orNothing(text string) string {
	if text == "" {
		return "not set"
	}
	return text
}

// subjects group annotations for people, by what their names begin with. An annotation is of the first group that fits.
var subjects = []struct {
	title string
	names []string
}{
	{"Who may call", []string{"auth", "client-arns", "api-key-required"}},
	{"Requests, limits and caching", []string{"methods", "throttle-", "timeout", "max-body-size", "cache-"}},
	{"CORS", []string{"cors-"}},
	{"Domain and stage", []string{"custom-domain-name", "certificate-arn", "stage-name"}},
	{"NGINX", []string{"nginx-", "node-selector"}},
	{"Groups of Ingresses", []string{""}},
}

// AnnotationsReference is the documentation of every annotation, as Markdown tables by subject.
func AnnotationsReference() string {
	var b strings.Builder
	left := slices.Clone(Annotations())
	for _, subject := range subjects {
		b.WriteString("\n## " + subject.title + "\n\n| annotation | type | default | about | where Ingresses differ |\n" +
			"| --- | --- | --- | --- | --- |\n")
		left = slices.DeleteFunc(left, func(a Annotation) bool {
			ofSubject := slices.ContainsFunc(subject.names, func(begin string) bool { return strings.HasPrefix(a.Name, begin) })
			if ofSubject {
				b.WriteString("| `" + a.Name + "` | " + a.Form + " | " + a.Default + " | " + a.Scope + " | " + a.Merge + " |\n")
			}
			return ofSubject
		})
	}
	return b.String()
}
