package ingress

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// AnnotationPrefix is in front of every annotation of this project, as in the original controller.
const AnnotationPrefix = "apigateway.ingress.kubernetes.io/"

// IngressClass is the class that this project serves, in spec.ingressClassName or in the
// annotation kubernetes.io/ingress.class. An Ingress without any class is served as well.
const IngressClass = "apigateway"

const classAnnotation = "kubernetes.io/ingress.class"

// annotated is everything that the annotations of one Ingress say.
type annotated struct {
	api      route.Settings
	behavior route.Behavior
	group    string
	order    int
}

// Annotation is one row of the table of known annotations.
type Annotation struct {
	// Name comes after AnnotationPrefix.
	Name string
	// Type, Default, Scope and Merge are for people: the value's form, what holds without it, whether it is
	// about the whole API, the proxy or the Ingress's own routes, and what happens when Ingresses differ.
	Type, Default, Scope, Merge string

	parse func(value string, into *annotated) error
}

const (
	mustAgree = "must agree; the lowest group.order decides"
	perRoute  = "each Ingress its own"
)

// Annotations lists every annotation, sorted by name. The first controller's eight have its meaning and defaults.
var Annotations = []Annotation{
	{"api-key-required", "`true` or `false`", "`false`", "routes", perRoute, func(v string, a *annotated) (err error) {
		a.behavior.APIKeyRequired, err = boolean(v)
		return err
	}},
	{"auth", "`iam`, `none` or the name of an authorizer", "`iam`", "routes", perRoute, func(v string, a *annotated) error {
		a.behavior.Auth = route.Auth(v)
		return matchesOr(v, authName, "iam, none or the name of an authorizer")
	}},
	{"auth-scopes", "OAuth scopes, separated by commas", "none", "routes with a Cognito authorizer", perRoute, func(v string, a *annotated) error {
		a.behavior.Scopes = splitList(v)
		slices.Sort(a.behavior.Scopes)
		return eachMatches(a.behavior.Scopes, oauthScope, "a scope such as books/read")
	}},
	{"cache-key-query", "query parameter names, separated by commas", "none: answers do not depend on the query", "routes with cache-ttl", perRoute, func(v string, a *annotated) error {
		a.behavior.Cache.QueryKeys = splitList(v)
		return eachMatches(a.behavior.Cache.QueryKeys, queryName, "the name of a query parameter")
	}},
	{"cache-ttl", "duration, 1s to 1h; the answers must be the same for every caller", "no caching", "routes with methods GET or GET,HEAD", perRoute, func(v string, a *annotated) (err error) {
		a.behavior.Cache.TTL, err = duration(v, time.Second, time.Hour)
		return err
	}},
	{"certificate-arn", "ARN of an ACM certificate", "none", "API", mustAgree, func(v string, a *annotated) error { a.api.CertificateARN = v; return checkCertificateARN(v) }},
	{"client-arns", "IAM user, role or account root ARNs, separated by commas", "the stack's own client", "API", "joined", parseClientARNs},
	{"cors-allow-credentials", "`true` or `false`", "`false`", "routes with CORS", perRoute, func(v string, a *annotated) (err error) {
		a.cors().Credentials, err = boolean(v)
		return err
	}},
	{"cors-allow-headers", "header names, separated by commas", "what a signed request needs", "routes with CORS", perRoute, func(v string, a *annotated) error {
		a.cors().Headers = splitList(v)
		return eachMatches(a.cors().Headers, headerToken, "a header name")
	}},
	{"cors-allow-methods", "HTTP methods, separated by commas", "the route's methods, or all", "routes with CORS", perRoute, func(v string, a *annotated) error {
		a.cors().Methods = splitList(v)
		return checkMethods(a.cors().Methods)
	}},
	{"cors-allow-origins", "origins such as `https://app.example.com`, separated by commas, or `*`", "no CORS", "routes", perRoute, func(v string, a *annotated) error {
		a.cors().Origins = splitList(v)
		return eachMatches(a.cors().Origins, corsOrigin, "an origin such as https://app.example.com")
	}},
	{"cors-max-age", "duration, up to 24h", "10m", "routes with CORS", perRoute, func(v string, a *annotated) (err error) {
		a.cors().MaxAge, err = duration(v, time.Second, 24*time.Hour)
		return err
	}},
	{"custom-domain-name", "domain name", "none", "API", mustAgree, func(v string, a *annotated) error { a.api.CustomDomainName = v; return checkDomain(v) }},
	{"group.name", "DNS label", "none", "Ingress", "Ingresses of one name are one API", func(v string, a *annotated) error {
		a.group = v
		return matchesOr(v, groupName, "lower-case letters, digits and hyphens")
	}},
	{"group.order", "whole number, -1000 to 1000", "0", "Ingress", "the lowest decides where Ingresses must agree", func(v string, a *annotated) (err error) { a.order, err = integer(v, -1000, 1000); return err }},
	{"max-body-size", "whole number of bytes, or with k or m; up to 10m", "10m", "routes", perRoute, parseBodySize},
	{"methods", "HTTP methods, separated by commas", "all", "routes", perRoute, func(v string, a *annotated) error {
		a.behavior.Methods = splitList(v)
		slices.Sort(a.behavior.Methods)
		return checkMethods(a.behavior.Methods)
	}},
	{"nginx-image", "container image", "a pinned nginx", "proxy", mustAgree, func(v string, a *annotated) error { a.api.ProxyImage = v; return notEmpty(v) }},
	{"nginx-replicas", "whole number, 1 to 1000", "3", "proxy", mustAgree, func(v string, a *annotated) (err error) { a.api.ProxyReplicas, err = integer(v, 1, 1000); return err }},
	{"nginx-service-port", "port, 1024 to 65535", "8080", "proxy", mustAgree, parseProxyPort},
	{"node-selector", "`key=value` pairs, separated by commas", "none", "proxy", mustAgree, parseNodeSelector},
	{"stage-name", "A-Z, a-z, 0-9 and _", "`prod`", "API", mustAgree, func(v string, a *annotated) error { a.api.StageName = v; return route.CheckStageName(v) }},
	{"throttle-burst", "whole number, 1 to 5000", "the rate, rounded up", "routes with throttle-rate", perRoute, func(v string, a *annotated) (err error) {
		a.behavior.Throttle.Burst, err = integer(v, 1, 5000)
		return err
	}},
	{"throttle-rate", "requests a second, up to 10000", "the stage's", "routes", perRoute, parseRate},
	{"timeout", "duration, 50ms to 29s", "29s", "routes", perRoute, func(v string, a *annotated) (err error) {
		a.behavior.Timeout, err = duration(v, 50*time.Millisecond, route.MaxTimeout)
		return err
	}},
}

