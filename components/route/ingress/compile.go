// Package ingress makes a table of routes from Ingress manifests and their annotations:
//
//	files --Load--> Manifests --Compile--> route.Table
//
// Compile goes in stages, each of which sees all Ingresses before the next begins: which of them are this API's, what they
// say about the API as a whole, and their routes. So nothing depends on the order in which they are given.
package ingress

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/printable"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// maxOriginalName is the original controller's limit for the name of an Ingress; Kubernetes allows longer ones.
const maxOriginalName = 51

// Options are what Ingresses refer to, and what they may do.
type Options struct {
	// Services are the backends that exist, besides those in the manifests. AnyService accepts every one, for looking at
	// manifests alone; the numbers of named ports are then unknown.
	Services   []route.Service
	AnyService bool
	// Undeclared accepts Services besides these, by number: somebody else looks whether they exist.
	Undeclared bool
	// Domains are the custom domain names that the API answers to, *.name included.
	Domains []string
	// Group takes the Ingresses of one group.name only. Without it all Ingresses must be of one group.
	Group string
	// Classless takes Ingresses without a class as well. By default they are taken only where the manifests hold an
	// IngressClass apigateway that is marked as the default.
	Classless bool
	// Owner is the namespace whose annotations about the whole API count. Where all Ingresses are of one namespace, that
	// is the default.
	Owner string
	// AllowOverlaps lets a namespace have routes below another one's.
	AllowOverlaps bool
	// IgnoreForeign lets Ingresses pass whose annotations of other controllers decide who gets in. They have no effect here.
	IgnoreForeign bool
	// Authorizers may be named by the annotation auth.
	Authorizers []route.Authorizer
	// Fragments say what requests must look like.
	Fragments []route.Fragment
	// ResourceQuota is the number of resources that AWS allows in a REST API. 0 means 300.
	ResourceQuota int
}

// Compile checks Ingresses and joins them to one table. All problems are returned together, each with its place.
func Compile(m Manifests, options Options) (*route.Table, error) {
	return newCompiler(m, options).compile()
}

func newCompiler(m Manifests, options Options) *compiler {
	return &compiler{options: options, manifests: m, notices: slices.Clone(m.Notices)}
}

func (c *compiler) compile() (*route.Table, error) {
	options := c.options
	selected := c.choose()
	settings := c.settings(selected)
	c.options.Domains = slices.Clone(options.Domains)
	if settings.CustomDomainName != "" {
		c.options.Domains = append(c.options.Domains, settings.CustomDomainName)
	}
	var routes []route.Route
	for _, s := range selected {
		routes = append(routes, c.routes(s)...)
	}
	if len(routes) == 0 && c.manifests.Controller != "" {
		routes = append(routes, nothing)
	}
	if err := c.verdict(routes); err != nil {
		return nil, printable.Error(err)
	}
	table, err := route.New(
		route.Table{Routes: routes, Settings: settings, Authorizers: options.Authorizers, Fragments: options.Fragments, Notices: c.notices},
		route.Options{AnyAuthorizer: options.AnyService, ResourceQuota: options.ResourceQuota, AllowOverlaps: options.AllowOverlaps,
			Difference: difference},
	)
	return table, printable.Error(err)
}

// nothing keeps the API of a cluster without routes in being: AWS deploys none that has no method.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
var nothing = route.Route{
	Path: "/", Match: route.Exact, Source: "no Ingress", Backend: route.Backend{Namespace: metav1.NamespaceDefault, Service: "none",
		Missing: true},
}

// compiler collects what is wrong and what people should know.
type compiler struct {
	options   Options
	manifests Manifests
	notices   []string
	problems  []error
	// severalGroups says that nobody chose one.
	severalGroups bool
}

// selected is an Ingress of this API, with what its annotations say.
type selected struct {
	Ingress
	said  annotated
	where string
}

