package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// served is a gateway that remembers what it was asked to serve.
type served struct {
	tables []ingress.Manifests
	err    error
}

func (s *served) Options() ingress.Options {
	return ingress.Options{Owner: "shop", ResourceQuota: 100000}
}
func (s *served) Reaches(route.Service) bool { return true }
func (s *served) Up(_ context.Context, m ingress.Manifests) (string, error) {
	s.tables = append(s.tables, m)
	return "https://abc.execute-api.us-east-1.amazonaws.com/prod", s.err
}

// cluster is a reconciler of objects in memory, at a time of its own.
type cluster struct {
	*reconciler
	t        *testing.T
	gateway  *served
	recorder *events.FakeRecorder
	clock    time.Time
	born     int64
}

func newCluster(t *testing.T, calls interceptor.Funcs) *cluster {
	scheme, err := newScheme()
	require.NoError(t, err)
	c := &cluster{t: t, gateway: &served{}, recorder: events.NewFakeRecorder(10000), clock: time.Unix(1e9, 0)}
	store := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&networkingv1.Ingress{}).WithInterceptorFuncs(calls).Build()
	c.reconciler = newReconciler(Options{Gateway: c.gateway, Log: slog.New(slog.DiscardHandler)}, store, c.recorder)
	c.now = func() time.Time { return c.clock }
	c.create(&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "public"},
		Spec: networkingv1.IngressClassSpec{Controller: DefaultName}})
	c.create(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	return c
}

func (c *cluster) create(o client.Object) {
	c.t.Helper()
	require.NoError(c.t, c.client.Create(c.t.Context(), o))
}

// ingress makes one, a second younger than the one before.
func (c *cluster) ingress(namespace, name, path string) *networkingv1.Ingress {
	c.t.Helper()
	kind, class := networkingv1.PathTypePrefix, "public"
	c.born++
	made := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name), CreationTimestamp: metav1.NewTime(time.Unix(c.born, 0)),
	}}
	made.Spec.IngressClassName = &class
	made.Spec.Rules = []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
		Paths: []networkingv1.HTTPIngressPath{{Path: path, PathType: &kind, Backend: networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}}},
	}}}}
	c.create(made)
	return made
}

func (c *cluster) update(i *networkingv1.Ingress, path, annotation string) {
	c.t.Helper()
	require.NoError(c.t, c.client.Get(c.t.Context(), client.ObjectKeyFromObject(i), i))
	i.Spec.Rules[0].HTTP.Paths[0].Path = path
	i.Annotations = map[string]string{ingress.AnnotationPrefix + "timeout": annotation}
	require.NoError(c.t, c.client.Update(c.t.Context(), i))
}

func (c *cluster) reconcile() {
	c.t.Helper()
	result, err := c.Reconcile(c.t.Context(), gatewayRequest)
	require.NoError(c.t, err)
	require.Zero(c.t, result.RequeueAfter)
}

// paths are those that the gateway was asked to serve last.
func (c *cluster) paths() []string {
	c.t.Helper()
	require.NotEmpty(c.t, c.gateway.tables)
	table, err := ingress.Compile(c.gateway.tables[len(c.gateway.tables)-1], c.gateway.Options())
	require.NoError(c.t, err)
	var paths []string
	for _, r := range table.Routes {
		paths = append(paths, r.Path)
	}
	return paths
}

// said are the Events since the last time.
func (c *cluster) said() string {
	var lines []string
	for {
		select {
		case line := <-c.recorder.Events:
			lines = append(lines, line)
		default:
			return strings.Join(lines, "\n")
		}
	}
}

func (c *cluster) hostname(i *networkingv1.Ingress) string {
	c.t.Helper()
	require.NoError(c.t, c.client.Get(c.t.Context(), client.ObjectKeyFromObject(i), i))
	if len(i.Status.LoadBalancer.Ingress) == 0 {
		return ""
	}
	return i.Status.LoadBalancer.Ingress[0].Hostname
}