func (a *annotated) cors() *route.CORS {
	if a.behavior.CORS == nil {
		a.behavior.CORS = &route.CORS{}
	}
	return a.behavior.CORS
}

// parseAnnotations reads every annotation under AnnotationPrefix and reports all problems at once.
func parseAnnotations(values map[string]string) (annotated, error) {
	var result annotated
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours {
			continue
		}
		known := slices.IndexFunc(Annotations, func(a Annotation) bool { return a.Name == name })
		if known < 0 {
			problems = append(problems, fmt.Errorf("annotation %q is not known: did you mean %s%s?", key, AnnotationPrefix, nearestAnnotation(name)))
			continue
		}
		if err := Annotations[known].parse(strings.TrimSpace(values[key]), &result); err != nil {
			problems = append(problems, route.At("annotation "+key, err))
		}
	}
	return result, errors.Join(append(problems, checkBehavior(result.behavior))...)
}

// checkBehavior reports what annotations ask for together and cannot have.
func checkBehavior(b route.Behavior) error {
	var problems []error
	if len(b.Scopes) > 0 && (b.Auth == "" || b.Auth == route.AuthIAM || b.Auth == route.AuthNone) {
		problems = append(problems, errors.New("auth-scopes without an authorizer: name a Cognito authorizer in auth"))
	}
	if b.CORS != nil && len(b.CORS.Origins) == 0 {
		problems = append(problems, errors.New("CORS annotations without cors-allow-origins: name the origins"))
	}
	if b.CORS != nil && b.CORS.Credentials && slices.Contains(b.CORS.Origins, "*") {
		problems = append(problems, errors.New("cors-allow-credentials does not go with the origin *: name the origins"))
	}
	if b.Throttle.Burst > 0 && b.Throttle.Rate == 0 {
		problems = append(problems, errors.New("throttle-burst without throttle-rate: write both"))
	}
	if b.Cache.TTL > 0 && !slices.Equal(b.Methods, []string{"GET"}) && !slices.Equal(b.Methods, []string{"GET", "HEAD"}) {
		problems = append(problems, errors.New("cache-ttl is for reading only: write the annotation methods with GET or GET,HEAD"))
	}
	if b.Cache.TTL > 0 && b.CORS != nil && !slices.Contains(b.CORS.Origins, "*") {
		problems = append(problems, errors.New("cache-ttl does not go with named origins: the cache would give one origin's answer to another; allow the origin *, or cache nothing"))
	}
	if b.Cache.TTL == 0 && len(b.Cache.QueryKeys) > 0 {
		problems = append(problems, errors.New("cache-key-query without cache-ttl: write both"))
	}
	return errors.Join(problems...)
}

