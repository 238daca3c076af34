// Package iamrole makes the IAM roles and users of a stack under one path and within one permissions boundary. Whoever
// deploys the stack then needs permissions on that path alone, and cannot give a role more than the boundary allows:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
package iamrole

import (
	"regexp"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Settings are where roles and users are made, and what bounds them. The zero value is IAM's root path and no boundary.
type Settings struct {
	// Path begins and ends with a slash. It counts when a role or user is made; one that exists stays where it is,
	// because IAM cannot move roles. Default /.
	Path string `pulumi:"path,optional" config:"-"`
	// PermissionsBoundary is the ARN of the policy that bounds what the stack's roles and user may do, whatever their own
	// policies say. `apigw-ingress iam --boundary` prints one.
	PermissionsBoundary pulumi.StringInput `pulumi:"permissionsBoundary,optional"`
}

var (
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	path   = regexp.MustCompile(`^/([!-.0-~]+/)*$`)
	policy = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$`)
)

const maxPathLength = 512

// Validate reports every problem of the settings.
func (s Settings) Validate() error {
	var p settings.Problems
	p.When(s.Path != "" && (!path.MatchString(s.Path) || len(s.Path) > maxPathLength),
		"{Path} %q is not possible: write one such as /team/stack/, up to %d characters", s.Path, maxPathLength)
	p.Malformed("PermissionsBoundary", s.PermissionsBoundary, policy, "arn:aws:iam::111122223333:policy/boundary")
	return p.Err()
}

// existingStay: a role in another path would be another role, and a cluster with another role another cluster.
var existingStay = pulumi.IgnoreChanges([]string{"path"})

// Role declares a role.
func (s Settings) Role(ctx *pulumi.Context, name string, args *iam.RoleArgs, opts ...pulumi.ResourceOption) (*iam.Role, error) {
	args.Path, args.PermissionsBoundary = optional(s.Path), ptr(s.PermissionsBoundary)
	return iam.NewRole(ctx, name, args, append(opts, existingStay)...)
}

// User declares a user.
func (s Settings) User(ctx *pulumi.Context, name string, args *iam.UserArgs, opts ...pulumi.ResourceOption) (*iam.User, error) {
	args.Path, args.PermissionsBoundary = optional(s.Path), ptr(s.PermissionsBoundary)
	return iam.NewUser(ctx, name, args, append(opts, existingStay)...)
}

func optional(value string) pulumi.StringPtrInput {
	if value == "" {
		return nil
	}
	return pulumi.String(value)
}

func ptr(text pulumi.StringInput) pulumi.StringPtrInput {
	if text == nil {
		return nil
	}
	return text.ToStringOutput().ToStringPtrOutput()
}
