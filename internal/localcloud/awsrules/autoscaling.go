package awsrules

import (
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
)

// AutoScalingAttachment is the type token of what makes a group's instances targets.
const AutoScalingAttachment = "aws:autoscaling/attachment:Attachment"

var autoScalingAttachment = &rule{
	token: AutoScalingAttachment, args: (*autoscaling.AttachmentArgs)(nil), resource: (*autoscaling.Attachment)(nil),
	id: randomID("asg-attachment-", 20), replace: []string{"autoscalingGroupName", "lbTargetGroupArn", "elb"},
	refs:    []ref{{path: "lbTargetGroupArn", to: TargetGroup, missing: "ValidationError", inUse: "ResourceInUse"}},
	prepare: autoScalingGroupExists, deleted: detach, createTakes: 5 * time.Second, deleteTakes: 15 * time.Second,
}

func autoScalingGroupExists(c *call) error {
	name := c.text("autoscalingGroupName")
	for _, group := range c.store.List(NodeGroup) {
		if AutoScalingGroupOf(group) == name {
			return nil
		}
	}
	return apiError("ValidationError", "AutoScalingGroup name not found - no such group: %s", name)
}

// detach: AWS knows the pair of group and target group, not who attached them, so that one detachment undoes all.
func detach(c *call) error {
	for _, other := range c.store.List(AutoScalingAttachment) {
		if sameInputs(other, c.object, "autoscalingGroupName", "lbTargetGroupArn") {
			if err := c.store.Delete(other); err != nil {
				return err
			}
		}
	}
	return nil
}