func nearestAnnotation(name string) string {
	best, distance := "", -1
	for _, known := range Annotations {
		if d := levenshtein.Distance(name, known.Name, nil); distance < 0 || d < distance {
			best, distance = known.Name, d
		}
	}
	return best
}

var (
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$`)
	groupName      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	authName       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)
	headerToken    = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	corsOrigin     = regexp.MustCompile(`^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`)
	oauthScope     = regexp.MustCompile(`^[!#-\[\]-~]+$`)
	queryName      = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	bodySize       = regexp.MustCompile(`^([0-9]{1,8})([km]?)$`)
)

func parseClientARNs(value string, into *annotated) error {
	var problems []error
	for arn := range strings.SplitSeq(value, ",") {
		arn = strings.TrimSpace(arn)
		problems = append(problems, route.CheckClientARN(arn))
		into.api.ClientARNs = append(into.api.ClientARNs, arn)
	}
	return errors.Join(problems...)
}

func parseProxyPort(value string, into *annotated) (err error) {
	if into.api.ProxyPort, err = integer(value, 1024, 65535); err == nil && into.api.ProxyPort == route.HealthPort {
		return fmt.Errorf("%d is taken by the proxy's health check: choose another", route.HealthPort)
	}
	return err
}

func parseNodeSelector(value string, into *annotated) error {
	into.api.NodeSelector = map[string]string{}
	for pair := range strings.SplitSeq(value, ",") {
		key, label, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not a list of key=value pairs such as kubernetes.io/arch=amd64", value)
		}
		into.api.NodeSelector[key] = label
	}
	return nil
}

func parseBodySize(value string, into *annotated) error {
	parts := bodySize.FindStringSubmatch(value)
	if parts == nil {
		return fmt.Errorf("%q is not a size such as 512k or 10m", value)
	}
	size, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	into.behavior.MaxBodySize = size * map[string]int{"": 1, "k": 1 << 10, "m": 1 << 20}[parts[2]]
	if into.behavior.MaxBodySize < 1 || into.behavior.MaxBodySize > route.MaxBodySize {
		return fmt.Errorf("%q is not from 1 to 10m, the most that API Gateway passes on", value)
	}
	return nil
}

func parseRate(value string, into *annotated) error {
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil || !(rate > 0 && rate <= 10000) {
		return fmt.Errorf("%q is not a number above 0 and up to 10000", value)
	}
	into.behavior.Throttle.Rate = rate
	return nil
}

func checkCertificateARN(value string) error {
	return matchesOr(value, certificateARN, "the ARN of an ACM certificate")
}

func checkDomain(value string) error {
	if err := route.CheckDomainName(value); err != nil {
		return errors.Unwrap(err)
	}
	return nil
}

func matchesOr(value string, pattern *regexp.Regexp, what string) error {
	if !pattern.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, what)
	}
	return nil
}

func eachMatches(values []string, pattern *regexp.Regexp, what string) error {
	for _, value := range values {
		if err := matchesOr(value, pattern, what); err != nil {
			return err
		}
	}
	return nil
}

func notEmpty(value string) error {
	if value == "" {
		return errors.New("the value is empty")
	}
	return nil
}

func integer(value string, lowest, highest int) (int, error) {
	number, err := strconv.Atoi(value)
	if err != nil || number < lowest || number > highest {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", value, lowest, highest)
	}
	return number, nil
}

func boolean(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", value)
}

func duration(value string, shortest, longest time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < shortest || d > longest {
		return 0, fmt.Errorf("%q is not a duration from %s to %s", value, shortest, longest)
	}
	return d, nil
}

func splitList(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func checkMethods(methods []string) error {
	for _, method := range methods {
		if !slices.Contains(route.HTTPMethods, method) {
			return fmt.Errorf("%q is not one of %v", method, route.HTTPMethods)
		}
	}
	return nil
}

// AnnotationsReference is the documentation of every annotation, as a Markdown table.
func AnnotationsReference() string {
	var b strings.Builder
	b.WriteString("| annotation | type | default | about | where Ingresses differ |\n| --- | --- | --- | --- | --- |\n")
	for _, a := range Annotations {
		b.WriteString("| `" + a.Name + "` | " + a.Type + " | " + a.Default + " | " + a.Scope + " | " + a.Merge + " |\n")
	}
	return b.String()
}
