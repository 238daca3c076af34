package gateway

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// usagePlans give out the API keys.
func (g *Gateway) usagePlans(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage) error {
	keys := pulumi.StringMap{}
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
			key, err := apigateway.NewApiKey(ctx, g.name+"-"+name, &apigateway.ApiKeyArgs{Tags: g.tags()}, pulumi.Parent(g))
			if err != nil {
				return err
			}
			if _, err := apigateway.NewUsagePlanKey(ctx, g.name+"-"+name, &apigateway.UsagePlanKeyArgs{
				KeyId: key.ID(), KeyType: pulumi.String("API_KEY"), UsagePlanId: plan.ID(),
			}, pulumi.Parent(g)); err != nil {
				return err
			}
			keys[name] = key.Value
		}
	}
	g.APIKeys = pulumi.ToSecret(keys.ToStringMapOutput()).(pulumi.StringMapOutput)
	return nil
}
