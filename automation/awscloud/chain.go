package awscloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancertypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Health of a hop.
type Health string

// A degraded hop works, and not all of it does. A hop is unknown when AWS or the cluster did not tell, for example for want of a
// permission.
const (
	Healthy  Health = "ok"
	Degraded Health = "degraded"
	Broken   Health = "broken"
	Unknown  Health = "unknown"
)

// Hop is one link of the chain between a client and a pod.
type Hop struct {
	// Name says what it is, for people.
	Name string `json:"name"`
	// URN is the resource's in the stack; empty when it is none.
	URN    string `json:"urn,omitempty"`
	Health Health `json:"health"`
	// Detail is what was found, or why nothing was.
	Detail string `json:"detail,omitempty"`
}

// errBroken marks what does not work, and errDegraded what does in part, in contrast to what could not be asked.
var errBroken, errDegraded = errors.New(""), errors.New("")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w%s", errBroken, fmt.Sprintf(format, args...))
}

// probe finds out about one resource. Its text is the hop's detail.
type probe func(ctx context.Context, r engine.Resource) (string, error)

// Chain asks after every hop that a stack's resources make, in the order in which a request takes them.
// clusterName is the EKS cluster on which its pods run.
func (a *Account) Chain(ctx context.Context, resources []engine.Resource, clusterName string) []Hop {
	objects := &cluster{account: a, name: clusterName}
	stages := []struct {
		token, label string
		probe        probe
	}{
		{"aws:apigateway/stage:Stage", "stage", a.stage},
		{"aws:apigateway/restApi:RestApi", "resource policy", a.policy},
		{"aws:apigateway/vpcLink:VpcLink", "VPC link", a.vpcLink},
		{"aws:lb/loadBalancer:LoadBalancer", "load balancer", a.balancer},
		{"aws:lb/targetGroup:TargetGroup", "target group", a.targets},
		{"aws:eks/cluster:Cluster", "cluster", a.cluster},
		{"aws:eks/nodeGroup:NodeGroup", "node group", a.nodes},
		{"kubernetes:apps/v1:DaemonSet", "DaemonSet", objects.daemonSet},
		{"kubernetes:apps/v1:Deployment", "Deployment", objects.deployment},
		{publishedService, "service", objects.service},
	}
	var hops []Hop
	var waiting sync.WaitGroup
	ask := []func(){}
	for _, s := range stages {
		for _, r := range resources {
			if r.Type != s.token || r.Delete || s.token == publishedService && !r.External {
				continue
			}
			hops = append(hops, Hop{Name: s.label + " " + r.Name(), URN: r.URN})
			at := len(hops) - 1
			ask = append(ask, func() { hops[at].judge(s.probe(ctx, r)) })
		}
	}
	for _, question := range ask {
		waiting.Go(question)
	}
	waiting.Wait()
	return hops
}

func (h *Hop) judge(detail string, err error) {
	h.Health, h.Detail = Healthy, detail
	switch {
	case errors.Is(err, errBroken):
		h.Health, h.Detail = Broken, err.Error()
	case errors.Is(err, errDegraded):
		h.Health, h.Detail = Degraded, err.Error()
	case err != nil:
		h.Health, h.Detail = Unknown, err.Error()
	}
}

func input(r engine.Resource, key string) string {
	text, _ := r.Inputs[key].(string)
	return text
}