func TestIngressIsPublishedChangedAndDeleted(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	books := c.ingress("shop", "books", "/books")
	c.reconcile()
	require.Equal(t, []string{"/books"}, c.paths())
	require.Equal(t, "abc.execute-api.us-east-1.amazonaws.com", c.hostname(books))
	require.Equal(t, "Normal Published served at https://abc.execute-api.us-east-1.amazonaws.com/prod", c.said())

	c.update(books, "/new", "5s")
	c.reconcile()
	require.Equal(t, []string{"/new"}, c.paths())
	require.Empty(t, c.said(), "nothing new to tell")

	require.NoError(t, c.client.Delete(t.Context(), books))
	c.reconcile()
	require.Equal(t, []string{"/"}, c.paths(), "an API has one resource at least")
	require.Len(t, c.gateway.tables, 3)
}

func TestNothingNewCallsNoGateway(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	books := c.ingress("shop", "books", "/books")
	c.reconcile()
	c.reconcile()
	require.NoError(t, c.client.Get(t.Context(), client.ObjectKeyFromObject(books), books))
	books.Labels = map[string]string{"a": "b"}
	require.NoError(t, c.client.Update(t.Context(), books))
	c.create(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "unused"}})
	c.reconcile()
	require.Len(t, c.gateway.tables, 1)
}

func TestInvalidChangeKeepsTheLastValidRoutes(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	books := c.ingress("shop", "books", "/books")
	c.reconcile()
	c.said()
	c.update(books, "/other", "1h")
	young := c.ingress("shop", "young", "/books")
	c.reconcile()
	require.Equal(t, []string{"/books"}, c.paths())
	require.Len(t, c.gateway.tables, 1, "what is served stays as it is")
	said := c.said()
	require.Contains(t, said, `Warning Refused cluster: ingress shop/books: annotation apigateway.ingress.kubernetes.io/timeout`)
	require.Contains(t, said, "; its last valid routes are served")
	require.Contains(t, said, "duplicate path: it is already written at cluster: ingress shop/books", "the younger is told")
	require.Equal(t, "abc.execute-api.us-east-1.amazonaws.com", c.hostname(books))
	require.Empty(t, c.hostname(young))

	c.update(books, "/other", "5s")
	c.reconcile()
	require.Equal(t, []string{"/books", "/other"}, c.paths())
	require.NotEmpty(t, c.hostname(young))
}

func TestOtherControllersIngressesAreLeftAlone(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	c.create(&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "nginx"},
		Spec: networkingv1.IngressClassSpec{Controller: "k8s.io/ingress-nginx"}})
	theirs := c.ingress("shop", "theirs", "/theirs")
	class := "nginx"
	theirs.Spec.IngressClassName = &class
	require.NoError(t, c.client.Update(t.Context(), theirs))
	theirs.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{Hostname: "elsewhere.example.com"}}
	require.NoError(t, c.client.Status().Update(t.Context(), theirs))
	c.reconcile()
	require.Equal(t, []string{"/"}, c.paths())
	require.Equal(t, "elsewhere.example.com", c.hostname(theirs))
	require.Empty(t, c.said())
}

func TestFailedOperationIsToldAndTriedAgain(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	books := c.ingress("shop", "books", "/books")
	c.gateway.err = errors.New("the update failed: TooManyRequestsException")
	_, err := c.Reconcile(t.Context(), gatewayRequest)
	require.ErrorContains(t, err, "TooManyRequestsException")
	require.Equal(t, "Warning Retrying the gateway could not be changed: the update failed: TooManyRequestsException", c.said())
	require.Empty(t, c.hostname(books))
	c.gateway.err = nil
	c.reconcile()
	require.Len(t, c.gateway.tables, 2)
	require.Contains(t, c.said(), "Normal Published")

	// After a failure nobody knows what is served, even when the table is as before.
	c.update(books, "/new", "5s")
	c.gateway.err = errors.New("lost")
	_, err = c.Reconcile(t.Context(), gatewayRequest)
	require.Error(t, err)
	c.update(books, "/books", "29s")
	c.gateway.err = nil
	c.reconcile()
	require.Len(t, c.gateway.tables, 4)
}

func TestForbiddenKindIsNamed(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{List: func(ctx context.Context, w client.WithWatch, list client.ObjectList,
		options ...client.ListOption) error {
		if _, services := list.(*corev1.ServiceList); services {
			return apierrors.NewForbidden(corev1.Resource("services"), "", errors.New("no permission"))
		}
		return w.List(ctx, list, options...)
	}})
	c.ingress("shop", "books", "/books")
	_, err := c.Reconcile(t.Context(), gatewayRequest)
	require.ErrorContains(t, err, "list Services of the cluster: services is forbidden: no permission")
	require.Empty(t, c.gateway.tables, "a table without Services would answer 503")
}

