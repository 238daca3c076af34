package awscloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// LastUse is when an access key was last used; the zero time is never, as far as IAM has recorded it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func (a *Account) LastUse(ctx context.Context, keyID string) (time.Time, error) {
	found, err := a.users.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &keyID})
	if err != nil || found.AccessKeyLastUsed == nil || found.AccessKeyLastUsed.LastUsedDate == nil {
		return time.Time{}, err
	}
	return *found.AccessKeyLastUsed.LastUsedDate, nil
}