// stage must serve the deployment that the stack made last.
func (a *Account) stage(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.gateway.GetStage(ctx, &apigateway.GetStageInput{RestApiId: aws.String(input(r, "restApi")),
		StageName: aws.String(input(r, "stageName"))})
	if missing := new(gatewaytypes.NotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	if declared := input(r, "deployment"); declared != aws.ToString(found.DeploymentId) {
		return "", broken("it serves deployment %s, and the stack made %s: somebody else has deployed; run refresh, then up",
			aws.ToString(found.DeploymentId), declared)
	}
	return "serves deployment " + aws.ToString(found.DeploymentId), nil
}

func (a *Account) vpcLink(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.gateway.GetVpcLink(ctx, &apigateway.GetVpcLinkInput{VpcLinkId: &r.ID})
	if missing := new(gatewaytypes.NotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	if found.Status != gatewaytypes.VpcLinkStatusAvailable {
		text := strings.TrimSpace(string(found.Status) + " " + aws.ToString(found.StatusMessage))
		return "", broken("%s", text+mended(r, string(found.Status), "FAILED"))
	}
	return string(found.Status), nil
}

func (a *Account) balancer(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.balancers.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.ID}})
	if missing := new(balancertypes.LoadBalancerNotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil || len(found.LoadBalancers) == 0 {
		return "", err
	}
	state := found.LoadBalancers[0].State
	if state.Code != balancertypes.LoadBalancerStateEnumActive {
		return "", broken("%s", strings.TrimSpace(string(state.Code)+" "+aws.ToString(state.Reason)))
	}
	return string(state.Code), nil
}

// targets: one healthy node is enough for requests to go through.
func (a *Account) targets(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.balancers.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &r.ID})
	if missing := new(balancertypes.TargetGroupNotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	healthy := 0
	var reasons []string
	for _, target := range found.TargetHealthDescriptions {
		if target.TargetHealth.State == balancertypes.TargetHealthStateEnumHealthy {
			healthy++
			continue
		}
		reason := fmt.Sprintf("%s %s", target.TargetHealth.State, reasonOf(target.TargetHealth))
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	text := fmt.Sprintf("%d of %d targets healthy", healthy, len(found.TargetHealthDescriptions))
	if len(reasons) > 0 {
		text += ": " + strings.Join(reasons, "; ")
	}
	if healthy == 0 {
		return "", broken("%s", text)
	}
	return text, nil
}

func reasonOf(health *balancertypes.TargetHealth) string {
	if health.Description != nil {
		return *health.Description
	}
	return string(health.Reason)
}

func (a *Account) cluster(ctx context.Context, r engine.Resource) (string, error) {
	found, err := a.clusters.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &r.ID})
	if missing := new(ekstypes.ResourceNotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	var problems []string
	if found.Cluster.Health != nil {
		for _, issue := range found.Cluster.Health.Issues {
			problems = append(problems, fmt.Sprintf("%s: %s", issue.Code, aws.ToString(issue.Message)))
		}
	}
	return eksState(r, string(found.Cluster.Status), problems, "FAILED")
}

func (a *Account) nodes(ctx context.Context, r engine.Resource) (string, error) {
	// A node group's id is CLUSTER:NAME.
	clusterName, name, _ := strings.Cut(r.ID, ":")
	found, err := a.clusters.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &clusterName, NodegroupName: &name})
	if missing := new(ekstypes.ResourceNotFoundException); errors.As(err, &missing) {
		return "", broken("it is gone: run refresh, then up")
	}
	if err != nil {
		return "", err
	}
	var problems []string
	if found.Nodegroup.Health != nil {
		for _, issue := range found.Nodegroup.Health.Issues {
			problems = append(problems, fmt.Sprintf("%s: %s", issue.Code, aws.ToString(issue.Message)))
		}
	}
	return eksState(r, string(found.Nodegroup.Status), problems, "CREATE_FAILED")
}

// mended says how to come out of a state that no update leaves.
func mended(r engine.Resource, status, end string) string {
	if status != end {
		return ""
	}
	return "; only a new one helps: run pulumi destroy --target '" + r.URN + "', then up"
}

// eksState judges what EKS says of a cluster or a node group. One that is UPDATING works on.
func eksState(r engine.Resource, status string, problems []string, end string) (string, error) {
	text := strings.Join(append([]string{status}, problems...), "; ")
	if len(problems) > 0 || status != "ACTIVE" && status != "UPDATING" {
		return "", broken("%s", text+mended(r, status, end))
	}
	return text, nil
}
