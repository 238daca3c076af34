package gateway

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestWeakerAccessOfTheWholeAPI(t *testing.T) {
	routes, err := route.New(route.Table{Routes: []route.Route{{Path: "/", Match: route.Prefix,
		Backend: route.Backend{Namespace: "a", Service: "s", Port: 80}}}}, route.Options{})
	require.NoError(t, err)
	before := Settings{}.Record(routes)
	after := Settings{Access: Access{Mode: AllowList, ClientUser: true,
		ClientARNs: pulumi.ToStringArray([]string{"arn:aws:iam::111122223333:root"})}}.Record(routes)
	require.Equal(t, []string{
		"the whole API: whose identity policy allows the call may call it (accessMode restrict becomes allowList)",
		"the whole API: the stack's client user may call it",
		"the whole API: arn:aws:iam::111122223333:root may call it",
	}, after.WeakerThan(before))
	require.Empty(t, before.WeakerThan(after))
	text, err := after.Text()
	require.NoError(t, err)
	read, err := ParseAccessRecord(text)
	require.NoError(t, err)
	require.Equal(t, after, read)
	_, err = ParseAccessRecord("x")
	require.ErrorContains(t, err, "the record of access")
}
