// Package localcloud is AWS and Kubernetes on this machine, as far as the program of this project uses them.
// The real Pulumi engine deploys onto it; requests to the deployed API are checked, routed and answered by
// what the objects declare, and by nothing else.
//
//	provider      the engine's way in: gRPC providers for aws and kubernetes
//	random        the same for secrets, which the engine alone keeps
//	timer         the same for time, which passes as fast as everything here
//	ekscomponent  the same for the component eks.Cluster
//	awsrules      what AWS enforces          kuberules   what Kubernetes enforces
//	schema        inputs of resource types   store       objects, on disk
//	identity      SigV4 and policies         restapi     REST APIs from OpenAPI
//	dataplane     requests                   supervisor  pods, as processes
//	faults        operations that fail       loopback     ports for their owner
//	cognito       tokens of user pools       functions    Lambda, as processes
//	nginxconf     nginx's configuration      daemon      all of it in the background
package localcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/cognito"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/dataplane"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/ekscomponent"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/faults"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/functions"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/loopback"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/provider"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/random"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/timer"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// Options describe a local cloud.
type Options struct {
	// Dir holds everything that it keeps: its objects, its logs, its pods' files.
	Dir string
	// LatencyScale multiplies how long AWS takes for an operation. 0 takes no time.
	LatencyScale float64
	Log          *slog.Logger
}

// Cloud is a running local cloud.
type Cloud struct {
	store     *store.Store
	images    *supervisor.Images
	pools     *cognito.Pools
	functions *functions.Functions
	pods      *supervisor.Supervisor
	plane     *dataplane.DataPlane
	aws       *awsrules.Rules
	kube      *kuberules.Rules
	inflight  *provider.Inflight
	faults    faults.Injector
	log       *slog.Logger
	eks       *ekscomponent.Server
	grpc      []*grpc.Server
	ports     map[string]int

	// simulating keeps two stacks from making the same cluster.
	simulating sync.Mutex

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// registrationTakes is how long a target of a Network Load Balancer stays initial, by users' reports:
// https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1834
const registrationTakes = 4 * time.Minute

// maxMessage is the engine's own limit.
const maxMessage = 400 << 20

// Open starts a local cloud where it left off.
func Open(o Options) (*Cloud, error) {
	logs := filepath.Join(o.Dir, "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return nil, err
	}
	objects, err := store.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	images, err := supervisor.OpenImages(filepath.Join(o.Dir, "images.json"))
	if err != nil {
		return nil, errors.Join(err, objects.Close())
	}
	pools, poolsErr := cognito.Open(filepath.Join(o.Dir, "cognito.json"))
	lambda, lambdaErr := functions.Open(filepath.Join(o.Dir, "functions.json"))
	if err := errors.Join(poolsErr, lambdaErr); err != nil {
		return nil, errors.Join(err, objects.Close())
	}
	c := &Cloud{log: o.Log, store: objects, images: images, pools: pools, functions: lambda, eks: ekscomponent.New(sdkVersion("eks")),
		ports: map[string]int{}}
	if c.pods, err = supervisor.New(objects, filepath.Join(o.Dir, "pods"), c.images, o.Log); err != nil {
		return nil, errors.Join(err, objects.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	plane := dataplane.New(objects, c.pods, pools, lambda, logs, o.Log)
	plane.Registration = time.Duration(float64(registrationTakes) * o.LatencyScale)
	c.plane = plane
	c.running.Go(func() { c.pods.Run(ctx) })
	c.running.Go(func() { plane.Run(ctx) })

	c.aws, c.kube, c.inflight = awsrules.New(objects, plane, o.LatencyScale), kuberules.New(objects, c.pods), provider.NewInflight()
	servers := map[string]pulumirpc.ResourceProviderServer{
		"aws":        provider.New("aws", sdkVersion("aws"), awsPackage{c.aws}, c.inflight, &c.faults),
		"kubernetes": provider.New("kubernetes", sdkVersion("kubernetes"), kubernetesPackage{c.kube, objects}, c.inflight, &c.faults),
		"time":       provider.New("time", sdkVersion("time"), timer.Package{Scale: o.LatencyScale}, c.inflight, &c.faults),
		"random":     provider.New("random", sdkVersion("random"), random.Package{}, c.inflight, &c.faults),
		"eks":        c.eks,
	}
	for name, server := range servers {
		if err := c.serve(name, server); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

func (c *Cloud) serve(name string, server pulumirpc.ResourceProviderServer) error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the %s provider: %w", name, err)
	}
	g := grpc.NewServer(grpc.StatsHandler(provider.Connections{}), grpc.MaxRecvMsgSize(maxMessage))
	pulumirpc.RegisterResourceProviderServer(g, server)
	c.grpc = append(c.grpc, g)
	c.ports[name] = listener.Addr().(*net.TCPAddr).Port
	// It ends with Stop, which is no error.
	go func() { _ = g.Serve(loopback.Own(listener, c.log)) }()
	return nil
}

// Close stops serving, ends all pods, and keeps what is on disk.
func (c *Cloud) Close() error {
	for _, g := range c.grpc {
		g.Stop()
	}
	c.eks.Close()
	c.cancel()
	c.running.Wait()
	return c.store.Close()
}

// ProviderPorts are the ports for the engine, by package.
func (c *Cloud) ProviderPorts() map[string]int { return c.ports }

// AddImages says which programs of this machine container images are.
// Pods whose image got another program are replaced.
func (c *Cloud) AddImages(images map[string]supervisor.Image) error {
	defer c.pods.Wake()
	return c.images.Add(images)
}

// AddFunctions says which programs of this machine Lambda functions are.
func (c *Cloud) AddFunctions(commands map[string][]string) error { return c.functions.Add(commands) }

// Token makes a token of a Cognito user pool: an access token when it has scopes, an ID token otherwise.
func (c *Cloud) Token(poolARN, user string, scopes []string) (string, error) {
	return c.pools.Token(poolARN, user, scopes, time.Now(), tokenLife)
}

// tokenLife is Cognito's default.
const tokenLife = time.Hour

// Pods reports every pod.
func (c *Cloud) Pods() []supervisor.PodStatus { return c.pods.Pods() }

// Faults is what makes operations fail.
func (c *Cloud) Faults() *faults.Injector { return &c.faults }

// Ways reports how the stages' requests reach pods, or why they do not.
func (c *Cloud) Ways() []dataplane.Way { return c.plane.Ways() }

// KeyUses are when access keys were last used, by id.
func (c *Cloud) KeyUses() map[string]time.Time { return c.plane.KeyUses() }

// Served are the addresses at which this process serves APIs.
func (c *Cloud) Served() []string { return c.plane.Served() }

// Settled says whether everything that should run does.
func (c *Cloud) Settled() bool { return c.pods.Settled() }

// Objects counts the resources of all stacks.
func (c *Cloud) Objects() int {
	return len(c.store.Find(func(o *store.Object) bool { return o.URN != "" }))
}
