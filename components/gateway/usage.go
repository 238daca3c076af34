package gateway

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// apiKeys are those of the usage plans, by their names.
type apiKeys map[string]*apigateway.ApiKey

func (k apiKeys) ids() []pulumi.StringOutput {
	var ids []pulumi.StringOutput
	for _, name := range slices.Sorted(maps.Keys(k)) {
		ids = append(ids, k[name].ID().ToStringOutput())
	}
	return ids
}

func (g *Gateway) apiKeys(ctx *pulumi.Context) (apiKeys, error) {
	keys := apiKeys{}
	for _, plan := range g.args.UsagePlans {
		for _, name := range plan.Keys {
			key, err := apigateway.NewApiKey(ctx, g.name+"-"+name, &apigateway.ApiKeyArgs{Tags: g.tags()}, pulumi.Parent(g))
			if err != nil {
				return nil, err
			}
			keys[name] = key
		}
	}
	return keys, nil
}

// usagePlans say what holders of the keys may do.
func (g *Gateway) usagePlans(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage, keys apiKeys) error {
	values := pulumi.StringMap{}
	for _, p := range g.args.UsagePlans {
		args := &apigateway.UsagePlanArgs{
			Name:      pulumi.String(g.name + "-" + p.Name),
			ApiStages: apigateway.UsagePlanApiStageArray{apigateway.UsagePlanApiStageArgs{ApiId: api.ID(), Stage: stage.StageName}},
			Tags:      g.tags(),
		}
		if p.Rate > 0 {
			args.ThrottleSettings = apigateway.UsagePlanThrottleSettingsArgs{RateLimit: pulumi.Float64(p.Rate), BurstLimit: pulumi.Int(p.Burst)}
		}
		if p.Quota > 0 {
			args.QuotaSettings = apigateway.UsagePlanQuotaSettingsArgs{Limit: pulumi.Int(p.Quota), Period: pulumi.String(p.Period)}
		}
		plan, err := apigateway.NewUsagePlan(ctx, g.name+"-"+p.Name, args, pulumi.Parent(g))
		if err != nil {
			return err
		}
		for _, name := range p.Keys {
			if _, err := apigateway.NewUsagePlanKey(ctx, g.name+"-"+name, &apigateway.UsagePlanKeyArgs{
				KeyId: keys[name].ID(), KeyType: pulumi.String("API_KEY"), UsagePlanId: plan.ID(),
				// A key is in one plan of a stage only: one that moves must leave the first before it comes to the second.
			}, pulumi.Parent(g), pulumi.DeleteBeforeReplace(true)); err != nil {
				return err
			}
			values[name] = keys[name].Value
		}
	}
	g.APIKeys = pulumi.ToSecret(values.ToStringMapOutput()).(pulumi.StringMapOutput)
	return nil
}
