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

var logGroup = &rule{
	token: LogGroup, args: (*cloudwatch.LogGroupArgs)(nil), resource: (*cloudwatch.LogGroup)(nil), id: byName,
	autoName: "name", maxName: 512, unique: "name", replace: []string{"name", "namePrefix"}, check: checkRetention, prepare: logsMayUse,
	outputs: func(c *call) properties { return properties{"arn": c.regional("logs", "log-group:"+c.object.ID)} },
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func checkRetention(in properties) []schema.Failure {
	if days := in.Number("retentionInDays"); !slices.Contains(retentions, days) {
		return wrong("retentionInDays", "is not one of the periods of CloudWatch Logs")
	}
	return nil
}

var logMetricFilter = &rule{
	token: "aws:cloudwatch/logMetricFilter:LogMetricFilter",
	args:  (*cloudwatch.LogMetricFilterArgs)(nil), resource: (*cloudwatch.LogMetricFilter)(nil), autoName: "name", id: byName,
	replace: []string{"name", "logGroupName"}, refs: []ref{{path: "logGroupName", to: LogGroup, missing: "ResourceNotFoundException"}},
}

var metricAlarm = &rule{
	token: "aws:cloudwatch/metricAlarm:MetricAlarm",
	args:  (*cloudwatch.MetricAlarmArgs)(nil), resource: (*cloudwatch.MetricAlarm)(nil),
	autoName: "name", unique: "name", replace: []string{"name"}, id: byName,
	check: func(in properties) []schema.Failure {
		return exactlyOne(in, "statistic", "extendedStatistic", "metricQueries")
	},
	outputs: func(c *call) properties { return properties{"arn": c.regional("cloudwatch", "alarm:"+c.object.ID)} },
}

var dashboard = &rule{
	token: "aws:cloudwatch/dashboard:Dashboard",
	args:  (*cloudwatch.DashboardArgs)(nil), resource: (*cloudwatch.Dashboard)(nil),
	unique: "dashboardName", replace: []string{"dashboardName"}, id: func(c *call) string { return c.text("dashboardName") },
	check: checkDashboard, outputs: dashboardOutputs,
}

func checkDashboard(in properties) []schema.Failure {
	if body, ok := in["dashboardBody"].(string); ok && !json.Valid([]byte(body)) {
		return wrong("dashboardBody", "is not JSON")
	}
	return nil
}

func dashboardOutputs(c *call) properties {
	return properties{"dashboardArn": fmt.Sprintf("arn:%s:cloudwatch::%s:dashboard/%s", Partition(c.region), Account, c.object.ID)}
}
