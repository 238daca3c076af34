package iamrole

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/componenttest"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestRolesAndUsersAreBounded(t *testing.T) {
	bounded := Settings{Path: "/shop/prod/", PermissionsBoundary: pulumi.String("arn:aws:iam::111122223333:policy/boundary")}
	require.NoError(t, bounded.Validate())
	graph := componenttest.Run(t, func(ctx *pulumi.Context) error {
		if _, err := bounded.Role(ctx, "r", &iam.RoleArgs{AssumeRolePolicy: pulumi.String("{}")}); err != nil {
			return err
		}
		_, err := bounded.User(ctx, "u", &iam.UserArgs{})
		return err
	})
	const want = `{"path":"/shop/prod/","permissionsBoundary":"arn:aws:iam::111122223333:policy/boundary"}`
	require.JSONEq(t, want, graph.One(t, "aws:iam/role:Role").JSON(t, "path", "permissionsBoundary"))
	require.JSONEq(t, want, graph.One(t, "aws:iam/user:User").JSON(t, "path", "permissionsBoundary"))
}

func TestBadSettings(t *testing.T) {
	require.NoError(t, Settings{}.Validate())
	require.NoError(t, Settings{Path: "/", PermissionsBoundary: pulumi.String("arn:aws-cn:iam::aws:policy/PowerUserAccess")}.Validate())
	for _, path := range []string{"a/", "/a", "//", "/a b/", "/ä/"} {
		require.ErrorContains(t, Settings{Path: path}.Validate(), "Path", path)
	}
	for _, arn := range []string{"boundary", "arn:aws:iam::1:policy/x", "arn:aws:iam::111122223333:role/x",
		"arn:aws:iam::111122223333:policy/*"} {
		require.ErrorContains(t, Settings{PermissionsBoundary: pulumi.String(arn)}.Validate(), "PermissionsBoundary", arn)
	}
}