func (c *compiler) notice(format string, args ...any) {
	c.notices = append(c.notices, printable.Text(fmt.Sprintf(format, args...)))
}

func (c *compiler) fail(place string, problems ...error) {
	for _, problem := range problems {
		if problem != nil {
			c.problems = append(c.problems, route.At(place, problem))
		}
	}
}

// verdict is everything that is wrong so far, or why there is nothing to serve.
func (c *compiler) verdict(routes []route.Route) error {
	if err := errors.Join(c.problems...); err != nil && c.severalGroups {
		// What stands twice may be of two groups.
		return err
	} else if err != nil {
		return errors.Join(err, route.CheckDuplicates(routes, difference))
	}
	if len(routes) == 0 {
		problems := []error{fmt.Errorf("there is no Ingress of class %q to serve", IngressClass)}
		for _, notice := range slices.Sorted(slices.Values(c.notices)) {
			problems = append(problems, errors.New(notice))
		}
		return errors.Join(problems...)
	}
	return nil
}

// choose takes the Ingresses of this project's class and of one group, in the order of their places.
func (c *compiler) choose() []selected {
	var chosen []selected
	groups := map[string]string{}
	for _, ingress := range slices.SortedFunc(slices.Values(c.manifests.Ingresses), compareIngresses) {
		place := ingress.place()
		said, err := parseAnnotations(ingress.Annotations)
		if reason := c.leftOut(ingress, said.group); reason != "" {
			c.notice("%s: left out: %s", place, reason)
			continue
		}
		c.fail(place, err, c.checkName(ingress, place))
		c.foreign(ingress, place)
		if groups[said.group] == "" {
			groups[said.group] = place
		}
		chosen = append(chosen, selected{Ingress: ingress, said: said, where: place})
	}
	if names := slices.Sorted(maps.Keys(groups)); len(names) > 1 {
		c.severalGroups = true
		c.problems = append(c.problems, fmt.Errorf("%s is of group.name %q, and %s of group.name %q: one API serves one group; choose it "+
			"with --group or the stack's config group",
			groups[names[0]], names[0], groups[names[1]], names[1]))
	}
	return chosen
}

func (c *compiler) checkName(ingress Ingress, place string) error {
	if found := validation.IsDNS1123Subdomain(ingress.Name); len(found) > 0 {
		return fmt.Errorf("the name is not valid: %s", found[0])
	}
	if found := validation.IsDNS1123Label(namespaceOr(ingress.Namespace)); len(found) > 0 {
		return fmt.Errorf("the namespace is not valid: %s", found[0])
	}
	if len(ingress.Name) > maxOriginalName {
		c.notice("%s: the name has %d characters: the original controller took at most %d", place, len(ingress.Name), maxOriginalName)
	}
	return nil
}

// compareIngresses orders by file, document and item, and then by everything else, so that the order in which Ingresses
// are given never matters.
func compareIngresses(a, b Ingress) int {
	if order := cmp.Or(compareSources(a.Source, b.Source), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)); order != 0 {
		return order
	}
	first, errA := json.Marshal(a.Ingress)
	second, errB := json.Marshal(b.Ingress)
	if errA != nil || errB != nil {
		return 0
	}
	return cmp.Compare(string(first), string(second))
}

// compareSources compares "file:document.item" with numbers as numbers.
func compareSources(a, b string) int {
	fileA, documentA, itemA := splitSource(a)
	fileB, documentB, itemB := splitSource(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(documentA, documentB), cmp.Compare(itemA, itemB), cmp.Compare(a, b))
}

func splitSource(source string) (file string, document, item int) {
	colon := strings.LastIndexByte(source, ':')
	if colon < 0 {
		return source, 0, 0
	}
	first, second, _ := strings.Cut(source[colon+1:], ".")
	// What is no number stays 0: then the whole texts decide.
	document, _ = strconv.Atoi(first)
	item, _ = strconv.Atoi(second)
	return source[:colon], document, item
}
