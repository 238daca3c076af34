package platform

import (
	"reflect"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/encryption"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Profile is how much is protected that costs money or effort.
type Profile string

// Standard protects what costs nothing. Hardened sets what auditors ask for.
const (
	Standard Profile = "standard"
	Hardened Profile = "hardened"
)

// harden sets what the profile sets.
func (a *Args) harden() error {
	var p settings.Problems
	known := settings.Hardened(reflect.TypeFor[Args]())
	for i, key := range a.ProfileExceptions {
		p.When(!slices.Contains(known, key), "{ProfileExceptions[%d]}: the profile hardened does not set %s: it sets %v", i, key, known)
	}
	if a.Profile == Hardened {
		settings.Harden(a, a.ProfileExceptions...)
	}
	return p.Err()
}

// encryption makes a key, and gives it to what has none.
func (p *Platform) encryption(ctx *pulumi.Context) error {
	if !p.parts.args.Encryption.CreateKMSKey {
		return nil
	}
	key, err := encryption.New(ctx, p.name, &encryption.Args{Location: p.Location, Tags: p.parts.args.Tags}, pulumi.Parent(p))
	if err != nil {
		return settings.In("Encryption", err)
	}
	for _, arn := range []*pulumi.StringInput{&p.parts.gateway.Stage.LogKMSKeyARN, &p.parts.network.LogKMSKeyARN,
		&p.parts.cluster.SecretsKMSKeyARN} {
		if *arn == nil {
			*arn = key.ARN
		}
	}
	return nil
}
