package settings

import "slices"

// logRetentions are the days for which CloudWatch Logs keeps logs; 0 stands for ever.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentions = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// CheckLogRetention reports days for which CloudWatch Logs does not keep logs.
func CheckLogRetention(field string, days int) error {
	var p Problems
	p.When(!slices.Contains(logRetentions, days), "{"+field+"} %d is not a value of CloudWatch Logs: choose one of %v", days,
		logRetentions[1:])
	return p.Err()
}
