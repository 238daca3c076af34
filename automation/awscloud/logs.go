package awscloud

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// logPeriod is how far back logs are searched.
const logPeriod = 24 * time.Hour

// LogLines are the events of the last day in a log group of CloudWatch that hold a text.
func (a *Account) LogLines(ctx context.Context, group, text string) ([]string, error) {
	// A pattern in quotes is a term that is looked for as it is.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: aws.String(strconv.Quote(text)),
		StartTime: aws.Int64(time.Now().Add(-logPeriod).UnixMilli()),
	})
	var lines []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, event := range page.Events {
			lines = append(lines, aws.ToString(event.Message))
		}
	}
	return lines, nil
}
