// Package origin declares the secret by which NGINX knows that a request came through its API: whoever else reaches NGINX,
// another pod or another API of the VPC, does not know it.
//
// There are three generations of it. API Gateway sends the current one and NGINX accepts all three, so that a rotation fails
// no request: deployment and pods may be one generation apart in both directions. A deployment that is two generations old
// is served no more.
package origin

import (
	"fmt"
	"math"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	typeToken = "apigateway-ingress:origin:Proof"
	// length makes the secret impossible to guess: NGINX compares without regard to case, which leaves 36 characters.
	length = 40
)

// Settings are what decides about the proof.
type Settings struct {
	// Generation is the generation of the secret by which NGINX knows that requests come through the API. The next number
	// rotates it without a failed request; deployments that are two generations old are served no more.
	Generation int `pulumi:"generation,optional" config:"originGeneration" default:"1" range:"1..1000000"`
}

// Args describe the proof.
type Args struct{ Settings }

// Proof is the secret in its three generations.
type Proof struct {
	pulumi.ResourceState

	// Current is what API Gateway sends. It is secret.
	Current pulumi.StringOutput `pulumi:"current"`

	accepted pulumi.StringArray
}

// Accepted are the secrets that NGINX takes: the previous, the current and the next.
func (p *Proof) Accepted() pulumi.StringArray { return p.accepted }

// mayChange: deployment and pods change at different moments, so that they must never be two generations apart.
func mayChange(before, after change.Inputs) error {
	from, known := before["generation"].(float64)
	to, wanted := after["generation"].(float64)
	if !known || !wanted || math.Abs(to-from) <= 1 {
		return nil
	}
	next := from + math.Copysign(1, to-from)
	return fmt.Errorf("originGeneration cannot go from %v to %v at once: NGINX and API Gateway would not know each other's secret for a "+
		"moment. Set originGeneration: %v and run up, then the next", from, to, next)
}

// New declares the proof.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Proof, error) {
	a := Args{}
	if args != nil {
		a = *args
	}
	settings.Complete(&a)
	if err := settings.Check(a); err != nil {
		return nil, settings.Named("proof of origin", name, err)
	}
	current := a.Generation
	p := &Proof{}
	guard, err := change.Guard(ctx, typeToken, name, mayChange)
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), p, append(opts, guard)...); err != nil {
		return nil, err
	}
	for generation := current - 1; generation <= current+1; generation++ {
		// Each generation is a resource of its own, and stays what it is while the others go and come.
		secret, err := random.NewRandomPassword(ctx, fmt.Sprintf("%s-%d", name, generation), &random.RandomPasswordArgs{
			Length: pulumi.Int(length), Special: pulumi.Bool(false),
		}, pulumi.Parent(p))
		if err != nil {
			return nil, settings.Named("proof of origin", name, err)
		}
		if generation == current {
			p.Current = secret.Result
		}
		p.accepted = append(p.accepted, secret.Result)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"current": p.Current})
}
