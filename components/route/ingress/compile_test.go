package ingress

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
	"github.com/apigateway-ingress/apigateway-ingress/internal/routetest"
	"github.com/stretchr/testify/require"
)

// manifest is an Ingress with the given spec and annotations, both as YAML that is indented here.
func yamlOf(annotations, spec string) string {
	indent := func(text string, by int) string {
		return strings.ReplaceAll("\n"+strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", by))
	}
	text := "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: api\n"
	if annotations != "" {
		text += "  annotations:" + indent(annotations, 4) + "\n"
	}
	return text + "spec:" + indent(spec, 2) + "\n"
}

func rulePath(path, pathType, service, port string) string {
	return fmt.Sprintf(`
rules:
- http:
    paths:
    - path: %q
      pathType: %s
      backend: {service: {name: %s, port: {%s}}}`, path, pathType, service, port)
}

// bookstore are the services that the example's Ingress names.
var bookstore = []route.Service{
	{Namespace: "default", Name: "bookservice", Ports: []route.ServicePort{{Name: "http", Number: 80}}},
	{Namespace: "default", Name: "authorservice", Ports: []route.ServicePort{{Name: "http", Number: 80}}},
}

func compileText(t *testing.T, text string) (*route.Table, error) {
	t.Helper()
	manifests, err := Parse("x.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return Compile(manifests, Options{Services: bookstore, Classless: true})
}

func TestBadInputSaysWhereAndWhat(t *testing.T) {
	good := rulePath("/a", "Prefix", "bookservice", "number: 80")
	for name, c := range map[string]struct{ text, want string }{
		"not YAML": {"a: [", "x.yaml:1: not YAML"},
		"unknown version": {"apiVersion: networking.k8s.io/v9\nkind: Ingress\nmetadata: {name: a}",
			`ingress default/a: apiVersion "networking.k8s.io/v9" is not known`},
		"unknown field": {yamlOf("", "rulez: []"), `unknown field "spec.rulez"`},
		"no rules":      {yamlOf("", "ingressClassName: apigateway"), "x.yaml:1: ingress default/api: it has no rules"},
		"no paths":      {yamlOf("", "rules: [{http: {paths: []}}]"), "ingress default/api: rule 1: it has no paths"},
		"host": {yamlOf("", "rules: [{host: a.example.com}]"),
			`rule 1: host "a.example.com": no domain of the API serves it (the API has none)`},
		"relative path": {yamlOf("", rulePath("a", "Prefix", "bookservice", "number: 80")),
			`rule 1 path 1 "a": the path must start with "/"`},
		"impossible path": {yamlOf("", rulePath("/a;b", "Prefix", "bookservice", "number: 80")),
			`segment "a;b" is not possible in API Gateway`},
		"dot segment":      {yamlOf("", rulePath("/a/../b", "Prefix", "bookservice", "number: 80")), `segment ".." is not possible`},
		"exact slash":      {yamlOf("", rulePath("/a/", "Exact", "bookservice", "number: 80")), "an Exact path cannot end in a slash"},
		"unknown pathType": {yamlOf("", rulePath("/a", "Regex", "bookservice", "number: 80")), `pathType "Regex" is not known`},
		"unknown service": {yamlOf("", rulePath("/a", "Prefix", "shop", "number: 80")),
			`service default/shop is not declared by the stack: add it to services (declared: default/authorservice, default/bookservice)`},
		"unknown port": {yamlOf("", rulePath("/a", "Prefix", "bookservice", "number: 81")), "service default/bookservice has no port 81"},
		"unknown port name": {yamlOf("", rulePath("/a", "Prefix", "bookservice", "name: grpc")),
			`service default/bookservice has no port named "grpc"`},
		"default backend": {yamlOf("", "defaultBackend: {service: {name: shop, port: {number: 80}}}"+good),
			"defaultBackend: service default/shop is not declared"},
		"resource backend": {yamlOf("", "defaultBackend: {resource: {kind: Bucket, name: b}}"+good),
			"defaultBackend: the backend is not a Service"},
		"auth":            {yamlOf(AnnotationPrefix+`auth: basic`, good), `auth "basic" is neither iam nor none, nor an authorizer of the API`},
		"methods":         {yamlOf(AnnotationPrefix+`methods: GET,FETCH`, good), `methods: "FETCH" is not one of`},
		"timeout":         {yamlOf(AnnotationPrefix+`timeout: 30s`, good), `timeout: "30s" is not a duration from 50ms to 29s`},
		"body size":       {yamlOf(AnnotationPrefix+`max-body-size: 11m`, good), `"11m" is not from 1 to 10m`},
		"rate":            {yamlOf(AnnotationPrefix+`throttle-rate: NaN`, good), `throttle-rate: "NaN" is not a number`},
		"burst alone":     {yamlOf(AnnotationPrefix+`throttle-burst: "5"`, good), "throttle-burst without throttle-rate"},
		"origin":          {yamlOf(AnnotationPrefix+`cors-allow-origins: example.com`, good), `"example.com" is not an origin`},
		"CORS, no origin": {yamlOf(AnnotationPrefix+`cors-max-age: 5m`, good), "CORS annotations without cors-allow-origins"},
		"credentials for *": {yamlOf(AnnotationPrefix+"cors-allow-origins: \"*\"\n"+AnnotationPrefix+`cors-allow-credentials: "true"`, good),
			"does not go with the origin *"},
		"cache for writes": {yamlOf(AnnotationPrefix+`cache-ttl: 5m`, good), "cache-ttl is for reading only"},
		"cache and origins": {yamlOf(AnnotationPrefix+"cache-ttl: 5m\n"+AnnotationPrefix+"methods: GET\n"+AnnotationPrefix+
			`cors-allow-origins: https://a.example.com`, good), "cache-ttl does not go with named origins"},
		"group order":  {yamlOf(AnnotationPrefix+`group.order: first`, good), `group.order: "first" is not a whole number`},
		"empty client": {yamlOf(AnnotationPrefix+`client-arns: ""`, good), "client-arns: a client ARN is empty"},
		"malformed client": {yamlOf(AnnotationPrefix+`client-arns: arn:aws:iam::1:user/a`, good),
			`client ARN "arn:aws:iam::1:user/a" is malformed`},
		"wildcard client": {yamlOf(AnnotationPrefix+`client-arns: "arn:aws:iam::111122223333:user/*"`, good), "has a wildcard"},
		"stage name":      {yamlOf(AnnotationPrefix+`stage-name: a-b`, good), `stage name "a-b" is not valid`},
		"replicas": {yamlOf(AnnotationPrefix+`nginx-replicas: three`, good),
			`nginx-replicas: "three" is not a whole number from 1 to 1000`},
		"service port": {yamlOf(AnnotationPrefix+`nginx-service-port: "80"`, good),
			`"80" is not a whole number from 1024 to 65535: NGINX is not root here`},
		"health port": {yamlOf(AnnotationPrefix+`nginx-service-port: "8081"`, good), "8081 is taken by the proxy's health check"},
		"unknown": {yamlOf(AnnotationPrefix+`client-arn: x`, good),
			`annotation "apigateway.ingress.kubernetes.io/client-arn" is not known: did you mean apigateway.ingress.kubernetes.io/client-arns?`},
		"other class":      {yamlOf("kubernetes.io/ingress.class: nginx", good), `there is no Ingress of class "apigateway"`},
		"methods twice":    {yamlOf(AnnotationPrefix+`methods: GET,GET`, goodRule), `methods: "GET" is there twice`},
		"auth in capitals": {yamlOf(AnnotationPrefix+`auth: IAM`, goodRule), `auth: "IAM": write iam`},
		"none in capitals": {yamlOf(AnnotationPrefix+`auth: None`, goodRule), `auth: "None": write none`},
		"callers of none": {yamlOf(AnnotationPrefix+"auth: none\n"+AnnotationPrefix+"client-arns: arn:aws:iam::111122223333:root",
			goodRule), "client-arns does not go with auth none"},
		"two backends": {yamlOf("", "defaultBackend: {resource: {kind: Bucket, name: b}, service: {name: bookservice, port: {number: "+
			"80}}}"), "both a Service and a resource"},
		"name and number": {yamlOf("", rulePath("/a", "Prefix", "bookservice", "number: 80, name: http")),
			`the port has both the name "http" and the number 80`},
		"no port":        {yamlOf("", "defaultBackend: {service: {name: bookservice}}"), "the port is missing"},
		"use-annotation": {yamlOf("", rulePath("/a", "Prefix", "bookservice", "name: use-annotation")), "AWS Load Balancer Controller's word"},
		"pattern": {yamlOf("", rulePath("/a/*", "Prefix", "bookservice", "number: 80")),
			`there are no patterns: a Prefix is everything below it anyway; write "/a"`},
		"long path": {yamlOf("", rulePath("/"+strings.Repeat("a", 2001), "Prefix", "bookservice", "number: 80")),
			"at most 2000 are possible in NGINX's configuration"},
		"many headers": {yamlOf(AnnotationPrefix+"cors-allow-origins: https://a.example.com\n"+AnnotationPrefix+"cors-allow-headers: "+
			strings.Repeat("X-Header,", 300)+"Last", goodRule), "at most 2000 are possible"},
		"long origin": {yamlOf(AnnotationPrefix+"cors-allow-origins: https://"+strings.Repeat("a", 300)+".example.com", goodRule),
			"DNS names have at most 253"},
		"image":        {yamlOf(AnnotationPrefix+`nginx-image: "nginx:1 \n::error::"`, goodRule), "is not a container image"},
		"selector":     {yamlOf(AnnotationPrefix+`node-selector: a==b`, goodRule), `"a==b" is not a list of key=value pairs`},
		"set selector": {yamlOf(AnnotationPrefix+`node-selector: a in (b)`, goodRule), "pods take no other selectors"},
		"number": {yamlOf(AnnotationPrefix+`nginx-replicas: 3`, goodRule),
			`x.yaml:1: ingress default/api: annotation apigateway.ingress.kubernetes.io/nginx-replicas: annotations are text: quote it, "3"`},
		"text for a list": {yamlOf("", "rules: everything"), "x.yaml:1: ingress default/api: spec.rules is a string where the API wants list"},
		"number for text": {yamlOf("", "ingressClassName: 5"), "spec.ingressClassName is a number where the API wants text: quote it"},
		"nothing alike": {yamlOf(AnnotationPrefix+`make-me-a-sandwich: x`, goodRule),
			"is not known: remove it, or choose one of docs/reference/annotations.md"},
		"host without": {yamlOf("", "rules: [{host: a.example.com}]"),
			"annotation apigateway.ingress.kubernetes.io/custom-domain-name, the stack's config domainName or --domain"},
		"bad name": {strings.Replace(yamlOf("", good), "name: api", "name: A_b", 1), "the name is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := compileText(t, c.text)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	text := yamlOf(AnnotationPrefix+"stage-name: a-b\n"+AnnotationPrefix+"nginx-replicas: x", rulePath("/a", "Prefix", "shop", "number: 80"))
	_, err := compileText(t, text+"---\n"+text)
	require.Error(t, err)
	require.Len(t, strings.Split(err.Error(), "\n"), 7, "three problems of each, and the duplicate")
	for _, place := range []string{"x.yaml:1: ", "x.yaml:2: "} {
		require.Contains(t, err.Error(), place+`ingress default/api: rule 1 path 1 "/a": service default/shop`)
	}
}

func TestDuplicatePathNamesBothSides(t *testing.T) {
	one := yamlOf("", rulePath("/a", "Prefix", "bookservice", "number: 80"))
	other := strings.Replace(yamlOf("", rulePath("/a/", "Prefix", "authorservice", "number: 80")), "name: api", "name: second", 1)
	_, err := compileText(t, one+"---\n"+other)
	require.EqualError(t, err, `x.yaml:2: ingress default/second: rule 1 path 1 "/a/": duplicate path: it is already written at x.yaml:1: ingress default/api: rule 1 path 1 "/a"`)
}

func TestOriginalAnnotations(t *testing.T) {
	table, err := compileText(t, yamlOf(`
apigateway.ingress.kubernetes.io/client-arns: arn:aws:iam::111122223333:user/a, arn:aws:iam::111122223333:role/b
apigateway.ingress.kubernetes.io/stage-name: live
apigateway.ingress.kubernetes.io/nginx-replicas: "5"
apigateway.ingress.kubernetes.io/nginx-image: nginx:1.30.0
apigateway.ingress.kubernetes.io/nginx-service-port: "9000"
apigateway.ingress.kubernetes.io/node-selector: pool=edge,kubernetes.io/arch=amd64
apigateway.ingress.kubernetes.io/custom-domain-name: api.example.com
apigateway.ingress.kubernetes.io/certificate-arn: arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012`,
		rulePath("/a", "Prefix", "bookservice", "name: http")))
	require.NoError(t, err)
	require.Equal(t, route.Settings{
		StageName: "live", ProxyReplicas: 5, ProxyImage: "nginx:1.30.0", ProxyPort: 9000,
		NodeSelector:     map[string]string{"pool": "edge", "kubernetes.io/arch": "amd64"},
		CustomDomainName: "api.example.com", CertificateARN: "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
	}, table.Settings)
	require.Equal(t, route.Backend{Namespace: "default", Service: "bookservice", Port: 80}, table.Routes[0].Backend,
		"a named port is resolved")
}

func TestOrderOfManifestsDoesNotMatter(t *testing.T) {
	a := yamlOf("", rulePath("/a", "Prefix", "bookservice", "number: 80"))
	b := strings.Replace(yamlOf("", rulePath("/b", "Exact", "authorservice", "number: 80")), "name: api", "name: second", 1)
	first, err := compileText(t, a+"---\n"+b)
	require.NoError(t, err)
	second, err := compileText(t, b+"---\n"+a)
	require.NoError(t, err)
	require.Equal(t, string(nginx.Render(first, nginx.Options{Port: 8080})), string(nginx.Render(second, nginx.Options{Port: 8080})))
}

func TestLoadFindsManifests(t *testing.T) {
	dir := t.TempDir()
	text := yamlOf("", rulePath("/a", "Prefix", "bookservice", "number: 80"))
	for _, name := range []string{"b.yaml", "a.yml", "readme.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	fromDir, err := Read([]string{dir}, nil)
	require.NoError(t, err)
	require.Len(t, fromDir.Ingresses, 2)
	fromGlob, err := Read([]string{filepath.Join(dir, "*.yaml")}, nil)
	require.NoError(t, err)
	require.Len(t, fromGlob.Ingresses, 1)
	fromStdin, err := Read([]string{"-"}, strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, "-:1", fromStdin.Ingresses[0].Source)

	_, err = Read([]string{filepath.Join(dir, "missing.yaml"), t.TempDir()}, nil)
	require.ErrorContains(t, err, "no such file")
	require.ErrorContains(t, err, "holds no .yaml")
	_, err = Read(nil, nil)
	require.ErrorContains(t, err, "no manifest is named")
}

func ingressNamed(name, annotations, spec string) string {
	return strings.Replace(yamlOf(annotations, spec), "name: api", "name: "+name, 1) + "---\n"
}

func TestGroups(t *testing.T) {
	a := ingressNamed("a", AnnotationPrefix+"group.name: shop", rulePath("/a", "Prefix", "bookservice", "number: 80"))
	b := ingressNamed("b", AnnotationPrefix+"group.name: blog", rulePath("/b", "Prefix", "bookservice", "number: 80"))
	_, err := compileText(t, a+b)
	require.EqualError(t, err, `x.yaml:2: ingress default/b is of group.name "blog", and x.yaml:1: ingress default/a of group.name "shop": one API serves one group; choose it with --group or the stack's config group`)

	ingresses, err := Parse("x.yaml", []byte(a+b))
	require.NoError(t, err)
	table, err := Compile(ingresses, Options{Classless: true, Services: bookstore, Group: "blog"})
	require.NoError(t, err)
	require.Len(t, table.Routes, 1)
	require.Equal(t, []string{`x.yaml:1: ingress default/a: left out: its group.name is "shop", and "blog" is served`}, table.Notices)
}

func TestSettingsOfSeveralIngresses(t *testing.T) {
	one := func(name, annotations string) string {
		return ingressNamed(name, annotations, rulePath("/"+name, "Prefix", "bookservice", "number: 80"))
	}
	const alice, bob = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"
	table, err := compileText(t, one("a", AnnotationPrefix+"client-arns: "+bob)+one("b", AnnotationPrefix+"client-arns: "+alice+","+bob)+
		one("c", AnnotationPrefix+"stage-name: live"))
	require.NoError(t, err)
	require.Equal(t, route.Settings{StageName: "live"}, table.Settings, "one may speak for all")
	require.Equal(t, [][]string{{bob}, {alice, bob}, nil}, [][]string{table.Routes[0].Behavior.Callers, table.Routes[1].Behavior.Callers,
		table.Routes[2].Behavior.Callers},
		"callers of an Ingress are those of its routes")

	_, err = compileText(t, one("a", AnnotationPrefix+"stage-name: live")+one("b", AnnotationPrefix+"stage-name: test"))
	require.ErrorContains(t, err, "x.yaml:2: ingress default/b: stage-name is test, and live at x.yaml:1: ingress default/a: Ingresses "+
		"of one API must agree")
	table, err = compileText(t, one("a", AnnotationPrefix+"stage-name: live\n"+AnnotationPrefix+`group.order: "5"`)+
		one("b", AnnotationPrefix+"stage-name: test"))
	require.NoError(t, err)
	require.Equal(t, "test", table.Settings.StageName, "the lowest order decides")
}

func TestRouteSettings(t *testing.T) {
	table, err := compileText(t, yamlOf(`
apigateway.ingress.kubernetes.io/auth: none
apigateway.ingress.kubernetes.io/methods: POST, GET
apigateway.ingress.kubernetes.io/timeout: 2s
apigateway.ingress.kubernetes.io/max-body-size: 512k
apigateway.ingress.kubernetes.io/throttle-rate: "1.5"
apigateway.ingress.kubernetes.io/cors-allow-origins: https://app.example.com`, rulePath("/a", "Prefix", "bookservice", "number: 80")))
	require.NoError(t, err)
	require.Equal(t, route.Behavior{
		Auth: route.AuthNone, Methods: []string{"GET", "POST"}, Timeout: 2 * time.Second, MaxBodySize: 512 << 10,
		Throttle: route.Throttle{Rate: 1.5, Burst: 2},
		CORS: &route.CORS{
			Origins: []string{"https://app.example.com"}, Methods: []string{"GET", "POST"}, MaxAge: 10 * time.Minute,
			Headers: []string{"Authorization", "Content-Type", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key"},
		},
	}, table.Routes[0].Behavior)
	routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080}))
}

// API Gateway knows paths only: what it does must not differ between hosts.
func TestHostsMustAgreeOnSettings(t *testing.T) {
	rule := func(name, host, path, annotations string) string {
		return ingressNamed(name, annotations, fmt.Sprintf("rules: [{host: %s, http: {paths: [{path: %s, pathType: Prefix, backend: "+
			"{service: {name: bookservice, port: {number: 80}}}}]}}]", host, path))
	}
	options := Options{Classless: true, Services: bookstore, Domains: []string{"*.example.com"}}
	ingresses, err := Parse("x.yaml", []byte(rule("a", "a.example.com", "/x", "")+
		rule("b", "b.example.com", "/x/y", AnnotationPrefix+"auth: none")))
	require.NoError(t, err)
	_, err = Compile(ingresses, options)
	require.ErrorContains(t, err, `x.yaml:2: ingress default/b: rule 1 path 1 "/x/y": its settings for /x/y differ from those of x.yaml:1: ingress default/a: rule 1 path 1 "/x"`, "or a.example.com/x/y would need no signature")

	ingresses, err = Parse("x.yaml", []byte(rule("a", "a.example.com", "/x", AnnotationPrefix+"cache-ttl: 5m\n"+AnnotationPrefix+
		"methods: GET")))
	require.NoError(t, err)
	_, err = Compile(ingresses, options)
	require.ErrorContains(t, err, "cache does not tell hosts apart", "or another host would get a.example.com's answers")

	ingresses, err = Parse("x.yaml", []byte(rule("a", "a.example.com", "/x", "")+rule("b", "B.example.com", "/x/y", "")))
	require.NoError(t, err)
	table, err := Compile(ingresses, options)
	require.NoError(t, err)
	routetest.AcceptedByNGINX(t, table, nginx.Render(table, nginx.Options{Port: 8080}))
}

func TestTLSIsReported(t *testing.T) {
	table, err := compileText(t, yamlOf("", "tls: [{hosts: [a.example.com]}]"+rulePath("/a", "Prefix", "bookservice", "number: 80")))
	require.NoError(t, err)
	require.Equal(t, []string{"x.yaml:1: ingress default/api: spec.tls has no effect for a.example.com: API Gateway terminates TLS; " +
		"configure the domain with custom-domain-name and certificate-arn"}, table.Notices)
}

func TestQuotas(t *testing.T) {
	var text strings.Builder
	for i := range 150 {
		text.WriteString(ingressNamed(fmt.Sprintf("i%d", i), "", rulePath(fmt.Sprintf("/p%d", i), "Prefix", "bookservice", "number: 80")))
	}
	ingresses, err := Parse("x.yaml", []byte(text.String()))
	require.NoError(t, err)
	_, err = Compile(ingresses, Options{Classless: true, Services: bookstore})
	require.EqualError(t, err, "301 resources of the REST API (a Prefix route takes two) are 1 more than the 300 that AWS allows: join "+
		"routes under a common prefix, or have the quota raised and say so in the config apiResourceQuota")
	_, err = Compile(ingresses, Options{Classless: true, Services: bookstore, ResourceQuota: 301})
	require.NoError(t, err)
	require.ErrorContains(t, route.CheckPolicyLength(strings.Repeat("x", 8193)),
		"8193 characters of the resource policy are 1 more than the 8192")
}

func TestUnusualButValid(t *testing.T) {
	for name, text := range map[string]string{
		"a list without kinds": "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems: [{metadata: {name: a}, spec: " +
			"{defaultBackend: {service: {name: bookservice, port: {number: 80}}}}}]",
		"merge keys": "x: &rule {pathType: Prefix}\n---\n" +
			yamlOf("", "rules: [{http: {paths: [&p {path: /a, pathType: Prefix, backend: {service: {name: bookservice, port: {number: "+
				"80}}}}, {<<: *p, path: /b}]}}]"),
		"a host without paths beside a default backend": strings.Replace(yamlOf(AnnotationPrefix+"custom-domain-name: a.example.com",
			"rules: [{host: a.example.com}]\ndefaultBackend: {service: {name: bookservice, port: {number: 80}}}"), "\n    rules", "\n  rules", 1),
		"a long name":       strings.Replace(yamlOf("", goodRule), "name: api", "name: "+strings.Repeat("a", 60), 1),
		"a group with dots": yamlOf(AnnotationPrefix+"group.name: shop.example", goodRule),
	} {
		table, err := compileText(t, text)
		require.NoError(t, err, name)
		require.NotEmpty(t, table.Routes, name)
		switch name {
		case "a host without paths beside a default backend":
			require.Equal(t, "a.example.com", table.Routes[0].Host, "its requests go to the default backend, whatever rules there are for "+
				"every host")
		case "a long name":
			require.Contains(t, table.Notices[0], "the name has 60 characters: the original controller took at most 51")
		}
	}
}
