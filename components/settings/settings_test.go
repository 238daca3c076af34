package settings

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

type shop struct {
	Name  string       `pulumi:"name,optional" default:"books"`
	Doors int          `pulumi:"doors,optional" default:"2" range:"1..9"`
	Open  bool         `pulumi:"open,optional" default:"true"`
	Kind  kind         `pulumi:"kind,optional" default:"small" enum:"small,large"`
	Key   pulumi.Input `pulumi:"-"`
	Till  till         `pulumi:"till,optional" config:",inline"`
	Roof  *roof        `pulumi:"roof,optional" config:",inline"`
	Rooms []room       `pulumi:"rooms,optional"`
	Plain int
}

type kind string

type till struct {
	Owner pulumi.StringInput      `pulumi:"owner,optional" config:"tillOwner"`
	Hands pulumi.StringArrayInput `pulumi:"hands,optional"`
	Code  pulumi.StringInput      `pulumi:"code,optional" provider:"secret"`
	Stage string                  `pulumi:"stage,optional" default:"prod" annotation:"stage-name"`
}

type roof struct {
	Slates int `pulumi:"slates,optional"`
}

type room struct {
	Name    string            `pulumi:"name"`
	Windows int               `pulumi:"windows,optional" default:"1" range:"1..4"`
	Labels  map[string]string `pulumi:"labels,optional"`
	Limit   *int              `pulumi:"limit,optional"`
}

func from(values map[string]string, secrets ...string) Source {
	s := Source{Get: func(key string) (string, bool) { v, ok := values[key]; return v, ok }}
	s.Secret = func(key string) bool {
		for _, secret := range secrets {
			if secret == key {
				return true
			}
		}
		return false
	}
	for key := range values {
		s.Keys = append(s.Keys, key)
	}
	return s
}

func read(values map[string]string, secrets ...string) (shop, error) {
	var s shop
	err := Read(from(values, secrets...), &s)
	return s, err
}

func TestReadAndComplete(t *testing.T) {
	s, err := read(map[string]string{
		"open": "false", "tillOwner": "ann", "hands": `["bo","cy"]`, "slates": "3", "kind": "large",
		"rooms": `[{"name":"a","labels":{"x":"y"},"limit":0},{"name":"b","windows":3}]`,
	})
	require.NoError(t, err)
	none := 0
	rooms := []room{{Name: "a", Labels: map[string]string{"x": "y"}, Limit: &none}, {Name: "b", Windows: 3}}
	want := shop{Name: "books", Doors: 2, Kind: "large", Roof: &roof{3}, Rooms: rooms}
	want.Till = till{Owner: pulumi.String("ann"), Hands: pulumi.ToStringArray([]string{"bo", "cy"})}
	require.Equal(t, want, s, "an annotation may still name the stage")
	Complete(&s)
	require.Equal(t, "prod", s.Till.Stage)
	require.Equal(t, 1, s.Rooms[0].Windows)
	require.Zero(t, rooms[0].Windows)
	require.False(t, s.Open, "false is a value")
	empty, err := read(nil)
	require.NoError(t, err)
	require.True(t, empty.Open)
	require.Nil(t, empty.Roof, "none of its keys is set")
}

func TestAllProblemsNameTheirKey(t *testing.T) {
	_, err := read(map[string]string{
		"door": "1", "doors": "three", "open": "yes", "hands": `"bo"`, "slates": "1.5", "tillOwner": "ann",
		"rooms": `[{"nam":"a"},{"name":7,"windows":"x","labels":["y"]}]`, "stage": "1",
	}, "doors")
	for _, want := range []string{
		"config door is not known: did you mean doors?", "config doors is a secret", `config open: "yes" is not true or false`,
		`config hands: "bo" is not a list`, "config slates: 1.5 is not a whole number", "config rooms[0]: nam is not known: did you mean name?",
		"config rooms[0]: name is missing", "config rooms[1].name: 7 is not a text", `config rooms[1].windows: "x" is not a whole number`,
		`config rooms[1].labels: ["y"] is not an object`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	s, err := read(map[string]string{"tillOwner": "ann", "hands": `["bo"]`, "code": "1234"}, "tillOwner", "hands")
	require.NoError(t, err)
	for _, value := range []pulumi.Input{s.Till.Owner, s.Till.Hands, s.Till.Code} {
		output, isOutput := value.(pulumi.Output)
		require.True(t, isOutput, "%T is in plain text", value)
		require.True(t, pulumi.IsSecret(output))
	}
}

func TestChecksSpeakOfFieldsOrKeys(t *testing.T) {
	s := shop{Doors: 10, Kind: "huge", Rooms: []room{{}, {Windows: 7}}}
	err := Check(s)
	require.EqualError(t, err, "Doors 10 is not from 1 to 9\nKind \"huge\" is not known: write small or large\nRooms[1].Windows 7 is "+
		"not from 1 to 4")

	var p Problems
	p.In("Shop", err)
	p.When(true, "{Shop.Till.Owner} with {Shop.Roof.Slates} in {braces}")
	p.When(false, "{Shop.Name}")
	p.Add(fmt.Errorf("something else"))
	type street struct {
		Shop shop `pulumi:"shop" config:",inline"`
	}
	require.EqualError(t, InConfig(reflect.TypeFor[street](), p.Err()), `doors 10 is not from 1 to 9
kind "huge" is not known: write small or large
rooms[1].windows 7 is not from 1 to 4
tillOwner with slates in {braces}
something else`)
	require.ErrorContains(t, p.Err(), "Shop.Till.Owner with Shop.Roof.Slates")
}
