package gateway

import (
	"encoding/json"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	apiNamespace      = "AWS/ApiGateway"
	balancerNamespace = "AWS/NetworkELB"
	ownNamespace      = "ApiGatewayIngress"
	throttledMetric   = "Throttled"
)

// watched are the resources that alarms and the dashboard look at.
type watched struct {
	api      *apigateway.RestApi
	stage    *apigateway.Stage
	balancer nlb
	logs     *cloudwatch.LogGroup
}

func (w watched) apiDimensions() pulumi.StringMap {
	return pulumi.StringMap{"ApiName": w.api.Name, "Stage": w.stage.StageName}
}

// alarms: errors, slowness, throttled requests, and nodes that do not answer.
func (g *Gateway) alarms(ctx *pulumi.Context, w watched) error {
	if !g.args.Alarms.Enabled {
		return nil
	}
	// API Gateway counts throttled requests among all other 4xx; the access log tells them apart.
	throttled, err := cloudwatch.NewLogMetricFilter(ctx, g.name+"-throttled", &cloudwatch.LogMetricFilterArgs{
		LogGroupName: w.logs.Name, Pattern: pulumi.String(`{ $.status = "429" }`),
		MetricTransformation: cloudwatch.LogMetricFilterMetricTransformationArgs{
			Namespace: pulumi.String(ownNamespace), Name: pulumi.String(g.name + throttledMetric), Value: pulumi.String("1"),
			DefaultValue: pulumi.String("0"),
		},
	}, pulumi.Parent(g))
	if err != nil {
		return err
	}
	topics := pulumi.Array{}.ToArrayOutput()
	if arns := g.args.Alarms.TopicARNs; arns != nil {
		topics = arns.ToStringArrayOutput().ApplyT(func(arns []string) []any {
			var list []any
			for _, arn := range arns {
				list = append(list, arn)
			}
			return list
		}).(pulumi.ArrayOutput)
	}
	alarms := map[string]*cloudwatch.MetricAlarmArgs{
		"errors": {
			AlarmDescription: pulumi.String("more than one request in a hundred fails with 5xx"),
			Namespace:        pulumi.String(apiNamespace), MetricName: pulumi.String("5XXError"), Dimensions: w.apiDimensions(),
			Statistic: pulumi.String("Average"), Threshold: pulumi.Float64(0.01),
		},
		"latency": {
			AlarmDescription: pulumi.String("the slowest hundredth of the requests takes too long"),
			Namespace:        pulumi.String(apiNamespace), MetricName: pulumi.String("Latency"), Dimensions: w.apiDimensions(),
			ExtendedStatistic: pulumi.String("p99"), Threshold: pulumi.Float64(float64(g.args.Alarms.LatencyMillis)),
		},
		"throttled": {
			AlarmDescription: pulumi.String("requests are throttled"),
			Namespace:        pulumi.String(ownNamespace), MetricName: throttled.MetricTransformation.Name(),
			Statistic: pulumi.String("Sum"), Threshold: pulumi.Float64(0),
		},
		"unhealthy": {
			AlarmDescription: pulumi.String("nodes do not answer the load balancer"),
			Namespace:        pulumi.String(balancerNamespace), MetricName: pulumi.String("UnHealthyHostCount"),
			Dimensions: pulumi.StringMap{"LoadBalancer": w.balancer.ArnSuffix, "TargetGroup": w.balancer.targets.ArnSuffix},
			Statistic:  pulumi.String("Maximum"), Threshold: pulumi.Float64(0),
		},
	}
	for name, args := range alarms {
		args.ComparisonOperator = pulumi.String("GreaterThanThreshold")
		args.Period, args.EvaluationPeriods, args.DatapointsToAlarm = pulumi.Int(60), pulumi.Int(5), pulumi.Int(3)
		args.TreatMissingData = pulumi.String("notBreaching")
		args.AlarmActions, args.OkActions, args.Tags = topics, topics, g.tags()
		if _, err := cloudwatch.NewMetricAlarm(ctx, g.name+"-"+name, args, pulumi.Parent(g)); err != nil {
			return err
		}
	}
	return nil
}

type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

func (g *Gateway) dashboard(ctx *pulumi.Context, w watched) error {
	if !g.args.Alarms.Dashboard {
		return nil
	}
	body := pulumi.All(w.api.Name, w.stage.StageName, w.balancer.ArnSuffix,
		w.balancer.targets.ArnSuffix).ApplyT(func(values []any) (string, error) {
		api := []any{"ApiName", values[0], "Stage", values[1]}
		nodes := []any{"LoadBalancer", values[2], "TargetGroup", values[3]}
		metric := func(namespace, name string, dimensions []any, statistic string) []any {
			return append(append([]any{namespace, name}, dimensions...), map[string]any{"stat": statistic})
		}
		graphs := []struct {
			title   string
			metrics [][]any
		}{
			{"Requests", [][]any{metric(apiNamespace, "Count", api, "Sum")}},
			{"Errors", [][]any{metric(apiNamespace, "4XXError", api, "Sum"), metric(apiNamespace, "5XXError", api, "Sum")}},
			{"Latency, ms", [][]any{metric(apiNamespace, "Latency", api, "p50"), metric(apiNamespace, "Latency", api, "p99"),
				metric(apiNamespace, "IntegrationLatency", api, "p99")}},
			{"Nodes", [][]any{metric(balancerNamespace, "HealthyHostCount", nodes, "Minimum"),
				metric(balancerNamespace, "UnHealthyHostCount", nodes, "Maximum")}},
		}
		var widgets []widget
		for i, graph := range graphs {
			widgets = append(widgets, widget{Type: "metric", X: i % 2 * 12, Y: i / 2 * 6, Width: 12, Height: 6, Properties: map[string]any{
				"title": graph.title, "metrics": graph.metrics, "region": g.args.Location.Region, "period": 60, "view": "timeSeries",
			}})
		}
		encoded, err := json.Marshal(map[string]any{"widgets": widgets})
		return string(encoded), err
	}).(pulumi.StringOutput)
	_, err := cloudwatch.NewDashboard(ctx, g.name, &cloudwatch.DashboardArgs{DashboardName: w.api.Name, DashboardBody: body}, pulumi.Parent(g))
	return err
}
