package awsrules

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
)

// LogGroup is the type token of CloudWatch log groups.
const LogGroup = "aws:cloudwatch/logGroup:LogGroup"

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var cloudwatchRules = []*rule{{
	token: LogGroup, args: (*cloudwatch.LogGroupArgs)(nil), id: byName,
	autoName: "name", maxName: 512, unique: "name", replace: []string{"name", "namePrefix"},
	check: func(inputs map[string]any) []schema.Failure {
		if days, ok := inputs["retentionInDays"].(float64); ok && !slices.Contains(retentions, days) {
			return []schema.Failure{{Property: "retentionInDays", Reason: "is not one of the periods of CloudWatch Logs"}}
		}
		return nil
	},
	outputs: func(c *call) map[string]any {
		return map[string]any{"arn": c.arn("logs", c.region, "log-group:"+c.object.ID)}
	},
}, {
	token: "aws:cloudwatch/logMetricFilter:LogMetricFilter", args: (*cloudwatch.LogMetricFilterArgs)(nil), autoName: "name", id: byName,
	replace: []string{"name", "logGroupName"}, refs: []ref{{path: "logGroupName", to: LogGroup, missing: "ResourceNotFoundException"}},
}, {
	token: "aws:cloudwatch/metricAlarm:MetricAlarm", args: (*cloudwatch.MetricAlarmArgs)(nil), autoName: "name", unique: "name", replace: []string{"name"}, id: byName,
	check: func(inputs map[string]any) []schema.Failure {
		return exactlyOne(inputs, "statistic", "extendedStatistic", "metricQueries")
	},
	outputs: func(c *call) map[string]any {
		return map[string]any{"arn": c.arn("cloudwatch", c.region, "alarm:"+c.object.ID)}
	},
}, {
	token: "aws:cloudwatch/dashboard:Dashboard", args: (*cloudwatch.DashboardArgs)(nil), unique: "dashboardName", replace: []string{"dashboardName"},
	id: func(c *call) string { return c.object.Text("dashboardName") },
	check: func(inputs map[string]any) []schema.Failure {
		if body, ok := inputs["dashboardBody"].(string); ok && !json.Valid([]byte(body)) {
			return []schema.Failure{{Property: "dashboardBody", Reason: "is not JSON"}}
		}
		return nil
	},
	outputs: func(c *call) map[string]any {
		return map[string]any{"dashboardArn": fmt.Sprintf("arn:%s:cloudwatch::%s:dashboard/%s", Partition, Account, c.object.ID)}
	},
}}
