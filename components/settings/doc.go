// Package settings makes one struct field the only place where a setting is written down.
//
// The field's doc comment describes it and its tags say the rest. From them come the config schema of Pulumi.yaml,
// docs/reference/config.md, the parsing of a stack's config, defaults, and the checks that need no more than one value:
//
//	// Replicas is the number of NGINX pods.
//	Replicas int `pulumi:"replicas,optional" config:"proxyReplicas" default:"3" range:"1..1000"`
//
// The tags are:
//
//   - pulumi: the name in objects and in the schemas of component packages; ",optional" where it may be left out.
//   - config: the key in a stack's config where it is another name; "-" for none; ",inline" on a struct whose fields
//     are keys themselves. Only fields with a pulumi tag are keys.
//   - default: the value that stands for the zero value, as text or JSON.
//   - enum: the values that are possible, with commas between.
//   - range: the least and the greatest number, as 1..450. The zero value of a field without a default is not checked,
//     because it means that nothing is set.
//   - annotation: the annotation of a manifest that decides when the config says nothing; the default comes last.
//   - hardened: the value that Harden puts in where nothing is set, with unless: a field beside it that, when set, keeps it
//     out, and with when: one without which it stays out.
//   - provider:"secret": the value is a secret always. Other values are secrets where the stack's config keeps them
//     encrypted.
//
// Fields may be plain, for what decides which resources exist, or Pulumi inputs such as pulumi.StringInput.
package settings
