package deploy

import (
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/stretchr/testify/require"
)

func TestTheStackStaysWhatItIs(t *testing.T) {
	of := func(name, region string) change.Inputs { return change.Inputs{"name": name, "region": region} }
	require.NoError(t, mayBecome(of("shop", "eu-west-1"), of("shop", "eu-west-1")))
	require.NoError(t, mayBecome(change.Inputs{}, of("shop", "eu-west-1")), "a state of before this was recorded")
	err := mayBecome(of("shop", "eu-west-1"), of("store", "us-east-1"))
	require.ErrorContains(t, err, "name cannot change from shop to store")
	require.ErrorContains(t, err, "region cannot change from eu-west-1 to us-east-1")
}