func TestIngressThatIsGoneMeanwhileIsNoError(t *testing.T) {
	gone := func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return apierrors.NewNotFound(networkingv1.Resource("ingresses"), "books")
	}
	c := newCluster(t, interceptor.Funcs{SubResourcePatch: gone})
	c.ingress("shop", "books", "/books")
	c.reconcile()
}

// Two hundred edits in ten seconds are six operations at most, and none is lost.
func TestBurstOfEditsIsFewOperations(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	books := c.ingress("shop", "books", "/books")
	c.reconcile()
	before := len(c.gateway.tables)
	next := time.Time{}
	step := func() {
		if next.IsZero() || c.clock.Before(next) {
			return
		}
		result, err := c.Reconcile(t.Context(), gatewayRequest)
		require.NoError(t, err)
		next = time.Time{}
		if result.RequeueAfter > 0 {
			next = c.clock.Add(result.RequeueAfter)
		}
	}
	for edit := range 200 {
		c.update(books, fmt.Sprintf("/books%d", edit), "5s")
		c.changes.change(c.clock)
		next = c.clock
		step()
		for range 5 {
			c.clock = c.clock.Add(10 * time.Millisecond)
			step()
		}
	}
	c.clock = c.clock.Add(time.Second)
	step()
	require.Equal(t, []string{"/books199"}, c.paths())
	operations := len(c.gateway.tables) - before
	require.LessOrEqual(t, operations, 6)
	require.Greater(t, operations, 1, "who edits without a pause is served all the same")
}

func TestThousandIngressesOfFiftyNamespaces(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	for i := range 1000 {
		namespace := fmt.Sprintf("team%d", i%50)
		c.ingress(namespace, fmt.Sprintf("i%d", i), fmt.Sprintf("/%s/s%d", namespace, i))
	}
	c.reconcile()
	require.Len(t, c.paths(), 1000)
	c.ingress("team1", "more", "/team1/more")
	c.reconcile()
	require.Len(t, c.paths(), 1001)
	require.Len(t, c.gateway.tables, 2)
}

func TestOnlyWhatIsAboutRoutesWakesTheController(t *testing.T) {
	plain := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
	status := plain.DeepCopy()
	status.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{Hostname: "x"}}
	require.False(t, written.Update(event.UpdateEvent{ObjectOld: plain, ObjectNew: status}))
	annotated := plain.DeepCopy()
	annotated.Annotations = map[string]string{"a": "b"}
	require.True(t, written.Update(event.UpdateEvent{ObjectOld: plain, ObjectNew: annotated}))
	service := &corev1.Service{}
	labeled := service.DeepCopy()
	labeled.Labels = map[string]string{"a": "b"}
	require.False(t, otherPorts.Update(event.UpdateEvent{ObjectOld: service, ObjectNew: labeled}))
	other := service.DeepCopy()
	other.Spec.Ports = []corev1.ServicePort{{Port: 81}}
	require.True(t, otherPorts.Update(event.UpdateEvent{ObjectOld: service, ObjectNew: other}))
}

func TestAddressIsANameOrANumber(t *testing.T) {
	require.Equal(t, "127.0.0.1", addressOf("http://127.0.0.1:4510/prod").Ingress[0].IP)
	require.Equal(t, "api.example.com", addressOf("https://api.example.com/v1").Ingress[0].Hostname)
	require.Empty(t, addressOf("").Ingress)
}

func TestNotesFitIntoEvents(t *testing.T) {
	c := newCluster(t, interceptor.Funcs{})
	long := ingress.Ingress{Ingress: *c.ingress("shop", "long", "/long")}
	c.tell(long, corev1.EventTypeWarning, reasonRefused, strings.Repeat("ü", 2000))
	note := strings.TrimPrefix(c.said(), "Warning Refused ")
	require.LessOrEqual(t, len(note), maxNote)
	require.True(t, strings.HasSuffix(note, "ü…"))
}
