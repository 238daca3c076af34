package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// stage publishes a snapshot of the API. Deployments are replaced, the new one first, whenever something changes that
// does not act before it is deployed.
//
// Old deployments stay with the API, which takes them along when it goes: a stage can be taken back to them, and a
// canary needs two.
//
// before are what the first request needs: targets that are healthy, and the permissions of authorizers.
func (g *Gateway) stage(
	ctx *pulumi.Context, api *apigateway.RestApi, frozen pulumi.StringOutput, before []pulumi.Resource,
) (*apigateway.Stage, *cloudwatch.LogGroup, error) {
	deployment, err := apigateway.NewDeployment(ctx, g.name, &apigateway.DeploymentArgs{
		RestApi:  api.ID(),
		Triggers: pulumi.StringMap{"frozen": frozen},
	}, pulumi.Parent(g), pulumi.RetainOnDelete(true))
	if err != nil {
		return nil, nil, err
	}
	g.DeploymentID = deployment.ID()
	logs, err := cloudwatch.NewLogGroup(ctx, g.name, &cloudwatch.LogGroupArgs{
		RetentionInDays: pulumi.Int(g.args.Stage.LogRetentionDays), KmsKeyId: ptr(g.args.Stage.LogKMSKeyARN), Tags: g.tags(),
	}, pulumi.Parent(g))
	if err != nil {
		return nil, nil, err
	}
	account, err := g.accountLogging(ctx)
	if err != nil {
		return nil, nil, err
	}
	args, err := g.stageArgs(api, deployment, logs)
	if err != nil {
		return nil, nil, err
	}
	// Logging is refused while the account has no role for it.
	stage, err := apigateway.NewStage(ctx, g.name, args, pulumi.Parent(g), pulumi.DependsOn(append(account, before...)))
	if err != nil {
		return nil, nil, err
	}
	if notice := g.args.Stage.Canary.Notice(); notice != "" {
		if err := ctx.Log.Warn(notice, &pulumi.LogArgs{Resource: stage}); err != nil {
			return nil, nil, err
		}
	}
	g.StageName = stage.StageName
	g.Endpoint = stage.InvokeUrl
	return stage, logs, g.methodSettings(ctx, api, stage)
}

func (g *Gateway) stageArgs(api *apigateway.RestApi, deployment *apigateway.Deployment,
	logs *cloudwatch.LogGroup) (*apigateway.StageArgs, error) {
	format, err := accessLogFormat()
	if err != nil {
		return nil, err
	}
	s := g.args.Stage
	args := &apigateway.StageArgs{
		RestApi:    api.ID(),
		Deployment: deployment.ID(),
		StageName:  pulumi.String(s.Name),
		AccessLogSettings: apigateway.StageAccessLogSettingsArgs{
			DestinationArn: logs.Arn, Format: pulumi.String(format),
		},
		Tags: g.tags(),
	}
	if s.Tracing {
		args.XrayTracingEnabled = pulumi.Bool(true)
	}
	if s.Variables != nil {
		args.Variables = s.Variables
	}
	if g.args.Routes.Caches() {
		args.CacheClusterEnabled, args.CacheClusterSize = pulumi.Bool(true), pulumi.String(s.CacheSize)
	}
	if s.Canary.StableDeployment != "" {
		args.Deployment = pulumi.String(s.Canary.StableDeployment)
		if s.Canary.Percent > 0 {
			args.CanarySettings = apigateway.StageCanarySettingsArgs{DeploymentId: deployment.ID().ToStringOutput(),
				PercentTraffic: pulumi.Float64(s.Canary.Percent)}
		}
	}
	return args, nil
}

// everyMethod is the path of the settings that hold for methods without settings of their own.
const everyMethod = "*/*"

// methodSettings are one resource for the stage, and one for each method that has a throttle or a cache of its own.
func (g *Gateway) methodSettings(ctx *pulumi.Context, api *apigateway.RestApi, stage *apigateway.Stage) error {
	list := g.args.Routes.MethodSettings()
	if s := g.args.Stage; s.Throttle.Rate > 0 || s.Metrics || s.ExecutionLogs != "OFF" {
		list = append([]route.MethodSettings{{Path: everyMethod}}, list...)
	}
	for _, m := range list {
		if _, err := apigateway.NewMethodSettings(ctx, g.name+"-"+m.Path, &apigateway.MethodSettingsArgs{
			RestApi: api.ID(), StageName: stage.StageName, MethodPath: pulumi.String(m.Path), Settings: g.settingsOf(m),
		}, pulumi.Parent(g)); err != nil {
			return err
		}
	}
	return nil
}

// settingsOf repeats the stage's settings, because a method with some of its own does not inherit the others.
func (g *Gateway) settingsOf(m route.MethodSettings) apigateway.MethodSettingsSettingsArgs {
	settings := apigateway.MethodSettingsSettingsArgs{}
	throttle := m.Throttle
	if throttle.Rate == 0 {
		throttle = route.Throttle(g.args.Stage.Throttle)
	}
	if throttle.Rate > 0 {
		settings.ThrottlingRateLimit = pulumi.Float64(throttle.Rate)
		settings.ThrottlingBurstLimit = pulumi.Int(throttle.Burst)
	}
	if g.args.Stage.Metrics {
		settings.MetricsEnabled = pulumi.Bool(true)
	}
	if g.args.Stage.ExecutionLogs != "OFF" {
		// Bodies and headers are not written: they may hold what nobody should read.
		settings.LoggingLevel, settings.DataTraceEnabled = pulumi.String(g.args.Stage.ExecutionLogs), pulumi.Bool(false)
	}
	if m.Cache.TTL > 0 {
		settings.CachingEnabled = pulumi.Bool(true)
		settings.CacheTtlInSeconds = pulumi.Int(int(m.Cache.TTL.Seconds()))
		settings.CacheDataEncrypted = pulumi.Bool(true)
		settings.RequireAuthorizationForCacheControl = pulumi.Bool(true)
	}
	return settings
}

// accountLogging is empty unless the gateway manages the account's setting.
func (g *Gateway) accountLogging(ctx *pulumi.Context) ([]pulumi.Resource, error) {
	if !g.args.ManageAccountLogging {
		return nil, nil
	}
	kept := pulumi.RetainOnDelete(true)
	trust, err := json.Marshal(policyDocument{Version: policyVersion, Statement: []statement{{
		Sid: "APIGateway", Effect: "Allow", Action: "sts:AssumeRole", Principal: map[string]string{"Service": "apigateway.amazonaws.com"},
	}}})
	if err != nil {
		return nil, err
	}
	role, err := g.args.IAM.Role(ctx, g.name+"-logging", &iam.RoleArgs{AssumeRolePolicy: pulumi.String(trust), Tags: g.tags()},
		pulumi.Parent(g), kept)
	if err != nil {
		return nil, err
	}
	attachment, err := iam.NewRolePolicyAttachment(ctx, g.name+"-logging", &iam.RolePolicyAttachmentArgs{
		Role: role.Name,
		PolicyArn: pulumi.String(fmt.Sprintf("arn:%s:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
			g.args.Location.Partition)),
	}, pulumi.Parent(g), kept)
	if err != nil {
		return nil, err
	}
	// API Gateway tries the role when it is set, so its policy must be there.
	account, err := apigateway.NewAccount(ctx, g.name, &apigateway.AccountArgs{CloudwatchRoleArn: role.Arn},
		pulumi.Parent(g), kept, pulumi.DependsOn([]pulumi.Resource{attachment}))
	return []pulumi.Resource{account}, err
}
