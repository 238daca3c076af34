package deploy

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const identityType = "apigateway-ingress:deploy:Identity"

// identify records what the whole stack hangs on. The platform cannot guard it: under another name it is another component, and in
// another region the state would be of resources that are not there.
func (s *Settings) identify(ctx *pulumi.Context) error {
	guard, err := change.Guard(ctx, identityType, "identity", mayBecome)
	if err != nil {
		return err
	}
	identity := &struct{ pulumi.ResourceState }{}
	inputs := pulumi.Map{"name": pulumi.String(s.Name), "region": pulumi.String(s.Region)}
	if err := ctx.RegisterComponentResourceV2(identityType, "identity", inputs, identity, guard); err != nil {
		return err
	}
	return ctx.RegisterResourceOutputs(identity, pulumi.Map{})
}

func mayBecome(before, after change.Inputs) error {
	var p settings.Problems
	for _, key := range []string{"name", "region"} {
		from, to := before.Text(key), after.Text(key)
		if from == "" || from == to {
			continue
		}
		p.Add(fmt.Errorf("%s cannot change from %s to %s: the API would get another address, and the old one end. Bring up another stack, "+
			"move the callers there, and destroy this one", key, from, to))
	}
	return p.Err()
}
