package awscloud

import (
	"context"
	"strconv"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// logPeriod is how far back logs are searched.
const logPeriod = 24 * time.Hour

// LogLines are the events of the last day in a log group of CloudWatch that hold a text.
func (a *Account) LogLines(ctx context.Context, group, text string) ([]string, error) {
	var lines []string
	// A pattern in quotes is a term that is looked for as it is.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	reader := LogGroup{Name: group, Pattern: strconv.Quote(text), Since: time.Now().Add(-logPeriod)}
	err := a.ReadLog(ctx, &reader, func(entry logs.Entry) { lines = append(lines, entry.Line) })
	return lines, err
}

// LogGroup is a log group of CloudWatch, and how far it was read.
type LogGroup struct {
	Name string
	// Pattern is a filter pattern; empty takes all events.
	Pattern string
	// Since leaves out what is older.
	Since time.Time
	seen  map[string]time.Time
}

// logDelay is how late events may come: CloudWatch has them some time after they happened, and not in their order.
const logDelay = 2 * time.Minute

// ReadLog gives the events that came since it last read the group.
func (a *Account) ReadLog(ctx context.Context, group *LogGroup, take func(logs.Entry)) error {
	input := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group.Name, StartTime: aws.Int64(group.Since.UnixMilli())}
	if group.Pattern != "" {
		input.FilterPattern = &group.Pattern
	}
	if group.seen == nil {
		group.seen = map[string]time.Time{}
	}
	newest := group.Since
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.logs, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, event := range page.Events {
			at := time.UnixMilli(aws.ToInt64(event.Timestamp))
			if _, known := group.seen[aws.ToString(event.EventId)]; known {
				continue
			}
			group.seen[aws.ToString(event.EventId)] = at
			entry := logs.Parse("", group.Name, aws.ToString(event.Message), at)
			// The event's own time is in milliseconds, the line's in seconds.
			entry.Time = at
			take(entry)
			if at.After(newest) {
				newest = at
			}
		}
	}
	group.forget(newest.Add(-logDelay))
	return nil
}

// forget begins the next reading at a time, and forgets which older events were seen.
func (g *LogGroup) forget(before time.Time) {
	if before.Before(g.Since) {
		return
	}
	g.Since = before
	for id, at := range g.seen {
		if at.Before(before) {
			delete(g.seen, id)
		}
	}
}
